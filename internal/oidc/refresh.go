package oidc

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"time"

	"github.com/intelliauth/intelliauth/internal/identity"
)

// kindness is how long a refresh whose reply was lost may be repeated (C-31).
const kindness = 10 * time.Second

// refreshLength is the length of the first refresh token of a family, in bytes;
// its successors have the same.
const refreshLength = sha256.Size

// refreshToken is what is kept of a refresh token, under its hash.
//
// Its successor is decided when it is made: the keyed hash of the token under
// Salt. Whoever has the token and its record can tell the successor, so a lost
// reply can be given again without a successor having been kept; neither of the
// two alone is enough.
type refreshToken struct {
	Grant string `json:"grant"`
	Salt  string `json:"salt"`
}

func (t refreshToken) successor(token string) string {
	mac := hmac.New(sha256.New, []byte(t.Salt))
	mac.Write([]byte(token))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// refreshFor is the absolute life of a refresh family.
func refreshFor(app identity.Application) time.Duration {
	if app.RefreshFor > 0 {
		return app.RefreshFor
	}
	return identity.DefaultRefreshTimeout
}

// keepRefresh stores a token of a family. It never outlives its grant.
func (e *endpoints) keepRefresh(ctx context.Context, tx identity.Tx, token string, g identity.Grant) error {
	value, err := json.Marshal(refreshToken{Grant: g.ID, Salt: identity.RandomToken(refreshLength, e.Random)})
	if err != nil {
		return err
	}
	return tx.Ephemerals.Put(ctx, kindRefresh, identity.HashKey(token), value, g.ExpiresAt)
}

// refresh exchanges a refresh token for the next one and new tokens (RFC 6749,
// section 6). Taking the old and keeping the new is one transaction: of any
// number who ask at once one gets the next member of the family. A refusal
// leaves the token as it was, save that a reused one ends the family.
func (e *endpoints) refresh(x exchange) (tokens, error) {
	presented := x.form.Get("refresh_token")
	if presented == "" {
		return tokens{}, invalidRequest("refresh_token is missing.")
	}
	var made issuance
	var refused error // committed with the revocation
	err := e.Store.Update(x.ctx, x.tenant.ID, func(tx identity.Tx) error {
		made, refused = issuance{}, nil
		item, err := tx.Ephemerals.Take(x.ctx, kindRefresh, identity.HashKey(presented))
		taken := errors.Is(err, identity.ErrTaken)
		if err != nil && !taken {
			if over(err) {
				return invalidGrant("The refresh token is unknown or over.")
			}
			return err
		}
		var kept refreshToken
		if err := json.Unmarshal(item.Value, &kept); err != nil {
			return err
		}
		g, on, err := e.grantFor(x, tx, kept.Grant)
		if err != nil {
			return err
		}
		next := kept.successor(presented)
		if taken {
			again, err := e.again(x, tx, g, item, next)
			if err != nil {
				return err
			}
			if !again {
				refused = invalidGrant("The refresh token was used before.")
				end, err := e.verdict(x, tx, g, next)
				if err != nil {
					return err
				}
				return e.revokeReused(x, tx, g.ID, "refresh_reused", end)
			}
		}
		if made, err = e.refreshed(x, g, on); err != nil {
			return err
		}
		if err := e.Engine.NoteLevel(x.ctx, tx, x.tenant, on.session); err != nil {
			return err
		}
		made.refresh = next
		if taken {
			return nil // kept already
		}
		return e.keepRefresh(x.ctx, tx, next, g)
	})
	if err == nil {
		err = refused
	}
	var foreign *foreignKeyError
	if errors.As(err, &foreign) {
		// Nothing is revoked: who has the token and not the key must not be able to
		// end what the owner has. That somebody has it is told.
		err = e.Engine.ForeignKey(x.ctx, x.tenant, foreign.grant)
		if err == nil {
			err = invalidGrant("The refresh token is bound to a key that was not proved.")
		}
	}
	if err != nil {
		return tokens{}, err
	}
	return e.issue(x.ctx, made)
}

// foreignKeyError says that a bound refresh token came without its key.
type foreignKeyError struct{ grant identity.Grant }

func (*foreignKeyError) Error() string { return "oidc: a refresh token came with another key" }

// grantFor reads the grant of a refresh token that this client presents, with
// what it hangs on. Another client learns nothing and ends nothing.
func (e *endpoints) grantFor(x exchange, tx identity.Tx, id string) (identity.Grant, footing, error) {
	var on footing
	g, s, user, err := tx.Grants.WithOwner(x.ctx, id)
	if err != nil && !errors.Is(err, identity.ErrNotFound) {
		return g, on, err
	}
	if err != nil || g.Application != x.app.ID || g.Revoked() || !e.now().Before(g.ExpiresAt) {
		return g, on, invalidGrant("The refresh token is unknown or over.")
	}
	if x.app.Public() && g.Thumbprint != "" && g.Thumbprint != x.key {
		return g, on, &foreignKeyError{grant: g}
	}
	on.session, on.user = s, user
	return g, on, nil
}

// again reports whether a token that was used before may be answered again: its
// use was a moment ago, its successor was not used, and the client showed a key
// or secret of its own, the same as before. A bearer of a public client shows
// nothing that a thief lacks, so there a second use is always a reuse. Where the
// successor has been used too, within the moment, the answer is a refusal that
// revokes nothing: a late repetition, not a theft.
func (e *endpoints) again(x exchange, tx identity.Tx, g identity.Grant, item identity.Item, next string) (bool, error) {
	if x.app.Public() && g.Thumbprint == "" || item.TakenAt == nil || !e.now().Before(item.TakenAt.Add(kindness)) {
		return false, nil
	}
	_, err := tx.Ephemerals.Get(x.ctx, kindRefresh, identity.HashKey(next))
	switch {
	case err == nil:
		return true, nil
	case errors.Is(err, identity.ErrTaken):
		return false, invalidGrant("The refresh token was used before.")
	case over(err):
		return false, nil
	}
	return false, err
}

// verdict is what a reuse ends. Where the client shows a key or secret of its own
// and the successor lies unused, a reply was lost for longer than the moment of
// kindness: the family ends, and nobody is called a thief. Else two go on from one
// token, and one of them copied it.
func (e *endpoints) verdict(x exchange, tx identity.Tx, g identity.Grant, next string) (ending, error) {
	if !x.app.Public() || g.Thumbprint != "" {
		_, err := tx.Ephemerals.Get(x.ctx, kindRefresh, identity.HashKey(next))
		if err == nil {
			return e.Engine.RevokeGrant, nil
		}
		if !over(err) {
			return nil, err
		}
	}
	return func(ctx context.Context, tx identity.Tx, g identity.Grant, why string) error {
		return e.Engine.Stolen(ctx, tx, x.tenant, g, why)
	}, nil
}

// refreshed is what a refresh gives: never a higher level than the grant's own
// proofs still have (C-02), never more scope, never me:factors.
func (e *endpoints) refreshed(x exchange, g identity.Grant, on footing) (issuance, error) {
	scopes, err := narrowed(g.Scopes, x.form.Get("scope"))
	if err != nil {
		return issuance{}, err
	}
	audience, err := audienceOf(x.tenant, x.app, g.Resources, x.form)
	if err != nil {
		return issuance{}, err
	}
	stands, err := e.stands(x.tenant, x.app, g, on)
	if err != nil {
		return issuance{}, err
	}
	p, err := e.Engine.Policy(x.tenant)
	if err != nil {
		return issuance{}, err
	}
	now := e.now()
	return issuance{
		tenant: x.tenant, app: x.app, grant: g, footing: stands, now: now,
		audience: audience, scopes: stillMet(p, stands.Standing, scopes, now), key: x.key,
	}, nil
}
