package oidc

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/intelliauth/intelliauth/internal/assurance"
	"github.com/intelliauth/intelliauth/internal/flow"
	"github.com/intelliauth/intelliauth/internal/identity"
)

// redirected asserts that an error went to the application, with state and iss.
func redirected(t *testing.T, w *world, v url.Values, code string) {
	t.Helper()
	rec := w.browser().get(AuthorizePath + "?" + v.Encode())
	got := answerOf(t, rec)
	if rec.Code != http.StatusSeeOther || !strings.HasPrefix(rec.Header().Get("Location"), callback) {
		t.Fatalf("%d to %q: %s", rec.Code, rec.Header().Get("Location"), rec.Body)
	}
	if got.Get("error") != code || got.Get("iss") != w.tenant.Issuer || got.Has("code") {
		t.Errorf("answer %v, want error %s with iss", got, code)
	}
	if len(v["state"]) == 1 && len(v.Get("state")) <= maxState && got.Get("state") != v.Get("state") {
		t.Errorf("state %q is not sent back", got.Get("state"))
	}
}

// shown asserts that an error is a page, whatever the request says of redirects.
func shown(t *testing.T, w *world, v url.Values, code string) {
	t.Helper()
	rec := w.browser().get(AuthorizePath + "?" + v.Encode())
	lines := strings.Split(rec.Body.String(), "\n")
	if rec.Code != http.StatusBadRequest || rec.Header().Get("Location") != "" || lines[0] != "page:error" || lines[1] != code {
		t.Errorf("%d to %q: %s, want a page with %s", rec.Code, rec.Header().Get("Location"), rec.Body, code)
	}
}

func TestA02_ErrorsOfClientAndRedirectAreShownOnAPage(t *testing.T) {
	w := newWorld(t)
	for name, v := range map[string]url.Values{
		"no client":          ask("spa", "client_id", ""),
		"repeated redirect":  ask("spa", "+redirect_uri", "https://evil.example"),
		"other redirect":     ask("spa", "redirect_uri", "https://evil.example/cb"),
		"no redirect, oidc":  ask("web", "redirect_uri", ""),
		"no redirect, three": ask("spa", "redirect_uri", "", "scope", "me"),
		"repeated client":    ask("spa", "+client_id", "web"),
	} {
		t.Run(name, func(t *testing.T) { shown(t, w, v, "invalid_request") })
	}
	for name, v := range map[string]url.Values{
		"unknown client":  ask("nobody"),
		"disabled client": ask("gone"),
		"long client":     ask(strings.Repeat("x", 4000)),
	} {
		t.Run(name, func(t *testing.T) { shown(t, w, v, "invalid_client") })
	}
}

