package web

import (
	"net/http"
	"slices"

	"github.com/intelliauth/intelliauth/internal/edge"
)

const wellKnown = "/.well-known/"

// WellKnown reports whether a path under /.well-known/ is this room's: the rest
// is said to applications.
func WellKnown(path string) bool {
	return slices.Contains([]string{wellKnown + "change-password", wellKnown + "passkey-endpoints", wellKnown + "webauthn"}, path)
}

// changePassword leads password managers to where a password is changed (W3C, A
// Well-Known URL for Changing Passwords).
func (s *server) changePassword(w http.ResponseWriter, _ *http.Request) error {
	seeOther(w, accountPath+"/password")
	return nil
}

// endpoints tells password managers where passkeys are made and kept (W3C, A
// Well-Known URL for Relying Party Passkey Endpoints).
func (s *server) endpoints(w http.ResponseWriter, r *http.Request) error {
	issuer := edge.TenantOf(r.Context()).Issuer
	return writeJSON(w, http.StatusOK, map[string]string{"enroll": issuer + accountPath + "#add", "manage": issuer + accountPath})
}

// relatedOrigins lists where passkeys of this tenant may be used (WebAuthn Level
// 3, 5.11): on its own pages, and where it allows their making.
func (s *server) relatedOrigins(w http.ResponseWriter, r *http.Request) error {
	tenant := edge.TenantOf(r.Context())
	origins := append([]string{tenant.Issuer}, tenant.RelatedOrigins...)
	return writeJSON(w, http.StatusOK, map[string][]string{"origins": origins})
}
