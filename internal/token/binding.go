package token

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"encoding/base64"
	"fmt"

	jose "github.com/go-jose/go-jose/v4"
	josejson "github.com/go-jose/go-jose/v4/json"
)

// typBinding is the type of a browser's proofs (Device Bound Session
// Credentials, 9.10).
const typBinding = "dbsc+jwt"

// maxBindingProof bounds a proof, in bytes: an RSA key and signature take a third.
const maxBindingProof = 4 << 10

// BindingAlgorithms are those that a browser may bind a session with; "none",
// which the draft knows, is not among them.
func BindingAlgorithms() []string { return []string{"ES256", "RS256"} }

// BindingProof is what a browser says when it registers a session.
type BindingProof struct {
	Challenge     string // jti: what was to be signed
	Authorization string // what came with the challenge
	Key           []byte // public key as JWK
	Thumbprint    string // of Key (RFC 7638)
}

// bindingClaims are what the draft puts into a proof; it has no aud, iat or key
// any more. Members that it does not name are left alone.
type bindingClaims struct {
	ID            string `json:"jti"`
	Authorization string `json:"authorization"`
}

// OpenBinding checks the JWT of a registration: its key is in its header. Faults
// are identity.ErrInvalid.
func OpenBinding(compact string) (BindingProof, error) {
	jws, err := parseBinding(compact)
	if err != nil {
		return BindingProof{}, err
	}
	header := jws.Signatures[0].Protected
	jwk := header.JSONWebKey
	if jwk == nil || !jwk.Valid() || !jwk.IsPublic() || !fitsBinding(jwk.Key, header.Algorithm) {
		return BindingProof{}, invalid("jwk is no public key that fits alg")
	}
	c, err := claimsOf(jws, jwk.Key)
	if err != nil {
		return BindingProof{}, err
	}
	plain := jose.JSONWebKey{Key: jwk.Key, Algorithm: header.Algorithm} // and nothing else that the browser may have put beside it
	key, err := plain.MarshalJSON()
	if err != nil {
		return BindingProof{}, invalid("jwk cannot be kept")
	}
	sum, err := plain.Thumbprint(crypto.SHA256)
	if err != nil {
		return BindingProof{}, invalid("jwk has no thumbprint")
	}
	return BindingProof{Challenge: c.ID, Authorization: c.Authorization, Key: key, Thumbprint: base64.RawURLEncoding.EncodeToString(sum)}, nil
}

// CheckBinding checks the JWT of a refresh against the key that was registered,
// and returns the challenge that it signs. A key in its header makes it invalid:
// whoever sends one means another. Faults are identity.ErrInvalid.
func CheckBinding(compact string, key []byte) (challenge string, err error) {
	var known jose.JSONWebKey
	if err := known.UnmarshalJSON(key); err != nil {
		return "", fmt.Errorf("token: the key of a binding: %w", err)
	}
	jws, err := parseBinding(compact)
	if err != nil {
		return "", err
	}
	header := jws.Signatures[0].Protected
	if header.JSONWebKey != nil || header.Algorithm != known.Algorithm {
		return "", invalid("not the key that was registered")
	}
	c, err := claimsOf(jws, known.Key)
	return c.ID, err
}

func parseBinding(compact string) (*jose.JSONWebSignature, error) {
	if len(compact) > maxBindingProof || !wellFormed(compact) {
		return nil, invalid("no compact JWS")
	}
	jws, err := jose.ParseSignedCompact(compact, []jose.SignatureAlgorithm{jose.ES256, jose.RS256})
	if err != nil {
		return nil, invalid("no JWS of an accepted algorithm")
	}
	if typ, _ := jws.Signatures[0].Protected.ExtraHeaders[jose.HeaderType].(string); typ != typBinding {
		return nil, invalid("typ must be " + typBinding)
	}
	return jws, nil
}

func claimsOf(jws *jose.JSONWebSignature, key any) (bindingClaims, error) {
	payload, err := jws.Verify(key)
	if err != nil {
		return bindingClaims{}, invalid("wrong signature")
	}
	var c bindingClaims
	if err := josejson.Unmarshal(payload, &c); err != nil || c.ID == "" {
		return bindingClaims{}, invalid("the claims cannot be read")
	}
	return c, nil
}

func fitsBinding(key any, alg string) bool {
	switch k := key.(type) {
	case *ecdsa.PublicKey:
		return alg == "ES256" && k.Curve.Params().BitSize == 256
	case *rsa.PublicKey:
		return alg == "RS256" && k.N.BitLen() >= minProofRSA && k.N.BitLen() <= maxProofRSA && k.E >= 3
	}
	return false
}
