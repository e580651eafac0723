package token

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"net/url"
	"strings"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	josejson "github.com/go-jose/go-jose/v4/json"

	"github.com/intelliauth/intelliauth/internal/identity"
)

// Bounds on DPoP proofs (RFC 9449, 11.1).
const (
	proofAge  = 60 * time.Second // how old a proof may be
	proofSkew = 5 * time.Second  // how far the clock of its maker may be off, either way
	// A proof that holds a nonce of ours is young by that, whatever clock its maker
	// has: people's clocks are minutes off, and must not lock them out.
	nonceSkew   = 5 * time.Minute
	nonceSlot   = 60 * time.Second // a nonce is good for its slot and the next
	proofLife   = 4 * nonceSlot    // for which a proof is remembered: its nonce is over by then
	maxProofJTI = 256              // bytes
	maxProofRSA = 4096             // bits: a bigger key costs us, not its maker
	minProofRSA = 2048
	kindProof   = "dpop" // ephemerals: proofs that were used
)

// Use says who checks a proof. A nonce of one use is none of the other (C-31).
type Use string

// The uses.
const (
	AtProvider Use = "dpop-provider"
	AtResource Use = "dpop-resource"
)

// ProofAlgorithms are those that a proof may be signed with.
func ProofAlgorithms() []string { return []string{"ES256", "EdDSA", "PS256", "RS256"} }

// ProofError says what is wrong with a proof (RFC 9449, section 5 and 8).
type ProofError struct {
	Code string // invalid_dpop_proof or use_dpop_nonce
	Why  string
}

func (e *ProofError) Error() string { return e.Code + ": " + e.Why }

func badProof(why string) error { return &ProofError{Code: "invalid_dpop_proof", Why: why} }

// Proofs checks DPoP proofs (RFC 9449). It is safe for concurrent use; nodes that
// share a store share nonces and the memory of proofs that were used.
type Proofs struct {
	store identity.Store
	key   func(ctx context.Context, tenant, use string) ([]byte, error)
	now   func() time.Time
}

// NewProofs takes where used proofs are remembered, and what gives a tenant's
// secret for one use.
func NewProofs(store identity.Store, key func(ctx context.Context, tenant, use string) ([]byte, error), now func() time.Time) *Proofs {
	return &Proofs{store: store, key: key, now: now}
}

// Shown is a proof, and the request that it came with.
type Shown struct {
	Compact string
	Method  string
	URL     string // as this server is addressed: no query, no fragment
	Access  string // the access token beside it, "" where there is none
}

// Check holds a proof against its request, consumes it, and returns the
// thumbprint of its key (RFC 7638). Faults are *ProofError.
func (p *Proofs) Check(ctx context.Context, tenant identity.Tenant, use Use, s Shown) (thumbprint string, err error) {
	now := p.now()
	proof, err := openProof(s.Compact)
	if err == nil && proof.Nonce != "" { // without one its time says nothing: its maker's clock may be off
		err = proof.holds(s, now)
	}
	if err != nil {
		return "", err
	}
	good, err := p.fresh(ctx, tenant, use, proof.Nonce, now)
	if err != nil {
		return "", err
	}
	if !good {
		return "", &ProofError{Code: "use_dpop_nonce", Why: "The proof must hold the nonce that came with this answer."}
	}
	err = p.store.Update(ctx, tenant.ID, func(tx identity.Tx) error {
		return tx.Ephemerals.Put(ctx, kindProof, identity.HashKey(proof.thumbprint+" "+proof.ID), []byte{}, now.Add(proofLife))
	})
	if errors.Is(err, identity.ErrConflict) {
		return "", badProof("The proof was used before.")
	}
	return proof.thumbprint, err
}

// Nonce returns the nonce that a next proof has to hold. It cannot be told
// without the tenant's key, and is the same on every node.
func (p *Proofs) Nonce(ctx context.Context, tenant identity.Tenant, use Use) (string, error) {
	key, err := p.key(ctx, tenant.ID, string(use))
	return nonceAt(key, p.now(), 0), err
}

func nonceAt(key []byte, now time.Time, slots int64) string {
	mac := hmac.New(sha256.New, key)
	_ = binary.Write(mac, binary.BigEndian, now.Unix()/int64(nonceSlot/time.Second)+slots)
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:16])
}

// fresh reports whether a nonce is of this slot, of the last, or of the next for
// a node whose clock is ahead.
func (p *Proofs) fresh(ctx context.Context, tenant identity.Tenant, use Use, nonce string, now time.Time) (bool, error) {
	key, err := p.key(ctx, tenant.ID, string(use))
	if err != nil {
		return false, err
	}
	good := 0
	for _, slot := range []int64{-1, 0, 1} {
		good |= subtle.ConstantTimeCompare([]byte(nonce), []byte(nonceAt(key, now, slot)))
	}
	return good == 1, nil
}

