package web

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/intelliauth/intelliauth/internal/edge"
	"github.com/intelliauth/intelliauth/internal/messages"
)

// page is a rendered page, parsed.
type page struct {
	t      *testing.T
	name   string
	status int
	header http.Header
	body   string
	root   *html.Node
}

// shown renders every exhibit of the gallery.
func shown(t *testing.T, n names) []page {
	t.Helper()
	p := newPages(t)
	var all []page
	for _, e := range gallery(t, n) {
		rec := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Accept", "text/html")
		show := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			e.show(w, r.WithContext(edge.WithTenant(r.Context(), e.tenant)), p)
		})
		edge.RequestIDs(strings.NewReader(strings.Repeat("x", 64)), nil, edge.Headers(true, show)).ServeHTTP(rec, r)
		all = append(all, parsed(t, e.name, rec))
	}
	return all
}

func parsed(t *testing.T, name string, rec *httptest.ResponseRecorder) page {
	t.Helper()
	root, err := html.Parse(strings.NewReader(rec.Body.String()))
	if err != nil {
		t.Fatal(name, err)
	}
	return page{t, name, rec.Code, rec.Result().Header, rec.Body.String(), root}
}

func (p page) elements(tags ...string) []*html.Node {
	var out []*html.Node
	for n := range p.root.Descendants() {
		if n.Type == html.ElementNode && (len(tags) == 0 || slices.Contains(tags, n.Data)) {
			out = append(out, n)
		}
	}
	return out
}

func (p page) errorf(format string, args ...any) {
	p.t.Helper()
	p.t.Errorf("%s: %s", p.name, fmt.Sprintf(format, args...))
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func has(n *html.Node, name string) bool {
	return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == name })
}

func text(n *html.Node) string {
	var b strings.Builder
	for c := range n.Descendants() {
		if c.Type == html.TextNode {
			b.WriteString(c.Data)
		}
	}
	return strings.TrimSpace(b.String())
}

// seen reports whether an input is one that people see.
func seen(n *html.Node) bool { return attr(n, "type") != "hidden" && !has(n, "hidden") }

func (p page) checkShell() {
	root := p.elements("html")[0]
	if attr(root, "lang") == "" || attr(root, "dir") == "" {
		p.errorf("html has no lang or dir")
	}
	if len(p.elements("title")) != 1 || text(p.elements("title")[0]) == "" {
		p.errorf("no title")
	}
	if len(p.elements("h1")) != 1 || len(p.elements("main")) != 1 {
		p.errorf("%d h1, %d main", len(p.elements("h1")), len(p.elements("main")))
	}
	level := 1
	for _, h := range p.elements("h1", "h2", "h3", "h4", "h5", "h6") {
		at := int(h.Data[1] - '0')
		if at > level+1 {
			p.errorf("heading %s after h%d", h.Data, level)
		}
		if level = at; text(h) == "" {
			p.errorf("empty %s", h.Data)
		}
	}
	if !strings.HasPrefix(p.body, "<!doctype html>") {
		p.errorf("no doctype")
	}
}

// checkInert holds that nothing in a page runs or reaches elsewhere.
func (p page) checkInert() {
	for _, n := range p.elements() {
		switch n.Data {
		case "style", "iframe", "object", "embed", "base", "noscript":
			p.errorf("element %s", n.Data)
		case "script":
			if attr(n, "type") != "module" || attr(n, "src") == "" || n.FirstChild != nil {
				p.errorf("inline script")
			}
		}
		for _, a := range n.Attr {
			if a.Key == "style" || strings.HasPrefix(a.Key, "on") {
				p.errorf("attribute %s on %s", a.Key, n.Data)
			}
			loads := a.Key == "src" || a.Key == "srcset" || a.Key == "href" && n.Data == "link"
			if loads && !strings.HasPrefix(a.Val, "/static/") && !strings.HasPrefix(a.Val, "/brand/") {
				p.errorf("loads %s", a.Val)
			}
			if a.Key == "href" && n.Data == "a" && !goodLink(a.Val) {
				p.errorf("links to %s", a.Val)
			}
		}
	}
	if strings.Contains(p.body, "ZgotmplZ") || strings.Contains(p.body, "<no value>") {
		p.errorf("the template refused something")
	}
}

func goodLink(href string) bool {
	u, err := url.Parse(href)
	return err == nil && (strings.HasPrefix(href, "/") || strings.HasPrefix(href, "#") || slices.Contains([]string{"https", "mailto", "otpauth"}, u.Scheme))
}

