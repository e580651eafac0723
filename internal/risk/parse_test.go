package risk

import (
	"math"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestLog2(t *testing.T) {
	for _, x := range []uint64{1, 2, 3, 5, 7, 10, 1000, 1 << 20, 1<<40 + 12345, math.MaxUint64} {
		want := math.Log2(float64(x)) * 1000
		if got := float64(log2(x)); got > want+0.01 || got < want-1.01 {
			t.Errorf("log2(%d) = %v, want %v", x, got, want)
		}
	}
	last := int64(0)
	for x := uint64(1); x < 5000; x++ {
		if b := log2(x); b < last {
			t.Fatalf("log2(%d) falls", x)
		} else {
			last = b
		}
	}
}

func TestAgents(t *testing.T) {
	for header, want := range map[string]Agent{
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36":                           {"Chrome 141", "Windows 10.0", "desktop", Browser},
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36 Edg/141.0.1":               {"Edge 141", "Windows 10.0", "desktop", Browser},
		"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0":                                                                    {"Firefox 140", "Linux", "desktop", Browser},
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15":                     {"Safari 18", "macOS 10.15", "desktop", Browser},
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_1_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1": {"Safari 18", "iOS 18.1", "mobile", Browser},
		"Mozilla/5.0 (iPad; CPU OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/120.0 Mobile/15E148 Safari/604.1":             {"Chrome 120", "iOS 17.0", "tablet", Browser},
		"Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36": {"Samsung 28", "Android 15", "mobile", Browser},
		"Mozilla/5.0 (Linux; Android 14; SM-X710) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36":                            {"Chrome 130", "Android 14", "tablet", Browser},
		"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36 OPR/110.0":                  {"Opera 110", "ChromeOS", "desktop", Browser},
		"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/130.0.0.0 Safari/537.36":                             {"Chrome 130", "Linux", "script", Script},
		"curl/8.10.1":           {"", "", "script", Script},
		"Firefox/99999999":      {},
		"Firefox/":              {},
		"Version/18 without it": {},
		"something else":        {},
		"":                      {},
		"Firefox/140 \xff":      {},
		"Firefox/140 " + strings.Repeat("x", 64<<10): {},
	} {
		if got := ParseAgent(header); got != want {
			t.Errorf("%.80q: %+v, want %+v", header, got, want)
		}
	}
}

func TestH55_AnUnreadableAgentHasNoValues(t *testing.T) {
	for _, h := range []string{"", "\xff\xfe", strings.Repeat("A", 64<<10)} {
		if v := ParseAgent(h).Values(h); v != [AgentLevels]string{} {
			t.Errorf("%.20q: %v", h, v)
		}
	}
	h := "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
	if v := ParseAgent(h).Values(h); v != [AgentLevels]string{h, "Firefox 140", "Linux", "desktop"} {
		t.Errorf("%v", v)
	}
}

func FuzzAgent(f *testing.F) {
	for _, s := range []string{"", "curl/8", "Mozilla/5.0 (Windows NT 10.0) Chrome/1.2", "CPU iPhone OS 1_", "Version/1 Safari/", "\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, h string) {
		a := ParseAgent(h)
		if len(a.Browser)+len(a.System) > 64 {
			t.Errorf("%q: a label as long as its text: %+v", h, a)
		}
		if (!utf8.ValidString(h) || len(h) > longest) && a != (Agent{}) {
			t.Errorf("%q was read: %+v", h, a)
		}
	})
}

