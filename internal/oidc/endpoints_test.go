package oidc

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/intelliauth/intelliauth/internal/flow"
	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/token"
)

func TestA07_MetadataOfBothAddresses(t *testing.T) {
	w := newWorld(t)
	one, two := w.browser().get("/.well-known/openid-configuration"), w.browser().get("/.well-known/oauth-authorization-server")
	if one.Code != 200 || !bytes.Equal(one.Body.Bytes(), two.Body.Bytes()) {
		t.Fatalf("%d %s\n%s", one.Code, one.Body, two.Body)
	}
	var m map[string]any
	w.must(json.Unmarshal(one.Body.Bytes(), &m))
	if !bytes.HasPrefix(one.Body.Bytes(), []byte(`{"issuer":"https://a.example",`)) {
		t.Errorf("the issuer is not byte for byte: %s", one.Body)
	}
	for name, want := range map[string]any{
		"token_endpoint": "https://a.example/oauth2/token", "jwks_uri": "https://a.example/oauth2/jwks",
		"pushed_authorization_request_endpoint":          "https://a.example/oauth2/par",
		"end_session_endpoint":                           "https://a.example/oauth2/logout",
		"authorization_response_iss_parameter_supported": true, "claims_parameter_supported": true,
		"request_parameter_supported": false, "request_uri_parameter_supported": false,
		"require_pushed_authorization_requests": false,
	} {
		if m[name] != want {
			t.Errorf("%s: %v", name, m[name])
		}
	}
	for name, want := range map[string][]any{
		"code_challenge_methods_supported": {"S256"}, "response_types_supported": {"code"}, "id_token_signing_alg_values_supported": {"ES256"},
		"acr_values_supported":                          {"aal1", "aal2", "aal3", "phr", "phrh"},
		"token_endpoint_auth_methods_supported":         {"client_secret_basic", "client_secret_post", "private_key_jwt", "none"},
		"introspection_endpoint_auth_methods_supported": {"client_secret_basic", "client_secret_post", "private_key_jwt"},
	} {
		if got, _ := m[name].([]any); !slices.Equal(got, want) {
			t.Errorf("%s: %v", name, m[name])
		}
	}
	// Every address that is promised answers something else than "no such page".
	for name, at := range m {
		u, isText := at.(string)
		if path, ours := strings.CutPrefix(u, w.tenant.Issuer+"/"); isText && ours && strings.HasSuffix(name, "_endpoint") || name == "jwks_uri" {
			if rec := w.browser().get("/" + path); rec.Code == http.StatusNotFound {
				t.Errorf("%s: %d", name, rec.Code)
			}
		}
	}
	if cacheControl != fmt.Sprintf("public, max-age=%d", token.CacheLife/time.Second) {
		t.Errorf("metadata is kept for %s, keys for %s", cacheControl, token.CacheLife)
	}
}

func TestH40_NoHeaderMakesAnIssuer(t *testing.T) {
	w := newWorld(t)
	want := w.browser().get("/.well-known/openid-configuration").Body.String()
	spoofed := w.browser().get("/.well-known/openid-configuration", "X-Forwarded-Host", "evil.example", "X-Forwarded-Proto", "http",
		"X-Forwarded-Port", "81", "Forwarded", "host=evil.example;proto=http", "X-Original-Host", "evil.example").Body.String()
	if spoofed != want || strings.Contains(spoofed, "evil") {
		t.Errorf("%s", spoofed)
	}
	r := httptest.NewRequest(http.MethodGet, "https://evil.example/.well-known/openid-configuration", nil)
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, r)
	if rec.Code != http.StatusNotFound || strings.Contains(rec.Body.String(), "evil") {
		t.Errorf("another host: %d %s", rec.Code, rec.Body)
	}
	a, _ := w.signIn("spa", "ada")
	if a.access(t)["iss"] != "https://a.example" {
		t.Error(a.access(t))
	}
}

