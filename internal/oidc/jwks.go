package oidc

import (
	"net/http"
	"strconv"

	"github.com/intelliauth/intelliauth/internal/edge"
)

// jwks answers with the tenant's public keys: the present one, the next one
// before it signs, and those whose tokens may still live.
func (e *endpoints) jwks(w http.ResponseWriter, r *http.Request) error {
	body, etag, err := e.Keys.JWKS(r.Context(), edge.TenantOf(r.Context()))
	if err != nil {
		return err
	}
	h := w.Header()
	h["Cache-Control"], h["Etag"] = []string{cacheControl}, []string{etag}
	if r.Header.Get("If-None-Match") == etag {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	h["Content-Type"], h["Content-Length"] = []string{"application/json"}, []string{strconv.Itoa(len(body))}
	_, _ = w.Write(body)
	return nil
}
