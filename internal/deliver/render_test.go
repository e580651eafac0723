package deliver

import (
	"go/ast"
	"go/parser"
	"go/token"
	"html"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/messages"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func tenant() identity.Tenant {
	return identity.Tenant{
		ID: "acme", Issuer: "https://login.acme.example:8443", Name: "Acme", Branding: identity.Branding{Accent: "#8a3b12"},
	}
}

func letterOf(kind string) identity.Message {
	m := identity.Message{
		ID: "msg_1", Kind: kind, Channel: identity.ChannelEmail, To: "ada@example.com", Name: "Ada", At: noon, Expires: noon.Add(10 * time.Minute),
		Args: map[string]string{"at": noon.Format(time.RFC3339), "place": "Paris, France", "device": "Firefox on Linux", "factor": "totp", "application": "Shop", "until": noon.Format(time.RFC3339)},
	}
	if coded(kind) {
		m.Code = "482913"
	}
	if kind == identity.MessageInvite || strings.HasPrefix(kind, "notice.factor_added") {
		m.Args["link"] = "https://login.acme.example:8443/account/not-me?token=abc&x=1"
	}
	return m
}

func coded(kind string) bool {
	return strings.HasPrefix(kind, "code.") || strings.HasPrefix(kind, "ticket.") && kind != identity.MessageRegistered
}

// kinds reads identity's constants, so that a new one cannot be forgotten here.
func kinds(t *testing.T) (out []string) {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), "../identity/message.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(f, func(n ast.Node) bool {
		if v, ok := n.(*ast.ValueSpec); ok && strings.HasPrefix(v.Names[0].Name, "Message") {
			s, err := strconv.Unquote(v.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, s)
		}
		return true
	})
	if len(out) < 18 {
		t.Fatalf("only %d kinds found", len(out))
	}
	return out
}

func render(t *testing.T, tn identity.Tenant, m identity.Message) Rendered {
	t.Helper()
	r, err := Render(messages.Load(), tn, m)
	if err != nil {
		t.Fatalf("%s by %s: %v", m.Kind, m.Channel, err)
	}
	return r
}

// shown is what a person reads of a page, as words.
func shown(page string) string {
	page = regexp.MustCompile(`(?s)<div aria-hidden="true".*?</div>`).ReplaceAllString(page, " ")
	page = regexp.MustCompile(`(?s)<(head|style|script).*?</(head|style|script)>`).ReplaceAllString(page, " ")
	page = html.UnescapeString(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(page, " "))
	return strings.Join(strings.Fields(page), " ")
}

// TestEveryKindIsRendered: each kind has words by each channel; mail says the
// same as text and as HTML, names the tenant, and holds nothing unfilled.
func TestEveryKindIsRendered(t *testing.T) {
	for _, kind := range kinds(t) {
		m := letterOf(kind)
		r := render(t, tenant(), m)
		text := strings.Join(strings.Fields(strings.Replace(r.Text, "\n-- \n", "\n", 1)), " ")
		if got := shown(r.HTML); got != text {
			t.Errorf("%s: the page says\n%s\nthe text says\n%s", kind, got, text)
		}
		m.Channel = identity.ChannelSMS
		sms := render(t, tenant(), m)
		if sms.Subject != "" || sms.HTML != "" {
			t.Errorf("%s: a text message with more than a text: %+v", kind, sms)
		}
		for what, s := range map[string]string{"subject": r.Subject, "text": r.Text, "page": r.HTML, "sms": sms.Text} {
			if s == "" || strings.ContainsAny(s, "{}") || strings.Contains(s, "mail.") || strings.Contains(s, "sms.") || strings.Contains(s, "no value") {
				t.Errorf("%s: %s is %q", kind, what, s)
			}
			if !strings.Contains(s, "Acme") {
				t.Errorf("%s: %s does not name the service", kind, what)
			}
		}
		for what, s := range map[string]string{"text": r.Text, "page": r.HTML, "sms": sms.Text} {
			if coded(kind) != strings.Contains(s, "482913") {
				t.Errorf("%s: %s has a code, or lacks it: %s", kind, what, s)
			}
			if want := m.Args["link"]; want != "" && !strings.Contains(html.UnescapeString(s), want) {
				t.Errorf("%s: %s lacks its link", kind, what)
			}
		}
	}
}