func TestA07_AlgorithmIsTheTenants(t *testing.T) {
	for _, alg := range []string{"EdDSA", "RS256", "ES256"} {
		w := newWorld(t, withAlgorithm(alg))
		if m := read(t, w.browser().get("/.well-known/openid-configuration")); !slices.Equal(m.body["id_token_signing_alg_values_supported"].([]any), []any{alg}) {
			t.Error(m.raw)
		}
		a, _ := w.signIn("spa", "ada")
		if got := algorithmOf(a.text("id_token")); got != alg {
			t.Errorf("signed with %s", got)
		}
		if want := token.AtHash(alg, a.text("access_token")); a.id(t)["at_hash"] != want {
			t.Errorf("at_hash %v, want %s", a.id(t)["at_hash"], want)
		}
	}
}

func TestJWKSIsCachedByEntityTag(t *testing.T) {
	w := newWorld(t)
	rec := w.browser().get(JWKSPath)
	if rec.Code != 200 || rec.Header().Get("Cache-Control") != cacheControl || !strings.Contains(rec.Body.String(), `"kid"`) || strings.Contains(rec.Body.String(), `"d":`) {
		t.Fatalf("%d %v %s", rec.Code, rec.Header(), rec.Body)
	}
	if again := w.browser().get(JWKSPath, "If-None-Match", rec.Header().Get("ETag")); again.Code != http.StatusNotModified || again.Body.Len() != 0 {
		t.Errorf("%d %s", again.Code, again.Body)
	}
}

func TestA08_OnlyPublicAnswersAreShared(t *testing.T) {
	w := newWorld(t)
	shared := map[string]bool{
		"/.well-known/openid-configuration": true, "/.well-known/oauth-authorization-server": true, JWKSPath: true, TokenPath: true, UserinfoPath: true,
		AuthorizePath: false, PARPath: false, IntrospectPath: false, RevokePath: false, LogoutPath: false,
	}
	for path, want := range shared {
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodOptions} {
			rec := w.browser().send(method, path, nil, "Origin", "https://app.example", "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "authorization")
			if rec.Code == http.StatusMethodNotAllowed {
				continue
			}
			if got := rec.Header().Get("Access-Control-Allow-Origin") == "*"; got != want || rec.Header().Get("Access-Control-Allow-Credentials") != "" {
				t.Errorf("%s %s: %d %v", method, path, rec.Code, rec.Header())
			}
		}
	}
}

func TestMethodsAreClosed(t *testing.T) {
	w := newWorld(t)
	for path, methods := range map[string]string{
		PARPath: "POST", TokenPath: "POST OPTIONS", RevokePath: "POST", IntrospectPath: "POST", UserinfoPath: "GET HEAD POST OPTIONS", JWKSPath: "GET HEAD OPTIONS",
		AuthorizePath: "GET POST", LogoutPath: "GET POST", "/.well-known/openid-configuration": "GET HEAD OPTIONS",
	} {
		for _, m := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} {
			rec := w.browser().send(m, path, nil)
			if closed := rec.Code == http.StatusMethodNotAllowed; closed == slices.Contains(strings.Fields(methods), m) {
				t.Errorf("%s %s: %d", m, path, rec.Code)
			}
		}
	}
}

