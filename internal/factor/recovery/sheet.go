package recovery

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"io"
)

const (
	sheetVersion = 1
	keyBytes     = 16
	sheetBytes   = 1 + keyBytes + codes*sha256.Size
)

// sheet is what is kept of ten codes: a key of its own, and under it the hash of
// each. A code of 120 bits needs no slow hash (N-51); the key makes hashes of
// one sheet say nothing about another. A place that is all zero is used up.
type sheet struct {
	key    [keyBytes]byte
	hashes [codes][sha256.Size]byte
}

func newSheet(random io.Reader) (sheet, error) {
	var s sheet
	if _, err := io.ReadFull(random, s.key[:]); err != nil {
		return sheet{}, fmt.Errorf("recovery: no randomness: %w", err)
	}
	return s, nil
}

func (s *sheet) put(i int, code string) { s.hashes[i] = s.hash(code) }

func (s *sheet) hash(code string) (out [sha256.Size]byte) {
	mac := hmac.New(sha256.New, s.key[:])
	mac.Write([]byte("recovery\x00" + code))
	mac.Sum(out[:0])
	return out
}

// redeem returns the sheet without a code that is on it. Every place is
// compared, used or not, in constant time; valid says whether code is one.
func (s sheet) redeem(code string, valid bool) (sheet, bool) {
	hash := s.hash(code)
	var empty [sha256.Size]byte
	found := 0
	for i := range s.hashes {
		used := subtle.ConstantTimeCompare(s.hashes[i][:], empty[:])
		match := subtle.ConstantTimeCompare(s.hashes[i][:], hash[:]) &^ used
		subtle.ConstantTimeCopy(match, s.hashes[i][:], empty[:])
		found |= match
	}
	if found != 1 || !valid {
		return sheet{}, false
	}
	return s, true
}

func (s sheet) left() int {
	n := 0
	for _, h := range s.hashes {
		if h != [sha256.Size]byte{} {
			n++
		}
	}
	return n
}

func (s sheet) bytes() []byte {
	out := append(make([]byte, 0, sheetBytes), sheetVersion)
	out = append(out, s.key[:]...)
	for _, h := range s.hashes {
		out = append(out, h[:]...)
	}
	return out
}

func parseSheet(b []byte) (sheet, bool) {
	if len(b) != sheetBytes || b[0] != sheetVersion {
		return sheet{}, false
	}
	var s sheet
	b = b[1+copy(s.key[:], b[1:]):]
	for i := range s.hashes {
		b = b[copy(s.hashes[i][:], b):]
	}
	return s, true
}
