package token

import (
	"context"
	"io"
	"strings"
	"time"

	"github.com/intelliauth/intelliauth/internal/identity"
)

// skew is how far ahead the clock of another of our nodes may be.
const skew = time.Minute

// Access is what an access token says (RFC 9068, 2.2; RFC 9470, section 6).
// Times are Unix seconds. A token that no user stands behind has sub and
// client_id alike and no sid, acr, amr or auth_time.
type Access struct {
	Issuer       string        `json:"iss"`
	Subject      string        `json:"sub"`
	Audience     string        `json:"aud"` // one audience, always a string
	Scope        string        `json:"scope"`
	ClientID     string        `json:"client_id"`
	Session      string        `json:"sid,omitempty"`
	ACR          string        `json:"acr,omitempty"`
	AMR          []string      `json:"amr,omitempty"`
	AuthTime     int64         `json:"auth_time,omitempty"`
	ID           string        `json:"jti"` // see [UserJTI] and [ClientJTI]
	Expires      int64         `json:"exp"`
	IssuedAt     int64         `json:"iat"`
	Confirmation *Confirmation `json:"cnf,omitempty"`

	Details []identity.Action `json:"authorization_details,omitempty"` // RFC 9396, 9.1: the one action that it is for
}

// Confirmation binds a token to a key (RFC 9449, 6.1).
type Confirmation struct {
	Thumbprint string `json:"jkt"`
}

// clientPrefix marks the id of a token that no grant stands behind.
const clientPrefix = "cc"

// UserJTI returns a new jti that tells which grant the token was issued from.
func UserJTI(grant string, random io.Reader) string {
	return grant + "." + identity.RandomToken(12, random)
}

// ClientJTI returns a new jti for a token of the client credentials grant.
func ClientJTI(random io.Reader) string {
	return clientPrefix + "." + identity.RandomToken(16, random)
}

// GrantOf returns the grant that a jti names. ok is false where there is none.
func GrantOf(jti string) (grant string, ok bool) {
	grant, rest, found := strings.Cut(jti, ".")
	if !found || grant == "" || rest == "" || grant == clientPrefix {
		return "", false
	}
	return grant, true
}

// VerifyAccess checks an access token of this tenant: signature, type, issuer,
// times, and audience unless that is empty. Whether its grant and session still
// stand is for the caller to ask.
func (k *Keys) VerifyAccess(ctx context.Context, tenant identity.Tenant, compact, audience string) (Access, error) {
	var read struct {
		Access
		NotBefore int64 `json:"nbf"`
	}
	if err := k.Verify(ctx, tenant, compact, TypAccess, &read); err != nil {
		return Access{}, err
	}
	now := k.now()
	switch ahead := now.Add(skew).Unix(); {
	case read.Issuer != tenant.Issuer || tenant.Issuer == "":
		return Access{}, invalid("another issuer's token")
	case audience != "" && read.Audience != audience:
		return Access{}, invalid("meant for another audience")
	case now.Unix() >= read.Expires:
		return Access{}, invalid("expired")
	case read.IssuedAt == 0 || read.IssuedAt > ahead || read.NotBefore > ahead:
		return Access{}, invalid("not yet valid")
	}
	return read.Access, nil
}