func TestA34_PushedRequests(t *testing.T) {
	w := newWorld(t)
	push := func(client string, v url.Values) string {
		t.Helper()
		a := w.post(PARPath, client, v)
		if a.status != http.StatusCreated || a.body["expires_in"] != 60.0 || !strings.HasPrefix(a.text("request_uri"), urnPrefix) || len(a.text("request_uri")) < len(urnPrefix)+22 {
			t.Fatalf("%d %s", a.status, a.raw)
		}
		return a.text("request_uri")
	}
	at := func(client, uri string, more ...string) *httptest.ResponseRecorder {
		return w.browser().get(AuthorizePath + "?" + with(url.Values{"client_id": {client}, "request_uri": {uri}}, more...).Encode())
	}
	begun := func(rec *httptest.ResponseRecorder) bool {
		return strings.HasPrefix(rec.Header().Get("Location"), "/flow/")
	}
	over := func(rec *httptest.ResponseRecorder) bool {
		return rec.Code == http.StatusBadRequest && strings.Contains(rec.Body.String(), "invalid_request_uri")
	}
	uri := push("jwt", ask("jwt"))
	if rec := at("jwt", uri, "redirect_uri", "https://evil.example", "state", "evil", "scope", "admin"); !begun(rec) {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
	if rec := at("jwt", uri); !over(rec) {
		t.Errorf("a second use: %d %q", rec.Code, rec.Header().Get("Location"))
	}
	if rec := at("spa", push("jwt", ask("jwt"))); !over(rec) {
		t.Errorf("another client: %d %q", rec.Code, rec.Header().Get("Location"))
	}
	if rec := at("jwt", urnPrefix+"unknown"); !over(rec) {
		t.Errorf("unknown: %d", rec.Code)
	}
	late := push("spa", ask("spa"))
	w.pass(pushedFor)
	if rec := at("spa", late); !over(rec) {
		t.Errorf("after its time: %d", rec.Code)
	}
	// Posted to the authorization endpoint it works as well.
	rec := w.browser().send(http.MethodPost, AuthorizePath, url.Values{"client_id": {"web"}, "request_uri": {push("web", ask("web"))}})
	if rec = w.browser().get(rec.Header().Get("Location")); !begun(rec) {
		t.Errorf("posted: %d %s", rec.Code, rec.Body)
	}
	won := make(chan struct{}, 20)
	uri = push("spa", ask("spa"))
	parallel(20, func(int) {
		if begun(at("spa", uri)) {
			won <- struct{}{}
		}
	})
	if len(won) != 1 {
		t.Errorf("%d of 20 uses succeeded", len(won))
	}
}

func TestA34_PushIsRefusedByTheSameTable(t *testing.T) {
	w := newWorld(t)
	for name, c := range map[string]struct {
		client string
		v      url.Values
		status int
		code   string
	}{
		"redirect":          {"web", ask("web", "redirect_uri", "https://evil.example/"), 400, "invalid_request"},
		"no pkce":           {"spa", ask("spa", "code_challenge", "", "code_challenge_method", ""), 400, "invalid_request"},
		"scope":             {"web", ask("web", "scope", "openid me:factors"), 400, "invalid_scope"},
		"request_uri":       {"web", ask("web", "request_uri", urnPrefix+"x"), 400, "invalid_request"},
		"request":           {"web", ask("web", "request", "x"), 400, "request_not_supported"},
		"repeated":          {"web", ask("web", "+scope", "openid"), 400, "invalid_request"},
		"another client_id": {"web", ask("spa"), 400, "invalid_request"},
		"no authentication": {"", ask("jwt"), 401, "invalid_client"},
	} {
		t.Run(name, func(t *testing.T) {
			if c.client == "" {
				read(t, w.browser().send(http.MethodPost, PARPath, c.v)).want(t, c.status, c.code)
				return
			}
			w.post(PARPath, c.client, c.v).want(t, c.status, c.code)
		})
	}
	if rec := w.browser().get(PARPath); rec.Code != http.StatusMethodNotAllowed {
		t.Errorf("GET: %d", rec.Code)
	}
	w.post(PARPath, "web", ask("web", "x", strings.Repeat("x", 70<<10))).wantStatus(t, http.StatusRequestEntityTooLarge)
}

func (a answer) wantStatus(t *testing.T, status int) {
	t.Helper()
	if a.status != status {
		t.Errorf("got %d %s, want %d", a.status, a.raw, status)
	}
}

func TestPushedRequestTellsTheFlowThatItsClientIsAuthenticated(t *testing.T) {
	w := newWorld(t)
	for client, want := range map[string]bool{"web": true, "spa": false} {
		spy := &spy{Engine: w.engine}
		w.serve(spy)
		uri := w.post(PARPath, client, ask(client)).text("request_uri")
		w.browser().get(AuthorizePath + "?" + url.Values{"client_id": {client}, "request_uri": {uri}}.Encode())
		if len(spy.begun) != 1 || spy.begun[0].Authorization.AuthenticatedClient != want {
			t.Errorf("%s: %+v", client, spy.begun)
		}
	}
}

// spy keeps what the flow is asked, and may fail in its stead.
type spy struct {
	Engine
	begun []flow.Request
	fail  error
}

func (s *spy) Begin(ctx context.Context, t identity.Tenant, b flow.Browser, r flow.Request) (flow.Begun, error) {
	s.begun = append(s.begun, r)
	if s.fail != nil {
		return flow.Begun{}, s.fail
	}
	return s.Engine.Begin(ctx, t, b, r)
}

func TestUserinfo(t *testing.T) {
	w := newWorld(t)
	a, _ := w.signIn("spa", "ada", "claims", `{"userinfo":{"secret":null}}`)
	bearer := "Bearer " + a.text("access_token")
	got := read(t, w.browser().get(UserinfoPath, "Authorization", bearer))
	for name, want := range map[string]any{"sub": w.users["ada"].ID, "name": "ada", "email": "ada@example.com", "email_verified": true, "acr": "aal1", "auth_time": a.id(t)["auth_time"], "secret": nil, "phone": nil} {
		if got.body[name] != want {
			t.Errorf("%s: %v", name, got.body[name])
		}
	}
	b := w.browser()
	inBody := url.Values{"access_token": {a.text("access_token")}}
	for name, c := range map[string]struct {
		rec    *httptest.ResponseRecorder
		status int
		code   string
	}{
		"post, header":      {b.send("POST", UserinfoPath, nil, "Authorization", bearer), 200, ""},
		"post, empty form":  {b.send("POST", UserinfoPath, url.Values{}, "Authorization", bearer), 200, ""},
		"post, body":        {b.send("POST", UserinfoPath, inBody), 200, ""},
		"both":              {b.send("POST", UserinfoPath, inBody, "Authorization", bearer), 400, "invalid_request"},
		"two in the body":   {b.send("POST", UserinfoPath, url.Values{"access_token": {"a", "b"}}), 400, "invalid_request"},
		"in the address":    {b.get(UserinfoPath + "?" + inBody.Encode()), 401, "invalid_token"},
		"two headers":       {b.get(UserinfoPath, "Authorization", bearer, "Authorization", bearer), 400, "invalid_request"},
		"none":              {b.get(UserinfoPath), 401, "invalid_token"},
		"basic":             {b.get(UserinfoPath, "Authorization", basic("web", webSecret)), 401, "invalid_token"},
		"garbage":           {b.get(UserinfoPath, "Authorization", "Bearer x.y.z"), 401, "invalid_token"},
		"A-11 an ID token":  {b.get(UserinfoPath, "Authorization", "Bearer "+a.text("id_token")), 401, "invalid_token"},
		"a refresh token":   {b.get(UserinfoPath, "Authorization", "Bearer "+a.text("refresh_token")), 401, "invalid_token"},
		"signature changed": {b.get(UserinfoPath, "Authorization", bearer[:len(bearer)-4]+"AAAA"), 401, "invalid_token"},
	} {
		got := read(t, c.rec)
		got.want(t, c.status, c.code)
		if named := strings.HasPrefix(got.header.Get("WWW-Authenticate"), "Bearer"); named != (c.status != 200) {
			t.Errorf("%s: WWW-Authenticate %q", name, got.header.Get("WWW-Authenticate"))
		}
	}
	plain, _ := w.signIn("spa", "ada", "scope", "profile")
	read(t, b.get(UserinfoPath, "Authorization", "Bearer "+plain.text("access_token"))).want(t, 403, "insufficient_scope")
	w.pass(10 * time.Minute)
	read(t, b.get(UserinfoPath, "Authorization", bearer)).want(t, 401, "invalid_token")
}

func TestUserinfoGivesByScopeAndByName(t *testing.T) {
	w := newWorld(t)
	third := w.app("spa")
	third.ID, third.FirstParty = "third", false
	w.putApp(third)
	narrow := w.app("spa")
	narrow.ID, narrow.Scopes = "narrow", []string{"openid"}
	w.putApp(narrow)
	byName := `{"userinfo":{"email":{"essential":true}}}`
	for name, c := range map[string]struct {
		client, scope, claims string
		email, named          bool
	}{
		"openid":                             {"spa", "openid", "", false, false},
		"profile":                            {"spa", "openid profile", "", false, true},
		"email":                              {"spa", "openid email", "", true, false},
		"by name":                            {"spa", "openid", byName, true, false},
		"by name, never registered for it":   {"narrow", "openid", byName, false, false},
		"by name, and the person saw openid": {"third", "openid", byName, false, false},
		"by name, and the person saw email":  {"third", "openid email", byName, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			a, _ := w.signIn(c.client, "ada", "scope", c.scope, "claims", c.claims)
			got := read(t, w.browser().get(UserinfoPath, "Authorization", "Bearer "+a.text("access_token")))
			if (got.body["email"] != nil) != c.email || (got.body["name"] != nil) != c.named || got.body["sub"] == nil {
				t.Error(got.raw)
			}
		})
	}
}

