package recovery

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/intelliauth/intelliauth/internal/assurance"
	"github.com/intelliauth/intelliauth/internal/factor"
	"github.com/intelliauth/intelliauth/internal/factor/factortest"
	"github.com/intelliauth/intelliauth/internal/identity"
)

// paper is the sheet in a person's drawer: another code is read off each second.
type paper struct {
	codes []string
	word  string // what confirms; "" for the first code
}

func (p *paper) Enrol(c factor.Challenge, _ time.Time) factor.Response {
	p.codes = c.Prompt.Codes
	if p.word == "" {
		return factor.Response{Value: p.codes[0]}
	}
	return factor.Response{Value: p.word}
}

func (p *paper) Answer(_ factor.Challenge, at time.Time) factor.Response {
	return factor.Response{Value: p.codes[1+int(at.Unix())%(len(p.codes)-1)]}
}

func (p *paper) Misenrol(factor.Challenge, time.Time) factor.Response {
	return factor.Response{Value: "Kept?"}
}

func (p *paper) Misanswer(c factor.Challenge, at time.Time) factor.Response {
	code := p.Answer(c, at).Value
	last := "0"
	if strings.HasSuffix(code, "0") {
		last = "2"
	}
	return factor.Response{Value: code[:len(code)-1] + last}
}

func TestContract(t *testing.T) {
	for what, word := range map[string]string{"kept": kept, "confirmed by a code": ""} {
		t.Run(what, func(t *testing.T) {
			factortest.Run(t, func(*testing.T) factortest.Harness {
				return factortest.Harness{
					New: func(now func() time.Time, random io.Reader) (factor.Factor, error) {
						return New(Options{Now: now, Random: random})
					},
					Authenticator: func() factortest.Authenticator { return &paper{word: word} },
					EnrolmentLife: life, SignInLife: life, Step: time.Second,
				}
			})
		})
	}
}

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// drawer is a factor, Ada, and her codes.
type drawer struct {
	*testing.T
	f     *Factor
	at    time.Time
	sub   factor.Subject
	codes []string
}