func (p page) checkIDs() {
	ids := map[string]bool{}
	for _, n := range p.elements() {
		if id := attr(n, "id"); id != "" {
			if ids[id] {
				p.errorf("id %s twice", id)
			}
			ids[id] = true
		}
	}
	for _, n := range p.elements("a") {
		if id, ok := strings.CutPrefix(attr(n, "href"), "#"); ok && !ids[id] {
			p.errorf("a link leads to #%s, which is not there", id)
		}
	}
	for _, n := range p.elements() {
		for _, ref := range []string{"for", "aria-describedby", "aria-labelledby", "data-reveal"} {
			for _, id := range strings.Fields(attr(n, ref)) {
				if !ids[id] {
					p.errorf("%s names %s, which is not there", ref, id)
				}
			}
		}
	}
}

// checkFields holds for everything that can be typed into.
func (p page) checkFields() {
	labelled := map[string]bool{}
	for _, n := range p.elements("label") {
		if text(n) != "" {
			labelled[attr(n, "for")] = true
		}
	}
	tokens := []string{"username", "username webauthn", "current-password", "new-password", "one-time-code", "email", "tel", "name", "off"}
	for _, n := range p.elements("input") {
		if seen(n) && !labelled[attr(n, "id")] {
			p.errorf("input %s has no label", attr(n, "name"))
		}
		if seen(n) && !slices.Contains(tokens, attr(n, "autocomplete")) {
			p.errorf("autocomplete %q", attr(n, "autocomplete"))
		}
		if attr(n, "type") == "number" {
			p.errorf("type=number eats leading zeros")
		}
		if attr(n, "aria-invalid") == "true" && !strings.Contains(attr(n, "aria-describedby"), "-error") {
			p.errorf("a wrong field is not described by its error")
		}
	}
	for _, n := range p.elements("button", "a") {
		if text(n) == "" && attr(n, "aria-label") == "" {
			p.errorf("%s without a name", n.Data)
		}
		if label := attr(n, "aria-label"); label != "" && text(n) != "" && !strings.Contains(label, text(n)) {
			p.errorf("%q is called %q (WCAG 2.5.3)", text(n), label)
		}
		if n.Data == "button" && attr(n, "type") == "" {
			p.errorf("button %q has no type", text(n))
		}
	}
	for _, n := range p.elements("time") {
		if _, err := time.Parse(time.RFC3339, attr(n, "datetime")); err != nil || !strings.Contains(text(n), "UTC") {
			p.errorf("a time without its zone: %v %s", err, text(n))
		}
	}
	for _, n := range p.elements("svg", "img") {
		if !has(n, "aria-hidden") && !has(n, "alt") && attr(n.Parent, "role") != "img" {
			p.errorf("a picture without text")
		}
	}
}

func (p page) checkForms() {
	for _, form := range p.elements("form") {
		if attr(form, "method") != "post" || attr(form, "action") == "" {
			p.errorf("form %s %s", attr(form, "method"), attr(form, "action"))
		}
		names := map[string]int{}
		for n := range form.Descendants() {
			if n.Type == html.ElementNode && n.Data == "input" && attr(n, "name") != "" {
				if names[attr(n, "name")]++; names[attr(n, "name")] > 1 {
					p.errorf("field %s twice in one form", attr(n, "name"))
				}
			}
		}
	}
}

func TestEveryPageIsSound(t *testing.T) {
	pages := shown(t, plainNames())
	if len(pages) < 75 {
		t.Fatalf("only %d pages", len(pages))
	}
	titles := map[string]bool{}
	for _, p := range pages {
		p.checkShell()
		p.checkInert()
		p.checkIDs()
		p.checkFields()
		p.checkForms()
		titles[text(p.elements("title")[0])] = true
	}
	if len(titles) < 40 {
		t.Errorf("only %d different titles", len(titles))
	}
}

// TestTheChecksCanFail breaks a page in each way that the checks look for.
func TestTheChecksCanFail(t *testing.T) {
	for what, body := range map[string]string{
		"shell":  `<html><body><h1>a</h1><h3>b</h3></body></html>`,
		"inert":  `<!doctype html><html><body><p style="x" onclick="y">a</p></body></html>`,
		"remote": `<!doctype html><html><body><img alt="" src="https://cdn.example/x.png"></body></html>`,
		"ids":    `<!doctype html><html><body><p id="a"></p><p id="a"></p></body></html>`,
		"refs":   `<!doctype html><html><body><label for="gone">x</label></body></html>`,
		"fields": `<!doctype html><html><body><form><input name="x" type="text"></form></body></html>`,
		"forms":  `<!doctype html><html><body><form method="get" action="/"></form></body></html>`,
	} {
		inner := &testing.T{}
		rec := httptest.NewRecorder()
		rec.Body.WriteString(body)
		p := parsed(t, what, rec)
		p.t = inner
		switch what {
		case "shell":
			p.checkShell()
		case "inert", "remote":
			p.checkInert()
		case "ids", "refs":
			p.checkIDs()
		case "fields":
			p.checkFields()
		case "forms":
			p.checkForms()
		}
		if !inner.Failed() {
			t.Errorf("the check of %s sees nothing", what)
		}
	}
}