func TestUserinfoShowsTheLevelOfNow(t *testing.T) {
	w := newWorld(t)
	w.addCode("ada")
	app := w.app("spa")
	w.putApp(app)
	a, _ := w.signIn("spa", "ada")
	w.pass(55 * time.Minute)
	a = w.refresh("spa", a.text("refresh_token"))
	bearer := "Bearer " + a.text("access_token")
	if got := read(t, w.browser().get(UserinfoPath, "Authorization", bearer)); got.body["acr"] != "aal2" {
		t.Fatal(got.raw)
	}
	w.pass(time.Duration(a.body["expires_in"].(float64))*time.Second - time.Second)
	if got := read(t, w.browser().get(UserinfoPath, "Authorization", bearer)); got.body["acr"] != "aal2" {
		t.Errorf("a second before: %s", got.raw)
	}
}

func TestA14_Introspection(t *testing.T) {
	w := newWorld(t)
	w.addCode("ada")
	a, _ := w.signIn("web", "ada")
	form := url.Values{"token": {a.text("access_token")}}
	for caller, want := range map[string]bool{"api": true, "web": true, "other": false, "exempt": true, "jwt": true} {
		got := w.post(IntrospectPath, caller, form)
		if got.status != 200 || got.body["active"] != want || !want && got.raw != `{"active":false}` {
			t.Errorf("%s: %s", caller, got.raw)
		}
	}
	got, access := w.post(IntrospectPath, "api", form), a.access(t)
	for _, name := range []string{"iss", "sub", "aud", "client_id", "scope", "sid", "acr", "auth_time", "jti", "iat", "exp"} {
		if got.body[name] != access[name] || got.body[name] == nil {
			t.Errorf("%s: %v, token %v", name, got.body[name], access[name])
		}
	}
	refresh := url.Values{"token": {a.text("refresh_token")}}
	for caller, want := range map[string]bool{"web": true, "api": false, "exempt": false} {
		if got := w.post(IntrospectPath, caller, refresh); got.body["active"] != want {
			t.Errorf("refresh token to %s: %s", caller, got.raw)
		}
	}
	for name, token := range map[string]string{"garbage": "x.y.z", "unknown": "unknown", "ID token": a.text("id_token")} {
		if got := w.post(IntrospectPath, "web", url.Values{"token": {token}}); got.raw != `{"active":false}` {
			t.Errorf("%s: %s", name, got.raw)
		}
	}
	w.post(IntrospectPath, "spa", form).want(t, 401, "invalid_client")
	w.post(IntrospectPath, "nobody", form).want(t, 401, "invalid_client")
	w.post(IntrospectPath, "web", url.Values{}).want(t, 400, "invalid_request")
	w.post(IntrospectPath, "web", url.Values{"token": {"a", "b"}}).want(t, 400, "invalid_request")
	used := a.text("refresh_token")
	w.refresh("web", used)
	if got := w.post(IntrospectPath, "web", url.Values{"token": {used}}); got.raw != `{"active":false}` {
		t.Errorf("a used refresh token: %s", got.raw)
	}
	app := w.app("web")
	app.Disabled = true
	w.putApp(app)
	w.pass(pollEvery)
	if got := w.post(IntrospectPath, "api", form); got.raw != `{"active":false}` {
		t.Errorf("of a disabled application: %s", got.raw)
	}
}