// TestO07_CodeIsNotInSubjectOrPreview: the code comes neither in the subject nor
// in what a mailbox shows beside it, nor in an address, and the mail says what,
// when and where.
func TestO07_CodeIsNotInSubjectOrPreview(t *testing.T) {
	for _, kind := range kinds(t) {
		if !coded(kind) {
			continue
		}
		r := render(t, tenant(), letterOf(kind))
		if strings.Contains(r.Subject, "482913") {
			t.Errorf("%s: %s", kind, r.Subject)
		}
		body := r.HTML[strings.Index(r.HTML, "<body"):]
		visible := []rune(strings.Join(strings.Fields(html.UnescapeString(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(body, " "))), " "))
		if i := strings.Index(string(visible), "482913"); i < 0 || len([]rune(string(visible)[:i])) < 200 {
			t.Errorf("%s: the code is %d characters into the preview", kind, i)
		}
		if strings.Contains(r.HTML[:strings.Index(r.HTML, "<body")], "482913") {
			t.Errorf("%s: the code is in the head", kind)
		}
		for _, a := range regexp.MustCompile(`(href|src|action)="[^"]*"`).FindAllString(r.HTML, -1) {
			if strings.Contains(a, "482913") {
				t.Errorf("%s: %s", kind, a)
			}
		}
		for _, fact := range []string{"23 November 2026, 12:00 UTC", "Paris, France", "Firefox on Linux"} {
			if !strings.Contains(r.Text, fact) {
				t.Errorf("%s does not say %s", kind, fact)
			}
		}
	}
}

// TestMailHoldsNothingRemote: nothing is loaded when a mail is opened, and no
// style reaches beyond its element.
func TestMailHoldsNothingRemote(t *testing.T) {
	for _, kind := range kinds(t) {
		page := render(t, tenant(), letterOf(kind)).HTML
		for _, bad := range []string{"<img", "<style", "<link", "<script", "<iframe", "url(", "src=", "@import", "<form", "<object", "background="} {
			if strings.Contains(page, bad) {
				t.Errorf("%s: the mail has %s", kind, bad)
			}
		}
		if strings.Contains(page, "ZgotmplZ") || !strings.Contains(page, "background-color:#8a3b12") {
			t.Errorf("%s: the tenant's colour is not there", kind)
		}
	}
}

// TestO05_TextEndsInTheBoundLine: the last line is the origin's host without
// scheme and port, one space, and the code; the words stand before it, with the
// warning.
func TestO05_TextEndsInTheBoundLine(t *testing.T) {
	for _, test := range []struct{ issuer, line string }{
		{"https://login.acme.example", "@login.acme.example #482913"},
		{"https://login.acme.example:8443", "@login.acme.example #482913"},
		{"http://localhost:8080", "@localhost #482913"},
	} {
		for _, kind := range kinds(t) {
			m, tn := letterOf(kind), tenant()
			m.Channel, tn.Issuer = identity.ChannelSMS, test.issuer
			text := render(t, tn, m).Text
			lines := strings.Split(text, "\n")
			last := lines[len(lines)-1]
			if !coded(kind) {
				if strings.ContainsAny(text, "@#") {
					t.Errorf("%s holds no code, but %q", kind, text)
				}
				continue
			}
			if last != test.line {
				t.Errorf("%s: the last line is %q, want %q", kind, last, test.line)
			}
			if before := strings.Join(lines[:len(lines)-1], " "); !strings.Contains(before, "482913") || !strings.Contains(before, "Keep it to yourself") {
				t.Errorf("%s: before it stands %q", kind, before)
			}
		}
	}
	tn, m := tenant(), letterOf(identity.MessageCode)
	tn.Issuer, m.Channel = "", identity.ChannelSMS
	if r, err := Render(messages.Load(), tn, m); err == nil {
		t.Errorf("a tenant without a host: %q", r.Text)
	}
}

// TestH46_NamesAreText: whatever a name or a tenant's name holds, it is text in
// one place of a mail.
func TestH46_NamesAreText(t *testing.T) {
	for _, evil := range []string{
		"x\r\nBcc: victim@example.com\r\n\r\nHi", "{{.Number}}", "{{template \"x\"}}", "${code}", "{code}", "{tenant}", `<script>alert(1)</script>`,
		`"><img src=x>`, "\u202egnp.exe", "</p></td><h1>", "javascript:alert(1)", "a\n@evil.example #111111",
	} {
		for _, channel := range []string{identity.ChannelEmail, identity.ChannelSMS} {
			m, tn := letterOf(identity.MessageCode), tenant()
			m.Name, tn.Name, m.Channel = evil, evil, channel
			m.Args["place"], m.Args["device"] = evil, evil
			r := render(t, tn, m)
			plain := render(t, tenant(), func() identity.Message { m := letterOf(identity.MessageCode); m.Channel = channel; return m }())
			if strings.ContainsAny(r.Subject, "\r\n\u202e") || strings.Contains(r.HTML+r.Text, "\u202e") {
				t.Errorf("%q: subject %q", evil, r.Subject)
			}
			if got, want := strings.Count(r.Text, "\n"), strings.Count(plain.Text, "\n"); got != want {
				t.Errorf("%q: %d lines instead of %d:\n%s", evil, got, want, r.Text)
			}
			if got, want := strings.Count(r.HTML, "<"), strings.Count(plain.HTML, "<"); got != want {
				t.Errorf("%q: %d tags instead of %d", evil, got, want)
			}
			if got, want := strings.Count(r.HTML+r.Text, "482913"), strings.Count(plain.HTML+plain.Text, "482913"); got != want {
				t.Errorf("%q: the code stands %d times instead of %d", evil, got, want)
			}
			if channel == identity.ChannelSMS && !strings.HasSuffix(r.Text, "\n@login.acme.example #482913") {
				t.Errorf("%q: %q", evil, r.Text)
			}
		}
	}
}

