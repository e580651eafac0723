package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/intelliauth/intelliauth/internal/factor"
	"github.com/intelliauth/intelliauth/internal/flow"
	"github.com/intelliauth/intelliauth/internal/identity"
)

const secret = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

func form(pairs ...string) string {
	v := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		v.Add(pairs[i], pairs[i+1])
	}
	return v.Encode()
}

func decoded(t *testing.T, rec *httptest.ResponseRecorder) map[string]any {
	t.Helper()
	var body map[string]any
	if err := json.Unmarshal(rec.Body.Bytes(), &body); err != nil {
		t.Fatalf("%v: %s", err, rec.Body)
	}
	return body
}

func TestFlowAsJSON(t *testing.T) {
	w := newWorld(t)
	w.flows.view = views(t, plainNames())["enrol-wrong"]
	rec := w.do(w.json(http.MethodGet, "/flow/flow_06f2k1", ""))
	if rec.Code != http.StatusOK || rec.Header().Get("Content-Type") != "application/json" {
		t.Fatalf("%d %s", rec.Code, rec.Header().Get("Content-Type"))
	}
	body := decoded(t, rec)
	prompt := body["prompts"].([]any)[0].(map[string]any)
	problem := body["error"].(map[string]any)
	for name, got := range map[string]any{
		"step": body["step"], "label": prompt["label"], "input": prompt["input"], "autocomplete": prompt["autocomplete"],
		"code": problem["code"], "message": problem["message"],
	} {
		want := map[string]any{
			"step": "enrol", "label": "6-digit code from the app", "input": "text", "autocomplete": "one-time-code",
			"code": "code_invalid", "message": "That code is not right. Please check it and enter it again.",
		}[name]
		if got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	if qr, _ := prompt["qr"].(string); !strings.HasPrefix(qr, "data:image/svg+xml;base64,") {
		t.Errorf("qr is %.40s", qr)
	}
	// What words are filled into is a copy: a fake that is shared shows it.
	if w.flows.view.Prompts[0].Label != "" || w.flows.view.Error.Message != "" {
		t.Error("the view was changed")
	}
}

func TestWhoAsksForWhatGetsIt(t *testing.T) {
	for _, test := range []struct{ accept, contentType, want string }{
		{"", "", "text/html; charset=utf-8"},
		{"*/*", "", "text/html; charset=utf-8"},
		{"text/html", "", "text/html; charset=utf-8"},
		{"text/html, application/json;q=0.9", "", "text/html; charset=utf-8"},
		{"application/json", "", "application/json"},
		{"application/json, */*", "", "application/json"},
		{"*/*", "application/json", "application/json"},
	} {
		w := newWorld(t)
		w.flows.view = views(t, plainNames())["totp"]
		r := httptest.NewRequest(http.MethodGet, w.tenant.Issuer+"/flow/flow_1", nil)
		r.Header.Set("Accept", test.accept)
		r.Header.Set("Content-Type", test.contentType)
		if got := w.do(r).Header().Get("Content-Type"); got != test.want {
			t.Errorf("%q, %q: %s, want %s", test.accept, test.contentType, got, test.want)
		}
	}
}

func TestFormsAndJSONMeanTheSame(t *testing.T) {
	key := `{"type":"public-key","id":"AA","rawId":"AA","response":{}}`
	for _, test := range []struct {
		form string
		json string
		want flow.Post
	}{
		{form("prompt", "p1", "value", "123 456"), `{"prompt":"p1","response":{"value":"123 456"}}`, flow.Post{Prompt: "p1", Value: "123 456"}},
		{form("prompt", "p1", "value", "x", "username", "ada"), `{"prompt":"p1","response":{"value":"x"}}`, flow.Post{Prompt: "p1", Value: "x"}},
		{form("choose", "offer:totp"), `{"response":{"choose":"offer:totp"}}`, flow.Post{Choose: "offer:totp"}},
		{form("action", "cancel"), `{"response":{"cancel":true}}`, flow.Post{Cancel: true}},
		{form("action", "skip"), `{"response":{"skip":true}}`, flow.Post{Skip: true}},
		{form("action", "restart"), `{"response":{"restart":true}}`, flow.Post{Restart: true}},
		{form("prompt", "p2", "action", "resend"), `{"prompt":"p2","response":{"resend":true}}`, flow.Post{Prompt: "p2", Resend: true}},
		{form("prompt", "consent", "value", "allow"), `{"prompt":"consent","response":{"value":"allow"}}`, flow.Post{Prompt: "consent", Value: "allow"}},
		{form("choose", "offer:sms", "field.phone", "+1"), `{"response":{"choose":"offer:sms","fields":{"phone":"+1"}}}`, flow.Post{Choose: "offer:sms", Fields: map[string]string{"phone": "+1"}}},
		{form("prompt", "p3", "publicKey", key), `{"prompt":"p3","response":` + key + `}`, flow.Post{Prompt: "p3", PublicKey: json.RawMessage(key)}},
		{form("prompt", "p3", "publicKey", key, "field.name", "Blue"), `{"prompt":"p3","fields":{"name":"Blue"},"response":` + key + `}`, flow.Post{Prompt: "p3", PublicKey: json.RawMessage(key), Fields: map[string]string{"name": "Blue"}}},
		{form("prompt", "p1", "value", "123456", "field.name", "Blue"), `{"prompt":"p1","response":{"value":"123456","fields":{"name":"Blue"}}}`, flow.Post{Prompt: "p1", Value: "123456", Fields: map[string]string{"name": "Blue"}}},
		{form("prompt", "p1", "value", "x", "upgrade", "1"), `{"prompt":"p1","response":{"value":"x","upgrade":true}}`, flow.Post{Prompt: "p1", Value: "x", Upgrade: true}},
		{form("action", "extend"), `{"response":{"extend":true}}`, flow.Post{Extend: true}},
		{form("choose", "register"), `{"response":{"choose":"register"}}`, flow.Post{Choose: "register"}},
		{"", `{"response":{}}`, flow.Post{}},
	} {
		w := newWorld(t)
		w.flows.posted = flow.Posted{View: views(t, plainNames())["totp"]}
		if rec := w.do(w.html(http.MethodPost, "/flow/flow_1", test.form)); rec.Code != http.StatusSeeOther {
			t.Fatalf("%s: %d", test.form, rec.Code)
		}
		if rec := w.do(w.json(http.MethodPost, "/flow/flow_1", test.json)); rec.Code != http.StatusOK {
			t.Fatalf("%s: %d %s", test.json, rec.Code, rec.Body)
		}
		for i, got := range w.flows.posts {
			if !reflect.DeepEqual(got, test.want) {
				t.Errorf("%s %d: %+v, want %+v", test.form, i, got, test.want)
			}
		}
	}
}

func TestH28_H48_PostsThatAreRefused(t *testing.T) {
	deep := `{"response":` + strings.Repeat(`{"value":`, 10000) + `1` + strings.Repeat("}", 10001)
	for _, test := range []struct {
		name   string
		change func(r *http.Request)
		body   string
		want   int
	}{
		{"cross-site", func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }, `{"response":{}}`, 403},
		{"same-site", func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-site") }, `{"response":{}}`, 403},
		{"foreign origin", func(r *http.Request) { r.Header.Del("Sec-Fetch-Site"); r.Header.Set("Origin", "https://evil.example") }, `{"response":{}}`, 403},
		{"JSON as text", func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }, `{"response":{}}`, 415},
		{"no type", func(r *http.Request) { r.Header.Del("Content-Type") }, `{"response":{}}`, 415},
		{"multipart", func(r *http.Request) { r.Header.Set("Content-Type", "multipart/form-data; boundary=x") }, `--x--`, 415},
		{"compressed", func(r *http.Request) { r.Header.Set("Content-Encoding", "gzip") }, `{"response":{}}`, 415},
		{"too large", nil, `{"prompt":"` + strings.Repeat("x", 65<<10) + `"}`, 413},
		{"too deep", nil, deep, 413},
		{"fields beside text", nil, `{"fields":{"name":"x"},"response":{"value":"1"}}`, 400},
		{"deep", nil, `{"response":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`, 400},
		{"no response", nil, `{"prompt":"p1"}`, 400},
		{"null", nil, `null`, 400},
		{"list", nil, `[]`, 400},
		{"not JSON", nil, `{`, 400},
		{"unknown member", nil, `{"response":{"value":"1"},"aal":3}`, 400},
		{"unknown member within", nil, `{"response":{"value":"1","verified":true}}`, 400},
		{"member twice", nil, `{"response":{"value":"1","value":"2"}}`, 400},
		{"another case", nil, `{"Response":{"value":"1"}}`, 400},
		{"wrong type", nil, `{"prompt":"p1","response":{"value":1}}`, 400},
		{"trailing", nil, `{"response":{}} {}`, 400},
		{"many fields", func(r *http.Request) { r.Header.Set("Content-Type", "application/x-www-form-urlencoded") }, strings.Repeat("a=&", 20000), 400},
		{"field twice", func(r *http.Request) { r.Header.Set("Content-Type", "application/x-www-form-urlencoded") }, "prompt=p1&prompt=p2", 400},
		{"unknown action", func(r *http.Request) { r.Header.Set("Content-Type", "application/x-www-form-urlencoded") }, "action=approve", 400},
		{"bad key", func(r *http.Request) { r.Header.Set("Content-Type", "application/x-www-form-urlencoded") }, "publicKey=%7B", 400},
	} {
		w := newWorld(t)
		r := w.json(http.MethodPost, "/flow/flow_1", test.body)
		if test.change != nil {
			test.change(r)
		}
		rec := w.do(r)
		if rec.Code != test.want {
			t.Errorf("%s: %d, want %d: %s", test.name, rec.Code, test.want, rec.Body)
		}
		if len(w.flows.posts) != 0 {
			t.Errorf("%s: the flow was reached", test.name)
		}
		if got := rec.Header().Get("Cache-Control"); got != "no-store" {
			t.Errorf("%s: Cache-Control %s", test.name, got)
		}
	}
}