func TestRevokingAnyArtefactEndsTheGrant(t *testing.T) {
	for _, which := range []string{"access_token", "refresh_token", "old refresh_token"} {
		t.Run(which, func(t *testing.T) {
			w := newWorld(t)
			a, _ := w.signIn("web", "ada")
			old, now := a, w.refresh("web", a.text("refresh_token"))
			artefact := now.text(which)
			if name, isOld := strings.CutPrefix(which, "old "); isOld {
				artefact = old.text(name)
			}
			for _, hint := range []string{"", "access_token", "refresh_token"} { // a hint changes nothing, twice is no error
				if got := w.post(RevokePath, "web", url.Values{"token": {artefact}, "token_type_hint": {hint}}); got.status != 200 || got.raw != "" {
					t.Fatalf("%d %s", got.status, got.raw)
				}
			}
			w.refresh("web", now.text("refresh_token")).want(t, 400, "invalid_grant")
			for _, at := range []string{old.text("access_token"), now.text("access_token"), now.text("refresh_token")} {
				if got := w.post(IntrospectPath, "web", url.Values{"token": {at}}); got.raw != `{"active":false}` {
					t.Errorf("introspection: %s", got.raw)
				}
			}
			if rec := w.browser().get(UserinfoPath, "Authorization", "Bearer "+now.text("access_token")); rec.Code != 401 {
				t.Errorf("userinfo: %d", rec.Code)
			}
			if n := len(w.events(identity.EventGrantRevoked)); n != 1 {
				t.Errorf("%d events", n)
			}
		})
	}
}

