package oidc

import (
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/intelliauth/intelliauth/internal/identity"
)

const maxURI = 2048 // bytes

// redirectAllowed reports whether an application may be answered at asked. It
// must be registered to the byte; only the port of a loopback address may vary,
// and only for public clients, which is what native applications are (RFC 9700,
// 2.1; RFC 8252, 7.3). What could do harm is refused even if it is registered.
func redirectAllowed(app identity.Application, asked string) bool {
	if !harmless(asked) {
		return false
	}
	if slices.Contains(app.RedirectURIs, asked) {
		return true
	}
	host, rest, ok := loopback(asked)
	if !ok || !app.Public() {
		return false
	}
	for _, registered := range app.RedirectURIs {
		if h, r, ok := loopback(registered); ok && h == host && r == rest {
			return true
		}
	}
	return false
}

// loopback splits a redirect URI on a loopback address (RFC 8252, 7.3) around
// its port. The name localhost is no address.
func loopback(uri string) (host, rest string, ok bool) {
	for _, host := range []string{"http://127.0.0.1", "http://[::1]"} {
		rest, found := strings.CutPrefix(uri, host)
		if !found {
			continue
		}
		if port, has := strings.CutPrefix(rest, ":"); has {
			digits := len(port) - len(strings.TrimLeft(port, "0123456789"))
			if digits == 0 || digits > 5 || port[0] == '0' {
				return "", "", false
			}
			if digits == 5 && port[:5] > "65535" {
				return "", "", false
			}
			rest = port[digits:]
		}
		if rest == "" || rest[0] == '/' || rest[0] == '?' {
			return host, rest, true
		}
	}
	return "", "", false
}

// harmless refuses what no redirect URI may be: anything that readers of URLs
// might take for different places, a fragment, user information, plain http to
// another machine, and schemes that run or open things. A native application's
// own scheme has a dot in it (RFC 8252, 7.1).
func harmless(uri string) bool {
	if uri == "" || len(uri) > maxURI || strings.ContainsFunc(uri, odd) {
		return false
	}
	u, err := url.Parse(uri)
	if err != nil || u.User != nil || u.Fragment != "" {
		return false
	}
	switch u.Scheme {
	case "https":
		return u.Opaque == "" && u.Hostname() != ""
	case "http":
		return u.Opaque == "" && ownMachine(u.Hostname())
	}
	return strings.Contains(u.Scheme, ".")
}

// odd reports characters that RFC 3986 has no place for, and '#'.
func odd(c rune) bool {
	return c <= ' ' || c >= 0x7f || strings.ContainsRune("\"<>\\^`{|}#", c)
}

func ownMachine(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}
