package web

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/intelliauth/intelliauth/internal/flow"
)

// ceremonies are the forms of a page that the script fills.
func (p page) ceremonies() []*html.Node {
	var out []*html.Node
	for _, form := range p.elements("form") {
		if has(form, "data-ceremony") {
			out = append(out, form)
		}
	}
	return out
}

func within(form *html.Node, match func(*html.Node) bool) *html.Node {
	for n := range form.Descendants() {
		if n.Type == html.ElementNode && match(n) {
			return n
		}
	}
	return nil
}

func named(name string) func(*html.Node) bool {
	return func(n *html.Node) bool { return n.Data == "input" && attr(n, "name") == name }
}

// TestX09_PasskeysNeedAScriptAndSaySo: before the script has run, the page says
// that it is needed, shows no button that does nothing, and keeps its other ways.
func TestX09_PasskeysNeedAScriptAndSaySo(t *testing.T) {
	p := find(t, "publickey")
	forms := p.ceremonies()
	if len(forms) != 1 {
		t.Fatalf("%d ceremonies", len(forms))
	}
	button := within(forms[0], func(n *html.Node) bool { return n.Data == "button" })
	if !has(button, "hidden") || attr(button, "type") != "button" || text(button) != "Sign in with a passkey" {
		t.Errorf("%v %q", button.Attr, text(button))
	}
	note := within(forms[0], func(n *html.Node) bool { return strings.Contains(attr(n, "class"), "scriptless") })
	if note == nil || has(note, "hidden") || !strings.Contains(text(note), "JavaScript") {
		t.Errorf("the page does not say that it needs a script")
	}
	p.contains("Other ways to confirm it is you", "A code from your authenticator app", "Ada’s phone", "A recovery code")
	if !strings.Contains(p.body, "/webauthn.js") {
		t.Error("no script")
	}
}

func TestW25_AutofillBesideTheName(t *testing.T) {
	p := find(t, "identify-key")
	if got := attr(p.field(), "autocomplete"); got != "username webauthn" {
		t.Errorf("autocomplete %q", got)
	}
	form := p.ceremonies()[0]
	if attr(form, "data-ceremony") != "get" || attr(form, "data-mediation") != "conditional" || attr(within(form, named("prompt")), "value") != "p1" || within(form, named("publicKey")) == nil {
		t.Errorf("%v", form.Attr)
	}
	var options, words map[string]any
	if err := json.Unmarshal([]byte(attr(form, "data-options")), &options); err != nil || options["challenge"] != "Y2hhbGxlbmdl" {
		t.Errorf("%v %v", options, err)
	}
	if err := json.Unmarshal([]byte(attr(form, "data-words")), &words); err != nil || words["NotAllowedError"] == "" || words["SecurityError"] == "" {
		t.Errorf("%v %v", words, err)
	}
	if words["InvalidStateError"] != nil {
		t.Error("signing in is told what is wrong with setting up")
	}
}

// TestW26_SilentUpgrade: a password may come with the word that this browser
// makes passkeys; the step that follows asks for nothing.
func TestW26_SilentUpgrade(t *testing.T) {
	for name, want := range map[string]bool{"password": true, "password-wrong": true, "new-password": false, "totp": false} {
		found := false
		for _, n := range find(t, name).elements("input") {
			if attr(n, "name") == fieldMakes {
				found = has(n, "disabled") && attr(n, "value") == "1" && has(n, "data-upgrade")
			}
		}
		if found != want {
			t.Errorf("%s: %t", name, found)
		}
	}
	p := find(t, "publickey-silent")
	form := p.ceremonies()[0]
	if attr(form, "data-ceremony") != "create" || attr(form, "data-mediation") != "conditional" || within(form, named("field.name")) != nil {
		t.Errorf("%v", form.Attr)
	}
	p.contains("Not now")
}

