package web

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/intelliauth/intelliauth/internal/assurance"
	"github.com/intelliauth/intelliauth/internal/flow"
	"github.com/intelliauth/intelliauth/internal/identity"
)

func signedIn() *flow.Current {
	return &flow.Current{
		User:     identity.User{ID: "usr_1", Email: "ada@example.com", Name: "Ada"},
		Session:  identity.Session{ID: "ses_1", User: "usr_1", CreatedAt: time.Date(2026, 3, 1, 11, 0, 0, 0, time.UTC)},
		Standing: assurance.Standing{Level: assurance.AAL2, AMR: []string{"pwd", "otp", "mfa"}, AuthTime: time.Date(2026, 3, 1, 11, 0, 0, 0, time.UTC)},
	}
}

func TestHome(t *testing.T) {
	w := newWorld(t)
	parsed(t, "home", w.do(w.html(http.MethodGet, "/", ""))).contains("Nobody is signed in to Acme", "Sign in")
	w.flows.current = signedIn()
	if rec := w.do(w.html(http.MethodGet, "/", "")); rec.Code != http.StatusSeeOther || rec.Header().Get("Location") != "/account" {
		t.Errorf("%d %v", rec.Code, rec.Header())
	}
}

// TestH27_Next follows own paths and nothing else.
func TestH27_Next(t *testing.T) {
	for _, test := range []struct{ query, want string }{
		{"", "/"},
		{"next=/settings", "/settings"},
		{"next=/settings%3Fa%3Db", "/settings?a=b"},
		{"next=//evil.example", "/"},
		{`next=/%5Cevil.example`, "/"},
		{"next=https:evil", "/"},
		{"next=https://evil.example/", "/"},
		{"next=/%0d%0aSet-Cookie:x", "/"},
		{"next=%252F%252Fevil", "/"},
		{"next=/.//evil.example", "/"},
		{"next=javascript:alert(1)", "/"},
		{"next=@evil.example", "/"},
		{"next=/signin%3Fnext%3D/signin", "/"},
		{"next=/signout", "/"},
		{"next=/a&next=//evil.example", "/a"},
	} {
		w := newWorld(t)
		w.flows.begun = flow.Begun{FlowID: "flow_1"}
		rec := w.do(w.html(http.MethodGet, "/signin?"+test.query, ""))
		if rec.Code != http.StatusSeeOther || rec.Header().Get("Location") != "/flow/flow_1" {
			t.Fatalf("%s: %d %s", test.query, rec.Code, rec.Header().Get("Location"))
		}
		got := w.flows.requests[0].Authorization
		if got.RedirectURI != test.want || !got.OwnPage || !got.RequestedAt.Equal(w.now) {
			t.Errorf("%s: %+v, want %s", test.query, got, test.want)
		}
	}
}

func TestSignInBindsTheBrowser(t *testing.T) {
	w := newWorld(t)
	w.flows.begun = flow.Begun{FlowID: "flow_1"}
	rec := w.do(w.html(http.MethodGet, "/signin", ""))
	set := rec.Header().Get("Set-Cookie")
	binding := w.flows.browsers[0].Binding
	if binding == "" || !strings.HasPrefix(set, "__Host-ia_browser="+binding+";") {
		t.Errorf("%q %q", binding, set)
	}
	// One that is there stays (C-35).
	r := w.html(http.MethodGet, "/signin", "")
	r.AddCookie(&http.Cookie{Name: "__Host-ia_browser", Value: secret})
	if rec = w.do(r); rec.Header().Get("Set-Cookie") != "" || w.flows.browsers[1].Binding != secret {
		t.Errorf("%v", rec.Header())
	}
}

func TestSignInWhenSignedIn(t *testing.T) {
	w := newWorld(t)
	w.flows.begun = flow.Begun{Answer: &flow.Answer{Redirect: "/settings", Session: secret}}
	rec := w.do(w.html(http.MethodGet, "/signin?next=/settings", ""))
	if rec.Code != http.StatusSeeOther || rec.Header().Get("Location") != "/settings" || !strings.Contains(strings.Join(rec.Header().Values("Set-Cookie"), "\n"), "__Host-ia_session="+secret) {
		t.Errorf("%d %v", rec.Code, rec.Header())
	}
}

