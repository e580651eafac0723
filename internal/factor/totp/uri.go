package totp

import (
	"encoding/base32"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// URI is what an authenticator app is told at enrolment, in the key URI format
// that all of them read. Algorithm, digits and period are fixed: several apps
// ignore them and assume these values.
type URI struct {
	Issuer  string
	Account string
	Secret  []byte
}

const uriTail = "algorithm=SHA1&digits=6&period=30"

var base32NoPad = base32.StdEncoding.WithPadding(base32.NoPadding)

// Format writes the URI. It refuses names that hold a colon, which separates
// them in the label, or that are empty or not printable: what a person reads in
// the app must be what was meant.
func (u URI) Format() (string, error) {
	for _, name := range []string{u.Issuer, u.Account} {
		if err := checkName(name); err != nil {
			return "", err
		}
	}
	if len(u.Secret) < 16 { // RFC 4226, section 4, R6
		return "", errors.New("otpauth: secret shorter than 128 bits")
	}
	issuer := escape(u.Issuer)
	return "otpauth://totp/" + issuer + ":" + escape(u.Account) + "?secret=" + base32NoPad.EncodeToString(u.Secret) +
		"&issuer=" + issuer + "&" + uriTail, nil
}

// ParseURI reads exactly what Format writes and nothing else.
func ParseURI(s string) (URI, error) {
	var u URI
	rest, ok := strings.CutPrefix(s, "otpauth://totp/")
	if !ok {
		return u, errors.New("otpauth: not otpauth://totp/")
	}
	label, query, _ := strings.Cut(rest, "?")
	issuer, account, _ := strings.Cut(label, ":")
	params, err := url.ParseQuery(query)
	if err != nil {
		return u, fmt.Errorf("otpauth: %w", err)
	}
	if u.Issuer, err = url.PathUnescape(issuer); err != nil {
		return u, fmt.Errorf("otpauth: %w", err)
	}
	if u.Account, err = url.PathUnescape(account); err != nil {
		return u, fmt.Errorf("otpauth: %w", err)
	}
	if u.Secret, err = base32NoPad.DecodeString(params.Get("secret")); err != nil {
		return URI{}, errors.New("otpauth: the secret is no base32")
	}
	// One way to write it: whatever differs from it was not written by Format.
	if again, err := u.Format(); err != nil || again != s {
		return URI{}, errors.New("otpauth: not in the form that apps agree on")
	}
	return u, nil
}

func checkName(name string) error {
	if strings.TrimSpace(name) == "" || !utf8.ValidString(name) || strings.ContainsFunc(name, badInName) {
		return errors.New("otpauth: a name is empty, holds a colon or cannot be printed")
	}
	return nil
}

func badInName(r rune) bool {
	return r == ':' || !unicode.IsPrint(r) || r == unicode.ReplacementChar || unicode.Is(unicode.Bidi_Control, r)
}

// cleanName makes a name fit for a label, at most n code points long.
func cleanName(name string, n int) string {
	name = strings.Map(func(r rune) rune {
		if badInName(r) {
			return ' '
		}
		return r
	}, name)
	name = strings.Join(strings.Fields(name), " ")
	if runes := []rune(name); len(runes) > n {
		name = strings.TrimSpace(string(runes[:n-1])) + "…"
	}
	return name
}

// escape percent-encodes all but RFC 3986's unreserved characters: a space as
// %20 and a plus as %2B, since apps disagree about "+".
func escape(s string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("-._~", c) >= 0:
			b.WriteByte(c)
		default:
			b.WriteByte('%')
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
		}
	}
	return b.String()
}

// grouped writes the secret as it is typed into an app: by fours.
func grouped(secret []byte) string {
	s := base32NoPad.EncodeToString(secret)
	var b strings.Builder
	for i := range len(s) {
		if i > 0 && i%4 == 0 {
			b.WriteByte(' ')
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
