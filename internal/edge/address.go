package edge

import (
	"net/http"
	"net/netip"
	"strings"
)

// ClientAddr returns the address that a request came from: that of the peer,
// or, where the peer is a trusted proxy, the right-most address of
// X-Forwarded-For that is no trusted proxy. What a client writes there itself
// stands further left and is never reached. An entry that is no address ends
// the search: then it is the peer that counts. IPv4-mapped addresses are IPv4,
// and zones are dropped. Forwarded (RFC 7239) is not read.
//
// The result is invalid where the peer has no address (a Unix socket).
func ClientAddr(r *http.Request, trusted []netip.Prefix) netip.Addr {
	peer, ok := parseHop(r.RemoteAddr)
	if !ok {
		return netip.Addr{}
	}
	if !within(trusted, peer) {
		return peer
	}
	farthest := peer
	lines := r.Header.Values("X-Forwarded-For")
	for i := len(lines) - 1; i >= 0; i-- {
		for rest := lines[i]; rest != ""; {
			cut := strings.LastIndexByte(rest, ',')
			hop, ok := parseHop(strings.TrimSpace(rest[cut+1:]))
			if !ok {
				return peer
			}
			if !within(trusted, hop) {
				return hop
			}
			farthest = hop
			rest = rest[:max(cut, 0)]
		}
	}
	return farthest // proxies all the way: the one that began it
}

// parseHop reads an address, with or without a port.
func parseHop(s string) (netip.Addr, bool) {
	addr, err := netip.ParseAddr(s)
	if err != nil {
		withPort, err := netip.ParseAddrPort(s)
		if err != nil {
			return netip.Addr{}, false
		}
		addr = withPort.Addr()
	}
	return addr.Unmap().WithZone(""), true
}

func within(prefixes []netip.Prefix, addr netip.Addr) bool {
	for _, p := range prefixes {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

// Clients finds the client's address once, for [ClientOf].
func Clients(trusted []netip.Prefix, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v, r := visiting(r)
		v.client = ClientAddr(r, trusted)
		next.ServeHTTP(w, r)
	})
}
