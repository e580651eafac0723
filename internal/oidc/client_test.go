package oidc

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/intelliauth/intelliauth/internal/identity"
)

// credentialsForm asks for the client credentials grant.
func credentialsForm(change ...string) url.Values {
	return with(url.Values{"grant_type": {"client_credentials"}}, change...)
}

func TestA09_ClientAuthentication(t *testing.T) {
	w := newWorld(t)
	raw := func(s string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(s)) }
	good := func() []string {
		return []string{"client_assertion_type", assertionType, "client_assertion", w.assertion(nil)}
	}
	asserted := func(change map[string]any) []string {
		return []string{"client_assertion_type", assertionType, "client_assertion", w.assertion(change)}
	}
	for name, c := range map[string]struct {
		form    []string
		headers []string
		status  int
		code    string
	}{
		"basic":                       {nil, []string{basic("web", webSecret)}, 200, ""},
		"basic, older secret":         {nil, []string{basic("web", "an older secret")}, 200, ""},
		"basic, scheme in lower case": {nil, []string{"basic " + strings.TrimPrefix(basic("web", webSecret), "Basic ")}, 200, ""},
		"basic and same client_id":    {[]string{"client_id", "web"}, []string{basic("web", webSecret)}, 200, ""},
		"post, registered for basic":  {[]string{"client_id", "web", "client_secret", webSecret}, nil, 200, ""},
		"assertion":                   {good(), nil, 200, ""},
		"assertion and client_id":     {append(good(), "client_id", "jwt"), nil, 200, ""},
		"assertion, endpoint as aud":  {asserted(map[string]any{"aud": []string{"https://a.example/oauth2/token"}}), nil, 200, ""},

		"wrong secret":               {nil, []string{basic("web", "wrong")}, 401, "invalid_client"},
		"empty secret":               {nil, []string{basic("web", "")}, 401, "invalid_client"},
		"secret not encoded":         {nil, []string{raw("web:" + webSecret)}, 401, "invalid_client"},
		"unknown client":             {nil, []string{basic("nobody", webSecret)}, 401, "invalid_client"},
		"not base64":                 {nil, []string{"Basic !!!"}, 401, "invalid_client"},
		"no colon":                   {nil, []string{raw("web")}, 401, "invalid_client"},
		"no client":                  {nil, nil, 401, "invalid_client"},
		"name alone":                 {[]string{"client_id", "web"}, nil, 401, "invalid_client"},
		"post, wrong secret":         {[]string{"client_id", "web", "client_secret", "wrong"}, nil, 401, "invalid_client"},
		"secret for a key client":    {[]string{"client_id", "jwt", "client_secret", webSecret}, nil, 401, "invalid_client"},
		"assertion for a secret one": {append(asserted(map[string]any{"iss": "web", "sub": "web"}), "client_id", "web"), nil, 401, "invalid_client"},
		"public with a secret":       {[]string{"client_id", "spa", "client_secret", "x"}, nil, 401, "invalid_client"},
		"bearer":                     {nil, []string{"Bearer abc"}, 401, "invalid_client"},
		"assertion expired":          {asserted(map[string]any{"exp": w.now().Unix()}), nil, 401, "invalid_client"},
		"assertion for others":       {asserted(map[string]any{"aud": "https://b.example"}), nil, 401, "invalid_client"},
		"assertion of another sub":   {append(asserted(map[string]any{"sub": "web"}), "client_id", "jwt"), nil, 401, "invalid_client"},
		"assertion without jti":      {asserted(map[string]any{"jti": ""}), nil, 401, "invalid_client"},
		"assertion is garbage":       {[]string{"client_id", "jwt", "client_assertion_type", assertionType, "client_assertion", "x.y.z"}, nil, 401, "invalid_client"},
		"assertion names nobody":     {[]string{"client_assertion_type", assertionType, "client_assertion", "x"}, nil, 401, "invalid_client"},

		"two headers":             {nil, []string{basic("web", webSecret), basic("web", webSecret)}, 400, "invalid_request"},
		"header and secret":       {[]string{"client_id", "web", "client_secret", webSecret}, []string{basic("web", webSecret)}, 400, "invalid_request"},
		"header and empty secret": {[]string{"+client_secret", ""}, []string{basic("web", webSecret)}, 400, "invalid_request"},
		"secret and assertion":    {append(good(), "client_secret", webSecret), nil, 400, "invalid_request"},
		"another client_id":       {[]string{"client_id", "api"}, []string{basic("web", webSecret)}, 400, "invalid_request"},
		"client_id repeated":      {[]string{"client_id", "web", "+client_id", "web"}, []string{basic("web", webSecret)}, 400, "invalid_request"},
		"assertion type unknown":  {[]string{"client_assertion_type", "saml", "client_assertion", "x"}, nil, 400, "invalid_request"},
		"assertion without type":  {[]string{"client_assertion", "x"}, nil, 400, "invalid_request"},
		"public may not":          {[]string{"client_id", "spa"}, nil, 400, "unauthorized_client"},
	} {
		t.Run(name, func(t *testing.T) {
			var headers []string
			for _, h := range c.headers {
				headers = append(headers, "Authorization", h)
			}
			got := read(t, w.browser().send(http.MethodPost, TokenPath, credentialsForm(c.form...), headers...))
			got.want(t, c.status, c.code)
			named := strings.HasPrefix(got.header.Get("WWW-Authenticate"), "Basic ")
			if named != (c.status == http.StatusUnauthorized && len(c.headers) > 0) {
				t.Errorf("WWW-Authenticate %q", got.header.Get("WWW-Authenticate"))
			}
		})
	}
}