func TestSignOut(t *testing.T) {
	w := newWorld(t)
	w.flows.current = signedIn()
	p := parsed(t, "signout", w.do(w.html(http.MethodGet, "/signout", "")))
	p.contains("Sign out?", "ada@example.com", "Stay signed in")
	if len(w.flows.ended) != 0 {
		t.Fatal("a GET signed out")
	}
	rec := w.do(w.html(http.MethodPost, "/signout", ""))
	if rec.Code != http.StatusSeeOther || rec.Header().Get("Location") != "/signout" || len(w.flows.ended) != 1 || w.flows.ended[0] != "ses_1" {
		t.Errorf("%d %v", rec.Code, w.flows.ended)
	}
	if set := rec.Header().Get("Set-Cookie"); !strings.HasPrefix(set, "__Host-ia_session=;") || !strings.Contains(set, "Max-Age=0") {
		t.Errorf("cookie %s", set)
	}
	parsed(t, "signed out", w.do(w.html(http.MethodGet, "/signout", ""))).contains("You’re signed out")
	// Twice is as good as once.
	if rec := w.do(w.html(http.MethodPost, "/signout", "")); rec.Code != http.StatusSeeOther || len(w.flows.ended) != 1 {
		t.Errorf("%d %v", rec.Code, w.flows.ended)
	}
}

func TestH28_SignOutFromElsewhere(t *testing.T) {
	for name, change := range map[string]func(*http.Request){
		"cross-site": func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") },
		"same-site":  func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-site") },
		"origin":     func(r *http.Request) { r.Header.Del("Sec-Fetch-Site"); r.Header.Set("Origin", "https://evil.example") },
	} {
		w := newWorld(t)
		w.flows.current = signedIn()
		r := w.html(http.MethodPost, "/signout", "")
		change(r)
		if rec := w.do(r); rec.Code != http.StatusForbidden || len(w.flows.ended) != 0 {
			t.Errorf("%s: %d %v", name, rec.Code, w.flows.ended)
		}
	}
}

// TestH29_EveryRoute finds the headers on every answer, whatever becomes of it.
func TestH29_EveryRoute(t *testing.T) {
	w := newWorld(t)
	w.tenant.Branding = identity.Branding{Accent: "#e8590c", Logo: pngLogo}
	w.flows.view = views(t, plainNames())["totp"]
	w.flows.posted = flow.Posted{View: w.flows.view}
	w.flows.begun = flow.Begun{FlowID: "flow_1"}
	w.accounts.begun = w.flows.begun
	full := fullAccount(plainNames())
	w.accounts.account, w.flows.worth = &full, signedIn().Standing
	b := brandOf(w.tenant.Branding)
	for _, route := range []struct {
		method, path string
		status       int
		cached       bool
	}{
		{"GET", "/", 200, false},
		{"GET", "/signin", 303, false},
		{"GET", "/signout", 200, false},
		{"POST", "/signout", 303, false},
		{"GET", "/flow/flow_1", 200, false},
		{"POST", "/flow/flow_1", 303, false},
		{"GET", "/nothing", 404, false},
		{"DELETE", "/flow/flow_1", 405, false},
		{"POST", "/", 405, false},
		{"GET", w.pages.assets.path("app.css"), 200, true},
		{"GET", w.pages.assets.path("page.js"), 200, true},
		{"GET", "/static/0000/app.css", 404, false},
		{"GET", "/static/" + w.pages.assets["app.css"].hash + "/none.css", 404, false},
		{"GET", b.styles(), 200, true},
		{"GET", b.picture(), 200, true},
		{"GET", "/brand/0000/accent.css", 200, false},
		{"GET", "/brand/" + b.hash + "/none", 404, false},
		{"GET", "/favicon.ico", 200, true},
		{"GET", "/account", 200, false},
		{"GET", "/account/remove/enr_1", 200, false},
		{"GET", "/account/remove/none", 404, false},
		{"POST", "/account/remove/enr_1", 303, false},
		{"GET", "/account/name", 200, false},
		{"POST", "/account/name", 303, false},
		{"GET", "/account/applications/demo", 200, false},
		{"GET", "/account/applications/none", 404, false},
		{"GET", "/account/not-me?token=x", 200, false},
		{"POST", "/account/not-me", 303, false},
		{"GET", "/account/not-me/done", 200, false},
		{"GET", "/account/nothing", 404, false},
		{"DELETE", "/account", 405, false},
		{"GET", "/join?token=x", 200, false},
		{"POST", "/join", 303, false},
		{"GET", "/.well-known/change-password", 303, false},
		{"GET", "/.well-known/passkey-endpoints", 200, false},
		{"GET", "/.well-known/webauthn", 200, false},
		{"GET", w.pages.assets.path("webauthn.js"), 200, true},
		{"GET", "/api/v1/me", 401, false},
		{"GET", "/api/v1/nothing", 404, false},
		{"DELETE", "/api/v1/me", 405, false},
	} {
		rec := w.do(w.html(route.method, route.path, ""))
		h := rec.Header()
		if rec.Code != route.status {
			t.Errorf("%s %s: %d, want %d", route.method, route.path, rec.Code, route.status)
		}
		if csp := h.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || !strings.Contains(csp, "frame-ancestors 'none'") {
			t.Errorf("%s %s: policy %q", route.method, route.path, csp)
		}
		if h.Get("X-Frame-Options") != "DENY" || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("%s %s: %v", route.method, route.path, h)
		}
		if cached := strings.Contains(h.Get("Cache-Control"), "public"); cached != route.cached || !cached && h.Get("Cache-Control") != "no-store" {
			t.Errorf("%s %s: Cache-Control %q", route.method, route.path, h.Get("Cache-Control"))
		}
		if route.status == http.StatusMethodNotAllowed && h.Get("Allow") == "" {
			t.Errorf("%s %s: 405 without Allow", route.method, route.path)
		}
		if strings.HasPrefix(route.path, "/api/") && h.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s %s: %s", route.method, route.path, h.Get("Content-Type"))
		}
	}
}