func TestA14_RevocationOfWhatIsUnknownOrAnothers(t *testing.T) {
	w := newWorld(t)
	a, _ := w.signIn("spa", "ada")
	for _, unknown := range []string{"unknown", "x.y.z", a.text("id_token")} {
		if got := w.post(RevokePath, "web", url.Values{"token": {unknown}}); got.status != 200 || got.raw != "" {
			t.Errorf("%d %s", got.status, got.raw)
		}
	}
	for _, at := range []string{a.text("access_token"), a.text("refresh_token")} {
		w.post(RevokePath, "web", url.Values{"token": {at}}).want(t, 400, "unauthorized_client")
		w.post(RevokePath, "web without", url.Values{"token": {at}}).want(t, 401, "invalid_client")
	}
	if got := w.refresh("spa", a.text("refresh_token")); got.status != 200 {
		t.Errorf("another client revoked it: %s", got.raw)
	}
	w.post(RevokePath, "spa", url.Values{}).want(t, 400, "invalid_request")
}

func TestOverloadIsSaidAsSuch(t *testing.T) {
	w := newWorld(t)
	busy := &identity.Fault{Kind: identity.ErrOverloaded, Retry: 1500 * time.Millisecond}
	w.serve(&spy{Engine: w.engine, fail: busy})
	rec := w.browser().get(AuthorizePath + "?" + ask("spa").Encode())
	if rec.Code != 503 || rec.Header().Get("Retry-After") != "2" || rec.Header().Get("Location") != "" {
		t.Errorf("%d %v %s", rec.Code, rec.Header(), rec.Body)
	}
	e := &endpoints{}
	for _, err := range []error{busy, context.DeadlineExceeded, identity.ErrConflict} {
		rec := httptest.NewRecorder()
		e.api(func(http.ResponseWriter, *http.Request) error { return err }).ServeHTTP(rec, w.request())
		if rec.Code != 503 || rec.Header().Get("Retry-After") == "" || !strings.Contains(rec.Body.String(), "temporarily_unavailable") {
			t.Errorf("%v: %d %s", err, rec.Code, rec.Body)
		}
	}
}

