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
