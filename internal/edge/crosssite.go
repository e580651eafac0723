package edge

import (
	"net/http"
	"strings"
)

// CrossSite refuses, with 403, unsafe requests that another site made a browser
// send, by Sec-Fetch-Site and Origin. It is for routes that a cookie opens and
// no others: browsers rightly call the token endpoint from elsewhere (C-35).
//
// Where Origin is named it must be the issuer's, to the scheme: fetch metadata
// are not sent over plain http. "null" is what a page under no-referrer, as ours
// are, sends of itself.
func CrossSite(next http.Handler) http.Handler {
	protection := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := protection.Check(r); err != nil || !ownOrigin(r) {
			blank(w, r, http.StatusForbidden, "cross_site", "This request came from another site.")
			return
		}
		next.ServeHTTP(w, r)
	})
}

func ownOrigin(r *http.Request) bool {
	origin, issuer := r.Header.Get("Origin"), TenantOf(r.Context()).Issuer
	if safe(r.Method) || origin == "" || origin == "null" || issuer == "" {
		return true
	}
	return origin == originOf(issuer)
}

// originOf writes the origin of a web address as browsers do, without a default
// port. It is empty for anything else.
func originOf(address string) string {
	hosts := hostsOf(address)
	if len(hosts) == 0 {
		return ""
	}
	scheme, _, _ := strings.Cut(address, ":")
	return strings.ToLower(scheme) + "://" + hosts[0]
}

func safe(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}