// Every check that may redirect its error, by one request that only it refuses.
func TestAuthorizeChecks(t *testing.T) {
	w := newWorld(t)
	for name, c := range map[string]struct {
		v    url.Values
		code string
	}{
		"response_mode unknown":          {ask("spa", "response_mode", "fragment"), "invalid_request"},
		"state too long":                 {ask("spa", "state", strings.Repeat("s", maxState+1)), "invalid_request"},
		"state repeated":                 {ask("spa", "+state", "two"), "invalid_request"},
		"scope repeated":                 {ask("spa", "+scope", "openid"), "invalid_request"},
		"unknown parameter repeated":     {ask("spa", "x", "1", "+x", "2"), "invalid_request"},
		"request object":                 {ask("spa", "request", "e30.e30."), "request_not_supported"},
		"request_uri elsewhere":          {ask("spa", "request_uri", "https://evil.example/r"), "request_uri_not_supported"},
		"registration":                   {ask("spa", "registration", "{}"), "registration_not_supported"},
		"par required":                   {ask("jwt"), "invalid_request"},
		"response_type missing":          {ask("spa", "response_type", ""), "invalid_request"},
		"A-04 implicit":                  {ask("spa", "response_type", "token"), "unsupported_response_type"},
		"A-04 hybrid":                    {ask("spa", "response_type", "code id_token"), "unsupported_response_type"},
		"scope malformed":                {ask("spa", "scope", "openid \"x\""), "invalid_scope"},
		"scope of nothing":               {ask("spa", "scope", "admin root"), "invalid_scope"},
		"me:factors without selfservice": {ask("web", "scope", "openid me:factors"), "invalid_scope"},
		"nonce too long":                 {ask("spa", "nonce", strings.Repeat("n", maxNonce+1)), "invalid_request"},
		"H-37 no challenge":              {ask("spa", "code_challenge", "", "code_challenge_method", ""), "invalid_request"},
		"H-37 plain":                     {ask("spa", "code_challenge_method", "plain"), "invalid_request"},
		"H-37 method left out":           {ask("spa", "code_challenge_method", ""), "invalid_request"},
		"H-37 method alone":              {ask("exempt", "code_challenge", ""), "invalid_request"},
		"challenge malformed":            {ask("spa", "code_challenge", strings.Repeat("=", 43)), "invalid_request"},
		"A-04 confidential, no PKCE":     {ask("web", "code_challenge", "", "code_challenge_method", ""), "invalid_request"},
		"A-04 exempt without nonce":      {ask("exempt", "code_challenge", "", "code_challenge_method", "", "nonce", ""), "invalid_request"},
		"A-04 exempt without openid":     {ask("exempt", "code_challenge", "", "code_challenge_method", "", "scope", "profile"), "invalid_request"},
		"resource unknown":               {ask("spa", "resource", "https://evil.example"), "invalid_target"},
		"audience unknown":               {ask("spa", "audience", "https://evil.example"), "invalid_target"},
		"one resource of two unknown":    {ask("spa", "resource", apiURI, "+resource", "https://evil.example"), "invalid_target"},
		"A-24 none with login":           {ask("spa", "prompt", "none login"), "invalid_request"},
		"prompt unknown":                 {ask("spa", "prompt", "create"), "invalid_request"},
		"max_age word":                   {ask("spa", "max_age", "soon"), "invalid_request"},
		"max_age negative":               {ask("spa", "max_age", "-1"), "invalid_request"},
		"max_age signed":                 {ask("spa", "max_age", "+1"), "invalid_request"},
		"max_age fraction":               {ask("spa", "max_age", "1.5"), "invalid_request"},
		"claims no object":               {ask("spa", "claims", "[]"), "invalid_request"},
		"claims malformed":               {ask("spa", "claims", `{"id_token":{"acr":true}}`), "invalid_request"},
		"claims too long":                {ask("spa", "claims", `{"x":"`+strings.Repeat("x", maxClaims)+`"}`), "invalid_request"},
		"H-48 claims nested deep":        {ask("spa", "claims", strings.Repeat(`{"a":`, 1500)), "invalid_request"},
		"essential acr unknown": {
			ask("spa", "claims", `{"id_token":{"acr":{"essential":true,"value":"urn:gold"}}}`),
			"unmet_authentication_requirements",
		},
		"claims with two subs":  {ask("spa", "claims", `{"id_token":{"sub":{"values":["a","b"]}}}`), "invalid_request"},
		"hint is no token":      {ask("spa", "id_token_hint", "x.y.z"), "invalid_request"},
		"login_hint too long":   {ask("spa", "login_hint", strings.Repeat("a", maxLoginHint+1)), "invalid_request"},
		"C-20 factors silently": {ask("spa", "scope", "openid me me:factors", "prompt", "none"), "interaction_required"},
		"enrol unknown":         {ask("spa", "enrol", "knock"), "invalid_request"},
		"enrol password":        {ask("spa", "enrol", "password"), "invalid_request"},
		"enrol twice":           {ask("spa", "enrol", "totp", "+enrol", "totp"), "invalid_request"},
		"enrol silently":        {ask("spa", "enrol", "totp", "prompt", "none"), "interaction_required"},
		"enrol by another":      {ask("web", "enrol", "totp"), "unauthorized_client"},
		"A-24 none, nobody":     {ask("spa", "prompt", "none"), "login_required"},
	} {
		t.Run(name, func(t *testing.T) { redirected(t, w, c.v, c.code) })
	}
	w.putApp(identity.Application{ID: "mute", AuthMethod: identity.AuthNone, RedirectURIs: []string{callback}, Scopes: []string{"openid"}})
	t.Run("grant not registered", func(t *testing.T) { redirected(t, w, ask("mute"), "unauthorized_client") })
}

func TestErrorsGoByFormPostWhereAsked(t *testing.T) {
	w := newWorld(t)
	rec := w.browser().get(AuthorizePath + "?" + ask("spa", "response_mode", "form_post", "response_type", "token").Encode())
	lines := strings.Split(rec.Body.String(), "\n")
	if rec.Code != http.StatusOK || lines[0] != "page:form_post" || lines[1] != callback {
		t.Fatalf("%d %s", rec.Code, rec.Body)
	}
	fields, err := url.ParseQuery(lines[2])
	if err != nil || fields.Get("error") != "unsupported_response_type" || fields.Get("iss") != w.tenant.Issuer || fields.Get("state") != "st" {
		t.Errorf("%v %v", fields, err)
	}
}