func TestEnrollingAKeyTakesAName(t *testing.T) {
	p := find(t, "publickey-enrol")
	form := p.ceremonies()[0]
	name := within(form, named("field.name"))
	if attr(form, "data-ceremony") != "create" || attr(form, "data-mediation") != "" || name == nil || has(name, "required") || name.Parent == nil {
		t.Errorf("%v", form.Attr)
	}
	var words map[string]string
	if err := json.Unmarshal([]byte(attr(form, "data-words")), &words); err != nil || !strings.Contains(words["InvalidStateError"], "already holds") {
		t.Errorf("%v %v", words, err)
	}
	find(t, "publickey-try").contains("Try it once", "Try it")
	// What has no name of its own is not asked for one.
	for _, page := range []string{"codes", "new-password", "enrol-sent", "totp"} {
		for _, n := range find(t, page).elements("input") {
			if attr(n, "name") == "field.name" {
				t.Errorf("%s asks for a name", page)
			}
		}
	}
}

// TestW27_WhatFailedIsToldToTheScript names the code, for signalUnknownCredential.
func TestW27_WhatFailedIsToldToTheScript(t *testing.T) {
	main := find(t, "identify-key-unknown").elements("main")[0]
	if attr(main, "data-failed") != "passkey_unknown" || attr(main, "data-rp") != "id.acme.example" {
		t.Errorf("%v", main.Attr)
	}
	p := find(t, "identify-key-unknown")
	p.contains("This passkey is not known here.")
	if has(p.field(), "aria-invalid") {
		t.Error("the name is called wrong")
	}
	if main := find(t, "identify-key").elements("main")[0]; has(main, "data-failed") {
		t.Errorf("%v", main.Attr)
	}
}

func TestN50_CodesAreKeptByAForm(t *testing.T) {
	p := find(t, "codes")
	if got := len(p.elements("code")); got != 10 {
		t.Errorf("%d codes", got)
	}
	p.contains("I have kept them", "Keep these codes in a safe place.")
	kept := false
	for _, form := range p.elements("form") {
		if value := within(form, named("value")); value != nil {
			kept = attr(value, "value") == "kept" && attr(within(form, named("prompt")), "value") == "p7"
		}
	}
	if !kept {
		t.Error("no form says that they were kept")
	}
	for _, n := range p.elements("button") {
		for _, tool := range []string{"data-copy", "data-download", "data-print"} {
			if has(n, tool) && !has(n, "hidden") {
				t.Errorf("%s is shown where it does nothing", tool)
			}
		}
		if has(n, "data-download") && (!strings.Contains(attr(n, "data-download"), "h4k2-9qzt") || !strings.Contains(attr(n, "data-download"), "ada@example.com")) {
			t.Errorf("the file holds %q", attr(n, "data-download"))
		}
	}
}

func TestWaysAsideAreButtons(t *testing.T) {
	for name, value := range map[string]string{"password-key": "reset", "identify-key": "register"} {
		p, found := find(t, name), false
		for _, n := range p.elements("button") {
			if attr(n, "name") == fieldChoose && attr(n, "value") == value {
				found = attr(n, "class") == "text" && n.Parent.Data == "form"
			}
		}
		if !found {
			t.Errorf("%s has no way to %s", name, value)
		}
	}
	find(t, "password-key").contains("Forgot your password?", "Other ways to confirm it is you", "A passkey")
	p := find(t, "register")
	p.contains("Register")
	if attr(p.field(), "autocomplete") != "email" {
		t.Errorf("%v", p.field().Attr)
	}
}

