package edge

import (
	"net/url"
	"strings"
)

const maxOwnPath = 8 << 10 // an authorization request with its parameters fits

// OwnPath reports whether s is a path on our own host, with or without a query,
// that a redirect may follow (H-27), and returns it. Whatever a browser might
// read as another host, another scheme or a second header is refused, encoded
// or not: //host, /\host, control characters, and the dot segments and double
// encodings that could uncover any of them.
func OwnPath(s string) (path string, ok bool) {
	if len(s) > maxOwnPath || !strings.HasPrefix(s, "/") || strings.HasPrefix(s, "//") {
		return "", false
	}
	if strings.ContainsAny(s, `\#`) || strings.ContainsFunc(s, unprintable) {
		return "", false
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || u.Opaque != "" {
		return "", false
	}
	// u.Path is decoded once; our own paths need no more than printable ASCII.
	if strings.Contains(u.Path, "//") || strings.ContainsAny(u.Path, `\%`) || strings.ContainsFunc(u.Path, unprintable) {
		return "", false
	}
	for segment := range strings.SplitSeq(u.Path, "/") {
		if segment == "." || segment == ".." {
			return "", false
		}
	}
	// The query is data, and may hold anything but what could end a header.
	query, err := url.QueryUnescape(u.RawQuery)
	if err != nil || strings.ContainsFunc(query, control) {
		return "", false
	}
	return s, true
}

// unprintable reports all that is not a visible ASCII character.
func unprintable(r rune) bool { return r <= 0x20 || r >= 0x7f }

// control reports the control characters of ASCII.
func control(r rune) bool { return r < 0x20 || r == 0x7f }