// TestA03_Answer ends a flow: 303, cookies, and a policy that lets the browser
// follow.
func TestA03_Answer(t *testing.T) {
	w := newWorld(t)
	view := views(t, plainNames())["done"]
	w.flows.posted = flow.Posted{View: view, Answer: &flow.Answer{
		Redirect: "https://app.example/callback?code=abc&iss=x", Session: secret, Device: "dev_1." + secret,
	}}
	rec := w.do(w.html(http.MethodPost, "/flow/flow_1", form("prompt", "p1", "value", "1")))
	if rec.Code != http.StatusSeeOther || rec.Header().Get("Location") != "https://app.example/callback?code=abc&iss=x" {
		t.Errorf("%d %s", rec.Code, rec.Header().Get("Location"))
	}
	if csp := rec.Header().Get("Content-Security-Policy"); !strings.Contains(csp, "form-action 'self' https://app.example;") {
		t.Errorf("policy %s", csp)
	}
	cookies := rec.Header().Values("Set-Cookie")
	if len(cookies) != 2 {
		t.Fatalf("cookies %v", cookies)
	}
	for _, c := range cookies {
		if !strings.HasPrefix(c, "__Host-") || !strings.Contains(c, "; Secure") || !strings.Contains(c, "HttpOnly") || !strings.Contains(c, "SameSite=Lax") {
			t.Errorf("cookie %s", c)
		}
	}
	// A program gets the same as JSON.
	rec = w.do(w.json(http.MethodPost, "/flow/flow_1", `{"prompt":"p1","response":{"value":"1"}}`))
	if body := decoded(t, rec); rec.Code != http.StatusOK || body["redirect"] != "https://app.example/callback?code=abc&iss=x" || len(rec.Header().Values("Set-Cookie")) != 2 {
		t.Errorf("%d %v", rec.Code, body)
	}
}

