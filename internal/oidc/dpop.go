package oidc

import (
	"crypto/subtle"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/intelliauth/intelliauth/internal/edge"
	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/token"
)

const (
	schemeDPoP  = "DPoP"
	headerProof = "DPoP"
	headerNonce = "DPoP-Nonce"
)

// bound is how a token is to be sent, and what it says of its key.
func bound(thumbprint string) (kind string, c *token.Confirmation) {
	if thumbprint == "" {
		return "Bearer", nil
	}
	return schemeDPoP, &token.Confirmation{Thumbprint: thumbprint}
}

// proved checks the DPoP proof of a request to the provider, if it has one, and
// returns the thumbprint of its key (RFC 9449, section 5). An application that is
// bound to use keys is refused without. It runs after client authentication and
// before anything is taken (C-31).
func (e *endpoints) proved(w http.ResponseWriter, r *http.Request, app identity.Application, path string) (string, error) {
	proofs := r.Header.Values(headerProof)
	switch {
	case len(proofs) > 1:
		return "", refuse("invalid_dpop_proof", "There is more than one DPoP header.")
	case len(proofs) == 0 && app.RequireDPoP:
		return "", refuse("invalid_dpop_proof", "This application must prove a key (RFC 9449).")
	case len(proofs) == 0:
		return "", nil
	}
	tenant := edge.TenantOf(r.Context())
	key, err := e.Proofs.Check(r.Context(), tenant, token.AtProvider, token.Shown{Compact: proofs[0], Method: r.Method, URL: tenant.Issuer + path})
	if nerr := e.nonce(w, r, token.AtProvider); nerr != nil {
		return "", nerr
	}
	if wrong := (*token.ProofError)(nil); errors.As(err, &wrong) {
		return "", refuse(wrong.Code, wrong.Why)
	}
	return key, err
}

// nonce sends the nonce for the next proof.
func (e *endpoints) nonce(w http.ResponseWriter, r *http.Request, use token.Use) error {
	nonce, err := e.Proofs.Nonce(r.Context(), edge.TenantOf(r.Context()), use)
	if err == nil {
		w.Header().Set(headerNonce, nonce)
	}
	return err
}

// checkKey reads the thumbprint that binds the code to a key (RFC 9449, section
// 10).
func checkKey(a *authorizeContext) error {
	jkt := a.get("dpop_jkt")
	if jkt == "" {
		return nil
	}
	if len(jkt) != 43 || strings.ContainsFunc(jkt, notURLSafe) {
		return invalidRequest("dpop_jkt is no SHA-256 thumbprint in base64url.")
	}
	a.request.Authorization.DPoPThumbprint = jkt
	return nil
}

// pushedKey binds a pushed request to the key that was proved with it (RFC 9449,
// 10.1).
func (e *endpoints) pushedKey(w http.ResponseWriter, r *http.Request, app identity.Application, params url.Values) error {
	if len(r.Header.Values(headerProof)) == 0 {
		return nil // required at the token endpoint only
	}
	key, err := e.proved(w, r, app, PARPath)
	if err != nil {
		return err
	}
	if said := params.Get("dpop_jkt"); said != "" && said != key {
		return refuse("invalid_dpop_proof", "dpop_jkt is another key than the one that was proved.")
	}
	params.Set("dpop_jkt", key)
	return nil
}

// schemeOf is the scheme of the Authorization header, DPoP in its own spelling.
func schemeOf(r *http.Request) string {
	scheme, _, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if strings.EqualFold(scheme, schemeDPoP) {
		return schemeDPoP
	}
	return scheme
}

// holdsKey holds an access token against the way it came: bound to a key it needs
// the scheme DPoP and a proof, and without a key it is no DPoP token (RFC 9449,
// section 7).
func (e *endpoints) holdsKey(w http.ResponseWriter, r *http.Request, compact string, access token.Access, asKey bool) error {
	switch {
	case access.Confirmation == nil && !asKey:
		return nil
	case access.Confirmation == nil:
		return badKey("invalid_token", "The access token is bound to no key: send it as Bearer.")
	case !asKey:
		return badKey("invalid_token", "The access token is bound to a key: send it as DPoP, with a proof.")
	}
	if err := e.nonce(w, r, token.AtResource); err != nil {
		return err
	}
	proofs := r.Header.Values(headerProof)
	if len(proofs) != 1 {
		return badKey("invalid_dpop_proof", "One DPoP header is needed.")
	}
	tenant := edge.TenantOf(r.Context())
	key, err := e.Proofs.Check(r.Context(), tenant, token.AtResource, token.Shown{
		Compact: proofs[0], Method: r.Method, URL: tenant.Issuer + UserinfoPath, Access: compact,
	})
	if wrong := (*token.ProofError)(nil); errors.As(err, &wrong) {
		return badKey(wrong.Code, wrong.Why)
	}
	if err != nil {
		return err
	}
	if subtle.ConstantTimeCompare([]byte(key), []byte(access.Confirmation.Thumbprint)) != 1 {
		return badKey("invalid_token", "The proof is of another key.")
	}
	return nil
}

func badKey(code, description string) *oauthError {
	return &oauthError{
		code: code, description: description, status: http.StatusUnauthorized,
		challenge: schemeDPoP + ` error="` + code + `", error_description="` + description + `", algs="` + strings.Join(token.ProofAlgorithms(), " ") + `"`,
	}
}