func TestInternalErrorsShowNothingOfThemselves(t *testing.T) {
	w := newWorld(t)
	w.serve(&spy{Engine: w.engine, fail: io.ErrUnexpectedEOF})
	rec := w.browser().get(AuthorizePath + "?" + ask("spa").Encode())
	if rec.Code != 500 || strings.Contains(rec.Body.String(), "EOF") || !strings.Contains(w.logs.String(), "unexpected EOF") {
		t.Errorf("%d %s\n%s", rec.Code, rec.Body, w.logs)
	}
	e := &endpoints{}
	rec = httptest.NewRecorder()
	e.api(func(http.ResponseWriter, *http.Request) error { return io.ErrUnexpectedEOF }).ServeHTTP(rec, w.request())
	if rec.Code != 500 || strings.Contains(rec.Body.String(), "EOF") || !strings.Contains(rec.Body.String(), `"server_error"`) {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
}

func TestH39_AnotherTenantSeesNothing(t *testing.T) {
	w := newWorld(t)
	a, _ := w.signIn("spa", "ada")
	code := w.browser().code("ada", ask("spa"))
	uri := w.post(PARPath, "spa", ask("spa")).text("request_uri")
	b := identity.Tenant{ID: "tnt_b", Issuer: "https://b.example", RPID: "b.example", Name: "B", Algorithm: "ES256"}
	for _, id := range []string{"spa", "api"} {
		app := w.app(id)
		w.must(w.store.Update(t.Context(), b.ID, func(tx identity.Tx) error { return tx.Applications.Put(t.Context(), app) }))
	}
	w.must(w.keys.Ensure(t.Context(), b))
	w.pass(pollEvery)
	at := *w
	at.tenant = b
	at.redeem("spa", code).want(t, 400, "invalid_grant")
	at.refresh("spa", a.text("refresh_token")).want(t, 400, "invalid_grant")
	if rec := at.browser().get(UserinfoPath, "Authorization", "Bearer "+a.text("access_token")); rec.Code != 401 {
		t.Errorf("userinfo: %d", rec.Code)
	}
	if got := at.post(IntrospectPath, "api", url.Values{"token": {a.text("access_token")}}); got.raw != `{"active":false}` {
		t.Errorf("introspection: %s", got.raw)
	}
	if got := at.post(RevokePath, "spa", url.Values{"token": {a.text("refresh_token")}}); got.status != 200 {
		t.Errorf("revocation: %s", got.raw)
	}
	if rec := at.browser().get(AuthorizePath + "?" + url.Values{"client_id": {"spa"}, "request_uri": {uri}}.Encode()); rec.Code != 400 {
		t.Errorf("request_uri: %d", rec.Code)
	}
	shown(t, &at, ask("nobody"), "invalid_client")
	if rec := at.browser().get(AuthorizePath + "?" + ask("spa", "id_token_hint", a.text("id_token")).Encode()); answerOf(t, rec).Get("error") != "invalid_request" {
		t.Errorf("hint: %d", rec.Code)
	}
	if got := w.refresh("spa", a.text("refresh_token")); got.status != 200 {
		t.Errorf("at home: %s", got.raw)
	}
	if w.redeem("spa", code).status != 200 {
		t.Error("another tenant spent the code")
	}
}