func TestFormPostAnswer(t *testing.T) {
	w := newWorld(t)
	w.flows.posted = flow.Posted{View: views(t, plainNames())["done"], Answer: &flow.Answer{
		Redirect: "https://app.example/callback", Form: map[string]string{"code": "abc", "state": `"><b>`}, Session: secret,
	}}
	rec := w.do(w.html(http.MethodPost, "/flow/flow_1", form("prompt", "p1", "value", "1")))
	p := parsed(t, "form_post", rec)
	if rec.Code != http.StatusOK || attr(p.elements("form")[0], "action") != "https://app.example/callback" || len(p.elements("b")) != 0 {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
	if body := decoded(t, w.do(w.json(http.MethodPost, "/flow/flow_1", `{"response":{"value":"1"}}`))); body["form"].(map[string]any)["code"] != "abc" {
		t.Errorf("%v", body)
	}
}

func TestDeniedFlowLeadsBack(t *testing.T) {
	w := newWorld(t)
	w.flows.view = views(t, plainNames())["denied"]
	w.flows.view.Redirect = "https://app.example/callback?error=access_denied"
	if rec := w.do(w.html(http.MethodGet, "/flow/flow_1", "")); rec.Code != http.StatusSeeOther || rec.Header().Get("Location") != w.flows.view.Redirect {
		t.Errorf("%d %v", rec.Code, rec.Header())
	}
}

func TestC33_PopupHasNoOpenerPolicy(t *testing.T) {
	w := newWorld(t)
	w.flows.view = views(t, plainNames())["totp"]
	if got := w.do(w.html(http.MethodGet, "/flow/flow_1", "")).Header().Get("Cross-Origin-Opener-Policy"); got != "same-origin" {
		t.Errorf("a page has opener policy %q", got)
	}
	w.flows.view.Popup = true
	if got := w.do(w.html(http.MethodGet, "/flow/flow_1", "")).Header().Values("Cross-Origin-Opener-Policy"); len(got) != 0 {
		t.Errorf("a popup has opener policy %q", got)
	}
}

func TestC35_PolicyNamesTheRedirectOrigin(t *testing.T) {
	w := newWorld(t)
	w.flows.view = views(t, plainNames())["totp"]
	rec := w.do(w.html(http.MethodGet, "/flow/flow_1", ""))
	if csp := rec.Header().Get("Content-Security-Policy"); !strings.Contains(csp, "form-action 'self' https://app.example;") {
		t.Errorf("policy %s", csp)
	}
}

func TestWrongAnswerIsToldAlike(t *testing.T) {
	w := newWorld(t)
	w.flows.posted = flow.Posted{View: views(t, plainNames())["password-wait"]}
	rec := w.do(w.html(http.MethodPost, "/flow/flow_1", form("prompt", "p1", "value", "x")))
	if rec.Code != http.StatusUnprocessableEntity || rec.Header().Get("Retry-After") != "120" || !strings.Contains(rec.Body.String(), "Please wait 2 minutes.") {
		t.Errorf("%d %s", rec.Code, rec.Header().Get("Retry-After"))
	}
	rec = w.do(w.json(http.MethodPost, "/flow/flow_1", `{"prompt":"p1","response":{"value":"x"}}`))
	body := decoded(t, rec)["error"].(map[string]any)
	if rec.Code != http.StatusOK || body["retryAfter"] != 120.0 || body["code"] != "too_many_attempts" {
		t.Errorf("%d %v", rec.Code, body)
	}
	if strings.Contains(rec.Body.String(), `"x"`) {
		t.Error("the answer repeats what was typed")
	}
}

func TestFlowsThatAreNone(t *testing.T) {
	over := func(cause error) error {
		return fmt.Errorf("load: %w", cause)
	}
	for _, test := range []struct {
		name   string
		err    error
		status int
		code   string
		says   string
	}{
		{"unknown", over(identity.ErrNotFound), 404, "not_found", "There is no such sign-in."},
		{"expired", over(identity.ErrExpired), 410, "flow_expired", "it waited too long"},
		{"spent", over(identity.ErrTaken), 410, "flow_expired", "finished before"},
		{"foreign", over(identity.ErrForeign), 403, "foreign_browser", "another browser"},
		{"busy", &identity.Fault{Kind: identity.ErrOverloaded, Code: "overloaded", Retry: 2 * time.Second}, 503, "overloaded", "Try again in 2 seconds."},
		{"limited", &identity.Fault{Kind: identity.ErrForbidden, Code: "too_many_requests", Retry: time.Minute}, 429, "too_many_requests", "Too many requests"},
		{"conflict", identity.ErrConflict, 409, "conflict", "That can’t be done"},
		{"broken", errors.New("disk on fire: /var/lib/secret"), 500, "internal", "The fault is ours"},
	} {
		w := newWorld(t)
		w.flows.err = test.err
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			rec := w.do(w.html(method, "/flow/flow_1", ""))
			p := parsed(t, test.name, rec)
			if rec.Code != test.status {
				t.Errorf("%s %s: %d, want %d", method, test.name, rec.Code, test.status)
			}
			p.contains(test.says, "Go to Acme", rec.Header().Get("X-Request-Id"))
			p.checkShell()
			p.checkInert()
		}
		rec := w.do(w.json(http.MethodGet, "/flow/flow_1", ""))
		body := decoded(t, rec)
		if rec.Code != test.status || body["code"] != test.code || body["requestId"] == "" || rec.Header().Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %d %v", test.name, rec.Code, body)
		}
		if test.status == 503 && rec.Header().Get("Retry-After") != "2" {
			t.Errorf("Retry-After %s", rec.Header().Get("Retry-After"))
		}
		if strings.Contains(rec.Body.String(), "/var/lib") {
			t.Error("an internal error shows itself")
		}
	}
}

