package web

import (
	"crypto/subtle"
	"errors"
	"net/http"
	"strings"

	"github.com/intelliauth/intelliauth/internal/edge"
	"github.com/intelliauth/intelliauth/internal/token"
)

const (
	schemeDPoP  = "DPoP"
	headerProof = "DPoP"
	headerNonce = "DPoP-Nonce"
)

// holdsKey holds an access token against the scheme that it came by: bound to a
// key it needs DPoP and a proof for this very call (RFC 9449, section 7).
func (s *server) holdsKey(w http.ResponseWriter, r *http.Request, scheme, compact string, access token.Access) error {
	asKey := strings.EqualFold(scheme, schemeDPoP)
	switch {
	case access.Confirmation == nil && !asKey:
		return nil
	case access.Confirmation == nil:
		return unauthorised(codeInvalidToken, "The token is bound to no key: send it as Bearer.")
	case !asKey:
		return unauthorised(codeInvalidToken, "The token is bound to a key and was sent without proof of it.")
	}
	tenant := edge.TenantOf(r.Context())
	nonce, err := s.Proofs.Nonce(r.Context(), tenant, token.AtResource)
	if err != nil {
		return err
	}
	w.Header().Set(headerNonce, nonce)
	proofs := r.Header.Values(headerProof)
	if len(proofs) != 1 {
		return badProof("invalid_dpop_proof", "One DPoP header is needed.")
	}
	key, err := s.Proofs.Check(r.Context(), tenant, token.AtResource, token.Shown{
		Compact: proofs[0], Method: r.Method, URL: tenant.Issuer + r.URL.EscapedPath(), Access: compact,
	})
	if wrong := (*token.ProofError)(nil); errors.As(err, &wrong) {
		return badProof(wrong.Code, wrong.Why)
	}
	if err == nil && subtle.ConstantTimeCompare([]byte(key), []byte(access.Confirmation.Thumbprint)) != 1 {
		return unauthorised(codeInvalidToken, "The proof is of another key.")
	}
	return err
}

// badProof is a 401 that names the error in the challenge alone (RFC 9449, 7.1):
// the problem's code says that the token did not count.
func badProof(code, why string) error {
	return &refused{
		status: http.StatusUnauthorized, code: codeInvalidToken, detail: why,
		challenge: `Bearer error="` + code + `", error_description="` + why + `"`,
	}
}

// spelt puts a challenge into the scheme that the caller used (RFC 9449, 7.1).
func spelt(r *http.Request, challenge string) string {
	scheme, _, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	rest, ours := strings.CutPrefix(challenge, "Bearer")
	if !ours || !strings.EqualFold(scheme, schemeDPoP) {
		return challenge
	}
	algs := ` algs="` + strings.Join(token.ProofAlgorithms(), " ") + `"`
	if rest != "" {
		algs = "," + algs
	}
	return schemeDPoP + rest + algs
}
