package otp

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/intelliauth/intelliauth/internal/factor"
)

// The numbers are of ranges that regulators keep for examples and fiction, or
// the examples of the numbering plans.
func TestO08_Numbers(t *testing.T) {
	home := []string{"DE", "us", "GB", "FR"}
	for typed, w := range map[string]struct{ e164, country, prefix, code string }{
		"+49 151 1234 5678":                {mobile, "DE", "+491511", ""},
		"0151/12345678":                    {mobile, "DE", "+491511", ""},
		"(0151) 123-456-78":                {mobile, "DE", "+491511", ""},
		"0049 151 12345678":                {mobile, "DE", "+491511", ""},
		"\u202a+49\u00a0151\u201112345678": {mobile, "DE", "+491511", ""}, // as address books copy it
		"+1 201-555-0123":                  {"+12015550123", "US", "+12015", ""},
		"+44 7400 123456":                  {"+447400123456", "GB", "+447400", ""},
		"+33 6 12 34 56 78":                {"+33612345678", "FR", "+336123", ""},

		"+43 664 123456":   {code: "country_not_allowed"}, // Austria
		"+44 7797 712345":  {code: "country_not_allowed"}, // Jersey is not Great Britain
		"+1 876 210 1234":  {code: "country_not_allowed"}, // Jamaica is not the United States
		"+882 16 1234 567": {code: "country_not_allowed"}, // worldwide networks
		"+881 6 123 45678": {code: "country_not_allowed"}, // satellites
		"+979 123 456 789": {code: "country_not_allowed"}, // worldwide premium

		"+49 30 123456":   {code: "number_not_mobile"}, // landline
		"0900 1 234567":   {code: "number_not_mobile"}, // premium
		"+44 909 8790123": {code: "number_not_mobile"}, // premium
		"+44 7012 345678": {code: "number_not_mobile"}, // personal numbers look mobile and cost more
		"0800 1234567":    {code: "number_not_mobile"}, // toll-free
		"+1 900 234 5678": {code: "number_not_mobile"}, // premium
		"0180 1234567":    {code: "number_not_mobile"}, // shared cost

		"": {code: "number_invalid"}, " ": {code: "number_invalid"}, "+": {code: "number_invalid"}, "110": {code: "number_invalid"},
		"+49 151": {code: "number_invalid"}, "+999 123456789": {code: "number_invalid"}, "+49+15112345678": {code: "number_invalid"},
		"+4915112345678 ext. 5": {code: "number_invalid"}, "+4915112345678;ext=5": {code: "number_invalid"}, "tel:+4915112345678": {code: "number_invalid"},
		"+49151CALLNOW1": {code: "number_invalid"}, "٠١٥١١٢٣٤٥٦٧٨": {code: "number_invalid"}, "{{.Code}}": {code: "number_invalid"},
		"+4915112345678\r\nBcc: a@b.example": {code: "number_invalid"}, "+4915112345678\n": {code: "number_invalid"}, "+4915112345678\x00": {code: "number_invalid"},
		"+49151\xff12345678": {code: "number_invalid"}, strings.Repeat("1", 65): {code: "number_invalid"}, mobile + strings.Repeat(" ", 60): {code: "number_invalid"},
	} {
		n, err := ParseNumber(typed, home)
		want(t, typed, err, w.code)
		if n.E164 != w.e164 || n.Country != w.country || n.Prefix != w.prefix {
			t.Errorf("%q: %+v", typed, n)
		}
	}
}

// Who names no country sends no SMS: every number is refused, and a national
// one is of no country.
func TestO08_NoCountriesAllowNone(t *testing.T) {
	for _, countries := range [][]string{nil, {}, {""}, {"ZZ"}, {"001"}, {"Germany"}} {
		for typed, code := range map[string]string{mobile: "country_not_allowed", "+12015550123": "country_not_allowed", "+979123456789": "country_not_allowed", "015112345678": "number_invalid"} {
			_, err := ParseNumber(typed, countries)
			want(t, typed, err, code)
		}
	}
	// A national number is of the first country.
	if n, err := ParseNumber("07400 123456", []string{"GB", "DE"}); err != nil || n.Country != "GB" {
		t.Errorf("%+v, %v", n, err)
	}
	_, err := ParseNumber("07400 123456", []string{"DE", "GB"})
	want(t, "a British mobile read at home in Germany, where it is a landline", err, "number_not_mobile")
}

func TestO12_MaskNumber(t *testing.T) {
	for n, want := range map[Number]string{
		{mobile, "DE", "+491511"}:          "+49 ••• ••78",
		{"+12015550123", "US", "+12015"}:   "+1 ••• ••23",
		{"+35312345678", "IE", "+3531234"}: "+353 ••• ••78",
		{}:                                 "",
		{"+4", "DE", "+491511"}:            "",
		{"+49151", "", ""}:                 " ••• ••51",
	} {
		if got := maskNumber(n); got != want {
			t.Errorf("%+v: %q, want %q", n, got, want)
		}
	}
}

var e164 = regexp.MustCompile(`^\+[1-9][0-9]{5,14}$`)

// What is taken for a number is one in E.164 of an allowed country, is the same
// read again, and is hidden by its mask.
func FuzzNumber(f *testing.F) {
	for _, s := range []string{mobile, "0151 12345678", "(201) 555-0123", "+44 7400 123456", "+882 16 1234 567", "+1", "\u202e+49", "00", "++49", "+49(0)15112345678", "٠١٥١"} {
		f.Add(s)
	}
	countries := []string{"DE", "US", "GB", "JP"}
	f.Fuzz(func(t *testing.T, typed string) {
		n, err := ParseNumber(typed, countries)
		if err != nil {
			if n != (Number{}) || !errors.Is(err, factor.ErrWrong) {
				t.Fatalf("%q: %+v, %v", typed, n, err)
			}
			return
		}
		if !e164.MatchString(n.E164) || !strings.HasPrefix(n.E164, n.Prefix) || len(n.Prefix) < 6 || !slices.Contains(countries, n.Country) {
			t.Fatalf("%q: %+v", typed, n)
		}
		if again, err := ParseNumber(n.E164, countries); err != nil || again != n {
			t.Fatalf("%+v is read again as %+v: %v", n, again, err)
		}
		if masked := maskNumber(n); strings.Contains(masked, n.E164[len(n.E164)-4:]) || strings.Contains(masked, n.Prefix) {
			t.Fatalf("%+v is masked as %q", n, masked)
		}
	})
}

func BenchmarkParseNumber(b *testing.B) {
	for b.Loop() {
		if _, err := ParseNumber("0151 12345678", []string{"DE"}); err != nil {
			b.Fatal(err)
		}
	}
}
