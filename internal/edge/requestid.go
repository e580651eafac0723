package edge

import (
	"io"
	"net/http"
	"net/netip"

	"github.com/intelliauth/intelliauth/internal/identity"
)

const requestIDHeader = "X-Request-Id"

// RequestIDs gives every request an id and names it in the answer. The id that
// a request brings is kept where a trusted proxy sent it and it is 1 to 64 of
// [A-Za-z0-9._-]; others could forge log lines.
func RequestIDs(random io.Reader, trusted []netip.Prefix, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v, r := visiting(r)
		v.id = broughtID(r, trusted)
		if v.id == "" {
			v.id = identity.RandomToken(12, random)
		}
		w.Header()[requestIDHeader] = []string{v.id}
		next.ServeHTTP(w, r)
	})
}

func broughtID(r *http.Request, trusted []netip.Prefix) string {
	brought := r.Header[requestIDHeader]
	if len(brought) != 1 || !made(brought[0], 1, 64, "._-") {
		return ""
	}
	if peer, ok := parseHop(r.RemoteAddr); !ok || !within(trusted, peer) {
		return ""
	}
	return brought[0]
}

// made reports whether s is from least to most ASCII letters, digits and bytes
// of extra.
func made(s string, least, most int, extra string) bool {
	if len(s) < least || len(s) > most {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' {
			continue
		}
		known := false
		for j := range len(extra) {
			known = known || extra[j] == c
		}
		if !known {
			return false
		}
	}
	return true
}
