package token

import (
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"slices"

	"github.com/intelliauth/intelliauth/internal/identity"
)

// ID is what an ID token says (OpenID Connect Core, section 2). Times are Unix
// seconds.
type ID struct {
	Issuer     string         `json:"iss"`
	Subject    string         `json:"sub"`
	Audience   string         `json:"aud"` // the client, as a string
	Expires    int64          `json:"exp"`
	IssuedAt   int64          `json:"iat"`
	AuthTime   int64          `json:"auth_time,omitempty"`
	Nonce      string         `json:"nonce,omitempty"`
	ACR        string         `json:"acr,omitempty"`
	AMR        []string       `json:"amr,omitempty"`
	AZP        string         `json:"azp,omitempty"`
	AccessHash string         `json:"at_hash,omitempty"` // see [AtHash]
	Session    string         `json:"sid,omitempty"`
	Extra      map[string]any `json:"-"` // email, name …; never in place of a claim above
}

// reserved reports whether a claim is not for Extra to make: those of [ID] and
// the other claims that say what a token is.
func reserved(name string) bool {
	switch name {
	case "iss", "sub", "aud", "exp", "iat", "nbf", "jti", "auth_time", "nonce", "acr", "amr", "azp",
		"at_hash", "c_hash", "s_hash", "sid", "cnf", "events", "client_id", "scope":
		return true
	}
	return false
}

// MarshalJSON writes the claims and then Extra, in order of name.
func (id ID) MarshalJSON() ([]byte, error) {
	type bare ID // without this method
	out, err := json.Marshal(bare(id))
	if err != nil || len(id.Extra) == 0 {
		return out, err
	}
	names := make([]string, 0, len(id.Extra))
	for name := range id.Extra {
		if !reserved(name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	out = out[:len(out)-1]
	for _, name := range names {
		key, err := json.Marshal(name)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(id.Extra[name])
		if err != nil {
			return nil, err
		}
		out = append(out, ',')
		out = append(out, key...)
		out = append(out, ':')
		out = append(out, value...)
	}
	return append(out, '}'), nil
}

// AtHash returns the at_hash claim of an ID token signed with alg (Core,
// 3.1.3.6): the left half of the hash that alg uses. Ed25519 uses SHA-512.
func AtHash(alg, accessToken string) string {
	if alg == "EdDSA" {
		sum := sha512.Sum512([]byte(accessToken))
		return base64.RawURLEncoding.EncodeToString(sum[:32])
	}
	sum := sha256.Sum256([]byte(accessToken))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// VerifyIDHint reads an ID token of this tenant that comes back as a hint
// (Core, 3.1.2.1; RP-Initiated Logout, section 4). It may have expired; a hint
// proves nothing. Extra is left out.
func (k *Keys) VerifyIDHint(ctx context.Context, tenant identity.Tenant, compact string) (ID, error) {
	var id ID
	if err := k.Verify(ctx, tenant, compact, TypID, &id); err != nil {
		return ID{}, err
	}
	if id.Issuer != tenant.Issuer || id.Issuer == "" || id.Subject == "" {
		return ID{}, invalid("another issuer's token")
	}
	return id, nil
}