// examined runs the table alone.
func examined(t *testing.T, w *world, v url.Values) flow.Request {
	t.Helper()
	e := &endpoints{Deps: Deps{Store: w.store, Engine: w.engine, Keys: w.keys, Now: w.now}, apps: newApplications(w.store, w.now)}
	a := &authorizeContext{ctx: t.Context(), tenant: w.tenant, params: v, now: w.now()}
	if err := e.examine(a); err != nil {
		t.Fatal(err)
	}
	return a.request
}

func TestRequestReadsParameters(t *testing.T) {
	w := newWorld(t)
	r := examined(t, w, ask("spa", "scope", "openid  me openid unknown:scope offline_access", "resource", apiURI, "+audience", w.tenant.MeAudience(),
		"prompt", "login consent", "max_age", "300", "ui_locales", "de-DE fr \x01", "display", "popup", "login_hint", "ada",
		"claims", `{"userinfo":{"email":{"essential":true},"secret":null},"id_token":{"name":null,"auth_time":{"essential":true}}}`))
	a := r.Authorization
	for what, ok := range map[string]bool{
		"scopes":    slices.Equal(a.Scopes, []string{"openid", "me", "offline_access"}),
		"resources": slices.Equal(a.Resources, []string{apiURI, w.tenant.MeAudience()}),
		"prompt":    r.PromptLogin && r.PromptConsent && !r.PromptNone && !r.PromptSelect,
		"max_age":   r.MaxAge != nil && *r.MaxAge == 5*time.Minute && a.WantAuthTime,
		"locales":   slices.Equal(a.Locales, []string{"de-DE", "fr"}),
		"display":   a.Display == "popup",
		"hint":      r.LoginHint == "ada",
		"claims":    slices.Equal(a.Claims, []string{"name"}) && slices.Equal(a.UserinfoClaims, []string{"email"}),
		"pkce":      a.CodeChallenge == challengeOf(verifier),
		"rest":      a.ClientID == "spa" && a.RedirectURISent && a.Nonce == "n-1" && a.State == "st" && a.RequestedAt.Equal(w.now().Truncate(time.Microsecond)),
	} {
		if !ok {
			t.Errorf("%s: %+v", what, r)
		}
	}
}

func TestEnrolIsADuty(t *testing.T) {
	w := newWorld(t)
	if r := examined(t, w, ask("spa", "enrol", "totp")); r.Duty == nil || *r.Duty != (flow.Duty{Kind: flow.DutyEnrol, Factor: "totp"}) {
		t.Errorf("%+v", r.Duty)
	}
	for _, v := range []url.Values{ask("spa"), ask("spa", "enrol", "")} {
		if r := examined(t, w, v); r.Duty != nil {
			t.Errorf("%v: %+v", v, r.Duty)
		}
	}
}

func TestA23_MaxAgeZeroIsPromptLogin(t *testing.T) {
	w := newWorld(t)
	if r := examined(t, w, ask("spa", "max_age", "0")); !r.PromptLogin || r.MaxAge == nil || *r.MaxAge != 0 {
		t.Errorf("%+v", r)
	}
	for _, huge := range []string{"99999999999", "184467440737095516159999"} {
		if r := examined(t, w, ask("spa", "max_age", huge)); r.PromptLogin || *r.MaxAge != longestAge {
			t.Errorf("%s: %v", huge, *r.MaxAge)
		}
	}
}