// proof is what a proof says.
type proof struct {
	Method     string   `json:"htm"`
	URL        string   `json:"htu"`
	ID         string   `json:"jti"`
	IssuedAt   *float64 `json:"iat"`
	AccessHash string   `json:"ath"`
	Nonce      string   `json:"nonce"`

	thumbprint string
}

// readProof holds a proof against RFC 9449, 4.3, nonce and replay aside.
func readProof(s Shown, now time.Time) (proof, error) {
	p, err := openProof(s.Compact)
	if err == nil {
		err = p.holds(s, now)
	}
	if err != nil {
		return proof{}, err
	}
	return p, nil
}

// holds reports what a proof says that its request and the time do not.
func (p proof) holds(s Shown, now time.Time) error {
	switch {
	case p.ID == "" || len(p.ID) > maxProofJTI:
		return badProof("jti is missing or too long.")
	case p.Method != s.Method:
		return badProof("htm is another method.")
	case !sameTarget(p.URL, s.URL):
		return badProof("htu is another address.")
	case p.IssuedAt == nil || *p.IssuedAt < 0 || *p.IssuedAt > maxNumericDate:
		return badProof("iat is missing or no time.")
	}
	made := time.Unix(int64(*p.IssuedAt), 0)
	old, ahead := proofAge+proofSkew, proofSkew
	if p.Nonce != "" { // which is checked next: a made-up one gains nothing
		old, ahead = nonceSkew, nonceSkew
	}
	if made.Before(now.Add(-old)) || made.After(now.Add(ahead)) {
		return badProof("iat is too old or in the future: check the clock.")
	}
	want := ""
	if s.Access != "" {
		sum := sha256.Sum256([]byte(s.Access))
		want = base64.RawURLEncoding.EncodeToString(sum[:])
	}
	if subtle.ConstantTimeCompare([]byte(p.AccessHash), []byte(want)) != 1 {
		return badProof("ath is not the hash of the access token beside it.")
	}
	return nil
}

// openProof checks a proof's form, key and signature.
func openProof(compact string) (proof, error) {
	if !wellFormed(compact) {
		return proof{}, badProof("It is no compact JWS.")
	}
	var accepted []jose.SignatureAlgorithm
	for _, a := range ProofAlgorithms() {
		accepted = append(accepted, jose.SignatureAlgorithm(a))
	}
	jws, err := jose.ParseSignedCompact(compact, accepted)
	if err != nil {
		return proof{}, badProof("It is no JWS of an accepted algorithm.")
	}
	header := jws.Signatures[0].Protected
	if typ, _ := header.ExtraHeaders[jose.HeaderType].(string); typ != "dpop+jwt" {
		return proof{}, badProof("typ must be dpop+jwt.")
	}
	for name := range header.ExtraHeaders {
		if name != jose.HeaderType {
			return proof{}, badProof("The header holds more than typ, alg and jwk.")
		}
	}
	jwk := header.JSONWebKey
	if jwk == nil || !jwk.Valid() || !jwk.IsPublic() || !strongEnough(jwk.Key, header.Algorithm) {
		return proof{}, badProof("jwk must be a public key that fits alg, of sufficient size.")
	}
	payload, err := jws.Verify(jwk.Key)
	if err != nil {
		return proof{}, badProof("The signature is wrong.")
	}
	var p proof
	if err := josejson.Unmarshal(payload, &p); err != nil {
		return proof{}, badProof("The claims cannot be read.")
	}
	sum, err := jwk.Thumbprint(crypto.SHA256)
	if err != nil {
		return proof{}, badProof("jwk has no thumbprint.")
	}
	p.thumbprint = base64.RawURLEncoding.EncodeToString(sum)
	return p, nil
}

func strongEnough(key any, alg string) bool {
	switch k := key.(type) {
	case *ecdsa.PublicKey:
		return alg == "ES256" && k.Curve.Params().BitSize == 256
	case ed25519.PublicKey:
		return alg == "EdDSA"
	case *rsa.PublicKey:
		bits := k.N.BitLen()
		return (alg == "PS256" || alg == "RS256") && bits >= minProofRSA && bits <= maxProofRSA && k.E >= 3
	}
	return false
}

// sameTarget compares htu with our address, after the normalisation of RFC 3986
// (6.2.2 and 6.2.3) that matters: case of scheme and host, default ports. Query
// and fragment do not count (RFC 9449, 4.3).
func sameTarget(said, ours string) bool {
	a, err := url.Parse(said)
	if err != nil || a.User != nil || a.Opaque != "" {
		return false
	}
	b, err := url.Parse(ours)
	if err != nil {
		return false
	}
	path := func(u *url.URL) string {
		if u.Path == "" {
			return "/"
		}
		return u.Path
	}
	return strings.EqualFold(a.Scheme, b.Scheme) && hostPort(a) == hostPort(b) && path(a) == path(b)
}

func hostPort(u *url.URL) string {
	host, port := strings.ToLower(u.Hostname()), u.Port()
	if port == "" {
		port = map[string]string{"https": "443", "http": "80"}[strings.ToLower(u.Scheme)]
	}
	return host + ":" + port
}