func newDrawer(t *testing.T) *drawer {
	t.Helper()
	d := &drawer{T: t, at: start}
	f, err := New(Options{Now: func() time.Time { return d.at }, Random: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	d.f = f
	d.sub = factor.Subject{Tenant: identity.Tenant{ID: "tnt_a"}, User: &identity.User{ID: "usr_ada"}}
	d.enrol(kept)
	return d
}

func (d *drawer) enrol(word string) {
	d.Helper()
	c, err := d.f.BeginEnrolment(d.sub, factor.Asked{})
	if err != nil {
		d.Fatal(err)
	}
	d.codes = c.Prompt.Codes
	got, err := d.f.FinishEnrolment(d.sub, c, factor.Response{Value: word})
	if err != nil {
		d.Fatal(err)
	}
	if got.Lookup != nil || got.Proof != (assurance.Proof{}) {
		d.Errorf("keeping codes showed %+v", got)
	}
	d.sub.Enrolments = []identity.Enrolment{{ID: "enr_1", User: "usr_ada", Factor: name, Data: got.Data}}
}

// judge finishes a new challenge and keeps nothing.
func (d *drawer) judge(typed string) (factor.Outcome, error) {
	d.Helper()
	c, err := d.f.Begin(d.sub)
	if err != nil {
		d.Fatal(err)
	}
	return d.f.Finish(d.sub, c, factor.Response{Value: typed})
}

// redeem keeps the new data as the engine does.
func (d *drawer) redeem(typed string) error {
	d.Helper()
	out, err := d.judge(typed)
	if err == nil {
		d.sub.Enrolments[0].Data = out.Data
	}
	return err
}

func (d *drawer) wantLeft(n int) {
	d.Helper()
	if got := d.f.Left(d.sub.Enrolments[0]); got != n {
		d.Errorf("%d codes left, want %d", got, n)
	}
}

func wantCode(t *testing.T, what string, err error, code string) {
	t.Helper()
	var why *factor.Refusal
	if !errors.As(err, &why) || why.Code != code || !errors.Is(err, factor.ErrWrong) {
		t.Errorf("%s: %v, want the refusal %s", what, err, code)
	}
}

func TestN53_TenCodesOf120Bits(t *testing.T) {
	d := newDrawer(t)
	form := regexp.MustCompile(`^([0-9A-HJKMNP-TV-Z]{4}-){5}[0-9A-HJKMNP-TV-Z]{4}$`)
	seen := map[string]bool{}
	for range 100 {
		d.enrol(kept)
		for _, code := range d.codes {
			if !form.MatchString(code) || seen[code] {
				t.Fatalf("code %s", code)
			}
			seen[code] = true
		}
		if len(d.codes) != 10 {
			t.Fatalf("%d codes", len(d.codes))
		}
	}
	f := d.f.Facts()
	if f.Space != 0 || f.Max != 1 || !f.Replaces || !f.Follows || f.AMR != "recovery" || f.Class != assurance.LookUp {
		t.Errorf("%+v", f)
	}
}

// What is kept, and what a challenge keeps until then, is no code (N-51).
func TestN51_OnlyHashesAreKept(t *testing.T) {
	d := newDrawer(t)
	c, err := d.f.BeginEnrolment(d.sub, factor.Asked{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := d.f.FinishEnrolment(d.sub, c, factor.Response{Value: kept})
	if err != nil {
		t.Fatal(err)
	}
	for _, code := range c.Prompt.Codes {
		plain, _ := factor.ReadLetters(code, length)
		for _, form := range []string{code, plain, strings.ToLower(plain)} {
			if bytes.Contains(c.State, []byte(form)) || bytes.Contains(got.Data, []byte(form)) {
				t.Fatal("a code is kept as it is")
			}
		}
	}
	// The same code on two sheets has two hashes.
	a, _ := newSheet(bytes.NewReader(bytes.Repeat([]byte{1}, keyBytes)))
	b, _ := newSheet(bytes.NewReader(bytes.Repeat([]byte{2}, keyBytes)))
	if a.hash("X") == b.hash("X") {
		t.Error("a code's hash tells on which other sheet it is")
	}
}

func TestN50_EveryCodeOnce(t *testing.T) {
	d := newDrawer(t)
	for i, code := range d.codes {
		d.wantLeft(10 - i)
		if err := d.redeem(code); err != nil {
			t.Fatalf("code %d: %v", i, err)
		}
		for _, used := range d.codes[:i+1] {
			wantCode(t, "a used code", d.redeem(used), "code_invalid")
		}
	}
	d.wantLeft(0)
	wantCode(t, "with none left", d.redeem(d.codes[0]), "code_invalid")
	// A used place is all zero; nothing is its hash, the empty code least of all.
	for _, typed := range []string{"", strings.Repeat("0", length)} {
		wantCode(t, "an empty sheet", d.redeem(typed), "code_invalid")
	}
}

func TestReadOffPaper(t *testing.T) {
	sloppy := strings.NewReplacer("0", "o", "1", "l", "-", " ")
	for what, write := range map[string]func(string) string{
		"lower case":   strings.ToLower,
		"no hyphens":   func(s string) string { return strings.ReplaceAll(s, "-", "") },
		"look-alikes":  sloppy.Replace,
		"spaces about": func(s string) string { return "  " + s + "\n" },
		"a dash":       func(s string) string { return strings.ReplaceAll(s, "-", "\u2013") },
	} {
		d := newDrawer(t)
		for _, code := range d.codes {
			if err := d.redeem(write(code)); err != nil {
				t.Errorf("%s: %v", what, err)
			}
		}
		d.wantLeft(0)
	}
	d := newDrawer(t)
	for _, typed := range []string{d.codes[0][:28], d.codes[0] + "2", d.codes[0] + d.codes[1], strings.Repeat("-", 20_000) + d.codes[0], "\xff" + d.codes[0]} {
		wantCode(t, "not a code", d.redeem(typed), "code_invalid")
	}
	d.wantLeft(10)
}

func TestEnrolmentIsConfirmed(t *testing.T) {
	d := newDrawer(t)
	c, err := d.f.BeginEnrolment(d.sub, factor.Asked{})
	if err != nil {
		t.Fatal(err)
	}
	if c.Prompt.Input != "" || len(c.Send) != 0 {
		t.Errorf("%+v", c.Prompt)
	}
	for _, typed := range []string{"", "Kept", "no", "keptkept", d.codes[0], "0"} {
		_, err := d.f.FinishEnrolment(d.sub, c, factor.Response{Value: typed})
		wantCode(t, "confirmed with "+typed, err, "code_kept")
	}
	got, err := d.f.FinishEnrolment(d.sub, c, factor.Response{Value: strings.ToLower(c.Prompt.Codes[3])})
	if err != nil {
		t.Fatal(err)
	}
	d.sub.Enrolments[0].Data = got.Data
	d.wantLeft(9) // a code that was typed has been used (T-04)
	wantCode(t, "the confirming code", d.redeem(c.Prompt.Codes[3]), "code_invalid")
	wantCode(t, "a code of the sheet before", d.redeem(d.codes[0]), "code_invalid")
}

// H-06: judged from the same data, both are accepted and both new data lack the
// one code: a compare-and-swap keeps one of them. Judged again from what the
// winner left, the loser is refused.
func TestH06_TwoRedemptionsOfOneState(t *testing.T) {
	d := newDrawer(t)
	base := slices.Clone(d.sub.Enrolments[0].Data)
	first, err1 := d.judge(d.codes[4])
	second, err2 := d.judge(d.codes[4])
	if err1 != nil || err2 != nil || !bytes.Equal(first.Data, second.Data) || bytes.Equal(first.Data, base) {
		t.Fatalf("%v, %v: the swap would not tell them apart", err1, err2)
	}
	if !bytes.Equal(d.sub.Enrolments[0].Data, base) {
		t.Error("judging changed what it was given")
	}
	d.sub.Enrolments[0].Data = first.Data
	wantCode(t, "the loser, judged again", d.redeem(d.codes[4]), "code_invalid")
	// Two different codes of one state: whichever is kept first, the other, judged
	// again, takes its own place only.
	if err := d.redeem(d.codes[5]); err != nil {
		t.Error(err)
	}
	d.wantLeft(8)
}

func TestLeftOfWhatCannotBeRead(t *testing.T) {
	d := newDrawer(t)
	e := d.sub.Enrolments[0]
	for _, bad := range [][]byte{nil, {}, e.Data[:len(e.Data)-1], append(slices.Clone(e.Data), 0), append([]byte{2}, e.Data[1:]...)} {
		e.Data = bad
		if n := d.f.Left(e); n != 0 {
			t.Errorf("%d codes left in %d bytes", n, len(bad))
		}
	}
	other := d.sub.Enrolments[0]
	other.Factor = "totp"
	if n := d.f.Left(other); n != 0 {
		t.Errorf("%d codes left of another factor", n)
	}
	var _ factor.Counter = d.f
}

func TestNewWantsClockAndRandomness(t *testing.T) {
	for _, o := range []Options{{}, {Now: time.Now}, {Random: rand.Reader}} {
		if _, err := New(o); err == nil {
			t.Errorf("%+v", o)
		}
	}
}

// Nothing typed panics or is taken for a code that it is not.
func FuzzFinish(f *testing.F) {
	at := func() time.Time { return start }
	fac, err := New(Options{Now: at, Random: rand.Reader})
	if err != nil {
		f.Fatal(err)
	}
	s := factor.Subject{User: &identity.User{ID: "usr_ada"}}
	c, err := fac.BeginEnrolment(s, factor.Asked{})
	if err != nil {
		f.Fatal(err)
	}
	got, err := fac.FinishEnrolment(s, c, factor.Response{Value: kept})
	if err != nil {
		f.Fatal(err)
	}
	s.Enrolments = []identity.Enrolment{{ID: "enr_1", User: "usr_ada", Factor: name, Data: got.Data}}
	f.Add(c.Prompt.Codes[0])
	f.Add(strings.ToLower(c.Prompt.Codes[9]) + " ")
	f.Add("\x00\u202e")
	f.Fuzz(func(t *testing.T, typed string) {
		begun, err := fac.Begin(s)
		if err != nil {
			t.Fatal(err)
		}
		_, err = fac.Finish(s, begun, factor.Response{Value: typed})
		plain, ok := factor.ReadLetters(typed, length)
		right := ok && slices.Contains(c.Prompt.Codes, factor.Grouped(plain))
		if (err == nil) != right || err != nil && !errors.Is(err, factor.ErrWrong) {
			t.Fatalf("%q: %v", typed, err)
		}
	})
}

func BenchmarkFinish(b *testing.B) {
	f, err := New(Options{Now: func() time.Time { return start }, Random: rand.Reader})
	if err != nil {
		b.Fatal(err)
	}
	s := factor.Subject{User: &identity.User{ID: "usr_ada"}}
	c, err := f.Begin(s)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := f.Finish(s, c, factor.Response{Value: "ABCD-EFGH-JKMN-PQRS-TVWX-YZ01"}); err == nil {
			b.Fatal("accepted")
		}
	}
}