func find(t *testing.T, name string) page {
	t.Helper()
	for _, p := range shown(t, plainNames()) {
		if p.name == name {
			return p
		}
	}
	t.Fatal("no page " + name)
	return page{}
}

func (p page) contains(texts ...string) {
	p.t.Helper()
	whole := strings.Join(strings.Fields(strings.NewReplacer("\u2068", "", "\u2069", "").Replace(text(p.root))), " ")
	for _, want := range texts {
		if !strings.Contains(whole, want) {
			p.errorf("does not say %q", want)
		}
	}
}

// field returns the one input that people type into.
func (p page) field() *html.Node {
	p.t.Helper()
	var all []*html.Node
	for _, n := range p.elements("input") {
		if seen(n) && has(n, "required") {
			all = append(all, n)
		}
	}
	if len(all) != 1 {
		p.t.Fatalf("%s: %d fields to type into", p.name, len(all))
	}
	return all[0]
}

func TestX01_OneFieldForACode(t *testing.T) {
	code := find(t, "totp").field()
	for name, want := range map[string]string{"type": "text", "inputmode": "numeric", "autocomplete": "one-time-code", "name": "value"} {
		if got := attr(code, name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	// A pasted code may hold spaces and hyphens.
	if attr(code, "maxlength") == "6" || strings.Contains(attr(code, "pattern"), "{6}") {
		t.Errorf("a pasted code would be cut: %v", code.Attr)
	}
}

func TestPasswordManagersFindTheUser(t *testing.T) {
	p := find(t, "password")
	field := p.field()
	if attr(field, "type") != "password" || attr(field, "autocomplete") != "current-password" {
		t.Errorf("%v", field.Attr)
	}
	for _, n := range p.elements("input") {
		if attr(n, "autocomplete") == "username" {
			if attr(n, "value") != "ada@example.com" || !has(n, "hidden") || !has(n, "readonly") {
				t.Errorf("%v", n.Attr)
			}
			return
		}
	}
	t.Error("no username beside the password")
}

func TestX05_ErrorsAreTiedAndAnnounced(t *testing.T) {
	p := find(t, "totp-wrong")
	if p.status != http.StatusUnprocessableEntity {
		t.Errorf("status %d", p.status)
	}
	field := p.field()
	if attr(field, "aria-invalid") != "true" {
		t.Error("aria-invalid is missing")
	}
	described := false
	for _, n := range p.elements("p") {
		if attr(n, "id") == attr(field, "aria-describedby") {
			described = attr(n, "role") == "alert" && strings.Contains(text(n), "used already")
		}
	}
	if !described {
		t.Error("the field is not described by an announced error")
	}
	if !strings.HasPrefix(text(p.elements("title")[0]), "Error: ") {
		t.Error("the title does not tell")
	}
	for _, n := range find(t, "totp").elements("input") {
		if has(n, "aria-invalid") || has(n, "aria-describedby") {
			t.Error("a good field is marked as wrong")
		}
	}
}

func TestStepSaysWhoWhereAndWhy(t *testing.T) {
	p := find(t, "totp-others")
	p.contains("Signing in as", "ada@example.com", "Manage your sign-in methods for Demo application", "Acme", "Not you?",
		"Why we ask", "You set up a second step, so we ask for it.", "Your sign-in methods are about to be changed.", "Your password", "Cancel")
	find(t, "enrol-wrong").contains("You can put this off until 8 March 2026, 09:30 UTC.", "Not now")
	find(t, "password-wait").contains("Please wait 2 minutes.")
	find(t, "no-way").contains("There is no way to confirm this sign-in here.")
	find(t, "identify-own").contains("Continue to Acme")
	find(t, "sent").contains("We sent a code to a••@e••.com.", "Send a new code")
	find(t, "consent").contains("Demo application would like to:", "See your e-mail address", "Use the permission “payments:write”")
	find(t, "expired").contains("Please start again", "Back to Demo application")
}

func TestX08_EnrolmentHasThreeWays(t *testing.T) {
	p := find(t, "enrol")
	p.contains("Scan this picture", "Open an app on this device", "Type this key into the app")
	pictures, link, groups := 0, false, 0
	for _, n := range p.elements("div", "a", "code") {
		switch {
		case attr(n, "role") == "img" && attr(n, "aria-label") != "":
			for c := range n.Descendants() {
				if c.Data == "svg" {
					pictures++
				}
			}
		case strings.HasPrefix(attr(n, "href"), "otpauth://totp/"):
			link = true
		case n.Data == "code":
			groups = len(strings.Fields(text(n)))
		}
	}
	if pictures != 1 || !link || groups != 8 {
		t.Errorf("pictures %d, link %t, groups of the key %d", pictures, link, groups)
	}
	if has(p.field(), "autofocus") {
		t.Error("the field would scroll the picture away")
	}
}

func TestFormPostNeedsNoScript(t *testing.T) {
	p := find(t, "form-post")
	form := p.elements("form")[0]
	if attr(form, "action") != "https://app.example/callback" || !has(form, "data-auto") {
		t.Errorf("%v", form.Attr)
	}
	var names []string
	for _, n := range p.elements("input") {
		names = append(names, attr(n, "name")+"="+attr(n, "value"))
	}
	want := []string{"code=ada@example.com", "iss=https://id.acme.example", "state=redirect_uri is not registered for this application"}
	if !slices.Equal(names, want) {
		t.Errorf("%v", names)
	}
	if len(p.elements("button")) != 1 {
		t.Error("no button")
	}
	if csp := p.header.Get("Content-Security-Policy"); !strings.Contains(csp, "form-action 'self' https://app.example;") {
		t.Errorf("the policy would stop the form: %s", csp)
	}
}

// TestH46_HostileNames shows every page with names that try to be something
// else, and finds them as text or not at all.
func TestH46_HostileNames(t *testing.T) {
	hostile := []string{
		`<script>alert(1)</script>`,
		`"><img src=x onerror=alert(1)>`,
		`' onfocus='alert(1)`,
		`{{.Title}}{{template "head"}}`,
		"a\r\nSet-Cookie: x=1",
		"\u202Egnp.exe\u2066\u2069",
		`</title><style>*{}</style>`,
		`javascript:alert(1)`,
		`<svg/onload=alert(1)>`,
	}
	for _, name := range hostile {
		n := names{user: name, application: name, tenant: name, enrolment: name, scope: name, detail: name, person: name, key: name, address: name, agents: []string{name, name, name}}
		for _, p := range shown(t, n) {
			p.name += " with " + name
			p.checkShell()
			p.checkInert()
			p.checkFields()
			p.checkForms()
			if strings.ContainsAny(text(p.root), "\u202e\u2066") {
				p.errorf("a name turns the direction of text")
			}
			for key, values := range p.header {
				if strings.ContainsAny(strings.Join(values, ""), "\r\n") {
					p.errorf("header %s is broken", key)
				}
			}
			for _, img := range p.elements("img") {
				if attr(img, "class") != "logo" {
					p.errorf("a name became a picture")
				}
			}
		}
	}
}

func TestH29_EveryPageRefusesFrames(t *testing.T) {
	for _, p := range shown(t, plainNames()) {
		csp := p.header.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "frame-ancestors 'none'", "script-src 'self'", "base-uri 'none'"} {
			if !strings.Contains(csp, want) {
				p.errorf("policy lacks %s: %s", want, csp)
			}
		}
		if strings.Contains(csp, "unsafe") {
			p.errorf("policy %s", csp)
		}
		if p.header.Get("Cache-Control") != "no-store" || p.header.Get("Referrer-Policy") != "no-referrer" || p.header.Get("X-Content-Type-Options") != "nosniff" {
			p.errorf("headers %v", p.header)
		}
	}
}

// The time that is left to set up a second step is counted down.
func TestGraceCountsDown(t *testing.T) {
	words := messages.Load().For("en", nil)
	v := visit{Catalogue: &words, now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	for left, want := range map[time.Duration]string{
		7*24*time.Hour - time.Second: "6 days are left.", 48 * time.Hour: "2 days are left.", 48*time.Hour - time.Second: "47 hours are left.",
		2 * time.Hour: "2 hours are left.", 2*time.Hour - time.Second: "Less than two hours are left.", -time.Hour: "Less than two hours are left.",
	} {
		if got := v.left(v.now.Add(left)); got != want {
			t.Errorf("%s: %q, want %q", left, got, want)
		}
	}
}
