package otp

import (
	"net/mail"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/intelliauth/intelliauth/internal/identity"
)

const maxGreeting = 64 // code points of a name in a message

// destination is where a code goes. It is parsed once and kept parsed (O-13).
type destination struct {
	Channel string `json:"channel"`
	To      string `json:"to"`
	Country string `json:"country,omitempty"`
	Prefix  string `json:"prefix,omitempty"`
}

// destinationOf reads an address of either channel; ok is false for what no
// message may go to.
func destinationOf(t identity.Tenant, channel, to string) (d destination, ok bool) {
	switch channel {
	case identity.ChannelEmail:
		address, ok := parseMailbox(to)
		return toMailbox(address), ok
	case identity.ChannelSMS:
		n, err := ParseNumber(to, t.SMSCountries)
		return toNumber(n), err == nil
	}
	return destination{}, false
}

// masked is the destination as it may be shown to somebody who is not yet known
// to be its owner.
func (d destination) masked() string {
	if d.Channel == identity.ChannelSMS {
		return maskNumber(Number{E164: d.To, Country: d.Country, Prefix: d.Prefix})
	}
	return maskMailbox(d.To)
}

func toMailbox(address string) destination {
	return destination{Channel: identity.ChannelEmail, To: address}
}

// parseMailbox takes one bare address that is fit for a mail header as it
// stands: no second form (comments, quotes, display names), nothing that cannot
// be seen. The local part stays as it was written, since the mail server that
// it is for may tell cases apart; the domain is in A-labels.
func parseMailbox(typed string) (string, bool) {
	typed = norm.NFC.String(strings.TrimSpace(typed))
	canonical, ok := identity.Canonical(typed)
	if !ok || !utf8.ValidString(typed) || strings.ContainsFunc(typed, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return "", false
	}
	local, domain := strings.LastIndexByte(typed, '@'), strings.LastIndexByte(canonical, '@')
	if local <= 0 || domain <= 0 {
		return "", false
	}
	address := typed[:local] + canonical[domain:]
	parsed, err := mail.ParseAddress(address)
	if err != nil || parsed.Address != address || parsed.Name != "" {
		return "", false
	}
	return address, true
}

// maskMailbox leaves the first letters and the last label: "a***@e***.com".
func maskMailbox(address string) string {
	at := strings.LastIndexByte(address, '@')
	if at <= 0 {
		return ""
	}
	local, domain := address[:at], address[at+1:]
	out := first(local) + "***@" + first(domain) + "***"
	if dot := strings.LastIndexByte(domain, '.'); dot >= 0 {
		out += domain[dot:]
	}
	return out
}

func first(s string) string {
	_, size := utf8.DecodeRuneInString(s)
	return s[:size]
}

// address-like text in a name would make a code's message a carrier of somebody
// else's link or markup.
var linkish = regexp.MustCompile(`[@/\\<>{}\[\]|:%$` + "`" + `]|\.\pL\pL`)

// greeting is a person's name as a message may begin with it: one line of
// letters, or nothing at all. A name is free text, so whoever chose it would
// otherwise write to whomever the message goes to.
func greeting(u *identity.User) string {
	if u == nil {
		return ""
	}
	name := strings.Join(strings.Fields(u.Name), " ")
	if !utf8.ValidString(u.Name) || strings.ContainsFunc(u.Name, unprintable) || linkish.MatchString(name) || utf8.RuneCountInString(name) > maxGreeting {
		return ""
	}
	return name
}

// unprintable allows what many names are written with: joiners between letters.
func unprintable(r rune) bool {
	const nonJoiner, joiner = '\u200c', '\u200d'
	return !unicode.IsPrint(r) && !unicode.Is(unicode.Zs, r) && r != nonJoiner && r != joiner
}