func TestC08_AcrValuesAreAlternativesInOrder(t *testing.T) {
	w := newWorld(t)
	level := func(l assurance.Level) assurance.Requirement { return assurance.Requirement{Level: l} }
	resistant := func(l assurance.Level) assurance.Requirement {
		return assurance.Requirement{Level: l, PhishingResistant: true}
	}
	acr := func(essential string, values string) string {
		return `{"id_token":{"acr":{"essential":` + essential + `,"values":[` + values + `]}}}`
	}
	for name, c := range map[string]struct {
		values, claims string
		want           []assurance.Requirement
	}{
		"order":                     {"aal3 aal2", "", []assurance.Requirement{level(3), level(2)}},
		"phishing-resistant":        {"phrh phr", "", []assurance.Requirement{resistant(3), resistant(1)}},
		"unknown beside ours":       {"urn:gold aal2 AAL3", "", []assurance.Requirement{level(2)}},
		"unknown alone is a wish":   {"urn:gold", "", nil},
		"by claim":                  {"", acr("true", `"aal2","aal1"`), []assurance.Requirement{level(2), level(1)}},
		"by claim, value":           {"", `{"id_token":{"acr":{"value":"aal3"}}}`, []assurance.Requirement{level(3)}},
		"voluntary claim, unknown":  {"", acr("false", `"urn:gold"`), nil},
		"both must hold":            {"aal1 aal3", acr("false", `"aal2"`), []assurance.Requirement{level(2), level(3)}},
		"claims asks for acr alone": {"", `{"id_token":{"acr":null}}`, nil},
		"bounded":                   {strings.Repeat("aal1 ", 50), "", slices.Repeat([]assurance.Requirement{level(1)}, maxAlternatives)},
	} {
		t.Run(name, func(t *testing.T) {
			r := examined(t, w, ask("spa", "acr_values", c.values, "claims", c.claims))
			same := slices.EqualFunc(r.Alternatives, c.want, func(a, b assurance.Requirement) bool {
				return a.Level == b.Level && a.PhishingResistant == b.PhishingResistant && a.Since.IsZero()
			})
			if !same || r.Essential != (len(c.want) > 0) {
				t.Errorf("got %+v essential %v, want %+v", r.Alternatives, r.Essential, c.want)
			}
		})
	}
}

func TestA26_HintNamesTheOnlySubject(t *testing.T) {
	w := newWorld(t)
	a, b := w.signIn("spa", "ada")
	hint := a.text("id_token")
	if r := examined(t, w, ask("web", "id_token_hint", hint)); r.Subject != w.users["ada"].ID {
		t.Errorf("subject %q", r.Subject)
	}
	if r := examined(t, w, ask("web", "claims", `{"id_token":{"sub":{"value":"usr_x"}}}`)); r.Subject != "usr_x" {
		t.Errorf("subject %q", r.Subject)
	}
	redirected(t, w, ask("spa", "id_token_hint", hint, "claims", `{"id_token":{"sub":{"value":"usr_x"}}}`), "invalid_request")

	// An access token is no hint, and one of another issuer is none either.
	redirected(t, w, ask("spa", "id_token_hint", a.text("access_token")), "invalid_request")

	// Expired, it is still a hint; for somebody else than the one signed in it is never a silent switch.
	w.pass(time.Hour)
	if got := answerOf(t, b.get(AuthorizePath+"?"+ask("spa", "prompt", "none", "id_token_hint", hint).Encode())); got.Get("code") == "" {
		t.Errorf("own hint: %v", got)
	}
	grace := w.browser()
	grace.code("grace", ask("spa"))
	if got := answerOf(t, grace.get(AuthorizePath+"?"+ask("spa", "prompt", "none", "id_token_hint", hint).Encode())); got.Get("error") != "login_required" {
		t.Errorf("another's hint: %v", got)
	}
}

func TestA01_RedirectURIsMatchByExactString(t *testing.T) {
	native := identity.Application{AuthMethod: identity.AuthNone, RedirectURIs: []string{
		"https://app.example/cb", "https://app.example/cb?a=b", "http://127.0.0.1:4000/cb", "http://[::1]/cb?x=1", "http://localhost:3000/cb", "com.example.app:/cb",
	}}
	web := native
	web.AuthMethod = identity.AuthSecretBasic
	for uri, want := range map[string]struct{ native, web bool }{
		"https://app.example/cb":           {true, true},
		"https://app.example/cb?a=b":       {true, true},
		"http://127.0.0.1:4000/cb":         {true, true},
		"http://localhost:3000/cb":         {true, true},
		"com.example.app:/cb":              {true, true},
		"http://127.0.0.1:51234/cb":        {true, false}, // RFC 8252, 7.3
		"http://127.0.0.1/cb":              {true, false},
		"http://127.0.0.1:65535/cb":        {true, false},
		"http://[::1]:9/cb?x=1":            {true, false},
		"http://127.0.0.1:65536/cb":        {},
		"http://127.0.0.1:0/cb":            {},
		"http://127.0.0.1:/cb":             {},
		"http://127.0.0.1:80000/cb":        {},
		"http://127.0.0.1:123456/cb":       {},
		"http://127.0.0.1:4000/cb/":        {},
		"http://127.0.0.1.evil.test/cb":    {},
		"http://127.0.0.1:4000@evil/cb":    {},
		"http://127.0.0.1@evil.test/cb":    {},
		"http://127.0.0.2:4000/cb":         {},
		"http://[::1]:9/cb":                {},
		"http://localhost:3001/cb":         {}, // a name is no address
		"https://127.0.0.1:4000/cb":        {},
		"https://app.example/cb/":          {},
		"https://app.example/cb?":          {},
		"https://app.example/cb#":          {},
		"https://app.example/cb#x":         {},
		"https://app.example/CB":           {},
		"https://APP.example/cb":           {},
		"https://app.example:443/cb":       {},
		"https://app.example/x/../cb":      {},
		"https://app.example/%63b":         {},
		"https://app.example.evil.test/cb": {},
		"https://app.example@evil.test/cb": {},
		"http://app.example/cb":            {},
		"//app.example/cb":                 {},
		"":                                 {},
	} {
		if got := redirectAllowed(native, uri); got != want.native {
			t.Errorf("native %q: %v", uri, got)
		}
		if got := redirectAllowed(web, uri); got != want.web {
			t.Errorf("web %q: %v", uri, got)
		}
	}
}

