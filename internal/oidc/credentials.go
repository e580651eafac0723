package oidc

import (
	"slices"
	"time"

	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/token"
)

// forClient gives an application a token in its own name (RFC 6749, 4.4). No
// person stands behind it: no acr, no session, no scope about a person, and
// never the Me API.
func (e *endpoints) forClient(x exchange) (tokens, error) {
	if x.app.Public() {
		return tokens{}, refuse("unauthorized_client", "A public client has no name of its own to ask in.")
	}
	audience, err := audienceOf(x.tenant, x.app, nil, x.form)
	if err != nil {
		return tokens{}, err
	}
	if audience == x.tenant.MeAudience() {
		return tokens{}, refuse("invalid_target", "This application has no resource to ask for.")
	}
	scopes, err := ownScopes(x.app, x.form.Get("scope"))
	if err != nil {
		return tokens{}, err
	}
	p, err := e.Engine.Policy(x.tenant)
	if err != nil {
		return tokens{}, err
	}
	now := e.now()
	life := lifeOf(p)
	kind, confirmation := bound(x.key)
	access, err := e.Keys.Sign(x.ctx, x.tenant, token.TypAccess, token.Access{
		Issuer: x.tenant.Issuer, Subject: x.app.ID, ClientID: x.app.ID, Audience: audience, Scope: joinScopes(scopes),
		ID: token.ClientJTI(e.Random), IssuedAt: now.Unix(), Expires: now.Add(life).Unix(), Confirmation: confirmation,
	})
	if err != nil {
		return tokens{}, err
	}
	return tokens{Access: access, Type: kind, ExpiresIn: int64(life / time.Second), Scope: joinScopes(scopes)}, nil
}

// ownScopes are the registered scopes that are not about a person; all of them
// where none is asked for (RFC 6749, 3.3: a default).
func ownScopes(app identity.Application, asked string) ([]string, error) {
	may := slices.DeleteFunc(slices.Clone(app.Scopes), func(s string) bool {
		switch s {
		case identity.ScopeOpenID, identity.ScopeOffline, identity.ScopeMe, identity.ScopeMeFactors, scopeProfile, scopeEmail:
			return true
		}
		return false
	})
	return narrowed(may, asked)
}
