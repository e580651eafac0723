package identity

import (
	"bytes"
	"crypto/rand"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// TestH47Canonical: one rule, and nothing merged by look.
func TestH47Canonical(t *testing.T) {
	for in, want := range map[string]string{
		"ada@example.com":          "ada@example.com",
		"  ADA@Example.COM ":       "ada@example.com",
		"ADMIN@exämple.com":        "admin@xn--exmple-cua.com",
		"admin@xn--exmple-cua.com": "admin@xn--exmple-cua.com",
		"ada+tag@example.com":      "ada+tag@example.com",
		"ada@example.com.":         "ada@example.com",
		"a.da@example.com":         "a.da@example.com",
		"ole\u0301@example.com":    "olé@example.com", // NFD becomes NFC
	} {
		if got, ok := Canonical(in); !ok || got != want {
			t.Errorf("%q: got %q %v, want %q", in, got, ok, want)
		}
	}
	distinct := []string{
		"admin@example.com", "аdmin@example.com" /* Cyrillic а */, "admin@example.org", "admın@example.com", /* dotless i */
		"admin+a@example.com", "a.dmin@example.com", "admin@exämple.com",
	}
	seen := map[string]string{}
	for _, in := range distinct {
		got, _ := Canonical(in)
		if other, ok := seen[got]; ok {
			t.Errorf("%q and %q become one user %q", in, other, got)
		}
		seen[got] = in
	}
	for _, in := range []string{
		"", " ", "ada", "@example.com", "ada@", "admin＠example.com", "a b@example.com", "ada@exa mple.com", "ada@example.com\r\nBcc: eve@example.com",
		"ada@@example.com", "ada@example..com", "ada@-example.com", "\u202eada@example.com", "ada@example.com\x00", strings.Repeat("a", 250) + "@example.com", "a<b>@example.com",
		"ada(comment)@example.com", `"ada"@example.com`, "ada\u200b@example.com", "a\u00adda@example.com", `a\da@example.com`,
	} {
		if got, ok := Canonical(in); ok {
			t.Errorf("%q was taken for an address: %q", in, got)
		}
	}
}

// TestCanonicalTurkish: lower-casing knows no locale.
func TestCanonicalTurkish(t *testing.T) {
	plain, _ := Canonical("INFO@example.com")
	if plain != "info@example.com" {
		t.Errorf("got %q", plain)
	}
	dotted, _ := Canonical("İNFO@example.com")
	if dotted == plain {
		t.Error("a dotted capital I became a plain i")
	}
}

func FuzzCanonical(f *testing.F) {
	for _, s := range []string{"ada@example.com", "İ@x.y", "a@\u0000", "\xff@b.c", strings.Repeat("é", 200) + "@b.c"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, ok := Canonical(s)
		if !ok {
			return
		}
		if again, ok := Canonical(got); !ok || again != got {
			t.Errorf("%q → %q → %q", s, got, again)
		}
		if strings.ContainsAny(got, "\r\n\t\x00 ") || !utf8.ValidString(got) || len(got) > 320 {
			t.Errorf("%q → %q", s, got)
		}
	})
}

func TestNewID(t *testing.T) {
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var ids []string
	for i := range 100 {
		ids = append(ids, NewID("usr", at.Add(time.Duration(i)*time.Millisecond), rand.Reader))
	}
	if !slices.IsSorted(ids) {
		t.Error("ids do not sort by time")
	}
	if got := NewID("usr", at, bytes.NewReader(make([]byte, 10))); got != "usr_06dpxb3gr9g702000000000000" && len(got) != 30 {
		t.Errorf("got %q", got)
	}
	defer func() {
		if recover() == nil {
			t.Error("an id was made without randomness")
		}
	}()
	NewID("usr", at, bytes.NewReader(nil))
}

func TestSecretMatches(t *testing.T) {
	s := NewSecret([]byte("salt"), "the secret")
	if !s.Matches("the secret") || s.Matches("the secre") || s.Matches("") || s.Matches("the secret ") {
		t.Error("comparison is wrong")
	}
	if bytes.Equal(s.Hash, NewSecret([]byte("pepper"), "the secret").Hash) {
		t.Error("the salt has no effect")
	}
}

func TestRetryAfter(t *testing.T) {
	if d, ok := RetryAfter(&Fault{Kind: ErrOverloaded, Retry: time.Second}); !ok || d != time.Second {
		t.Error(d, ok)
	}
	if _, ok := RetryAfter(ErrOverloaded); ok {
		t.Error("no wait was told")
	}
}