func TestHeadIsGetWithoutABody(t *testing.T) {
	w := newWorld(t)
	server := httptest.NewServer(w.handler())
	defer server.Close()
	answer, err := server.Client().Head(server.URL + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if body, _ := io.ReadAll(answer.Body); answer.StatusCode != http.StatusOK || len(body) != 0 || answer.Header.Get("Content-Type") == "" {
		t.Errorf("%d %s", answer.StatusCode, body)
	}
}

func TestErrorPageForOtherEdges(t *testing.T) {
	for _, test := range []struct {
		status       int
		code, detail string
		home         string
		says, href   string
	}{
		{400, "invalid_request", "redirect_uri is missing", "", "made a mistake", "/"},
		{400, "invalid_request", "x", "https://app.example/login?a=b", "invalid_request x", "https://app.example/login?a=b&iss=https%3A%2F%2Fid.acme.example"},
		{400, "invalid_request", "x", "javascript:alert(1)", "x", "/"},
		{400, "invalid_request", "x", "//evil.example", "x", "/"},
		{400, "invalid_request", "x", "/signin", "x", "/signin"},
		{401, "invalid_client", "x", "", "made a mistake", "/"},
		{413, "too_large", "", "", "too large", "/"},
		{503, "overloaded", "", "", "Please try again", "/"},
		{500, "server_error", "panic at /srv", "", "The fault is ours", "/"},
	} {
		p := newPages(t)
		w := newWorld(t)
		rec := httptest.NewRecorder()
		show := http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			p.Error(rw, withTenant(r, w.tenant), test.status, test.code, test.detail, test.home)
		})
		show.ServeHTTP(rec, w.html(http.MethodGet, "/oauth2/authorize", ""))
		shown := parsed(t, test.code, rec)
		if rec.Code != test.status {
			t.Errorf("%d, want %d", rec.Code, test.status)
		}
		shown.contains(test.says)
		if got := attr(shown.elements("a")[0], "href"); got != test.href {
			t.Errorf("%s leads to %q, want %q", test.home, got, test.href)
		}
		if strings.Contains(rec.Body.String(), "/srv") {
			t.Error("an internal error shows itself")
		}
	}
}

func TestConfirmSignOutNamesWhereItLeads(t *testing.T) {
	p := newPages(t)
	w := newWorld(t)
	rec := httptest.NewRecorder()
	r := withTenant(w.html(http.MethodGet, "/oauth2/logout", ""), w.tenant)
	p.ConfirmSignOut(rec, r, SignOutAsked{Application: "Shop", Action: "/oauth2/logout", Fields: map[string]string{"confirm": "1"}, Redirect: "https://shop.example/bye"})
	if csp := rec.Header().Get("Content-Security-Policy"); !strings.Contains(csp, "form-action 'self' https://shop.example;") {
		t.Errorf("policy %s", csp)
	}
	shown := parsed(t, "confirm", rec)
	shown.contains("Shop asks to sign you out.")
	if attr(shown.elements("form")[0], "action") != "/oauth2/logout" || attr(shown.elements("input")[0], "name") != "confirm" {
		t.Error(rec.Body)
	}
}
