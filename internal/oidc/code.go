package oidc

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/intelliauth/intelliauth/internal/flow"
	"github.com/intelliauth/intelliauth/internal/identity"
)

// redeem exchanges an authorization code (RFC 6749, 4.1.3). The code is consumed
// first and checked after, so a failed check burns it; a second use revokes what
// the first gave (RFC 9700, 4.5; A-05).
func (e *endpoints) redeem(x exchange) (tokens, error) {
	code := x.form.Get("code")
	if code == "" {
		return tokens{}, invalidRequest("code is missing.")
	}
	var made issuance
	var refused error // committed with what it consumed
	err := e.Store.Update(x.ctx, x.tenant.ID, func(tx identity.Tx) error {
		made, refused = issuance{}, nil
		item, err := tx.Ephemerals.Take(x.ctx, flow.KindCode, identity.HashKey(code))
		if errors.Is(err, identity.ErrTaken) {
			refused = invalidGrant("The code was used before.")
			return e.revokeReplayed(x, tx, item)
		}
		if over(err) {
			refused = invalidGrant("The code is unknown or over.")
			return nil
		}
		if err != nil {
			return err
		}
		made, err = e.redeemTaken(x, tx, item)
		if o := (*oauthError)(nil); errors.As(err, &o) {
			refused = o
			return nil
		}
		return err
	})
	if err == nil {
		err = refused
	}
	if err != nil {
		return tokens{}, err
	}
	return e.issue(x.ctx, made)
}

// revokeReplayed ends the grant of a code that comes a second time: one of the
// two who sent it stole it.
func (e *endpoints) revokeReplayed(x exchange, tx identity.Tx, item identity.Item) error {
	var code identity.AuthorizationCode
	if err := json.Unmarshal(item.Value, &code); err != nil {
		return err
	}
	return e.revokeReused(x, tx, code.Grant.ID, "code_replayed", e.Engine.RevokeGrant)
}

// revokeReused ends what a replayed thing gave, with the event that says so. A grant
// that never came to be, or has ended, stays as it is.
func (e *endpoints) revokeReused(x exchange, tx identity.Tx, id, why string, end ending) error {
	g, err := tx.Grants.ByID(x.ctx, id)
	if errors.Is(err, identity.ErrNotFound) || err == nil && g.Revoked() {
		return nil
	}
	if err != nil {
		return err
	}
	ev := e.event(x, identity.EventTokenReused, identity.Refused, g)
	ev.Reasons = []string{why}
	if err := tx.Events.Append(x.ctx, ev); err != nil {
		return err
	}
	return end(x.ctx, tx, g, why)
}

// ending takes a grant back, and whatever else the reason asks for.
type ending func(ctx context.Context, tx identity.Tx, g identity.Grant, why string) error

// redeemTaken turns a consumed code into a grant. An *oauthError leaves the code
// burned and nothing else.
func (e *endpoints) redeemTaken(x exchange, tx identity.Tx, item identity.Item) (issuance, error) {
	var code identity.AuthorizationCode
	if err := json.Unmarshal(item.Value, &code); err != nil {
		return issuance{}, err
	}
	if code.Flow != "" {
		// The code arrived, so the answer need not be kept for a lost reply.
		if _, err := tx.Ephemerals.Take(x.ctx, kindAnswer, code.Flow); err != nil && !over(err) {
			return issuance{}, err
		}
	}
	if err := checkCode(x, code); err != nil {
		return issuance{}, err
	}
	g := code.Grant
	// A public application has no secret: its refresh tokens are the key's (RFC
	// 9449, section 5).
	if x.app.Public() && x.key != "" {
		g.Thumbprint = x.key
	}
	audience, err := audienceOf(x.tenant, x.app, g.Resources, x.form)
	if err != nil {
		return issuance{}, err
	}
	stands, err := e.standing(x.ctx, tx, x.tenant, x.app, g)
	if err != nil {
		return issuance{}, err
	}
	scopes := g.Scopes
	// me:factors is given once, by this code, never by a refresh (C-20).
	g.Scopes = slices.DeleteFunc(slices.Clone(scopes), func(s string) bool { return s == identity.ScopeMeFactors })
	if !code.Purpose {
		scopes = g.Scopes
	}
	now := e.now()
	g.CreatedAt = now
	if g.ExpiresAt.IsZero() {
		g.ExpiresAt = now.Add(refreshFor(x.app))
	}
	if err := tx.Grants.Create(x.ctx, g); err != nil {
		return issuance{}, err
	}
	ev := e.event(x, identity.EventGrantCreated, identity.Succeeded, g)
	ev.Flow = code.Flow
	ev.Data["scope"] = joinScopes(g.Scopes)
	if err := tx.Events.Append(x.ctx, ev); err != nil {
		return issuance{}, err
	}
	made := issuance{
		tenant: x.tenant, app: x.app, grant: g, footing: stands, now: now,
		audience: audience, scopes: scopes, nonce: code.Request.Nonce, action: code.Request.Action, key: x.key,
	}
	if made.action == nil && slices.Contains(g.Scopes, identity.ScopeOffline) && x.app.Allows(identity.GrantRefresh) {
		made.refresh = identity.RandomToken(refreshLength, e.Random)
		err = e.keepRefresh(x.ctx, tx, made.refresh, g)
	}
	return made, err
}

// checkCode holds a request against what the code was issued for.
func checkCode(x exchange, code identity.AuthorizationCode) error {
	redirect := x.form.Get("redirect_uri")
	switch r := code.Request; {
	case r.ClientID != x.app.ID || code.Grant.Application != x.app.ID:
		return invalidGrant("The code was issued to another client.")
	case redirect != r.RedirectURI && (redirect != "" || r.RedirectURISent):
		return invalidGrant("redirect_uri is not that of the authorization request.")
	case r.DPoPThumbprint != "" && r.DPoPThumbprint != x.key:
		return invalidGrant("The code is bound to a key that was not proved.")
	default:
		return checkVerifier(r.CodeChallenge, x.form.Get("code_verifier"))
	}
}

// checkVerifier is PKCE's second half (RFC 7636, 4.6). A verifier where there was
// no challenge shows that somebody took the challenge away (RFC 9700, 4.8.2).
func checkVerifier(challenge, verifier string) error {
	switch {
	case challenge == "" && verifier == "":
		return nil
	case challenge == "":
		return invalidGrant("code_verifier came without a code_challenge before it.")
	case len(verifier) < 43 || len(verifier) > 128 || strings.ContainsFunc(verifier, notUnreserved):
		return invalidGrant("code_verifier is missing or malformed.")
	}
	sum := sha256.Sum256([]byte(verifier))
	if subtle.ConstantTimeCompare([]byte(base64.RawURLEncoding.EncodeToString(sum[:])), []byte(challenge)) != 1 {
		return invalidGrant("code_verifier does not fit the code_challenge.")
	}
	return nil
}

func notUnreserved(c rune) bool { return notURLSafe(c) && c != '.' && c != '~' }
