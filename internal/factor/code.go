package factor

import (
	"encoding/base32"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"
)

// letters is Crockford's base32: no I, L, O or U, so that what is read aloud or
// off paper is read one way.
const letters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

const (
	digitBound = 250 // bytes from here on would make low digits likelier
	maxRounds  = 64  // a reader that never gives a usable byte is broken
	maxSpaced  = 4   // bytes typed per character of a code
)

// Digits makes a code of n decimal digits, every one of them as likely as any
// other, leading zeros kept (O-01).
func Digits(random io.Reader, n int) (string, error) {
	out := make([]byte, 0, n)
	for range maxRounds {
		raw := make([]byte, n-len(out))
		if _, err := io.ReadFull(random, raw); err != nil {
			return "", fmt.Errorf("no randomness: %w", err)
		}
		for _, b := range raw {
			if b < digitBound {
				out = append(out, '0'+b%10)
			}
		}
		if len(out) == n {
			return string(out), nil
		}
	}
	return "", errors.New("no randomness: it holds nothing that makes a digit")
}

// Letters makes a code of n characters of 5 bits each; n is a multiple of 8.
func Letters(random io.Reader, n int) (string, error) {
	if n <= 0 || n%8 != 0 {
		return "", fmt.Errorf("a code of %d characters; want a multiple of 8", n)
	}
	raw := make([]byte, n*5/8)
	if _, err := io.ReadFull(random, raw); err != nil {
		return "", fmt.Errorf("no randomness: %w", err)
	}
	return base32.NewEncoding(letters).EncodeToString(raw), nil
}

// Grouped writes a code as it is shown: in groups of four, with hyphens.
func Grouped(code string) string {
	var b strings.Builder
	for i := range len(code) {
		if i > 0 && i%4 == 0 {
			b.WriteByte('-')
		}
		b.WriteByte(code[i])
	}
	return b.String()
}

// ReadDigits reads a code of n digits among spaces and hyphens, as people paste
// them. Only ASCII digits are: others look alike and are not what was sent.
func ReadDigits(typed string, n int) (code string, ok bool) {
	return read(typed, n, func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	})
}

// ReadLetters reads a code of n characters in either case, among spaces and
// hyphens. The letters that the alphabet lacks are taken for the digits that
// they look like: O for 0, I and L for 1.
func ReadLetters(typed string, n int) (code string, ok bool) {
	return read(typed, n, func(r rune) rune {
		if 'a' <= r && r <= 'z' {
			r -= 'a' - 'A'
		}
		switch r {
		case 'O':
			return '0'
		case 'I', 'L':
			return '1'
		}
		if r > unicode.MaxASCII || strings.IndexByte(letters, byte(r)) < 0 {
			return -1
		}
		return r
	})
}

// read takes n characters, each by its meaning, and refuses anything else.
func read(typed string, n int, meaning func(rune) rune) (string, bool) {
	if len(typed) > n*maxSpaced {
		return "", false
	}
	out := make([]byte, 0, n)
	for _, r := range typed {
		if separates(r) {
			continue
		}
		if r = meaning(r); r < 0 {
			return "", false
		}
		out = append(out, byte(r))
	}
	return string(out), len(out) == n
}

// separates reports what keeps groups apart: spaces, and the hyphens and dashes
// that word processors make of a hyphen.
func separates(r rune) bool { return unicode.IsSpace(r) || unicode.Is(unicode.Pd, r) }
