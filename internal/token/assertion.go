package token

import (
	"crypto/sha256"
	"encoding/json"
	"slices"
	"sync"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	josejson "github.com/go-jose/go-jose/v4/json"

	"github.com/intelliauth/intelliauth/internal/identity"
)

// Bounds on client assertions.
const (
	maxAssertionLife = 10 * time.Minute
	maxAssertionJTI  = 256 // bytes
	maxClientJWKS    = 64 << 10
	maxClientKeys    = 16
	maxKeptSets      = 256
	maxNumericDate   = 1 << 53 // beyond this a number in JSON is no longer exact
)

// Assertions checks the assertions by which applications authenticate
// (private_key_jwt). It keeps parsed key sets by the hash of their bytes, so
// changed keys need no invalidation. The zero value is ready, and safe for
// concurrent use.
type Assertions struct {
	mu   sync.Mutex
	sets map[[sha256.Size]byte][]jose.JSONWebKey
}

// NewAssertions returns an empty Assertions.
func NewAssertions() *Assertions { return &Assertions{} }

// claimsOfAssertion are read with names spelt exactly.
type claimsOfAssertion struct {
	Issuer    string              `json:"iss"`
	Subject   string              `json:"sub"`
	Audience  josejson.RawMessage `json:"aud"`
	ID        string              `json:"jti"`
	Expires   *float64            `json:"exp"`
	IssuedAt  *float64            `json:"iat"`
	NotBefore *float64            `json:"nbf"`
}

// Verify checks a client assertion (RFC 7523, section 3; OpenID Connect Core,
// section 9) against the application's registered keys. audiences are the names
// under which we may be addressed: issuer and token endpoint. The caller must
// refuse a jti that it has seen before exp. Faults are identity.ErrInvalid with
// code invalid_client.
func (a *Assertions) Verify(compact string, jwks []byte, clientID string, audiences []string, now time.Time) (jti string, exp time.Time, err error) {
	payload, err := a.signed(compact, jwks)
	if err != nil {
		return "", time.Time{}, err
	}
	var c claimsOfAssertion
	if err := josejson.Unmarshal(payload, &c); err != nil {
		return "", time.Time{}, refused("claims cannot be read")
	}
	if clientID == "" || c.Issuer != clientID || c.Subject != clientID {
		return "", time.Time{}, refused("iss and sub must both be the client_id")
	}
	if !addressed(c.Audience, audiences) {
		return "", time.Time{}, refused("aud names neither the issuer nor the token endpoint")
	}
	if c.ID == "" || len(c.ID) > maxAssertionJTI {
		return "", time.Time{}, refused("jti is missing or too long")
	}
	if exp, err = c.times(now); err != nil {
		return "", time.Time{}, err
	}
	return c.ID, exp, nil
}

func refused(why string) error { return identity.Invalid("invalid_client", "client assertion: "+why) }

func (c claimsOfAssertion) times(now time.Time) (exp time.Time, err error) {
	if c.Expires == nil || !(*c.Expires > 0 && *c.Expires < maxNumericDate) {
		return exp, refused("exp is missing or out of range")
	}
	exp = time.Unix(int64(*c.Expires), 0)
	if !now.Before(exp) {
		return exp, refused("expired")
	}
	if exp.Sub(now) > maxAssertionLife {
		return exp, refused("exp is more than 10 minutes away")
	}
	ahead := float64(now.Add(skew).Unix())
	if c.IssuedAt != nil && *c.IssuedAt > ahead || c.NotBefore != nil && *c.NotBefore > ahead {
		return exp, refused("not yet valid")
	}
	return exp, nil
}

// addressed reports whether aud, a string or a list of strings, names one of us.
func addressed(aud []byte, audiences []string) bool {
	var list []string
	if err := json.Unmarshal(aud, &list); err != nil {
		var one string
		if err := json.Unmarshal(aud, &one); err != nil {
			return false
		}
		list = []string{one}
	}
	return slices.ContainsFunc(list, func(a string) bool { return a != "" && slices.Contains(audiences, a) })
}

// signed returns the payload of a JWS that one of the keys signed.
func (a *Assertions) signed(compact string, jwks []byte) ([]byte, error) {
	if !wellFormed(compact) {
		return nil, refused("not a compact JWS")
	}
	jws, err := jose.ParseSignedCompact(compact, []jose.SignatureAlgorithm{jose.ES256, jose.EdDSA, jose.RS256, jose.PS256})
	if err != nil {
		return nil, refused("not a JWS of an accepted algorithm")
	}
	header := jws.Signatures[0].Protected
	if _, critical := header.ExtraHeaders["crit"]; critical {
		return nil, refused("critical headers are not understood")
	}
	if _, unencoded := header.ExtraHeaders["b64"]; unencoded {
		return nil, refused("the payload must be encoded")
	}
	if !assertionType(header) {
		return nil, refused("typ is that of another sort of token")
	}
	for _, key := range a.keys(jwks) {
		if header.KeyID != "" && key.KeyID != header.KeyID || key.Algorithm != "" && key.Algorithm != header.Algorithm {
			continue
		}
		if !suits(jose.SignatureAlgorithm(header.Algorithm), key.Key) {
			continue
		}
		if payload, err := jws.Verify(key.Key); err == nil {
			return payload, nil
		}
	}
	return nil, refused("not signed by a key of the client")
}

// assertionType reports whether typ is absent, "JWT" or the type that
// draft-ietf-oauth-rfc7523bis gives to client assertions.
func assertionType(h jose.Header) bool {
	_, has := h.ExtraHeaders[jose.HeaderType]
	return !has || sameType(h, "JWT") || sameType(h, "client-authentication+jwt")
}

// keys returns the usable public keys of a JWKS. A key of a kind that we do not
// know is passed over (RFC 7517, section 5); a private one is used as its
// public half.
func (a *Assertions) keys(jwks []byte) []jose.JSONWebKey {
	sum := sha256.Sum256(jwks)
	a.mu.Lock()
	defer a.mu.Unlock()
	if keys, ok := a.sets[sum]; ok {
		return keys
	}
	keys := parseKeys(jwks)
	if a.sets == nil || len(a.sets) >= maxKeptSets {
		a.sets = map[[sha256.Size]byte][]jose.JSONWebKey{}
	}
	a.sets[sum] = keys
	return keys
}

func parseKeys(jwks []byte) []jose.JSONWebKey {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if len(jwks) > maxClientJWKS || json.Unmarshal(jwks, &set) != nil {
		return nil
	}
	var keys []jose.JSONWebKey
	for _, raw := range set.Keys {
		var key jose.JSONWebKey
		if key.UnmarshalJSON(raw) != nil || key.Use != "" && key.Use != "sig" {
			continue
		}
		if public := key.Public(); public.Valid() {
			keys = append(keys, public)
		}
		if len(keys) == maxClientKeys {
			break
		}
	}
	return keys
}
