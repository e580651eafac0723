package intelliauth

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	josejson "github.com/go-jose/go-jose/v4/json"
)

// Bounds on proofs (RFC 9449, 11.1).
const (
	proofAge  = 60 * time.Second
	maxJTI    = 256
	maxRSA    = 4096
	minRSA    = 2048
	maxProofs = 1 << 17 // that are remembered at once
)

const proofAlgorithms = "ES256 EdDSA PS256 RS256"

func badProof(description string) *Error { return bad(CodeInvalidProof, description) }

// proofOf checks the one proof that came with a request and its token (RFC 9449,
// 4.3), and consumes it.
func (v *Verifier) proofOf(r *http.Request, compact string, t *Token) error {
	headers := r.Header.Values("DPoP")
	if len(headers) != 1 {
		return badProof("One DPoP header is needed.")
	}
	p, thumbprint, err := openProof(headers[0])
	if err != nil {
		return err
	}
	now := v.now()
	sum := sha256.Sum256([]byte(compact))
	made := time.Unix(int64(min(p.IssuedAt, 1<<40)), 0)
	switch {
	case subtle.ConstantTimeCompare([]byte(thumbprint), []byte(t.Key)) != 1:
		return bad(CodeInvalidToken, "The proof is of another key.")
	case p.ID == "" || len(p.ID) > maxJTI:
		return badProof("jti is missing or too long.")
	case p.Method != r.Method:
		return badProof("htm is another method.")
	case !sameTarget(p.URL, v.target(r)):
		return badProof("htu is another address.")
	case p.IssuedAt <= 0 || made.Before(now.Add(-proofAge-v.leeway)) || made.After(now.Add(v.leeway)):
		return badProof("iat is too old or in the future: check the clock.")
	case subtle.ConstantTimeCompare([]byte(p.AccessHash), []byte(base64.RawURLEncoding.EncodeToString(sum[:]))) != 1:
		return badProof("ath is not the hash of this access token.")
	}
	if !v.proofs.first(thumbprint+" "+p.ID, now, now.Add(proofAge+2*v.leeway)) {
		return badProof("The proof was used before.")
	}
	return nil
}

type proofClaims struct {
	Method     string  `json:"htm"`
	URL        string  `json:"htu"`
	ID         string  `json:"jti"`
	IssuedAt   float64 `json:"iat"`
	AccessHash string  `json:"ath"`
}

func openProof(compact string) (p proofClaims, thumbprint string, err error) {
	if !wellFormed(compact) {
		return p, "", badProof("It is no compact JWS.")
	}
	jws, perr := jose.ParseSignedCompact(compact, []jose.SignatureAlgorithm{jose.ES256, jose.EdDSA, jose.PS256, jose.RS256})
	if perr != nil {
		return p, "", badProof("It is no JWS of an accepted algorithm.")
	}
	header := jws.Signatures[0].Protected
	if typ, _ := header.ExtraHeaders[jose.HeaderType].(string); typ != "dpop+jwt" || len(header.ExtraHeaders) != 1 {
		return p, "", badProof("The header must hold typ dpop+jwt, alg and jwk alone.")
	}
	jwk := header.JSONWebKey
	if jwk == nil || !jwk.Valid() || !jwk.IsPublic() || !fits(jwk.Key, header.Algorithm) {
		return p, "", badProof("jwk must be a public key that fits alg, of sufficient size.")
	}
	payload, perr := jws.Verify(jwk.Key)
	if perr != nil {
		return p, "", badProof("The signature is wrong.")
	}
	if josejson.Unmarshal(payload, &p) != nil {
		return p, "", badProof("The claims cannot be read.")
	}
	sum, perr := jwk.Thumbprint(crypto.SHA256)
	if perr != nil {
		return p, "", badProof("jwk has no thumbprint.")
	}
	return p, base64.RawURLEncoding.EncodeToString(sum), nil
}

func fits(key any, alg string) bool {
	switch k := key.(type) {
	case *ecdsa.PublicKey:
		return alg == "ES256" && k.Curve.Params().BitSize == 256
	case ed25519.PublicKey:
		return alg == "EdDSA"
	case *rsa.PublicKey:
		bits := k.N.BitLen()
		return (alg == "PS256" || alg == "RS256") && bits >= minRSA && bits <= maxRSA
	}
	return false
}

// target is the address that the client used, as far as we can tell.
func (v *Verifier) target(r *http.Request) string {
	if v.publicURL != "" {
		return strings.TrimRight(v.publicURL, "/") + r.URL.EscapedPath()
	}
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	return scheme + "://" + r.Host + r.URL.EscapedPath()
}

// sameTarget compares addresses after RFC 3986, 6.2.2 and 6.2.3, without query
// and fragment.
func sameTarget(said, ours string) bool {
	a, err := url.Parse(said)
	b, berr := url.Parse(ours)
	if err != nil || berr != nil || a.User != nil || a.Opaque != "" {
		return false
	}
	place := func(u *url.URL) string {
		port := u.Port()
		if port == "" {
			port = map[string]string{"https": "443", "http": "80"}[strings.ToLower(u.Scheme)]
		}
		path := u.Path
		if path == "" {
			path = "/"
		}
		return strings.ToLower(u.Scheme) + "://" + strings.ToLower(u.Hostname()) + ":" + port + path
	}
	return place(a) == place(b)
}

// memory remembers what was used, until it would be refused for its age. It is
// that of one process: behind a balancer, each has its own.
type memory struct {
	mu    sync.Mutex
	until map[[32]byte]time.Time
	swept time.Time
}

func newMemory() *memory { return &memory{until: map[[32]byte]time.Time{}} }

// first reports whether name was not seen before, and remembers it. When too much
// is to be remembered it says no.
func (m *memory) first(name string, now, until time.Time) bool {
	key := sha256.Sum256([]byte(name))
	m.mu.Lock()
	defer m.mu.Unlock()
	if now.Sub(m.swept) > proofAge/2 || now.Before(m.swept) {
		for k, end := range m.until {
			if now.After(end) {
				delete(m.until, k)
			}
		}
		m.swept = now
	}
	if end, seen := m.until[key]; seen && !now.After(end) || len(m.until) >= maxProofs {
		return false
	}
	m.until[key] = until
	return true
}
