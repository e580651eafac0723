package messages

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/intelliauth/intelliauth/internal/policy"
)

func en() Catalogue { return Load().For("", nil) }

// constantsOf reads the string constants of a file whose names begin so.
func constantsOf(t *testing.T, path, prefix string) map[string]string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 || !strings.HasPrefix(spec.Names[0].Name, prefix) {
			return true
		}
		if value, ok := spec.Values[0].(*ast.BasicLit); ok && value.Kind == token.STRING {
			text, err := strconv.Unquote(value.Value)
			if err != nil {
				t.Fatal(err)
			}
			found[spec.Names[0].Name] = text
		}
		return true
	})
	if len(found) == 0 {
		t.Fatalf("%s has no constants %s…", path, prefix)
	}
	return found
}

// keysOf reads the keys that are declared, save stems, forms and ends.
func keysOf(t *testing.T) []Key {
	t.Helper()
	paths, err := filepath.Glob("keys*.go")
	if err != nil {
		t.Fatal(err)
	}
	var keys []Key
	for _, path := range paths {
		for name, value := range constantsOf(t, path, "") {
			if unicode.IsUpper(rune(name[0])) {
				keys = append(keys, Key(value))
			}
		}
	}
	return keys
}

func TestEveryKeyHasItsText(t *testing.T) {
	c := en()
	keys := keysOf(t)
	if len(keys) < 150 {
		t.Fatalf("read %d keys only", len(keys))
	}
	for _, k := range keys {
		if !c.has(k) && !c.has(k+Other) {
			t.Errorf("%s has no text", k)
		}
	}
}

// missing tells what a language lacks beside English, has beyond it, or says
// otherwise.
func missing(l language) []string {
	have, want := load(english(), l).languages[1].texts, en().texts
	var out []string
	known := map[Key]bool{}
	need := func(k, like Key) {
		known[k] = true
		switch {
		case strings.TrimSpace(have[k]) == "":
			out = append(out, string(k))
		case places(have[k]) != places(want[like]):
			out = append(out, fmt.Sprintf("%s: places %s", k, places(have[k])))
		}
	}
	for _, k := range slices.Sorted(maps.Keys(want)) {
		one, single := strings.CutSuffix(string(k), string(One))
		stem, plural := strings.CutSuffix(string(k), string(Other))
		switch {
		case plural:
			for _, f := range l.forms {
				need(Key(stem)+f, k)
			}
		case single && want[Key(one)+Other] != "":
		default:
			need(k, k)
		}
	}
	for _, k := range slices.Sorted(maps.Keys(have)) {
		if !known[k] {
			out = append(out, string(k)+": not in English")
		}
	}
	return out
}

func places(text string) string {
	found := regexp.MustCompile(`\{[a-z]+\}`).FindAllString(text, -1)
	slices.Sort(found)
	return strings.Join(slices.Compact(found), " ")
}

func TestLanguagesAreComplete(t *testing.T) {
	for _, l := range Load().languages {
		if lacks := missing(l.lang); len(lacks) > 0 {
			t.Errorf("%s: %s", l.lang.tag, strings.Join(lacks, "; "))
		}
		for _, n := range []int{0, 1, 2, 3, 5, 11, 21, 100} {
			if f := l.lang.plural(n); !slices.Contains(l.lang.forms, f) {
				t.Errorf("%s: %d has form %s, which is not listed", l.lang.tag, n, f)
			}
		}
	}
	// The check itself must be able to fail.
	short := english()
	short.tag, short.forms = "xx", []Form{One, Few, Other}
	short.texts = append(short.texts, map[Key]string{
		StepFor: "Weiter zu {app}", StepCancel: " ", WaitHours + Other: "many hours", "step.typo": "x",
	})
	lacks := strings.Join(missing(short), "; ")
	for _, want := range []string{"step.for: places {app}", "step.cancel", "wait.minutes.few", "wait.hours.other: places ;", "step.typo: not in English"} {
		if !strings.Contains(lacks, want) {
			t.Errorf("missing() did not tell of %s: %s", want, lacks)
		}
	}
}

func TestEveryReasonIsWorded(t *testing.T) { everyLanguage(t, reasonsWorded) }