// TestX07_NothingIsTypedTwice: a number that was refused is still there.
func TestX07_NothingIsTypedTwice(t *testing.T) {
	for name, choices := range map[string]int{"enrol-asks-wrong": 0, "enrol-offers": 1} {
		w := newWorld(t)
		view := views(t, plainNames())[name]
		view.Error = &flow.ViewError{Code: "number_invalid"}
		w.flows.posted = flow.Posted{View: view}
		rec := w.do(w.html(http.MethodPost, "/flow/flow_1", form("choose", "offer:sms", "field.phone", "+49 123")))
		p := parsed(t, name, rec)
		field := p.field()
		if attr(field, "name") != "field.phone" || attr(field, "value") != "+49 123" || attr(field, "aria-invalid") != "true" || attr(field, "autocomplete") != "tel" || attr(field, "inputmode") != "tel" {
			t.Errorf("%s: %v", name, field.Attr)
		}
		open := 0
		for _, n := range p.elements("details") {
			if has(n, "open") {
				open++
			}
		}
		if rec.Code != http.StatusUnprocessableEntity || open != choices {
			t.Errorf("%s: %d, %d open", name, rec.Code, open)
		}
	}
}

func TestX04_EndsAndMoreTime(t *testing.T) {
	p := find(t, "totp")
	p.contains("This page waits until 1 March 2026, 12:15 UTC.", "I need more time")
	stamp := p.elements("time")[0]
	if attr(stamp, "datetime") != "2026-03-01T12:15:00Z" {
		t.Errorf("%v", stamp.Attr)
	}
	w := newWorld(t)
	w.flows.posted = flow.Posted{View: views(t, plainNames())["totp"]}
	w.do(w.html(http.MethodPost, "/flow/flow_1", form("action", "extend")))
	if !w.flows.posts[0].Extend {
		t.Errorf("%+v", w.flows.posts)
	}
	for _, n := range find(t, "done").elements("form") {
		if has(n, "data-ends") {
			t.Error("a page that is done ends")
		}
	}
}

func TestX04_NewCodeIsAnnounced(t *testing.T) {
	w := newWorld(t)
	w.flows.view = views(t, plainNames())["sent"]
	w.flows.posted = flow.Posted{View: w.flows.view}
	rec := w.do(w.html(http.MethodPost, "/flow/flow_06f2k1", form("prompt", "p4", "action", "resend")))
	if got := rec.Header().Get("Location"); rec.Code != http.StatusSeeOther || got != "/flow/flow_06f2k1?sent" {
		t.Fatalf("%d %s", rec.Code, got)
	}
	parsed(t, "sent", w.do(w.html(http.MethodGet, "/flow/flow_06f2k1?sent", ""))).contains("We sent a new code to")
	// Where no new one is to be had, none is offered.
	w.flows.view.Prompts[0].Resend = false
	if strings.Contains(w.do(w.html(http.MethodGet, "/flow/flow_06f2k1", "")).Body.String(), "Send a new code") {
		t.Error("a new code is offered")
	}
}

// TestNoFactorIsNamed holds that what is said to people does not depend on which
// factors there are: a sixth costs nothing here.
func TestNoFactorIsNamed(t *testing.T) {
	names := regexp.MustCompile(`(?i)\b(passkey|totp|sms|otp|recovery|ticket)\b|"(password|email)"`)
	seen := 0
	for _, pattern := range []string{"*.go", "templates/*.html"} {
		paths, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			if strings.HasSuffix(path, "_test.go") {
				continue
			}
			body, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			seen++
			for i, line := range strings.Split(string(body), "\n") {
				line, _, _ = strings.Cut(line, "//")
				line = strings.ReplaceAll(line, "passkey-endpoints", "") // a name on the wire
				if m := names.FindString(line); m != "" && !slices.Contains(wordsOfHTML, m) {
					t.Errorf("%s:%d names %s", path, i+1, m)
				}
			}
		}
	}
	if seen < 15 {
		t.Fatalf("only %d files were looked at", seen)
	}
}

// wordsOfHTML are the type of an input, and a member of a person's own data.
var wordsOfHTML = []string{`"password"`, `"email"`}

// TestX09_ANameNeedsNoScript: beside a name it is the other way that needs one,
// and the page says which.
func TestX09_ANameNeedsNoScript(t *testing.T) {
	p := find(t, "identify-key")
	p.contains("With JavaScript you could also use: Passkey.")
	if strings.Contains(text(p.root), "This way of signing in needs JavaScript") {
		t.Error("a name seems to need a script")
	}
}
