package passkey

import (
	"testing"
)

// foreignOrigins are none of ours, however alike (H-25).
func foreignOrigins() []string {
	return []string{
		"https://login.example.com.evil.test:8443", "https://login.example.com", "https://login.example.com:443", "https://login.example.com:8444",
		"http://login.example.com:8443", "HTTPS://login.example.com:8443", "https://LOGIN.example.com:8443", "https://login.example.com.:8443",
		"https://login.example.com:8443/", "https://login.example.com:8443/path", "https://login.example.com:8443?x", "https://login.example.com:8443#",
		"https://user@login.example.com:8443", "https://evil.test@login.example.com:8443", "https://xn--lgin-0ra.example.com:8443", "https://lоgin.example.com:8443",
		"https://sub.login.example.com:8443", "https://example.com:8443", "https://badlogin.example.com:8443", " https://login.example.com:8443",
		"https://login.example.com:8443 ", "https://login.example.com:08443", "https://login.example.com%2eevil.test:8443", "null", "file://", "login.example.com:8443",
		"android:apk-key-hash:aGVsbG8", "ios:bundle-id:com.example", "https://login.example.com:8443\x00", "https:login.example.com:8443",
	}
}

// TestW03H25OriginsAreEqualOrForeign in both ceremonies; the library alone would
// take some of these.
func TestW03H25OriginsAreEqualOrForeign(t *testing.T) {
	w := newWorld(t)
	k := newSoft(up | uv)
	w.bind(k)
	for _, origin := range foreignOrigins() {
		k.client = map[string]any{"origin": origin}
		_, err := w.signIn(k)
		expect(t, "assertion at "+origin, err, "passkey_origin")
		other := newSoft(up | uv)
		other.client = k.client
		_, err = w.enrol(other)
		expect(t, "creation at "+origin, err, "passkey_origin")
	}
	w.s.Origins = append(w.s.Origins, "android:apk-key-hash:aGVsbG8")
	k.client = map[string]any{"origin": "android:apk-key-hash:aGVsbG8"}
	_, err := w.signIn(k)
	expect(t, "an app that is listed", err, "")
	w.s.Origins = nil
	k.client = nil
	_, err = w.signIn(k)
	expect(t, "no origin is ours", err, "passkey_origin")
}

// TestW04H26NoFramesOfOthers.
func TestW04H26NoFramesOfOthers(t *testing.T) {
	w := newWorld(t)
	k := newSoft(up | uv)
	w.bind(k)
	for what, client := range map[string]map[string]any{
		"crossOrigin":            {"crossOrigin": true},
		"topOrigin":              {"crossOrigin": true, "topOrigin": "https://evil.test"},
		"topOrigin of our own":   {"crossOrigin": true, "topOrigin": "https://login.example.com:8443"},
		"topOrigin alone":        {"topOrigin": "https://login.example.com:8443"},
		"an empty topOrigin":     {"topOrigin": ""},
		"topOrigin that is list": {"topOrigin": []string{"x"}},
	} {
		k.client = client
		_, err := w.signIn(k)
		expect(t, "assertion, "+what, err, "passkey_origin")
		other := newSoft(up | uv)
		other.client = client
		_, err = w.enrol(other)
		expect(t, "creation, "+what, err, "passkey_origin")
	}
	k.client = map[string]any{"crossOrigin": nil}
	_, err := w.signIn(k)
	expect(t, "no crossOrigin member (Level 1)", err, "")
}

// TestW05OtherRPs: a parent, a child, a twin and none.
func TestW05OtherRPs(t *testing.T) {
	w := newWorld(t)
	k := newSoft(up | uv)
	w.bind(k)
	for _, id := range []string{"example.com", "a.login.example.com", "LOGIN.example.com", "badlogin.example.com", "login.example.com:8443", "https://login.example.com"} {
		k.rp = id
		_, err := w.signIn(k)
		expect(t, "assertion for "+id, err, wrong)
		other := newSoft(up | uv)
		other.rp = id
		_, err = w.enrol(other)
		expect(t, "creation for "+id, err, failed)
	}
	w.s.Tenant.RPID = ""
	k.rp = ""
	if got := options(w.begin())["rpId"]; got != "login.example.com" {
		t.Errorf("default RP ID %q, want the issuer's host without port (C-32)", got)
	}
	_, err := w.signIn(k)
	expect(t, "the default RP ID", err, "")
}