func TestAssertionIsOfOneUse(t *testing.T) {
	w := newWorld(t)
	one := w.assertion(nil)
	form := credentialsForm("client_assertion_type", assertionType, "client_assertion", one)
	w.spend(t, form, 200, "")
	w.spend(t, form, 401, "invalid_client")

	// Used in vain, it is used.
	two := w.assertion(nil)
	form = credentialsForm("client_assertion_type", assertionType, "client_assertion", two, "resource", "https://evil.example")
	w.spend(t, form, 400, "invalid_target")
	form.Del("resource")
	w.spend(t, form, 401, "invalid_client")

	// In parallel, one wins.
	form.Set("client_assertion", w.assertion(nil))
	won := make(chan struct{}, 20)
	parallel(20, func(int) {
		if w.browser().send(http.MethodPost, TokenPath, form).Code == http.StatusOK {
			won <- struct{}{}
		}
	})
	if len(won) != 1 {
		t.Errorf("%d of 20 succeeded", len(won))
	}
}

func (w *world) spend(t *testing.T, form url.Values, status int, code string) {
	t.Helper()
	read(t, w.browser().send(http.MethodPost, TokenPath, form)).want(t, status, code)
}

// A wrong secret and a client that nobody has answer alike, and do the same work.
func TestUnknownClientLooksLikeAWrongSecret(t *testing.T) {
	w := newWorld(t)
	wrong := w.browser().send(http.MethodPost, TokenPath, credentialsForm(), "Authorization", basic("api", "wrong"))
	unknown := w.browser().send(http.MethodPost, TokenPath, credentialsForm(), "Authorization", basic("nobody", "wrong"))
	wrong.Header().Del("X-Request-Id")
	unknown.Header().Del("X-Request-Id")
	if wrong.Code != unknown.Code || wrong.Body.String() != unknown.Body.String() || len(wrong.Header()) != len(unknown.Header()) {
		t.Errorf("%v\n%v", wrong, unknown)
	}
	if matches(nil, "") || matches(nil, "x") || matches([]identity.Secret{identity.NewSecret(nil, "")}, "") {
		t.Error("an empty secret matches")
	}
}

