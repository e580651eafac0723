package edge

import (
	"net/url"
	"strings"
	"testing"
)

func TestH27_OnlyOwnPaths(t *testing.T) {
	for _, s := range []string{
		"/", "/flow/flow_1", "/account?tab=factors", "/oauth2/authorize?client_id=a&redirect_uri=https%3A%2F%2Fapp.example.com%2Fcb&state=a%2Fb%5C",
		"/a.b/c-d_~", "/a?next=//x", "/a?x=%C3%A9+b", "/a:b", "/@user", "/%41",
	} {
		if got, ok := OwnPath(s); !ok || got != s {
			t.Errorf("%q is refused (%q)", s, got)
		}
	}
	for _, s := range []string{
		"", "a", "?x", "#x", "//evil.test", "///evil.test", `/\evil.test`, `\/evil.test`, `\\evil.test`, "https:evil.test", "https://evil.test/",
		"javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", "/%0d%0aSet-Cookie:x", "/\r\nX: y", "/\tx", " /x", "/x ",
		"/a%0d%0ab", "/a?b=%0d%0aX:y", "/a?b=\n", "/a?b=%00", "/%00", "/%2f%2fevil.test", "/%2fevil.test", "/%5cevil.test", "/a%5c%5cb", "/a//b",
		"user@evil.test", "//user@evil.test", "/../x", "/a/..//evil.test", "/a/../../b", "/./x", "/%2e%2e/x", "/a/%2e%2e%2f%2fevil.test",
		"/%252f%252fevil.test", "/%25", "/%zz", "/a?b=%zz", "/a#b", "/é", "/\u2028", "/%c3%a9", "/a\x7f", "/" + strings.Repeat("a", maxOwnPath),
		"/\u2215\u2215evil.test", "\t//evil.test", "/\x00/evil.test",
	} {
		if got, ok := OwnPath(s); ok || got != "" {
			t.Errorf("%q is followed as %q", s, got)
		}
	}
}

func FuzzOwnPath(f *testing.F) {
	for _, s := range []string{"/a?b=c", "//evil", `/\evil`, "/%2f%2fevil", "/a/../b", "https:evil", "/\r\nx"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		path, ok := OwnPath(s)
		if !ok {
			return
		}
		if path != s || path[0] != '/' || strings.ContainsAny(path, "\\\r\n\t #") || strings.HasPrefix(path, "//") {
			t.Fatalf("%q", path)
		}
		// However a browser resolves it, it stays where it is.
		base, _ := url.Parse("https://login.example.com/flow/x")
		got, err := base.Parse(path)
		if err != nil || got.Host != base.Host || got.Scheme != base.Scheme || got.User != nil || strings.HasPrefix(got.Path, "//") {
			t.Fatalf("%q leads to %v (%v)", path, got, err)
		}
	})
}