// What cannot be put into words is not sent at all.
func TestRenderRefuses(t *testing.T) {
	for name, change := range map[string]func(*identity.Message){
		"a kind without words": func(m *identity.Message) { m.Kind = "no.such" },
		"a script for a link":  func(m *identity.Message) { m.Args["link"] = "javascript:alert(1)" },
		"a link in two lines":  func(m *identity.Message) { m.Args["link"] = "https://a.example/\r\nBcc: x" },
		"a link to nowhere":    func(m *identity.Message) { m.Args["link"] = "/account" },
	} {
		for _, channel := range []string{identity.ChannelEmail, identity.ChannelSMS} {
			m := letterOf(identity.MessageFactorAdded)
			m.Channel = channel
			change(&m)
			if r, err := Render(messages.Load(), tenant(), m); err == nil {
				t.Errorf("%s by %s: %+v", name, channel, r)
			} else if strings.Contains(err.Error(), "alert") || strings.Contains(err.Error(), "Bcc") {
				t.Errorf("%s: the error repeats it: %v", name, err)
			}
		}
	}
}

func TestRenderWithoutAName(t *testing.T) {
	m, tn := letterOf(identity.MessageCode), tenant()
	m.Name, m.Expires, m.Args, tn.Branding = "", time.Time{}, map[string]string{}, identity.Branding{}
	r := render(t, tn, m)
	if !strings.HasPrefix(r.Text, "Hello,\n") || !strings.Contains(r.HTML, accentDefault) || !strings.Contains(r.Text, "1440 minutes") {
		t.Errorf("%s", r.Text)
	}
}

// TestX03_ButtonsCanBeRead holds that the label on a tenant's colour is black or
// white, whichever contrasts more.
func TestX03_ButtonsCanBeRead(t *testing.T) {
	for colour, want := range map[string]string{
		"#000000": "#ffffff", "#ffffff": "#000000", "#8a3b12": "#ffffff", "#3350d4": "#ffffff", "#f0a070": "#000000", "#ffee00": "#000000", "red": "#ffffff",
	} {
		if got := on(colour); got != want {
			t.Errorf("on %s: %s", colour, got)
		}
	}
}

// TestO13_MailboxIsOneAddress.
func TestO13_MailboxIsOneAddress(t *testing.T) {
	for _, bad := range []string{
		"", "ada", "a@b.example, c@d.example", "Ada <ada@example.com>", "<ada@example.com>", "ada@example.com\r\nBcc: x@example.com",
		"ada@example.com\n", " ada@example.com", "ada@example.com (comment)", "group: a@b.example;", "\"a\r\nb\"@example.com",
	} {
		if a, ok := mailbox(bad); ok {
			t.Errorf("%q was taken as %v", bad, a)
		}
	}
	for _, good := range []string{"ada@example.com", "ada+tag@example.com", "o'neill@example.com", "üml@example.com"} {
		if a, ok := mailbox(good); !ok || a.Address != good {
			t.Errorf("%q: %v %v", good, a, ok)
		}
	}
}

func FuzzRender(f *testing.F) {
	f.Add("Ada", "Acme", "482913", "Paris")
	f.Add("{{.}}", "\u202e</p>", "<b>", "\r\n")
	words := messages.Load()
	all := []string{identity.MessageCode, identity.MessageFactorAdded, identity.MessageInvite}
	f.Fuzz(func(t *testing.T, name, service, code, place string) {
		for i, kind := range all {
			m, tn := letterOf(kind), tenant()
			m.Name, tn.Name, m.Code, m.Args["place"] = name, service, code, place
			m.Channel = []string{identity.ChannelEmail, identity.ChannelSMS}[(len(name)+i)%2]
			r, err := Render(words, tn, m)
			if err != nil && messages.Clean(code) == "" {
				continue // a text of a code without one is not sent
			}
			if err != nil {
				t.Fatal(err)
			}
			if strings.ContainsAny(r.Subject, "\r\n") || strings.Contains(r.HTML, "ZgotmplZ") || slices.Contains([]string{r.Text}, "") {
				t.Errorf("%+v", r)
			}
		}
	})
}

func words() *messages.Catalogues { return messages.Load() }