func TestH27_HarmfulRedirectsAreRefusedEvenIfRegistered(t *testing.T) {
	for _, uri := range []string{
		"//evil.example", `/\evil.example`, "https:evil", "https:/evil", "https://", "https://user@evil.example/", "https://a:b@evil.example/",
		"javascript:alert(1)", "data:text/html,x", "vbscript:x", "file:///etc/passwd", "blob:https://x", "about:blank",
		"http://evil.example/cb", "http://localhost.evil.example/", "https://evil.example/#x", "https://evil.example/\r\nSet-Cookie: a=b",
		"https://evil.example/ x", `https://evil.example\@good.example`, "https://evil.example/\u202e", "%0d%0a", "myapp://cb", "https://x/" + strings.Repeat("a", maxURI),
	} {
		if redirectAllowed(identity.Application{AuthMethod: identity.AuthNone, RedirectURIs: []string{uri}}, uri) {
			t.Errorf("%q is taken", uri)
		}
	}
}

func TestC35_PostIsParkedAndBecomesAGet(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	v := ask("spa", "login_hint", "ada@example.com", "id_token_hint", "")
	rec := b.send(http.MethodPost, AuthorizePath, v)
	to := rec.Header().Get("Location")
	if rec.Code != http.StatusSeeOther || !strings.HasPrefix(to, AuthorizePath+"?posted=") || strings.Contains(to, "login_hint") {
		t.Fatalf("%d %q", rec.Code, to)
	}
	if len(b.cookies) != 0 {
		t.Errorf("a cross-site POST set cookies: %v", b.cookies)
	}
	for range 2 { // it can be loaded again
		if rec = b.get(to + "&client_id=web&state=evil"); !strings.HasPrefix(rec.Header().Get("Location"), "/flow/") {
			t.Fatalf("%d %q %s", rec.Code, rec.Header().Get("Location"), rec.Body)
		}
	}
	id, _ := strings.CutPrefix(rec.Header().Get("Location"), "/flow/")
	if got := answerOf(t, b.finish("ada", id)); got.Get("state") != "st" || got.Get("code") == "" {
		t.Errorf("%v", got)
	}
	w.pass(postedFor)
	if rec = b.get(to); rec.Code != http.StatusBadRequest || !strings.Contains(rec.Body.String(), "invalid_request_uri") {
		t.Errorf("after its time: %d %s", rec.Code, rec.Body)
	}
	for name, rec := range map[string]int{
		"unknown":       b.get(AuthorizePath + "?posted=unknown").Code,
		"with a query":  b.send(http.MethodPost, AuthorizePath+"?prompt=none", v).Code,
		"posted posted": b.send(http.MethodPost, AuthorizePath, url.Values{"posted": {"x"}}).Code,
		"wrong client":  b.send(http.MethodPost, AuthorizePath, ask("nobody")).Code,
	} {
		if rec != http.StatusBadRequest {
			t.Errorf("%s: %d", name, rec)
		}
	}
}

func TestHeadBeginsNothing(t *testing.T) {
	w := newWorld(t)
	rec := w.browser().send(http.MethodHead, AuthorizePath+"?"+ask("spa").Encode(), nil)
	if rec.Code != http.StatusMethodNotAllowed || len(rec.Result().Cookies()) != 0 {
		t.Errorf("%d %v", rec.Code, rec.Result().Cookies())
	}
}

func TestPlainOAuthMayLeaveOutTheOnlyRedirectURI(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	code := b.code("ada", ask("web", "redirect_uri", "", "scope", "profile"))
	if a := w.redeem("web", code, "redirect_uri", ""); a.status != http.StatusOK || a.text("id_token") != "" {
		t.Errorf("%d %s", a.status, a.raw)
	}
}
