package oidc

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/intelliauth/intelliauth/internal/edge"
	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/token"
)

// revoke ends the grant behind a token (RFC 7009): whichever artefact of a grant
// is revoked, all of it is over, at refresh and at introspection. A token that is
// unknown or over is no error.
func (e *endpoints) revoke(w http.ResponseWriter, r *http.Request) error {
	form, err := edge.Form(r)
	if err != nil {
		return err
	}
	if _, repeated := edge.Repeated(form); repeated {
		return invalidRequest("A parameter is repeated.")
	}
	app, err := e.authenticate(r, form, RevokePath)
	if err != nil {
		return err
	}
	presented := form.Get("token")
	if presented == "" {
		return invalidRequest("token is missing.")
	}
	ctx, tenant := r.Context(), edge.TenantOf(r.Context())
	find := e.grantOfRefresh
	if strings.Contains(presented, ".") {
		id, err := e.grantOfAccess(r, presented)
		if err != nil || id == "" {
			return err
		}
		find = func(*http.Request, identity.Tx, string) (string, error) { return id, nil }
	}
	return e.Store.Update(ctx, tenant.ID, func(tx identity.Tx) error {
		id, err := find(r, tx, presented)
		if err != nil || id == "" {
			return err
		}
		g, err := tx.Grants.ByID(ctx, id)
		if errors.Is(err, identity.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		if g.Application != app.ID {
			return refuse("unauthorized_client", "The token was issued to another client.")
		}
		return e.Engine.RevokeGrant(ctx, tx, g, "revoked_by_client")
	})
}

// grantOfAccess names the grant of an access token, or "" if the token is not
// valid any more. A token in an application's own name hangs on no grant: it
// lives at most ten minutes, and to say that it was revoked would not be true.
func (e *endpoints) grantOfAccess(r *http.Request, compact string) (string, error) {
	a, err := e.Keys.VerifyAccess(r.Context(), edge.TenantOf(r.Context()), compact, "")
	if errors.Is(err, identity.ErrInvalid) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	id, ok := token.GrantOf(a.ID)
	if !ok {
		return "", refuse("unsupported_token_type", "A token of the client credentials grant cannot be revoked.")
	}
	return id, nil
}

// grantOfRefresh names the grant of a refresh token, used ones included.
func (e *endpoints) grantOfRefresh(r *http.Request, tx identity.Tx, presented string) (string, error) {
	item, err := tx.Ephemerals.Get(r.Context(), kindRefresh, identity.HashKey(presented))
	if over(err) && !errors.Is(err, identity.ErrTaken) {
		return "", nil
	}
	if err != nil && !errors.Is(err, identity.ErrTaken) {
		return "", err
	}
	var kept refreshToken
	if err := json.Unmarshal(item.Value, &kept); err != nil {
		return "", err
	}
	return kept.Grant, nil
}