func TestParseBasic(t *testing.T) {
	enc := func(s string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(s)) }
	for header, want := range map[string][2]string{
		enc("a:b"):                  {"a", "b"},
		enc("a:b:c"):                {"a", "b:c"},
		enc("a%3Ab:c%2Bd+e"):        {"a:b", "c+d e"},
		enc("a:"):                   {"a", ""},
		enc("a%C3%BC:b"):            {"aü", "b"},
		enc(":b"):                   {},
		enc("a%zz:b"):               {},
		enc("a:b%"):                 {},
		enc("a:%00"):                {},
		enc("a%FF:b"):               {},
		enc("a%0d%0a:b"):            {},
		"Basic":                     {},
		"Basic YTpi YTpi":           {},
		"Digest YTpi":               {},
		"Basic YTpj=":               {},
		"Basic YTpi\n":              {},
		strings.TrimSpace(enc("a")): {},
	} {
		id, secret, ok := parseBasic(header)
		if id != want[0] || secret != want[1] || ok != (want[0] != "") {
			t.Errorf("%q: %q %q %v", header, id, secret, ok)
		}
	}
}

func TestClientCredentials(t *testing.T) {
	w := newWorld(t)
	a := w.post(TokenPath, "web", credentialsForm())
	access := a.access(t)
	if a.status != 200 || a.text("refresh_token") != "" || a.text("id_token") != "" || a.text("scope") != "payments:write" {
		t.Fatal(a.raw)
	}
	for name, ok := range map[string]bool{
		"sub": access["sub"] == "web" && access["client_id"] == "web", "aud": access["aud"] == apiURI,
		"nobody": access["acr"] == nil && access["sid"] == nil && access["auth_time"] == nil && access["amr"] == nil,
		"exp":    unix(access["exp"]).Sub(unix(access["iat"])) == accessLife,
	} {
		if !ok {
			t.Errorf("%s: %v", name, access)
		}
	}
	w.post(TokenPath, "web", credentialsForm("scope", "openid")).want(t, 400, "invalid_scope")
	w.post(TokenPath, "web", credentialsForm("scope", "me")).want(t, 400, "invalid_scope")
	w.post(TokenPath, "web", credentialsForm("resource", w.tenant.MeAudience())).want(t, 400, "invalid_target")
	w.post(TokenPath, "web", credentialsForm("resource", otherAPI)).want(t, 400, "invalid_target")
	w.post(TokenPath, "api", credentialsForm()).want(t, 400, "unauthorized_client")
	w.post(TokenPath, "web", credentialsForm("grant_type", "password")).want(t, 400, "unsupported_grant_type")
	w.post(TokenPath, "web", credentialsForm("grant_type", "")).want(t, 400, "invalid_request")
	public := w.app("web")
	public.ID, public.AuthMethod = "public", identity.AuthNone
	w.putApp(public)
	w.post(TokenPath, "public", credentialsForm()).want(t, 400, "unauthorized_client")
	bare := w.app("web")
	bare.Audience, bare.ID = "", "bare"
	w.putApp(bare)
	got := read(t, w.browser().send(http.MethodPost, TokenPath, credentialsForm(), "Authorization", basic("bare", webSecret)))
	got.want(t, 400, "invalid_target") // never a token for the Me API in nobody's name

	w.post(IntrospectPath, "api", url.Values{"token": {a.text("access_token")}}).want(t, 200, "")
	if got := w.post(IntrospectPath, "api", url.Values{"token": {a.text("access_token")}}); got.body["active"] != true || got.body["sub"] != "web" || got.body["acr"] != nil {
		t.Error(got.raw)
	}
	w.post(RevokePath, "web", url.Values{"token": {a.text("access_token")}}).want(t, 400, "unsupported_token_type")
	if rec := w.browser().get(UserinfoPath, "Authorization", "Bearer "+a.text("access_token")); rec.Code != http.StatusForbidden {
		t.Errorf("userinfo of nobody: %d", rec.Code)
	}
}

func TestApplicationsFollowTheGeneration(t *testing.T) {
	w := newWorld(t)
	w.pass(2 * time.Hour)
	w.post(TokenPath, "web", credentialsForm()).want(t, 200, "")
	app := w.app("web")
	app.Disabled = true
	w.putApp(app)
	w.pass(pollEvery)
	w.post(TokenPath, "web", credentialsForm()).want(t, 401, "invalid_client")
	app.Disabled = false
	w.putApp(app)
	w.pass(-time.Hour) // a clock that was set back
	w.post(TokenPath, "web", credentialsForm()).want(t, 200, "")
}
