package oidc

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/intelliauth/intelliauth/internal/edge"
	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/token"
)

// introspection is what is told of a token (RFC 7662, 2.2; RFC 9470, 6.2). acr,
// amr and auth_time are those of now, not of when the token was made.
type introspection struct {
	Active       bool                `json:"active"`
	Issuer       string              `json:"iss,omitempty"`
	Subject      string              `json:"sub,omitempty"`
	Audience     string              `json:"aud,omitempty"`
	ClientID     string              `json:"client_id,omitempty"`
	Scope        string              `json:"scope,omitempty"`
	Type         string              `json:"token_type,omitempty"`
	Session      string              `json:"sid,omitempty"`
	Bound        *bool               `json:"session_bound,omitempty"` // to a key of its browser: our own member
	ACR          string              `json:"acr,omitempty"`
	AMR          []string            `json:"amr,omitempty"`
	AuthTime     int64               `json:"auth_time,omitempty"`
	ID           string              `json:"jti,omitempty"`
	IssuedAt     int64               `json:"iat,omitempty"`
	Expires      int64               `json:"exp,omitempty"`
	Confirmation *token.Confirmation `json:"cnf,omitempty"`
	Details      []identity.Action   `json:"authorization_details,omitempty"`
}

// introspect answers a resource about tokens for its audience, and a client
// about its own. To all others, and about everything that is over, it says
// inactive and not why.
func (e *endpoints) introspect(w http.ResponseWriter, r *http.Request) error {
	form, err := edge.Form(r)
	if err != nil {
		return err
	}
	if _, repeated := edge.Repeated(form); repeated {
		return invalidRequest("A parameter is repeated.")
	}
	app, err := e.confidential(r, form, IntrospectPath)
	if err != nil {
		return err
	}
	about := form.Get("token")
	if about == "" {
		return invalidRequest("token is missing.")
	}
	tell := e.aboutAccess
	if !strings.Contains(about, ".") { // refresh tokens are no JWS
		tell = e.aboutRefresh
	}
	answer, err := tell(r, app, about)
	if errors.Is(err, errFallen) {
		answer, err = introspection{}, nil
	}
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, answer)
}

func (e *endpoints) aboutAccess(r *http.Request, caller identity.Application, compact string) (introspection, error) {
	ctx, tenant := r.Context(), edge.TenantOf(r.Context())
	a, err := e.Keys.VerifyAccess(ctx, tenant, compact, "")
	if errors.Is(err, identity.ErrInvalid) {
		return introspection{}, errFallen
	}
	if err != nil {
		return introspection{}, err
	}
	if a.ClientID != caller.ID && (caller.Audience == "" || a.Audience != caller.Audience) {
		return introspection{}, errFallen
	}
	out := introspection{
		Active: true, Issuer: a.Issuer, Subject: a.Subject, Audience: a.Audience, ClientID: a.ClientID, Scope: a.Scope,
		Type: "Bearer", ID: a.ID, IssuedAt: a.IssuedAt, Expires: a.Expires, Confirmation: a.Confirmation, Details: a.Details,
	}
	if a.Confirmation != nil {
		out.Type = schemeDPoP
	}
	if _, personal := token.GrantOf(a.ID); !personal {
		_, err := e.apps.byID(ctx, tenant.ID, a.ClientID)
		if errors.Is(err, identity.ErrNotFound) {
			err = errFallen
		}
		return out, err
	}
	on, err := e.stillStands(ctx, tenant, a)
	if err != nil {
		return introspection{}, err
	}
	out.stand(on.footing)
	if len(a.Details) > 0 && caller.Audience == a.Audience {
		return out, e.spend(ctx, tenant, a)
	}
	return out, nil
}

// spend consumes a token that is for one action: the resource that asks about it
// is about to do that, so it is active once (H-57). The application that the
// token was given to may look at it as often as it likes.
func (e *endpoints) spend(ctx context.Context, tenant identity.Tenant, a token.Access) error {
	err := e.Store.Update(ctx, tenant.ID, func(tx identity.Tx) error {
		// It outlives the token by what clocks may differ.
		return tx.Ephemerals.Put(ctx, kindSpent, identity.HashKey(a.ID), []byte{}, time.Unix(a.Expires, 0).Add(time.Minute))
	})
	if errors.Is(err, identity.ErrConflict) {
		return errFallen
	}
	return err
}

func (i *introspection) stand(on footing) {
	i.Session, i.ACR, i.AMR, i.AuthTime = on.session.ID, on.Level.String(), on.AMR, on.AuthTime.Unix()
	i.Bound = new(on.session.Bound != nil)
}

func (e *endpoints) aboutRefresh(r *http.Request, caller identity.Application, presented string) (introspection, error) {
	ctx, tenant := r.Context(), edge.TenantOf(r.Context())
	var out introspection
	err := e.Store.View(ctx, tenant.ID, func(tx identity.Tx) error {
		item, err := tx.Ephemerals.Get(ctx, kindRefresh, identity.HashKey(presented))
		if over(err) {
			return errFallen
		}
		if err != nil {
			return err
		}
		var kept refreshToken
		if err := json.Unmarshal(item.Value, &kept); err != nil {
			return err
		}
		g, on, err := e.live(ctx, tx, tenant, caller, kept.Grant)
		if err != nil {
			return err
		}
		out = introspection{
			Active: true, Issuer: tenant.Issuer, Subject: g.User, ClientID: g.Application, Scope: joinScopes(g.Scopes),
			IssuedAt: g.CreatedAt.Unix(), Expires: g.ExpiresAt.Unix(),
		}
		out.stand(on)
		return nil
	})
	return out, err
}
