package oidc

import (
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/intelliauth/intelliauth/internal/identity"
)

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
