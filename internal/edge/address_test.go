package edge

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

func trusted() []netip.Prefix {
	return []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
}

func from(peer string, forwarded ...string) *http.Request {
	r := &http.Request{RemoteAddr: peer, Header: http.Header{}}
	for _, f := range forwarded {
		r.Header.Add("X-Forwarded-For", f)
	}
	return r
}

func TestH40_ClientAddress(t *testing.T) {
	for name, test := range map[string]struct {
		r    *http.Request
		want string
	}{
		"no proxy":                     {from("203.0.113.7:1234"), "203.0.113.7"},
		"stranger claims an address":   {from("203.0.113.7:1234", "198.51.100.1"), "203.0.113.7"},
		"trusted proxy":                {from("10.0.0.1:1", "198.51.100.1"), "198.51.100.1"},
		"client wrote some itself":     {from("10.0.0.1:1", "10.9.9.9, 127.0.0.1, 198.51.100.1"), "198.51.100.1"},
		"client wrote a line itself":   {from("10.0.0.1:1", "192.0.2.66", "198.51.100.1"), "198.51.100.1"},
		"two trusted hops":             {from("10.0.0.1:1", "192.0.2.66, 198.51.100.1, 10.0.0.2"), "198.51.100.1"},
		"two trusted hops, two lines":  {from("10.0.0.1:1", "198.51.100.1", "10.0.0.2"), "198.51.100.1"},
		"all trusted":                  {from("10.0.0.1:1", "10.0.0.3, 10.0.0.2"), "10.0.0.3"},
		"trusted, nothing forwarded":   {from("10.0.0.1:1"), "10.0.0.1"},
		"garbage":                      {from("10.0.0.1:1", "unknown"), "10.0.0.1"},
		"garbage behind a trusted hop": {from("10.0.0.1:1", "198.51.100.1, _hidden, 10.0.0.2"), "10.0.0.1"},
		"trailing comma":               {from("10.0.0.1:1", "198.51.100.1,"), "10.0.0.1"},
		"empty line":                   {from("10.0.0.1:1", ""), "10.0.0.1"},
		"with ports":                   {from("10.0.0.1:1", "198.51.100.1:5555, [fd00::1]:80"), "198.51.100.1"},
		"IPv6":                         {from("[fd00::1]:1", "2001:db8::5"), "2001:db8::5"},
		"mapped peer":                  {from("[::ffff:10.0.0.1]:1", "::ffff:198.51.100.1"), "198.51.100.1"},
		"zone":                         {from("[fe80::1%eth0]:1"), "fe80::1"},
		"octal":                        {from("10.0.0.1:1", "0198.051.100.1"), "10.0.0.1"},
		"Unix socket":                  {from("@", "198.51.100.1"), "invalid IP"},
		"no peer":                      {from(""), "invalid IP"},
	} {
		if got := ClientAddr(test.r, trusted()).String(); got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
	r := from("10.0.0.1:1")
	r.Header.Set("Forwarded", "for=198.51.100.1")
	r.Header.Set("X-Real-Ip", "198.51.100.1")
	if got := ClientAddr(r, trusted()).String(); got != "10.0.0.1" {
		t.Errorf("other headers are believed: %s", got)
	}
}

func FuzzClientAddr(f *testing.F) {
	f.Add("10.0.0.1:1", "198.51.100.1, 10.0.0.2", "::1")
	f.Add("203.0.113.7:1234", ",,,", "%")
	f.Add("[fd00::1%x]:1", "[::ffff:1.2.3.4]:5", "")
	f.Fuzz(func(t *testing.T, peer, line1, line2 string) {
		got := ClientAddr(from(peer, line1, line2), trusted())
		ap, err := netip.ParseAddrPort(peer)
		if err != nil {
			return
		}
		direct := ap.Addr().Unmap().WithZone("")
		if !got.IsValid() || got.Is4In6() || got.Zone() != "" {
			t.Fatalf("%q is no plain address", got)
		}
		if !within(trusted(), direct) && got != direct {
			t.Fatalf("stranger %v became %v", direct, got)
		}
		// What the nearest trusted proxy appended last decides: nothing further left can.
		last := strings.TrimSpace(line2[strings.LastIndexByte(line2, ',')+1:])
		if hop, ok := parseHop(last); ok && within(trusted(), direct) && !within(trusted(), hop) && got != hop {
			t.Fatalf("the last hop is %v, not %v", hop, got)
		}
	})
}

func TestSourceOf(t *testing.T) {
	a := func(s string) Source { return SourceOf(netip.MustParseAddr(s)) }
	if a("2001:db8::1") != a("2001:db8:0:0:ffff::9") || a("2001:db8::1") == a("2001:db8:0:1::1") {
		t.Error("IPv6 is not counted by /64")
	}
	if a("192.0.2.1") == a("192.0.2.2") || a("192.0.2.1") != a("::ffff:192.0.2.1") {
		t.Error("IPv4 is not counted by address")
	}
	all := []Source{a("192.0.2.1"), a("2001:db8::1"), SourceOf(netip.Addr{})}
	slices.Sort(all)
	if len(slices.Compact(all)) != 3 {
		t.Error("sources of different kinds collide")
	}
}

func TestRequestIDs(t *testing.T) {
	var seen string
	h := RequestIDs(zeros{}, trusted(), http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen = RequestID(r.Context()) }))
	const fresh = "AAAAAAAAAAAAAAAA"
	for name, test := range map[string]struct {
		peer    string
		brought []string
		want    string
	}{
		"none":             {"10.0.0.1:1", nil, fresh},
		"trusted":          {"10.0.0.1:1", []string{"req-1.A_b"}, "req-1.A_b"},
		"stranger":         {"203.0.113.7:1", []string{"req-1"}, fresh},
		"two":              {"10.0.0.1:1", []string{"a", "b"}, fresh},
		"empty":            {"10.0.0.1:1", []string{""}, fresh},
		"longest":          {"10.0.0.1:1", []string{strings.Repeat("x", 64)}, strings.Repeat("x", 64)},
		"too long":         {"10.0.0.1:1", []string{strings.Repeat("x", 65)}, fresh},
		"line break":       {"10.0.0.1:1", []string{"a\r\nX: y"}, fresh},
		"terminal control": {"10.0.0.1:1", []string{"a\x1b[31m"}, fresh},
		"markup":           {"10.0.0.1:1", []string{"<b>"}, fresh},
	} {
		r := from(test.peer)
		r.Header["X-Request-Id"] = test.brought
		w := serve(h, r)
		if seen != test.want || w.Header().Get("X-Request-Id") != test.want {
			t.Errorf("%s: %q in, %q out, want %q", name, seen, w.Header().Get("X-Request-Id"), test.want)
		}
	}
}