func reasonsWorded(t *testing.T, c Catalogue) {
	for _, r := range []policy.Reason{
		policy.RequestedLevel, policy.RequestedRecency, policy.ApplicationFloor, policy.ApplicationPolicy, policy.GroupPolicy, policy.PolicyAlways, policy.Enrolled,
		policy.ScopeStepUp, policy.ManageFactors, policy.RiskMedium, policy.RiskHigh, policy.Unreachable, policy.EnrolmentDue,
	} {
		text, ok := c.Reason(string(r), "application", "Shop", "tenant", "Acme")
		if !ok || strings.Contains(text, "{") {
			t.Errorf("%s: %q", r, text)
		}
	}
	if text, ok := c.Reason("no-such-reason"); ok {
		t.Errorf("an unknown reason says %q", text)
	}
}

func TestFactorsAreWordedGenerically(t *testing.T) {
	c := en()
	for _, factor := range []string{"password", "totp", "identifier"} {
		if w := c.Prompt(factor, "tenant", "Acme"); w.Title == "" || w.Label == "" || w.Submit == "" {
			t.Errorf("%s: %+v", factor, w)
		}
	}
	w := c.Enrolment("knock")
	if w.Title != "Set up knock" || w.Choose != "knock" || w.Label == "" || w.Submit == "" {
		t.Errorf("a factor without wording: %+v", w)
	}
	// A factor with wording of its own does not borrow the generic one's.
	if lead := c.Prompt("password").Lead; lead != "" {
		t.Errorf("password borrowed %q", lead)
	}
	if name := c.Factor("totp"); name != "Authenticator app" {
		t.Errorf("totp is called %q", name)
	}
	if got := c.Field("phone") + "/" + c.Field("shoe size"); got != "Mobile phone number/shoe size" {
		t.Errorf("fields: %q", got)
	}
}

func TestErrorsTellTheWaitTruthfully(t *testing.T) {
	c := en()
	for _, test := range []struct {
		code string
		wait time.Duration
		want string
	}{
		{"too_many_attempts", 30 * time.Second, "There were too many attempts. Please wait 30 seconds."},
		{"too_many_attempts", 500 * time.Millisecond, "There were too many attempts. Please wait 1 second."},
		{"too_many_attempts", 2*time.Minute + time.Second, "There were too many attempts. Please wait 3 minutes."},
		{"too_many_attempts", 90*time.Minute + 1, "There were too many attempts. Please wait 2 hours."},
		{"too_many_attempts", 0, "There were too many attempts. Please try again later, or use another way."},
		{"code_invalid", time.Minute, "That code is not right. Please check it and enter it again."},
		{"no_such_code", 0, "That did not work. Please try again."},
	} {
		if got := c.Error(test.code, nil, test.wait); got != test.want {
			t.Errorf("%s after %s: %q, want %q", test.code, test.wait, got, test.want)
		}
	}
}

func TestErrorsCount(t *testing.T) {
	c := en()
	got := c.Error("password_too_short", map[string]string{"min": "15"}, 0)
	if !strings.HasPrefix(got, "Please use at least 15 characters.") {
		t.Errorf("too short: %q", got)
	}
	if got := c.Error("password_too_long", map[string]string{"max": "1"}, 0); got != "Please use at most 1 character." {
		t.Errorf("too long: %q", got)
	}
	for _, code := range []string{"password_invalid", "password_common", "password_contains_name", "password_repeated", "password_sequence"} {
		if got := c.Error(code, nil, 0); got == c.Error("no_such_code", nil, 0) {
			t.Errorf("%s has no words", code)
		}
	}
}