func TestNetworksNameTheBadLine(t *testing.T) {
	for text, want := range map[string]string{
		"10.0.0.0/8\nnonsense\n":         `line 2: "nonsense": neither an address nor a network`,
		"# fine\n\n10.0.0.0/33":          `line 3: "10.0.0.0/33": not a network`,
		"10.0.0.1/8":                     `line 1: "10.0.0.1/8": bits are set behind the prefix; 10.0.0.0/8 is meant?`,
		"10.0.0.0/8 # a\r\nfe80::1%eth0": `line 2: "fe80::1%eth0": neither an address nor a network`,
		"::ffff:10.0.0.0/104":            `line 1: "::ffff:10.0.0.0/104": not a network`,
	} {
		n, err := ParseNetworks(text)
		if err == nil || err.Error() != want || n.Len() != 0 {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

func TestNetworksContain(t *testing.T) {
	n, err := ParseNetworks("\ufeff10.0.0.0/8 # a company\r\n10.1.0.0/16\n10.0.0.0/9\n192.0.2.7\n2001:db8::/32\n")
	if err != nil || n.Len() != 3 {
		t.Fatalf("%v, %d networks", err, n.Len())
	}
	for a, want := range map[string]bool{
		"10.0.0.0": true, "10.1.2.3": true, "10.255.255.255": true, "11.0.0.0": false, "9.255.255.255": false,
		"192.0.2.7": true, "192.0.2.8": false, "::ffff:10.1.1.1": true, "2001:db8:1::": true, "2001:db9::": false,
	} {
		if got := n.Contains(netip.MustParseAddr(a)); got != want {
			t.Errorf("%s: %v", a, got)
		}
	}
	if n.Contains(netip.Addr{}) || (Networks{}).Contains(netip.MustParseAddr("10.0.0.1")) {
		t.Error("nothing is listed")
	}
}

func FuzzNetworks(f *testing.F) {
	f.Add("10.0.0.0/8\n10.1.0.0/16", "10.1.2.3")
	f.Add("::/0", "fe80::1%x")
	f.Add("0.0.0.0/0\n1.2.3.4\n2001:db8::/32", "::ffff:1.2.3.4")
	f.Fuzz(func(t *testing.T, text, address string) {
		n, err := ParseNetworks(text)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "line ") {
				t.Errorf("%v", err)
			}
			return
		}
		a, err := netip.ParseAddr(address)
		if err != nil {
			return
		}
		slow := false // the obvious way, on the same text
		for line := range strings.Lines(strings.TrimPrefix(text, "\ufeff")) {
			line, _, _ = strings.Cut(line, "#")
			if p, err := network(strings.TrimSpace(line)); err == nil {
				slow = slow || p.Contains(a.Unmap().WithZone(""))
			}
		}
		if got := n.Contains(a); got != slow {
			t.Errorf("%q holds %s: %v, and one by one %v", text, a, got, slow)
		}
	})
}

func FuzzInputs(f *testing.F) {
	good, _ := EncodeInputs(usual())
	f.Add(good)
	f.Add([]byte(`{"v":1}`))
	f.Add([]byte(`{"v":1,"history":{"users":1,"all":9223372036854775807,"own":3}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		in, err := DecodeInputs(b)
		a := Assess(in)
		if a.Score < 0 || a.Score > 1000 {
			t.Errorf("%s: %+v", b, a)
		}
		if err != nil {
			return
		}
		one, _ := EncodeInputs(in)
		again, err := DecodeInputs(one)
		if err != nil {
			t.Fatalf("%s: %v", one, err)
		}
		if two, _ := EncodeInputs(again); string(one) != string(two) {
			t.Errorf("%s\n%s", one, two)
		}
	})
}

func TestInputsOfNewerRulesAreRefused(t *testing.T) {
	for _, s := range []string{`{"v":1,"moon":3}`, `{"v":1} {"v":1}`, `[]`, ``, `{"v":1.5}`, `{"v":1,"history":{"own":-1}}`, `{"v":1,"x":"` + strings.Repeat("a", most) + `"}`} {
		if _, err := DecodeInputs([]byte(s)); err == nil {
			t.Errorf("%.40s was read", s)
		}
	}
}

func TestReasonsAreListedOnce(t *testing.T) {
	all := Reasons()
	slices.Sort(all)
	if len(slices.Compact(slices.Clone(all))) != len(all) {
		t.Error("a reason is listed twice")
	}
	for _, c := range []Inputs{usual(), {}, {Version: Version}} {
		for _, r := range Assess(c).Reasons {
			if !slices.Contains(all, Reason(r)) {
				t.Errorf("%s is not on the list", r)
			}
		}
	}
}
