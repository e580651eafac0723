package password

import (
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/intelliauth/intelliauth/internal/factor"
)

const (
	minAlone  = 15 // code points, where a password alone opens a session (SP 800-63B-4, 3.1.1.2)
	minBeside = 8  // where a second factor is always asked; never less
	maxLength = 1024
	maxBytes  = 16 * maxLength // of what is typed, before it is normalised
	minPhrase = 8
)

// normalise brings a password to the form that is hashed (NFC). ok is false for
// what no password may be: too long or not text. Nothing is ever cut off.
func normalise(typed string) (password string, ok bool) {
	if len(typed) > maxBytes || !utf8.ValidString(typed) {
		return "", false
	}
	password = norm.NFC.String(typed)
	return password, utf8.RuneCountInString(password) <= maxLength
}

// Check says whether a password may be set. minLength is in code points (0
// means 15); words are what it may not be made of: the person's name and
// address, the tenant's name. A refusal is a [factor.Refusal] whose code says
// why: password_too_short (with "min"), password_too_long (with "max"),
// password_invalid (control characters), password_common, password_contains_name,
// password_repeated or password_sequence. There are no rules of composition.
func (f *Factor) Check(password string, minLength int, words []string) error {
	_, err := f.check(password, minLength, words)
	return err
}

// check is Check and returns the form to hash.
func (f *Factor) check(typed string, minLength int, words []string) (string, error) {
	if minLength == 0 {
		minLength = minAlone
	}
	minLength = max(minBeside, minLength)
	if !utf8.ValidString(typed) {
		return "", refuse("password_invalid")
	}
	password, ok := normalise(typed)
	if !ok {
		return "", &factor.Refusal{Code: "password_too_long", Args: map[string]string{"max": strconv.Itoa(maxLength)}}
	}
	if utf8.RuneCountInString(password) < minLength {
		return "", &factor.Refusal{Code: "password_too_short", Args: map[string]string{"min": strconv.Itoa(minLength)}}
	}
	if strings.ContainsFunc(password, unicode.IsControl) {
		return "", refuse("password_invalid")
	}
	lists, err := f.lists()
	if err != nil {
		return "", err
	}
	j := judge{lists: lists, keyboards: f.keys(), personal: personalKeys(words)}
	if code := j.refusal(fold(password), minLength); code != "" {
		return "", refuse(code)
	}
	return password, nil
}

// listed reports whether a list of known passwords holds this one: it was set
// before the list knew it, or elsewhere. A list that cannot be read knows none.
func (f *Factor) listed(password string) bool {
	lists, err := f.lists()
	if err != nil {
		return false
	}
	runes := fold(password)
	return slices.ContainsFunc(lists, func(b *blocklist) bool { return b.common(runes) })
}

func refuse(code string) error { return &factor.Refusal{Code: code} }

// refusal is the code under which a folded password is refused, or "".
func (j *judge) refusal(runes []rune, minLength int) string {
	letters := bare(runes)
	for _, b := range j.lists {
		if b.common(runes) {
			return "password_common"
		}
	}
	if shortened(runes, minLength) || shortened(letters, minLength-(len(runes)-len(letters))) {
		return "password_repeated"
	}
	// 40 bits where the password stands alone, 20 where it never does.
	v := j.explain(runes)
	if v.bits >= minLength*40/minAlone {
		return ""
	}
	code, most := "password_common", 0
	for _, c := range []struct {
		kind kind
		code string
	}{
		{personal, "password_contains_name"},
		{repeated, "password_repeated"},
		{sequence, "password_sequence"},
		{common, "password_common"},
	} {
		if v.covered[c.kind] > most {
			code, most = c.code, v.covered[c.kind]
		}
	}
	return code
}

// shortened reports whether a password starts with a block that is repeated so
// often that what is left when it is said once is too short.
func shortened(runes []rune, minLength int) bool {
	n := len(runes)
	for period := 1; period <= n/2; period++ {
		matched := period
		for matched < n && runes[matched] == runes[matched-period] {
			matched++
		}
		again := matched - period
		if matched >= 2*period && 3*again >= n && n-again < minLength {
			return true
		}
	}
	return false
}

// personalKeys are the keys of the words and of their parts, from three code
// points on. The last label of an address ("com") is nobody's name.
func personalKeys(words []string) map[uint64]bool {
	keys := map[uint64]bool{}
	for _, w := range append(slices.Clone(words), "intelliauth") {
		folded := fold(w)
		whole := bare(folded)
		parts := strings.FieldsFunc(string(folded), func(r rune) bool { return !isWord(r) })
		if len(parts) > 1 && strings.Contains(w, "@") {
			parts = parts[:len(parts)-1]
		}
		for _, p := range append(parts, string(whole), strings.TrimRight(string(whole), "0123456789")) {
			if utf8.RuneCountInString(p) >= 3 {
				keys[keyOf([]rune(p))] = true
			}
		}
		for _, p := range parts {
			if p = strings.Trim(p, "0123456789"); utf8.RuneCountInString(p) >= 3 {
				keys[keyOf([]rune(p))] = true
			}
		}
	}
	return keys
}
