package oidc

import (
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

// relyingParty is the client that the modules of the OpenID Foundation's
// conformance suite play: confidential, with a nonce and mostly without PKCE.
type relyingParty struct {
	*testing.T
	w *world
	b *browser
}

// request is the suite's usual authorization request.
func (p *relyingParty) request(change ...string) url.Values {
	return with(url.Values{
		"client_id": {"exempt"}, "redirect_uri": {callback}, "response_type": {"code"}, "scope": {"openid"}, "state": {"st-1"}, "nonce": {"no-1"},
	}, change...)
}

func (p *relyingParty) tokens(code string) answer {
	p.Helper()
	a := p.w.redeem("exempt", code, "code_verifier", "")
	if a.status != 200 {
		p.Fatalf("%d %s", a.status, a.raw)
	}
	return a
}

// signIn asks, is asked to sign in, and gets tokens.
func (p *relyingParty) signIn(change ...string) answer {
	p.Helper()
	rec := p.b.get(AuthorizePath + "?" + p.request(change...).Encode())
	return p.tokens(p.asked(rec))
}

// asked answers the pages and returns the code.
func (p *relyingParty) asked(rec *httptest.ResponseRecorder) string {
	p.Helper()
	id, flow := strings.CutPrefix(rec.Header().Get("Location"), "/flow/")
	if !flow {
		p.Fatalf("nobody was asked: %d %q %s", rec.Code, rec.Header().Get("Location"), rec.Body)
	}
	return p.coded(p.b.finish("ada", id))
}

func (p *relyingParty) coded(rec *httptest.ResponseRecorder) string {
	p.Helper()
	got := answerOf(p, rec)
	if got.Get("code") == "" || got.Get("state") != "st-1" || got.Get("iss") != p.w.tenant.Issuer {
		p.Fatalf("%d %q %s", rec.Code, rec.Header().Get("Location"), rec.Body)
	}
	return got.Get("code")
}

// silent expects an answer without a page.
func (p *relyingParty) silent(change ...string) answer {
	p.Helper()
	return p.tokens(p.coded(p.b.get(AuthorizePath + "?" + p.request(change...).Encode())))
}

// refused expects an error at the redirect URI.
func (p *relyingParty) refused(code string, change ...string) {
	p.Helper()
	redirected(p.T, p.w, p.request(change...), code)
}

func (p *relyingParty) page(change ...string) {
	p.Helper()
	shown(p.T, p.w, p.request(change...), "invalid_request")
}

func (p *relyingParty) userinfo(a answer) map[string]any {
	p.Helper()
	got := read(p, p.b.get(UserinfoPath, "Authorization", "Bearer "+a.text("access_token")))
	got.want(p, 200, "")
	return got.body
}

func object(claims string) string {
	enc := base64.RawURLEncoding.EncodeToString
	return enc([]byte(`{"alg":"none"}`)) + "." + enc([]byte(claims)) + "."
}

// The modules of the plans that an OpenID Provider with code flow runs, each by
// what it demands of the server. The suite itself is Java and is run apart.
func TestOIDF(t *testing.T) {
	modules := map[string]func(*relyingParty){
		// oidcc-basic-certification-test-plan
		"oidcc-server": func(p *relyingParty) {
			id := p.signIn().id(p)
			if id["nonce"] != "no-1" || id["aud"] != "exempt" || id["sub"] == nil || id["at_hash"] == nil {
				p.Errorf("%v", id)
			}
		},
		"oidcc-response-type-missing": func(p *relyingParty) { p.refused("invalid_request", "response_type", "") },
		"oidcc-userinfo-get":          func(p *relyingParty) { p.userinfo(p.signIn()) },
		"oidcc-userinfo-post-header": func(p *relyingParty) {
			a := p.signIn()
			read(p, p.b.send("POST", UserinfoPath, nil, "Authorization", "Bearer "+a.text("access_token"))).want(p, 200, "")
		},
		"oidcc-userinfo-post-body": func(p *relyingParty) {
			a := p.signIn()
			read(p, p.b.send("POST", UserinfoPath, url.Values{"access_token": {a.text("access_token")}})).want(p, 200, "")
		},
		"oidcc-ensure-request-without-nonce-succeeds-for-code-flow": func(p *relyingParty) {
			// The module that sends no nonce is the one that sends a challenge.
			rec := p.b.get(AuthorizePath + "?" + p.request("nonce", "", "code_challenge", challengeOf(verifier), "code_challenge_method", "S256").Encode())
			if a := p.w.redeem("exempt", p.asked(rec)); a.status != 200 || a.id(p)["nonce"] != nil {
				p.Error(a.raw)
			}
		},
		"oidcc-scope-profile": func(p *relyingParty) {
			if u := p.userinfo(p.signIn("scope", "openid profile")); u["name"] != "ada" {
				p.Errorf("%v", u)
			}
		},
		"oidcc-scope-email": func(p *relyingParty) {
			if u := p.userinfo(p.signIn("scope", "openid email")); u["email"] != "ada@example.com" || u["email_verified"] != true {
				p.Errorf("%v", u)
			}
		},
		"oidcc-scope-address":                                  func(p *relyingParty) { p.userinfo(p.signIn("scope", "openid address")) },
		"oidcc-scope-phone":                                    func(p *relyingParty) { p.userinfo(p.signIn("scope", "openid phone")) },
		"oidcc-scope-all":                                      func(p *relyingParty) { p.userinfo(p.signIn("scope", "openid profile email address phone")) },
		"oidcc-ensure-other-scope-order-succeeds":              func(p *relyingParty) { p.userinfo(p.signIn("scope", "email openid")) },
		"oidcc-display-page":                                   func(p *relyingParty) { p.signIn("display", "page") },
		"oidcc-display-popup":                                  func(p *relyingParty) { p.signIn("display", "popup") },
		"oidcc-prompt-none-not-logged-in":                      func(p *relyingParty) { p.refused("login_required", "prompt", "none") },
		"oidcc-ensure-request-with-unknown-parameter-succeeds": func(p *relyingParty) { p.signIn("extra", "foobar") },
		"oidcc-ui-locales":                                     func(p *relyingParty) { p.signIn("ui_locales", "se") },
		"oidcc-claims-locales":                                 func(p *relyingParty) { p.signIn("claims_locales", "se") },
		"oidcc-login-hint":                                     func(p *relyingParty) { p.signIn("login_hint", "ada@example.com") },
		"oidcc-prompt-login": func(p *relyingParty) {
			first := p.signIn().id(p)
			p.w.pass(2 * time.Second)
			if second := p.signIn("prompt", "login").id(p); !unix(second["auth_time"]).After(unix(first["auth_time"])) || second["sub"] != first["sub"] {
				p.Errorf("%v then %v", first, second)
			}
		},
		"oidcc-prompt-none-logged-in": func(p *relyingParty) {
			first := p.signIn().id(p)
			p.w.pass(2 * time.Second)
			if second := p.silent("prompt", "none").id(p); second["auth_time"] != first["auth_time"] || second["sub"] != first["sub"] || second["sid"] != first["sid"] {
				p.Errorf("%v then %v", first, second)
			}
		},
		"oidcc-max-age-1": func(p *relyingParty) {
			first := p.signIn().id(p)
			p.w.pass(2 * time.Second)
			if second := p.signIn("max_age", "1").id(p); !unix(second["auth_time"]).After(unix(first["auth_time"])) {
				p.Errorf("%v then %v", first, second)
			}
		},
		"oidcc-max-age-10000": func(p *relyingParty) {
			first := p.signIn().id(p)
			p.w.pass(2 * time.Second)
			if second := p.silent("max_age", "10000").id(p); second["auth_time"] != first["auth_time"] {
				p.Errorf("%v then %v", first, second)
			}
		},
		"oidcc-id-token-hint": func(p *relyingParty) {
			first := p.signIn()
			if second := p.silent("prompt", "none", "id_token_hint", first.text("id_token")).id(p); second["sub"] != first.id(p)["sub"] {
				p.Errorf("%v", second)
			}
		},
		"oidcc-ensure-request-with-acr-values-succeeds": func(p *relyingParty) {
			if id := p.signIn("acr_values", "urn:mace:incommon:iap:silver aal1").id(p); id["acr"] != "aal1" {
				p.Errorf("%v", id)
			}
			p.signInAgain("acr_values", "urn:mace:incommon:iap:silver")
		},
		"oidcc-codereuse": func(p *relyingParty) {
			code := p.asked(p.b.get(AuthorizePath + "?" + p.request().Encode()))
			a := p.tokens(code)
			p.w.redeem("exempt", code, "code_verifier", "").want(p, 400, "invalid_grant")
			read(p, p.b.get(UserinfoPath, "Authorization", "Bearer "+a.text("access_token"))).want(p, 401, "invalid_token")
		},
		"oidcc-codereuse-30seconds": func(p *relyingParty) {
			code := p.asked(p.b.get(AuthorizePath + "?" + p.request().Encode()))
			p.tokens(code)
			p.w.pass(30 * time.Second)
			p.w.redeem("exempt", code, "code_verifier", "").want(p, 400, "invalid_grant")
		},
		"oidcc-ensure-registered-redirect-uri": func(p *relyingParty) { p.page("redirect_uri", callback+"/other") },
		"oidcc-ensure-post-request-succeeds": func(p *relyingParty) {
			rec := p.b.send(http.MethodPost, AuthorizePath, p.request())
			p.tokens(p.asked(p.b.get(rec.Header().Get("Location"))))
		},
		"oidcc-server-client-secret-post": func(p *relyingParty) { p.signIn() },
		"oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported": func(p *relyingParty) {
			p.refused("request_not_supported", "request", object(`{"state":"other"}`))
		},
		"oidcc-request-uri-unsigned-supported-correctly-or-rejected-as-unsupported": func(p *relyingParty) {
			p.refused("request_uri_not_supported", "request_uri", "https://rp.example/request.jwt")
		},
		"oidcc-ensure-request-object-with-redirect-uri": func(p *relyingParty) {
			p.page("redirect_uri", "", "request", object(`{"redirect_uri":"`+callback+`"}`))
		},
		"oidcc-claims-essential": func(p *relyingParty) {
			if u := p.userinfo(p.signIn("claims", `{"userinfo":{"name":{"essential":true}}}`)); u["name"] != "ada" {
				p.Errorf("%v", u)
			}
		},
		"oidcc-refresh-token": func(p *relyingParty) {
			a := p.signIn("scope", "openid offline_access", "prompt", "consent")
			p.w.refresh("web", a.text("refresh_token")).want(p, 400, "invalid_grant") // the second client of the module
			b := p.w.refresh("exempt", a.text("refresh_token"))
			one, two := a.id(p), b.id(p)
			for _, name := range []string{"iss", "sub", "aud", "auth_time"} {
				if one[name] != two[name] {
					p.Errorf("%s: %v then %v", name, one[name], two[name])
				}
			}
		},
		"oidcc-ensure-request-with-valid-pkce-succeeds": func(p *relyingParty) {
			rec := p.b.get(AuthorizePath + "?" + p.request("code_challenge", challengeOf(verifier), "code_challenge_method", "S256").Encode())
			if a := p.w.redeem("exempt", p.asked(rec)); a.status != 200 {
				p.Error(a.raw)
			}
		},
		// oidcc-dynamic-certification-test-plan, as far as it needs no registration
		"oidcc-redirect-uri-query-OK": func(p *relyingParty) {
			rec := p.b.authorize("ada", ask("spa", "redirect_uri", callback+"?tenant=1"))
			if !strings.HasPrefix(rec.Header().Get("Location"), callback+"?tenant=1&") || answerOf(p, rec).Get("code") == "" {
				p.Errorf("%q", rec.Header().Get("Location"))
			}
		},
		"oidcc-redirect-uri-query-added": func(p *relyingParty) { p.page("redirect_uri", callback+"?foo=bar") },
		"oidcc-redirect-uri-query-mismatch": func(p *relyingParty) {
			shown(p.T, p.w, ask("spa", "redirect_uri", callback+"?tenant=2"), "invalid_request")
		},
		"oidcc-redirect-uri-regfrag": func(p *relyingParty) { p.page("redirect_uri", callback+"#fragment") },
		// oidcc-config-certification-test-plan
		"oidcc-discovery-endpoint-verification": func(p *relyingParty) {
			m := read(p, p.b.get("/.well-known/openid-configuration"))
			for _, name := range []string{
				"issuer", "authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri", "scopes_supported",
				"response_types_supported", "subject_types_supported", "id_token_signing_alg_values_supported", "claims_supported",
			} {
				if m.body[name] == nil {
					p.Errorf("%s is missing", name)
				}
			}
		},
		// oidcc-formpost-basic-certification-test-plan
		"oidcc-server (form_post)": func(p *relyingParty) {
			p.signIn()
			rec := p.b.get(AuthorizePath + "?" + p.request("response_mode", "form_post").Encode())
			lines := strings.Split(rec.Body.String(), "\n")
			fields, err := url.ParseQuery(lines[len(lines)-1])
			if err != nil || lines[0] != "page:form_post" || lines[1] != callback || fields.Get("state") != "st-1" {
				p.Fatalf("%d %s", rec.Code, rec.Body)
			}
			p.tokens(fields.Get("code"))
		},
	}
	for name, run := range modules {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			run(&relyingParty{T: t, w: w, b: w.browser()})
		})
	}
}

// signInAgain uses another browser, so that somebody is asked.
func (p *relyingParty) signInAgain(change ...string) {
	p.Helper()
	p.b = p.w.browser()
	p.signIn(change...)
}
