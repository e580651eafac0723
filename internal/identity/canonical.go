package identity

import (
	"net/mail"
	"strings"
	"unicode"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"
)

// maxIdentifier is the length limit of an e-mail address (RFC 5321, 4.5.3.1).
const maxIdentifier = 254

// Canonical returns the one form of an e-mail address under which a user is
// stored and looked up: NFC, lower case by Unicode's language-free rule, the
// domain as A-labels (IDNA 2008) without a trailing dot. Nothing is folded by
// look (no NFKC, no confusables, no plus tags), so two addresses that differ
// to a mail server never become one user. ok is false for what is no address;
// the text is then still normalised, so that unknown and malformed identifiers
// take the same road.
func Canonical(typed string) (canonical string, ok bool) {
	s := norm.NFC.String(strings.TrimSpace(typed))
	if len(s) > maxIdentifier {
		// Cut on a rune boundary: the text only keys a counter.
		s = strings.ToValidUTF8(s[:maxIdentifier], "")
		return strings.Map(lowerRune, s), false
	}
	lower := strings.Map(lowerRune, s)
	at := strings.LastIndexByte(lower, '@')
	if at <= 0 || at == len(lower)-1 || strings.ContainsFunc(lower, bad) {
		return lower, false
	}
	local, domain := lower[:at], strings.TrimSuffix(lower[at+1:], ".")
	ascii, err := idna.Lookup.ToASCII(domain)
	if err != nil || ascii == "" {
		return lower, false
	}
	// Comments and quoted strings would be other users with the same mailbox.
	if strings.ContainsAny(local, `@"()\`) {
		return lower, false
	}
	canonical = local + "@" + ascii
	if _, err := mail.ParseAddress(canonical); err != nil {
		return lower, false
	}
	return canonical, true
}

// bad are characters that have no place in an address and could change how a
// page or a mail header reads.
func bad(r rune) bool {
	return unicode.IsControl(r) || unicode.IsSpace(r) || unicode.Is(unicode.Bidi_Control, r) || unicode.Is(unicode.Cf, r) || r == unicode.ReplacementChar
}

// lowerRune is Unicode's simple mapping, save that a dotted capital I stays
// itself: its simple mapping drops the dot and would merge two addresses.
func lowerRune(r rune) rune {
	if r == '\u0130' {
		return r
	}
	return unicode.ToLower(r)
}
