package oidc

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/intelliauth/intelliauth/internal/assurance"
	"github.com/intelliauth/intelliauth/internal/flow"
	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/policy"
	"github.com/intelliauth/intelliauth/internal/token"
)

// The longest lives of an access token: of any, and of one that may change
// sign-in methods (C-20) or is for one action.
const (
	accessLife  = 10 * time.Minute
	factorsLife = 5 * time.Minute
	actionLife  = 2 * time.Minute
)

// footing is what a grant stands on now.
type footing struct {
	user    identity.User
	session identity.Session
	assurance.Standing
}

// standing reads what a grant that is not stored yet stands on.
func (e *endpoints) standing(ctx context.Context, tx identity.Tx, t identity.Tenant, app identity.Application, g identity.Grant) (footing, error) {
	s, err := tx.Sessions.ByID(ctx, g.Session)
	if errors.Is(err, identity.ErrNotFound) {
		return footing{}, gone()
	}
	if err != nil {
		return footing{}, err
	}
	user, err := tx.Users.ByID(ctx, g.User)
	if errors.Is(err, identity.ErrNotFound) {
		return footing{}, gone()
	}
	if err != nil {
		return footing{}, err
	}
	return e.stands(t, app, g, footing{user: user, session: s})
}

// stands computes what a grant is worth now. It answers invalid_grant where that
// is nothing: the session ended, the person is disabled, no level is left, or less
// than the application, a group of the person's, or the policy asks of everyone.
func (e *endpoints) stands(t identity.Tenant, app identity.Application, g identity.Grant, on footing) (footing, error) {
	if on.session.Ended() || on.session.User != g.User || on.user.Disabled() {
		return footing{}, gone()
	}
	standing, err := e.Engine.Standing(t, on.session, g.Proofs)
	if err != nil {
		return footing{}, err
	}
	if standing.Level < assurance.AAL1 {
		return footing{}, gone()
	}
	admitted, err := e.Engine.Admits(t, flow.Bearing{Application: app, User: on.user, Session: on.session, Proofs: g.Proofs})
	if err != nil {
		return footing{}, err
	}
	if !admitted {
		return footing{}, gone()
	}
	on.Standing = standing
	return on, nil
}

func gone() error { return invalidGrant("The session behind this grant is over.") }

// issuance is everything that tokens are made of, once every check has passed.
type issuance struct {
	footing
	tenant   identity.Tenant
	app      identity.Application
	grant    identity.Grant
	audience string
	scopes   []string // before the audience narrows them
	refresh  string
	key      string           // thumbprint that the access token is bound to; "" for a bearer
	action   *identity.Action // the one thing that the token is for; nil if any
	nonce    string           // of the first ID token alone (OpenID Connect Core, 12.2)
	now      time.Time
}

// lifeOf is how long an access token lives at most.
func lifeOf(p policy.Policy) time.Duration {
	if life := time.Duration(p.AccessToken); life > 0 && life < accessLife {
		return life
	}
	return accessLife
}

// expires ends tokens at the end of their life, of the grant, or when acr lapses
// (C-04), whichever is first.
func (i issuance) expires(life time.Duration) time.Time {
	end := i.now.Add(life)
	for _, bound := range []time.Time{i.Until, i.grant.ExpiresAt} {
		if !bound.IsZero() && bound.Before(end) {
			end = bound
		}
	}
	return end
}

// issue signs. It runs after the transaction, which others wait for.
func (e *endpoints) issue(ctx context.Context, i issuance) (tokens, error) {
	p, err := e.Engine.Policy(i.tenant)
	if err != nil {
		return tokens{}, err
	}
	scopes, life := scopesFor(i.tenant, i.audience, i.scopes), lifeOf(p)
	if slices.Contains(scopes, identity.ScopeMeFactors) {
		life = min(life, factorsLife)
	}
	var details []identity.Action
	if i.action != nil {
		life, details = min(life, actionLife), []identity.Action{*i.action}
	}
	// Whole seconds, rounded down: exp may come early, never late.
	issued, expires := i.now.Unix(), i.expires(life).Unix()
	kind, confirmation := bound(i.key)
	out := tokens{Type: kind, ExpiresIn: max(0, expires-issued), Refresh: i.refresh, Scope: joinScopes(scopes)}
	out.Access, err = e.Keys.Sign(ctx, i.tenant, token.TypAccess, token.Access{
		Issuer: i.tenant.Issuer, Subject: i.user.ID, Audience: i.audience, Scope: out.Scope, ClientID: i.app.ID,
		Session: i.session.ID, ACR: i.Level.String(), AMR: i.AMR, AuthTime: i.AuthTime.Unix(),
		ID: token.UserJTI(i.grant.ID, e.Random), IssuedAt: issued, Expires: expires, Details: details, Confirmation: confirmation,
	})
	if err != nil || !slices.Contains(i.scopes, identity.ScopeOpenID) {
		return out, err
	}
	out.ID, err = e.Keys.Sign(ctx, i.tenant, token.TypID, token.ID{
		Issuer: i.tenant.Issuer, Subject: i.user.ID, Audience: i.app.ID, IssuedAt: issued, Expires: expires,
		AuthTime: i.AuthTime.Unix(), Nonce: i.nonce, ACR: i.Level.String(), AMR: i.AMR,
		AccessHash: token.AtHash(algorithmOf(out.Access), out.Access), Session: i.session.ID,
		Extra: personal(i.app, i.user, nil, i.grant.Claims),
	})
	return out, err
}

// algorithmOf reads with which algorithm a token of ours was signed: the one
// that signs its ID token, which may be older than the tenant's declaration.
func algorithmOf(compact string) string {
	encoded, _, _ := strings.Cut(compact, ".")
	raw, err := base64.RawURLEncoding.DecodeString(encoded)
	if err != nil {
		return ""
	}
	var header struct {
		Algorithm string `json:"alg"`
	}
	_ = json.Unmarshal(raw, &header)
	return header.Algorithm
}
