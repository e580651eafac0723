package token

import (
	"context"
	"encoding/base64"
	"strings"

	jose "github.com/go-jose/go-jose/v4"
	josejson "github.com/go-jose/go-jose/v4/json"

	"github.com/intelliauth/intelliauth/internal/identity"
)

// ours are the algorithms that tenants sign with. Each key then takes its own
// alone.
func ours() []jose.SignatureAlgorithm {
	return []jose.SignatureAlgorithm{jose.ES256, jose.EdDSA, jose.RS256}
}

// Verify checks that compact was signed by a published key of the tenant, as a
// token of type typ, and reads its claims. Issuer, audience and times are for
// [Keys.VerifyAccess] and its like. Faults are identity.ErrInvalid; other errors
// say that the keys could not be read.
func (k *Keys) Verify(ctx context.Context, tenant identity.Tenant, compact, typ string, claims any) error {
	if !wellFormed(compact) {
		return invalid("not a compact JWS")
	}
	jws, err := jose.ParseSignedCompact(compact, ours())
	if err != nil {
		return invalid("not a JWS of an accepted algorithm")
	}
	header := jws.Signatures[0].Protected
	if !plain(header) || !sameType(header, typ) {
		return invalid("not a token of this type")
	}
	key, err := k.verifying(ctx, tenant.ID, header.KeyID)
	if err != nil {
		return err
	}
	if header.Algorithm != key.Algorithm {
		return invalid("not the algorithm of its key")
	}
	payload, err := jws.Verify(key.public)
	if err != nil {
		return invalid("wrong signature")
	}
	// This reader takes names as they are spelt and refuses a name given twice.
	if err := josejson.Unmarshal(payload, claims); err != nil {
		return invalid("claims cannot be read")
	}
	return nil
}

func (k *Keys) verifying(ctx context.Context, tenant, id string) (*key, error) {
	r, err := k.ring(ctx, tenant)
	if err != nil {
		return nil, err
	}
	if key, ok := r.byID(id, k.now()); ok {
		return key, nil
	}
	if r, err = k.ringAgain(ctx, tenant); err != nil {
		return nil, err
	}
	if key, ok := r.byID(id, k.now()); ok {
		return key, nil
	}
	return nil, invalid("signed by an unknown key")
}

// wellFormed reports whether s has the size and the exact form of a compact
// JWS. base64 readers overlook line breaks and loose last bits; one token must
// not have many spellings.
func wellFormed(s string) bool {
	if len(s) > maxCompact || strings.ContainsAny(s, "\r\n") || strings.Count(s, ".") != 2 {
		return false
	}
	strict := base64.RawURLEncoding.Strict()
	for part := range strings.SplitSeq(s, ".") {
		if part == "" {
			return false
		}
		// Only the last group can be loose.
		tail := part[len(part)&^3:]
		if tail == "" {
			continue
		}
		if _, err := strict.DecodeString(tail); err != nil {
			return false
		}
	}
	return true
}

// plain reports whether a header holds nothing but what we write: alg, kid, typ.
func plain(h jose.Header) bool {
	if h.JSONWebKey != nil || h.Nonce != "" {
		return false
	}
	for name := range h.ExtraHeaders {
		if name != jose.HeaderType {
			return false
		}
	}
	return true
}

// sameType compares media types without regard to case or to the prefix
// "application/" that typ may leave out (RFC 7515, 4.1.9).
func sameType(h jose.Header, want string) bool {
	typ, _ := h.ExtraHeaders[jose.HeaderType].(string)
	typ = strings.ToLower(typ)
	if !strings.Contains(strings.ToLower(want), "/") {
		typ = strings.TrimPrefix(typ, "application/")
	}
	return typ == strings.ToLower(want)
}