func TestMoment(t *testing.T) {
	at := time.Date(2026, 3, 8, 9, 5, 0, 0, time.UTC)
	german := Load().For("de", nil)
	for _, test := range []struct {
		c    Catalogue
		zone *time.Location
		want Instant
	}{
		{en(), time.UTC, Instant{"2026-03-08T09:05:00Z", "8 March 2026, 09:05 UTC"}},
		{german, time.UTC, Instant{"2026-03-08T09:05:00Z", "8. März 2026, 09:05 Uhr (UTC)"}},
		{german, time.FixedZone("MEZ", 3600), Instant{"2026-03-08T10:05:00+01:00", "8. März 2026, 10:05 Uhr (MEZ)"}},
		{en(), time.FixedZone("", 19800), Instant{"2026-03-08T14:35:00+05:30", "8 March 2026, 14:35 UTC+05:30"}},
		{en(), time.FixedZone("-03", -10800), Instant{"2026-03-08T06:05:00-03:00", "8 March 2026, 06:05 UTC-03:00"}},
		{en(), time.FixedZone("", 0), Instant{"2026-03-08T09:05:00Z", "8 March 2026, 09:05 UTC"}},
	} {
		if got := test.c.Instant(at.In(test.zone)); got != test.want || test.c.Moment(at.In(test.zone)) != test.want.Human {
			t.Errorf("%+v, want %+v", got, test.want)
		}
	}
	before, moment, after := german.Timed(AccountApplicationUntil, at)
	if before != "Längstens bis zum " || moment.Human != german.Moment(at) || after != "" {
		t.Errorf("%q %+v %q", before, moment, after)
	}
	if before, moment, after := en().Timed(JoinTitle, at, "tenant", "{moment}"); before != "Join {moment}" || moment.Human != "" || after != "" {
		t.Errorf("%q %+v %q", before, moment, after)
	}
}

func TestScopes(t *testing.T) {
	c := en()
	if text, ok := c.Scope("openid"); ok {
		t.Errorf("openid says %q", text)
	}
	if text, _ := c.Scope("me:factors"); text != "Change your sign-in methods" {
		t.Errorf("me:factors: %q", text)
	}
	if text, _ := c.Scope("x:y"); text != "Use the permission “x:y”" {
		t.Errorf("a scope of an application's own: %q", text)
	}
}

// TestH46_NamesStayNames: what strangers chose cannot turn a sentence around,
// break its line, or pass for a place in it.
func TestH46_NamesStayNames(t *testing.T) {
	c := en()
	for _, test := range []struct{ name, want string }{
		{"Shop", "Continue to Shop"},
		{"{tenant}", "Continue to {tenant}"},
		{"a\r\nBcc: x", "Continue to a Bcc: x"},
		{"\u202eevil\u202c", "Continue to evil"},
		{"\u2066x\u2069\u200f\u061c", "Continue to x"},
		{"zero\u200bwidth\ufeff", "Continue to zerowidth"},
		{"tag\U000e0041", "Continue to tag"},
		{"\x00\x1b[31mred\x7f", "Continue to [31mred"},
		{"<b>&amp;", "Continue to <b>&amp;"},
		{"חנות", "Continue to \u2068חנות\u2069"},
		{"  ", "Continue to "},
		{strings.Repeat("x", 500), "Continue to " + strings.Repeat("x", 96) + "\u2068"},
	} {
		got := c.Text(StepFor, "application", test.name, "tenant", "WRONG")
		if strings.HasPrefix(test.want, "Continue to xxx") {
			if len([]rune(got)) > 12+96+3 || !strings.HasSuffix(got, "…\u2069") {
				t.Errorf("a long name: %q", got)
			}
			continue
		}
		if got != test.want {
			t.Errorf("%q: %q, want %q", test.name, got, test.want)
		}
	}
}

func TestRightToLeftIsolatesEveryName(t *testing.T) {
	l := english()
	l.tag, l.dir = "ar", "rtl"
	c := load(english(), l).For("", []string{"ar"})
	if got := c.Text(StepFor, "application", "Shop"); got != "Continue to \u2068Shop\u2069" || c.Dir() != "rtl" || c.Lang() != "ar" {
		t.Errorf("%q %s %s", got, c.Dir(), c.Lang())
	}
}

func FuzzClean(f *testing.F) {
	f.Add("a\u202eb\xff")
	f.Fuzz(func(t *testing.T, s string) {
		got := Clean(s)
		if strings.ContainsFunc(got, func(r rune) bool { return turns(r) || unicode.IsControl(r) || r == '\u2028' }) || len([]rune(got)) > maxName+2 {
			t.Errorf("%q became %q", s, got)
		}
		if again := Clean(got); len([]rune(got)) <= maxName && again != got {
			t.Errorf("%q is not stable: %q", got, again)
		}
	})
}
