package edge

import (
	"net/http"
	"slices"
	"strings"
)

// What scripts of other origins may send and read. Cookies are not among it:
// Access-Control-Allow-Credentials is never set.
const (
	corsMethods = "GET, HEAD, POST, PUT, PATCH, DELETE"
	corsHeaders = "Authorization, Content-Type, Accept, Accept-Language, DPoP, X-Request-Id"
	corsExposed = "WWW-Authenticate, DPoP-Nonce, X-Request-Id, Retry-After"
	corsMaxAge  = "600" // seconds that a preflight may be kept
)

// CORS lets scripts of the origins that allowed names read the answers of next
// (the Fetch standard, 3.2), and answers their preflights. For others it adds
// nothing, so that browsers keep the answer from them.
func CORS(allowed func(r *http.Request, origin string) bool, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Vary", "Origin")
		origin := r.Header.Get("Origin")
		if origin == "" || origin == "null" || !allowed(r, origin) {
			origin = ""
		}
		share(w, r, origin, next)
	})
}

// PublicCORS lets scripts of any origin read the answers of next: for what is
// public, and for endpoints where a caller proves itself in the request.
func PublicCORS(next http.Handler) http.Handler {
	everyone, exposed := fixed("*"), fixed(corsExposed)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodOptions {
			share(w, r, "*", next)
			return
		}
		h := w.Header()
		h["Access-Control-Allow-Origin"], h["Access-Control-Expose-Headers"] = everyone, exposed
		next.ServeHTTP(w, r)
	})
}

func share(w http.ResponseWriter, r *http.Request, origin string, next http.Handler) {
	h := w.Header()
	if origin != "" {
		h.Set("Access-Control-Allow-Origin", origin)
	}
	if r.Method != http.MethodOptions || r.Header.Get("Access-Control-Request-Method") == "" {
		if origin != "" {
			h.Set("Access-Control-Expose-Headers", corsExposed)
		}
		next.ServeHTTP(w, r)
		return
	}
	h.Add("Vary", "Access-Control-Request-Method, Access-Control-Request-Headers")
	if origin == "" || !slices.Contains(strings.Split(corsMethods, ", "), r.Header.Get("Access-Control-Request-Method")) {
		h.Del("Access-Control-Allow-Origin")
		w.WriteHeader(http.StatusForbidden)
		return
	}
	h.Set("Access-Control-Allow-Methods", corsMethods)
	h.Set("Access-Control-Allow-Headers", corsHeaders)
	h.Set("Access-Control-Max-Age", corsMaxAge)
	w.WriteHeader(http.StatusNoContent)
}
