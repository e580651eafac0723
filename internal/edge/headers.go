package edge

import (
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// features are the powers that a page may ask a browser for. Those of passkeys
// are ours; of the rest, what could watch, locate or charge a person is off.
const features = "publickey-credentials-get=(self), publickey-credentials-create=(self), " +
	"accelerometer=(), autoplay=(), camera=(), clipboard-read=(), display-capture=(), " +
	"encrypted-media=(), fullscreen=(), geolocation=(), gyroscope=(), hid=(), idle-detection=(), " +
	"magnetometer=(), microphone=(), midi=(), payment=(), picture-in-picture=(), screen-wake-lock=(), " +
	"serial=(), storage-access=(), usb=(), xr-spatial-tracking=()"

// transport binds browsers to https for two years, for subdomains too (ASVS
// 3.4.1).
const transport = "max-age=63072000; includeSubDomains"

// Headers sets what every answer says to a browser, errors included (H-29): no
// framing, no storing, no referrer, no guessing of types. Handlers may loosen
// Cache-Control for what is public, and call [SetCSP] and [AllowPopup].
func Headers(secure bool, next http.Handler) http.Handler {
	policy, frame, store := fixed(contentPolicy(nil)), fixed("DENY"), fixed("no-store")
	referrer, sniff, same := fixed("no-referrer"), fixed("nosniff"), fixed("same-origin")
	permissions, strict := fixed(features), fixed(transport)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h["Content-Security-Policy"] = policy
		h["X-Frame-Options"] = frame
		h["Cache-Control"] = store
		h["Referrer-Policy"] = referrer
		h["X-Content-Type-Options"] = sniff
		h["Cross-Origin-Opener-Policy"] = same
		h["Cross-Origin-Resource-Policy"] = same
		h["Permissions-Policy"] = permissions
		if secure && !loopbackName(r.Host) {
			h["Strict-Transport-Security"] = strict
		}
		next.ServeHTTP(w, r)
	})
}

// fixed is the value of a header that many answers share: it has no room, so
// that Header.Add copies it.
func fixed(value string) []string { return []string{value}[:1:1] }

// loopbackName reports names that are this machine's own for every program on
// it: binding them to https would break the others.
func loopbackName(host string) bool {
	name, _, _ := strings.Cut(strings.ToLower(host), ":")
	return name == "localhost" || strings.HasSuffix(name, ".localhost") || strings.HasPrefix(name, "127.") || name == "["
}

// AllowPopup drops the opener policy from an answer that an application opened
// in a popup (C-33).
func AllowPopup(w http.ResponseWriter) { w.Header().Del("Cross-Origin-Opener-Policy") }

// SetCSP sets the policy of a page whose form may end at the given places
// besides our own: redirect URIs or origins, of which the origin is named.
// Chromium holds a form to this through every redirect that answers it (C-35).
// What [CSPSource] refuses is left out.
func SetCSP(w http.ResponseWriter, formAction ...string) {
	w.Header().Set("Content-Security-Policy", contentPolicy(formAction))
}

func contentPolicy(formAction []string) string {
	action := []string{"'self'"}
	for _, target := range formAction {
		if source, ok := CSPSource(target); ok && !slices.Contains(action, source) {
			action = append(action, source)
		}
	}
	return "default-src 'none'; style-src 'self'; img-src 'self' data:; script-src 'self'; connect-src 'self'; " +
		"form-action " + strings.Join(action, " ") + "; frame-ancestors 'none'; base-uri 'none'"
}

// CSPSource returns the source expression (CSP Level 3, 2.3.1) of a redirect URI
// or an origin: scheme, host and port of a web address, the scheme alone of a
// native application's own (RFC 8252, 7.1: with a dot in it). There is none for
// an IPv6 address, which the grammar cannot write.
func CSPSource(redirectURI string) (source string, ok bool) {
	u, err := url.Parse(redirectURI)
	if err != nil || u.User != nil {
		return "", false
	}
	switch u.Scheme {
	case "https", "http":
		if !hostSource(u.Hostname()) || u.Port() == "" && strings.HasSuffix(u.Host, ":") {
			return "", false
		}
		return u.Scheme + "://" + strings.ToLower(u.Host), true
	}
	if strings.Contains(u.Scheme, ".") {
		return u.Scheme + ":", true // url.Parse checked its characters and lowered its case
	}
	return "", false
}

// hostSource reports whether a host can be written in a policy.
func hostSource(host string) bool {
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.Is4()
	}
	return made(host, 1, 253, ".-") && !strings.HasPrefix(host, ".")
}
