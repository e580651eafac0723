package password

import (
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// fold brings a password to the form in which it is looked up and judged, never
// in which it is hashed: full width as narrow, lower case, Latin letters without
// their accents, and no marks or joiners that cannot be seen. It is never
// longer than the password: a ligature stays one.
func fold(s string) []rune {
	out := make([]rune, 0, len(s))
	for _, r := range norm.NFC.String(s) {
		if unicode.In(r, unicode.Mn, unicode.Cf) {
			continue
		}
		if r > unicode.MaxASCII {
			r = narrow(r)
		}
		out = append(out, unicode.ToLower(r))
	}
	return out
}

// narrow is the plain letter in r, if there is exactly one.
func narrow(r rune) rune {
	form := norm.NFKC
	if unicode.Is(unicode.Latin, r) {
		form = norm.NFKD
	}
	whole := []rune(form.String(string(r)))
	if len(whole) == 1 || unicode.Is(unicode.Latin, r) && unicode.Is(unicode.Mn, whole[1]) {
		return whole[0]
	}
	return r
}

func isDigit(r rune) bool { return '0' <= r && r <= '9' }
func isWord(r rune) bool  { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// bare drops all but letters and digits.
func bare(runes []rune) []rune {
	out := make([]rune, 0, len(runes))
	for _, r := range runes {
		if isWord(r) {
			out = append(out, r)
		}
	}
	return out
}

// plain undoes the common look-alike letters. A 1 may stand for i or for l.
func plain(r, one rune) rune {
	switch r {
	case '4', '@':
		return 'a'
	case '3', '€':
		return 'e'
	case '0':
		return 'o'
	case '1', '!', '|':
		return one
	case '5', '$':
		return 's'
	case '7', '+':
		return 't'
	case '8':
		return 'b'
	case '9':
		return 'g'
	case '2':
		return 'z'
	}
	return r
}

// digest is a running hash of runes: FNV-1a over code points.
type digest uint64

const newDigest digest = 14695981039346656037

func (d digest) add(r rune) digest {
	for range 3 { // a code point has 21 bits
		d = (d ^ digest(r&0xff)) * 1099511628211
		r >>= 8
	}
	return d
}

// key finishes the hash with a mixing step, so that any part of it can be used.
func (d digest) key() uint64 {
	x := uint64(d)
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

func keyOf(runes []rune) uint64 {
	d := newDigest
	for _, r := range runes {
		d = d.add(r)
	}
	return d.key()
}
