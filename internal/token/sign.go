package token

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	jose "github.com/go-jose/go-jose/v4"

	"github.com/intelliauth/intelliauth/internal/identity"
)

var errNoKey = errors.New("the tenant has no signing key in use")

// Sign returns claims as a compact JWS under the tenant's key of the moment,
// with alg, kid and typ as its only headers.
//
// It is written out rather than left to the JOSE library because a signature is
// most of what a refresh costs: the header of a key and type never changes, and
// the claims need to be encoded once.
func (k *Keys) Sign(ctx context.Context, tenant identity.Tenant, typ string, claims any) (string, error) {
	r, err := k.ring(ctx, tenant.ID)
	if err != nil {
		return "", err
	}
	key, ok := r.signing(k.now())
	if !ok {
		return "", errNoKey
	}
	payload, err := encode(claims)
	if err != nil {
		return "", fmt.Errorf("encode claims: %w", err)
	}
	header, err := key.header(typ)
	if err != nil {
		return "", err
	}
	b64 := base64.RawURLEncoding
	// 512 bytes hold the longest signature (RS256, 342).
	out := make([]byte, 0, len(header)+b64.EncodedLen(len(payload))+512)
	out = append(out, header...)
	out = append(out, '.')
	out = b64.AppendEncode(out, payload)
	signature, err := key.sign(k.random, out)
	if err != nil {
		return "", fmt.Errorf("sign: %w", err)
	}
	out = append(out, '.')
	return string(b64.AppendEncode(out, signature)), nil
}

// encode is json.Marshal without the second pass over what marshals itself.
func encode(claims any) ([]byte, error) {
	if m, ok := claims.(json.Marshaler); ok {
		return m.MarshalJSON()
	}
	return json.Marshal(claims)
}

// key is a signing key made ready for use.
type key struct {
	identity.SigningKey
	public  any                           // *ecdsa.PublicKey, ed25519.PublicKey or *rsa.PublicKey
	private func() (crypto.Signer, error) // parsed when first used
	headers map[string]string             // by typ, encoded
}

func newKey(s identity.SigningKey) (*key, error) {
	var jwk jose.JSONWebKey
	if err := jwk.UnmarshalJSON(s.Public); err != nil {
		return nil, fmt.Errorf("public key: %w", err)
	}
	if jwk.KeyID != s.ID || jwk.Algorithm != s.Algorithm || !suits(jose.SignatureAlgorithm(s.Algorithm), jwk.Key) {
		return nil, errors.New("public key does not fit its record")
	}
	k := &key{SigningKey: s, public: jwk.Key, headers: map[string]string{}}
	k.private = sync.OnceValues(func() (crypto.Signer, error) { return openPrivate(s) })
	for _, typ := range []string{TypAccess, TypID} {
		header, err := k.newHeader(typ)
		if err != nil {
			return nil, err
		}
		k.headers[typ] = header
	}
	return k, nil
}

func openPrivate(s identity.SigningKey) (crypto.Signer, error) {
	parsed, err := x509.ParsePKCS8PrivateKey(s.Private)
	if err != nil {
		return nil, errors.New("private key cannot be read") // the parser's words might quote it
	}
	private, ok := parsed.(crypto.Signer)
	if !ok || !suits(jose.SignatureAlgorithm(s.Algorithm), private.Public()) {
		return nil, errors.New("private key does not fit its record")
	}
	return private, nil
}

func (k *key) expired(now time.Time) bool { return k.ExpiresAt != nil && !now.Before(*k.ExpiresAt) }

func (k *key) header(typ string) (string, error) {
	if h, ok := k.headers[typ]; ok {
		return h, nil
	}
	return k.newHeader(typ)
}

func (k *key) newHeader(typ string) (string, error) {
	h, err := json.Marshal(struct {
		Algorithm string `json:"alg"`
		ID        string `json:"kid"`
		Type      string `json:"typ"`
	}{k.Algorithm, k.ID, typ})
	if err != nil {
		return "", fmt.Errorf("encode a header: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(h), nil
}

// sign makes the signature of RFC 7518, section 3, or RFC 8037, 3.1.
func (k *key) sign(random io.Reader, input []byte) ([]byte, error) {
	private, err := k.private()
	if err != nil {
		return nil, err
	}
	switch private := private.(type) {
	case ed25519.PrivateKey:
		return ed25519.Sign(private, input), nil
	case *rsa.PrivateKey:
		sum := sha256.Sum256(input)
		return rsa.SignPKCS1v15(random, private, crypto.SHA256, sum[:])
	case *ecdsa.PrivateKey:
		sum := sha256.Sum256(input)
		r, s, err := ecdsa.Sign(random, private, sum[:])
		if err != nil {
			return nil, err
		}
		out := make([]byte, 64)
		r.FillBytes(out[:32])
		s.FillBytes(out[32:])
		return out, nil
	}
	return nil, errors.New("private key of an unknown kind")
}

// suits reports whether a public key is one for alg, and strong enough.
func suits(alg jose.SignatureAlgorithm, public any) bool {
	switch public := public.(type) {
	case *ecdsa.PublicKey:
		return alg == jose.ES256 && public.Curve == elliptic.P256()
	case ed25519.PublicKey:
		return alg == jose.EdDSA && len(public) == ed25519.PublicKeySize
	case *rsa.PublicKey:
		return (alg == jose.RS256 || alg == jose.PS256) && public.N.BitLen() >= 2048 && public.N.BitLen() <= 8192
	}
	return false
}
