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
	h.Set("Cache-Control", cacheControl)
	h.Set("ETag", etag)
	if r.Header.Get("If-None-Match") == etag {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body)
	return nil
}
