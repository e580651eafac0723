package main

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
)

func TestDemoApplication(t *testing.T) {
	t.Parallel()
	w := startWorld(t, "")
	v := newVisitor(t, w.Issuer, nil)
	for _, origin := range []string{w.app, w.acmeApp} {
		issuer := w.Issuer
		if origin == w.acmeApp {
			issuer = w.Tenants["acme"]
		}
		for _, path := range []string{"/", "/callback", "/login"} {
			answer, page := v.do("GET", origin+path, nil)
			policy := answer.Header.Get("Content-Security-Policy")
			if answer.StatusCode != 200 || !strings.Contains(string(page), `data-issuer="`+issuer+`"`) || !strings.Contains(policy, "connect-src 'self' "+issuer+";") {
				t.Errorf("%s%s: %d, policy %s", origin, path, answer.StatusCode, policy)
			}
			if strings.Contains(policy, "unsafe") || !strings.Contains(policy, "frame-ancestors 'none'") {
				t.Errorf("policy %s", policy)
			}
		}
	}
	for path, kind := range map[string]string{"/static/app.js": "text/javascript", "/static/app.css": "text/css", "/static/icon.svg": "image/svg+xml"} {
		if answer, _ := v.do("GET", w.app+path, nil); answer.StatusCode != 200 || !strings.HasPrefix(answer.Header.Get("Content-Type"), kind) {
			t.Errorf("%s: %d %s", path, answer.StatusCode, answer.Header.Get("Content-Type"))
		}
	}
}

// TestA20_DemoAPIAsksForMore walks the step-up by hand: 401 with the demand, a
// sign-in that meets it, 200. Five minutes later the proof is too old again.
func TestA20_DemoAPIAsksForMore(t *testing.T) {
	t.Parallel()
	w := startWorld(t, "")
	v := newVisitor(t, w.Issuer, nil)
	call := func(token string) (int, string, map[string]any) {
		header := []string{}
		if token != "" {
			header = []string{"Authorization", "Bearer " + token}
		}
		answer, raw := v.do("POST", w.app+"/api/transfer", nil, header...)
		body := map[string]any{}
		if err := json.Unmarshal(raw, &body); err != nil {
			t.Fatalf("%s: %v", raw, err)
		}
		return answer.StatusCode, answer.Header.Get("WWW-Authenticate"), body
	}
	if status, demand, _ := call(""); status != 401 || demand != "Bearer" {
		t.Errorf("without a token: %d %s", status, demand)
	}
	_, low := v.password(nil)
	for name, bad := range map[string]string{"an ID token": low.ID, "a refresh token": low.Refresh, "noise": "x.y.z", "another tenant's": ""} {
		if bad == "" {
			other := newVisitor(t, w.Tenants["acme"], nil)
			o := other.begin(nil)
			other.answer(o, "ada@example.com")
			other.answer(o, "analytical-engine-1843")
			other.totp(o)
			bad = other.redeem(o).Access
		}
		if status, demand, _ := call(bad); status != 401 || !strings.Contains(demand, `error="invalid_token"`) {
			t.Errorf("with %s: %d %s", name, status, demand)
		}
	}
	status, demand, body := call(low.Access)
	if status != 401 || !strings.Contains(demand, `error="insufficient_user_authentication"`) || !strings.Contains(demand, `acr_values="aal2", max_age="300"`) {
		t.Errorf("at AAL1: %d %s", status, demand)
	}
	if body["code"] != "mfa_required" || body["requiredAal"] != 2.0 || body["maxAge"] != 300.0 || body["requestId"] == "" {
		t.Errorf("body %v", body)
	}

	s := v.begin(url.Values{"acr_values": {"aal2"}, "max_age": {"300"}, "id_token_hint": {low.ID}})
	// The first factor is bound by somebody who proves anew, not by an open session (C-20).
	if s.view.Prompts[0].Factor != "password" {
		t.Errorf("asked for %s first", s.view.Prompts[0].Factor)
	}
	v.answer(s, "analytical-engine-1843")
	v.totp(s)
	high := v.redeem(s)
	if status, demand, body := call(high.Access); status != 200 || body["status"] != "done" {
		t.Errorf("at AAL2: %d %s %v", status, demand, body)
	}
	v.json("POST", w.Issuer+"/dev/clock", map[string]string{"advance": "301s"}, 200, nil)
	if status, demand, _ := call(high.Access); status != 401 || !strings.Contains(demand, "insufficient_user_authentication") {
		t.Errorf("301 s later: %d %s", status, demand)
	}
}