func TestBrowserIsReadByTheEdge(t *testing.T) {
	w := newWorld(t)
	w.flows.view = views(t, plainNames())["totp"]
	r := w.html(http.MethodGet, "/flow/flow_1", "")
	r.Header.Set("User-Agent", "Browser/1")
	for name, value := range map[string]string{"ia_session": secret, "ia_browser": secret + "b", "ia_device": "dev_1." + secret} {
		r.AddCookie(&http.Cookie{Name: "__Host-" + name, Value: value})
	}
	w.do(r)
	want := flow.Browser{Binding: secret + "b", Session: secret, Device: "dev_1", Secret: secret, UserAgent: "Browser/1"}
	if got := w.flows.browsers[0]; got != want {
		t.Errorf("%+v", got)
	}
}

// TestH30_PlantedCookies: a cookie without the prefix, or one that came twice,
// is none.
func TestH30_PlantedCookies(t *testing.T) {
	w := newWorld(t)
	w.flows.view = views(t, plainNames())["totp"]
	r := w.html(http.MethodGet, "/flow/flow_1", "")
	r.Header.Set("Cookie", "ia_session="+secret+"; ia_browser="+secret+"; __Host-ia_browser="+secret+"; __Host-ia_browser="+secret+"c")
	w.do(r)
	if got := w.flows.browsers[0]; got.Binding != "" || got.Session != "" {
		t.Errorf("planted cookies count: %+v", got)
	}
}

