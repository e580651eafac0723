package otp

import (
	"net/mail"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/intelliauth/intelliauth/internal/factor"
	"github.com/intelliauth/intelliauth/internal/identity"
)

func TestO13_Mailboxes(t *testing.T) {
	for typed, want := range map[string]string{
		"ada@example.com": "ada@example.com", " Ada.L@Example.COM. ": "Ada.L@example.com", "ada+tag@example.com": "ada+tag@example.com",
		"ada@bücher.example": "ada@xn--bcher-kva.example", "jürgen@example.com": "jürgen@example.com", "ju\u0308rgen@example.com": "jürgen@example.com",
		"{{.Code}}@example.com": "{{.Code}}@example.com", "a'b@example.com": "a'b@example.com", // odd, and harmless where text is data
		"ada@localhost": "ada@localhost",

		"": "", "ada": "", "@example.com": "", "ada@": "", "a@b@example.com": "",
		"ada@example.com\r\nBcc: eve@example.com": "", "ada\r\n@example.com": "", "ada@example.com\x00": "", "ada\t@example.com": "",
		"ada\u202e@example.com": "", "ada\u200b@example.com": "", "ada\u2028@example.com": "", "ada\ufffd@example.com": "", "ada\xff@example.com": "",
		"Ada <ada@example.com>": "", "<ada@example.com>": "", "ada(note)@example.com": "", `"ada"@example.com`: "", `"a b"@example.com`: "",
		"ada@example.com, eve@example.com": "", "ada,eve@example.com": "", "ada@[127.0.0.1]": "", "ada@example..com": "", "ada..l@example.com": "",
		"ada@exa mple.com": "", "ada@example.com/x": "", strings.Repeat("a", 250) + "@example.com": "",
	} {
		if got, ok := parseMailbox(typed); got != want || ok != (want != "") {
			t.Errorf("%q: %q, %v; want %q", typed, got, ok, want)
		}
	}
}

func TestO12_MaskMailbox(t *testing.T) {
	for address, want := range map[string]string{
		"ada@example.com": "a***@e***.com", "a@b.example": "a***@b***.example", "jürgen@mail.example.co.uk": "j***@m***.uk",
		"ünal@xn--bcher-kva.example": "ü***@x***.example", "ada@localhost": "a***@l***", "{{.Code}}@example.com": "{***@e***.com",
		"": "", "@example.com": "", "ada": "",
	} {
		if got := maskMailbox(address); got != want {
			t.Errorf("%q: %q, want %q", address, got, want)
		}
	}
}

// H-46: an address that could change a mail's header, or what is read of it, is
// refused, and nothing is sent to it by any road.
func TestH46_Addresses(t *testing.T) {
	for _, hostile := range []string{
		"ada@example.com\r\nBcc: eve@example.com", "ada@example.com\nSubject: hi", "ada\u202e@example.com", "Ada <ada@example.com>", "ada(x)@example.com",
	} {
		s := newScene(t, newEmail)
		c, err := s.f.BeginEnrolment(s.sub, factor.Asked{Fields: map[string]string{"email": hostile}})
		want(t, hostile, err, "address_invalid")
		if len(c.Send) != 0 {
			t.Errorf("%q: %+v", hostile, c.Send)
		}
		s.sub.User.Email = hostile
		_, err = s.f.BeginEnrolment(s.sub, factor.Asked{})
		want(t, hostile, err, "address_invalid")
		for _, purpose := range purposes {
			s := ticketScene(t, purpose)
			s.sub.Address = hostile
			if c, _ := s.begin(); len(c.Send) != 0 || strings.ContainsAny(c.Prompt.SentTo, "\r\n\u202e<(") {
				t.Errorf("%s, %q: %+v", purpose, hostile, c)
			}
		}
	}
}

// H-46: a name greets as it is, or not at all.
func TestH46_Names(t *testing.T) {
	for name, want := range map[string]string{
		"Ada Lovelace": "Ada Lovelace", " Ada\u00a0 Lovelace ": "Ada Lovelace", "J. R. R. Tolkien": "J. R. R. Tolkien", "J.R.R. Tolkien": "J.R.R. Tolkien",
		"Anne-Marie O'Neill": "Anne-Marie O'Neill", "李小龍": "李小龍", "مریم می\u200cخواهد": "مریم می\u200cخواهد", "Ünal 2nd, PhD": "Ünal 2nd, PhD", "": "",

		"Ada\r\nBcc: eve@example.com": "", "Ada\nLovelace": "", "Ada\u202eecalevoL": "", "Ada\u2066": "", "Ada\x00": "", "Ada\xff": "", "Ada\u2028x": "",
		"{{.Code}}": "", "{link}": "", "${HOME}": "", "%s": "", "<b>Ada</b>": "", "[Ada](https:evil)": "", "`id`": "", "Win at https://evil.example": "",
		"you won, see evil.example": "", "mail me@evil.example": "", "evil.рф": "", "call evil/x": "", "Ada\u200b": "", "@id.acme.example #123456": "",
		strings.Repeat("a", 65): "",
	} {
		s := newScene(t, newEmail)
		s.sub.User.Name = name
		c, err := s.f.BeginEnrolment(s.sub, factor.Asked{})
		if err != nil {
			t.Fatal(err)
		}
		if got := c.Send[0].Name; got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
	if got := greeting(nil); got != "" {
		t.Errorf("nobody is greeted as %q", got)
	}
}

// What is taken for a mailbox is one line that a mail header reads as the one
// address, is the same read again, and is hidden by its mask.
func FuzzMailbox(f *testing.F) {
	for _, s := range []string{"ada@example.com", "Ada@Bücher.Example.", "a(b)@c.d", `"a"@b.c`, "a@b\r\nc", "ju\u0308@x.y", "a@[::1]", "İ@x.y", "a@x.y\u3002z"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		address, ok := parseMailbox(typed)
		if !ok {
			if address != "" {
				t.Fatalf("%q is refused as %q", typed, address)
			}
			return
		}
		parsed, err := mail.ParseAddressList(address)
		if err != nil || len(parsed) != 1 || parsed[0].Address != address || strings.ContainsFunc(address, func(r rune) bool { return !unicode.IsPrint(r) || r == ' ' }) {
			t.Fatalf("%q: %q is read as %v: %v", typed, address, parsed, err)
		}
		if again, ok := parseMailbox(address); !ok || again != address {
			t.Fatalf("%q: %q is read again as %q", typed, address, again)
		}
		key := make([]byte, 32)
		if identity.ChannelOf(key, identity.ChannelEmail, address) != identity.ChannelOf(key, identity.ChannelEmail, typed) {
			t.Fatalf("%q and %q are two channels", typed, address)
		}
		masked, _, _ := strings.Cut(maskMailbox(address), "***@")
		if !strings.HasPrefix(address, masked) || utf8.RuneCountInString(masked) != 1 {
			t.Fatalf("%q is masked as %q", address, maskMailbox(address))
		}
	})
}
