package oidc

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/intelliauth/intelliauth/internal/flow"
	"github.com/intelliauth/intelliauth/internal/identity"
)

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
	for client, want := range map[string]bool{"web": true, "jwt": true, "spa": false} {
		spy := &spy{Engine: w.engine}
		w.serve(spy)
		form := ask(client) // who is authenticated need not say its name again
		form.Del("client_id")
		uri := w.post(PARPath, client, form).text("request_uri")
		w.browser().get(AuthorizePath + "?" + url.Values{"client_id": {client}, "request_uri": {uri}}.Encode())
		if len(spy.begun) != 1 || spy.begun[0].Authorization.AuthenticatedClient != want ||
			spy.begun[0].Authorization.ClientID != client || spy.begun[0].Application.ID != client {
			t.Errorf("%s: %+v", client, spy.begun)
		}
	}
}

func TestPushedRequestKeepsNoCredentials(t *testing.T) {
	w := newWorld(t)
	for client, secret := range map[string]string{"exempt": "client_secret", "jwt": "client_assertion"} {
		uri := w.post(PARPath, client, ask(client)).text("request_uri")
		w.view(func(tx identity.Tx) error {
			item, err := tx.Ephemerals.Get(t.Context(), kindPushed, identity.HashKey(strings.TrimPrefix(uri, urnPrefix)))
			if strings.Contains(string(item.Value), secret) {
				t.Errorf("%s", item.Value)
			}
			return err
		})
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