func TestUILocalesReachThePage(t *testing.T) {
	w := newWorld(t)
	w.flows.view = views(t, plainNames())["totp"]
	w.flows.view.Locales = []string{"xx", "en-GB"}
	r := w.html(http.MethodGet, "/flow/flow_1", "")
	r.Header.Set("Accept-Language", "xx")
	if got := w.do(r).Header().Get("Content-Language"); got != "en" {
		t.Errorf("language %s", got)
	}
}

func TestPromptsOfAllSortsHaveLabels(t *testing.T) {
	p := newPages(t)
	for name, view := range views(t, plainNames()) {
		v := p.visit(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil), nil)
		for _, prompt := range v.body(view).Prompts {
			if prompt.Label == "" {
				t.Errorf("%s: prompt %s has no label", name, prompt.ID)
			}
			if prompt.Input == factor.Text && strings.Contains(prompt.Label, "{") {
				t.Errorf("%s: %s", name, prompt.Label)
			}
		}
	}
}

func TestLinksOfAFactorAreSetupLinks(t *testing.T) {
	for uri, want := range map[string]bool{"otpauth://totp/x": true, "javascript:alert(1)": false, "https://evil.example/": false, "otpauth:x": false} {
		w := newWorld(t)
		view := views(t, plainNames())["enrol"]
		view.Prompts[0].URI = uri
		w.flows.view = view
		linked := false
		for _, a := range parsed(t, uri, w.do(w.html(http.MethodGet, "/flow/flow_1", ""))).elements("a") {
			linked = linked || attr(a, "href") == uri
		}
		if linked != want {
			t.Errorf("%s is linked: %t", uri, linked)
		}
	}
}
