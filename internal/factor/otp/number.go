package otp

import (
	"slices"
	"strings"
	"unicode"

	"github.com/nyaruka/phonenumbers"

	"github.com/intelliauth/intelliauth/internal/factor"
	"github.com/intelliauth/intelliauth/internal/identity"
)

const (
	maxTypedNumber = 64 // bytes
	prefixDigits   = 4  // of the national number, under which sends are counted
)

// Number is a number that a message may go to.
type Number struct {
	E164    string // "+4915112345678"
	Country string // ISO 3166-1 alpha-2
	Prefix  string // "+491511": country code and first four digits, a range that is sold together
}

// ParseNumber reads a number as a person types it. Without a country code it is
// taken for one of the first country. It answers a [factor.Refusal]:
// "number_invalid", "country_not_allowed" if its country is none of countries,
// or "number_not_mobile" for landlines, premium, shared-cost and all other
// ranges that are not known to be reached by SMS.
//
// No countries allow no number: SMS fraud is paid for by whoever lets the world
// ask for codes (O-08), so a tenant names the countries that its people live in.
func ParseNumber(typed string, countries []string) (Number, error) {
	plain, ok := dialled(typed)
	if !ok {
		return Number{}, refuse("number_invalid")
	}
	home := phonenumbers.UNKNOWN_REGION
	if len(countries) > 0 {
		home = strings.ToUpper(countries[0])
	}
	n, err := phonenumbers.Parse(plain, home)
	if err != nil || !phonenumbers.IsValidNumber(n) {
		return Number{}, refuse("number_invalid")
	}
	// A region is two letters; what belongs to none ("001": satellites, worldwide
	// premium) is in no list.
	country := phonenumbers.GetRegionCodeForNumber(n)
	if len(country) != 2 || !slices.ContainsFunc(countries, func(c string) bool { return strings.EqualFold(c, country) }) {
		return Number{}, refuse("country_not_allowed")
	}
	switch phonenumbers.GetNumberType(n) {
	case phonenumbers.MOBILE, phonenumbers.FIXED_LINE_OR_MOBILE:
	default:
		return Number{}, refuse("number_not_mobile")
	}
	e164, national := phonenumbers.Format(n, phonenumbers.E164), phonenumbers.GetNationalSignificantNumber(n)
	code := strings.TrimSuffix(e164, national)
	if code == e164 || len(national) < prefixDigits {
		return Number{}, refuse("number_invalid")
	}
	return Number{E164: e164, Country: country, Prefix: code + national[:prefixDigits]}, nil
}

// dialled keeps the digits of a typed number and a plus at its beginning. Marks
// that address books wrap numbers in are dropped; letters, which could be an
// extension or a word, are not a number.
func dialled(typed string) (string, bool) {
	if len(typed) > maxTypedNumber {
		return "", false
	}
	out := make([]byte, 0, len(typed))
	for _, r := range typed {
		switch {
		case '0' <= r && r <= '9':
			out = append(out, byte(r))
		case r == '+' && len(out) == 0:
			out = append(out, '+')
		case r != '\t' && unicode.IsControl(r):
			return "", false
		case unicode.IsSpace(r), unicode.Is(unicode.Pd, r), unicode.Is(unicode.Bidi_Control, r), strings.ContainsRune("().", r), r == '/':
		default:
			return "", false
		}
	}
	return string(out), len(out) > 0
}

// maskNumber leaves the country code and the last two digits.
func maskNumber(n Number) string {
	code := n.Prefix[:max(0, len(n.Prefix)-prefixDigits)]
	if len(n.E164) < len(code)+prefixDigits {
		return ""
	}
	return code + " ••• ••" + n.E164[len(n.E164)-2:]
}

func toNumber(n Number) destination {
	return destination{Channel: identity.ChannelSMS, To: n.E164, Country: n.Country, Prefix: n.Prefix}
}

func refuse(code string) error { return &factor.Refusal{Code: code} }
