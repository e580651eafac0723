package oidc

import (
	"context"
	"net/http"
	"net/netip"
	"net/url"

	"github.com/intelliauth/intelliauth/internal/edge"
	"github.com/intelliauth/intelliauth/internal/identity"
)

// exchange is one authenticated request at the token endpoint.
type exchange struct {
	ctx    context.Context
	tenant identity.Tenant
	app    identity.Application
	form   url.Values
	addr   netip.Addr
	key    string // thumbprint of the key that the request proved; "" if none
}

// token answers the token endpoint (RFC 6749, 3.2): first who asks, then what
// for (C-31).
func (e *endpoints) token(w http.ResponseWriter, r *http.Request) error {
	form, err := edge.Form(r)
	if err != nil {
		return err
	}
	if _, repeated := edge.Repeated(form, "resource", "audience"); repeated {
		return invalidRequest("A parameter is repeated.")
	}
	app, err := e.authenticate(r, form, TokenPath)
	if err != nil {
		return err
	}
	x := exchange{ctx: r.Context(), tenant: edge.TenantOf(r.Context()), app: app, form: form, addr: edge.ClientOf(r.Context())}
	if x.key, err = e.proved(w, r, app, TokenPath); err != nil {
		return err
	}
	answer, err := e.exchange(x, form.Get("grant_type"))
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, answer)
}

func (e *endpoints) exchange(x exchange, grant string) (tokens, error) {
	grants := map[string]func(exchange) (tokens, error){
		identity.GrantCode:    e.redeem,
		identity.GrantRefresh: e.refresh,
		identity.GrantClient:  e.forClient,
	}
	serve, known := grants[grant]
	switch {
	case grant == "":
		return tokens{}, invalidRequest("grant_type is missing.")
	case !known:
		return tokens{}, refuse("unsupported_grant_type", "This grant_type is not supported.")
	case !x.app.Allows(grant):
		return tokens{}, refuse("unauthorized_client", "This application may not use this grant_type.")
	}
	return serve(x)
}

// tokens is a token response (RFC 6749, 5.1; OpenID Connect Core, 3.1.3.3).
type tokens struct {
	Access    string `json:"access_token"`
	Type      string `json:"token_type"`
	ExpiresIn int64  `json:"expires_in"` // seconds
	Refresh   string `json:"refresh_token,omitempty"`
	ID        string `json:"id_token,omitempty"`
	Scope     string `json:"scope"`
}

// event begins an event about a grant at the token endpoint.
func (e *endpoints) event(x exchange, kind, outcome string, g identity.Grant) identity.Event {
	now := e.now()
	ev := identity.Event{
		ID: identity.NewID("evt", now, e.Random), At: now, Type: kind, Outcome: outcome,
		User: g.User, Application: g.Application, Session: g.Session,
		Data: map[string]string{"grant": g.ID},
	}
	if x.addr.IsValid() {
		ev.IP = x.addr.String()
	}
	return ev
}
