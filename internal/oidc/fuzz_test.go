package oidc

import (
	"errors"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/intelliauth/intelliauth/internal/identity"
)

// Whatever is asked, a request that passes is one that the application may make,
// and an error is one of OAuth's.
func FuzzAuthorize(f *testing.F) {
	w := newWorld(f)
	for _, client := range []string{"spa", "web", "exempt"} {
		f.Add(ask(client, "acr_values", "aal2 phr", "max_age", "3", "claims", `{"id_token":{"acr":{"value":"aal2"}}}`).Encode())
		f.Add(ask(client, "prompt", "login", "resource", apiURI, "response_mode", "form_post").Encode())
	}
	f.Add("client_id=spa&client_id=web&redirect_uri=x")
	e := &endpoints{Deps: Deps{Store: w.store, Keys: w.keys, Now: w.now}, apps: newApplications(w.store, w.now)}
	f.Fuzz(func(t *testing.T, query string) {
		params, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		a := &authorizeContext{ctx: t.Context(), tenant: w.tenant, params: params, now: w.now()}
		err = e.examine(a)
		var o *oauthError
		if err != nil && (!errors.As(err, &o) || o.code == "" || strings.ContainsAny(o.description, "\"\\\r\n")) {
			t.Fatalf("%q: %v", query, err)
		}
		r := a.request.Authorization
		if a.trusted && !redirectAllowed(a.app, r.RedirectURI) {
			t.Errorf("errors go to %q", r.RedirectURI)
		}
		if err != nil {
			return
		}
		if !a.trusted || r.ClientID != a.app.ID || a.app.Public() && r.CodeChallenge == "" || len(r.State) > maxState || len(a.request.Alternatives) > 64 {
			t.Errorf("%q passed: %+v", query, r)
		}
		for _, s := range r.Scopes {
			if !strings.Contains(" "+joinScopes(a.app.Scopes)+" ", " "+s+" ") {
				t.Errorf("scope %q passed", s)
			}
		}
		for _, resource := range r.Resources {
			if !mayReach(w.tenant, a.app, resource) {
				t.Errorf("resource %q passed", resource)
			}
		}
	})
}

// What matches is registered to the byte, or differs from what is in the port of
// a loopback address alone.
func FuzzRedirect(f *testing.F) {
	registered := []string{"https://app.example/cb", "http://127.0.0.1:4000/cb", "http://[::1]/cb?x", "com.example.app:/cb"}
	for _, r := range registered {
		f.Add(r)
	}
	f.Add("http://127.0.0.1:65535/cb")
	f.Add("http://127.0.0.1:1@evil/cb")
	native := identity.Application{AuthMethod: identity.AuthNone, RedirectURIs: registered}
	web := identity.Application{AuthMethod: identity.AuthSecretBasic, RedirectURIs: registered}
	f.Fuzz(func(t *testing.T, uri string) {
		exact := false
		for _, r := range registered {
			exact = exact || r == uri
		}
		if got := redirectAllowed(web, uri); got != exact {
			t.Fatalf("web %q: %v", uri, got)
		}
		if !redirectAllowed(native, uri) || exact {
			return
		}
		u, err := url.Parse(uri)
		if err != nil {
			t.Fatalf("%q matches and is no URL", uri)
		}
		addr, err := netip.ParseAddr(u.Hostname())
		if err != nil || !addr.IsLoopback() || u.Scheme != "http" || u.User != nil || u.Path != "/cb" || u.Fragment != "" {
			t.Errorf("%q matches", uri)
		}
	})
}

// What is read from a header, written back, is read the same.
func FuzzBasic(f *testing.F) {
	f.Add(basic("web", webSecret))
	f.Add("Basic YTpi")
	f.Add("Basic Og==")
	f.Add("Bearer x")
	f.Fuzz(func(t *testing.T, header string) {
		id, secret, ok := parseBasic(header)
		if !ok {
			if id != "" || secret != "" {
				t.Errorf("%q: refused, yet %q %q", header, id, secret)
			}
			return
		}
		again, secret2, ok := parseBasic(basic(id, secret))
		if !ok || again != id || secret2 != secret || !printable(id+secret) {
			t.Errorf("%q: %q %q", header, id, secret)
		}
	})
}
