package oidc

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/intelliauth/intelliauth/internal/edge"
	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/token"
)

// userinfo tells an application about the person (OpenID Connect Core, 5.3). The
// token may be for any audience; its grant and session must still stand, and
// acr, amr and auth_time are those of now.
func (e *endpoints) userinfo(w http.ResponseWriter, r *http.Request) error {
	ctx, tenant := r.Context(), edge.TenantOf(r.Context())
	compact, err := bearer(r)
	if err != nil {
		return err
	}
	asKey := schemeOf(r) == schemeDPoP
	access, err := e.Keys.VerifyAccess(ctx, tenant, compact, "")
	if errors.Is(err, identity.ErrInvalid) {
		return badBearer("invalid_token", "The access token is not valid.", http.StatusUnauthorized)
	}
	if err != nil {
		return err
	}
	if err := e.holdsKey(w, r, compact, access, asKey); err != nil {
		return err
	}
	scopes := strings.Fields(access.Scope)
	if !slices.Contains(scopes, identity.ScopeOpenID) {
		return badBearer("insufficient_scope", "The access token has no scope openid.", http.StatusForbidden)
	}
	on, err := e.stillStands(ctx, tenant, access)
	if errors.Is(err, errFallen) {
		return badBearer("invalid_token", "The access token is not valid.", http.StatusUnauthorized)
	}
	if err != nil {
		return err
	}
	claims := map[string]any{
		"sub": on.user.ID, "acr": on.Level.String(), "amr": on.AMR, "auth_time": on.AuthTime.Unix(),
	}
	maps.Copy(claims, personal(on.app, on.user, scopes, on.grant.Userinfo))
	return writeJSON(w, http.StatusOK, claims)
}

// bearer reads the access token: from the header, or from the form of a POST
// (RFC 6750, 2.1 and 2.2), never from the address.
func bearer(r *http.Request) (string, error) {
	headers := r.Header.Values("Authorization")
	if len(headers) > 1 {
		return "", badBearer("invalid_request", "There is more than one Authorization header.", http.StatusBadRequest)
	}
	inForm := ""
	if r.Method == http.MethodPost && strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		form, err := edge.Form(r)
		if err != nil {
			return "", err
		}
		if len(form["access_token"]) > 1 {
			return "", badBearer("invalid_request", "access_token is repeated.", http.StatusBadRequest)
		}
		inForm = form.Get("access_token")
	}
	switch {
	case len(headers) == 0 && inForm == "":
		// No error code for those who did not try (RFC 6750, 3.1).
		return "", &oauthError{code: "invalid_token", description: "An access token is needed.", status: http.StatusUnauthorized, challenge: "Bearer"}
	case len(headers) == 0:
		return inForm, nil
	case inForm != "":
		return "", badBearer("invalid_request", "The access token comes twice.", http.StatusBadRequest)
	}
	scheme, compact, _ := strings.Cut(headers[0], " ")
	if !strings.EqualFold(scheme, "Bearer") && !strings.EqualFold(scheme, schemeDPoP) {
		return "", badBearer("invalid_token", "The access token must come as Bearer or DPoP.", http.StatusUnauthorized)
	}
	return strings.TrimLeft(compact, " "), nil
}

func badBearer(code, description string, status int) *oauthError {
	return &oauthError{
		code: code, description: description, status: status,
		challenge: `Bearer error="` + code + `", error_description="` + description + `"`,
	}
}

// errFallen says that what a token stood on is no more.
var errFallen = errors.New("the token's grant or session is over")

// footed is a token's footing with the grant and the application between them.
type footed struct {
	footing
	grant identity.Grant
	app   identity.Application
}

// stillStands reads what an access token stands on, or answers errFallen. A
// token without a grant stands on nothing here.
func (e *endpoints) stillStands(ctx context.Context, t identity.Tenant, access token.Access) (footed, error) {
	id, ok := token.GrantOf(access.ID)
	if !ok {
		return footed{}, errFallen
	}
	app, err := e.apps.byID(ctx, t.ID, access.ClientID)
	if errors.Is(err, identity.ErrNotFound) {
		return footed{}, errFallen
	}
	if err != nil {
		return footed{}, err
	}
	on := footed{app: app}
	err = e.Store.View(ctx, t.ID, func(tx identity.Tx) (err error) {
		on.grant, on.footing, err = e.live(ctx, tx, t, app, id)
		return err
	})
	if err == nil && (on.grant.User != access.Subject || on.session.ID != access.Session) {
		err = errFallen
	}
	return on, err
}

// live reads a grant that has not ended and what it stands on, or answers
// errFallen.
func (e *endpoints) live(ctx context.Context, tx identity.Tx, t identity.Tenant, app identity.Application, id string) (identity.Grant, footing, error) {
	g, s, user, err := tx.Grants.WithOwner(ctx, id)
	if errors.Is(err, identity.ErrNotFound) || err == nil && (g.Revoked() || g.Application != app.ID || !e.now().Before(g.ExpiresAt)) {
		return g, footing{}, errFallen
	}
	if err != nil {
		return g, footing{}, err
	}
	on, err := e.stands(t, app, g, footing{session: s, user: user})
	if o := (*oauthError)(nil); errors.As(err, &o) {
		err = errFallen
	}
	return g, on, err
}
