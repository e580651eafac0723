package identity

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"io"
	"time"
)

var idEncoding = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// NewID returns prefix, an underscore and a UUIDv7 (RFC 9562, 5.7) in
// Crockford's base32: ids of one kind sort by time and tell what they name.
// It panics if random cannot be read: no id is better than a guessable one.
func NewID(prefix string, now time.Time, random io.Reader) string {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], uint64(now.UnixMilli())<<16)
	mustRead(random, b[6:])
	b[6] = b[6]&0x0f | 0x70
	b[8] = b[8]&0x3f | 0x80
	return prefix + "_" + idEncoding.EncodeToString(b[:])
}

// RandomToken returns n random bytes in URL-safe base64 without padding.
func RandomToken(n int, random io.Reader) string {
	b := make([]byte, n)
	mustRead(random, b)
	return base64.RawURLEncoding.EncodeToString(b)
}

// Hash is how high-entropy secrets (cookies, codes, tokens; at least 112 bits)
// are stored: SHA-256 (SP 800-63B-4, 3.1.2.2).
func Hash(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}

// HashKey is Hash as text, for use as the key of an ephemeral.
func HashKey(secret string) string { return base64.RawURLEncoding.EncodeToString(Hash(secret)) }

func mustRead(random io.Reader, b []byte) {
	if _, err := io.ReadFull(random, b); err != nil {
		panic("identity: no randomness: " + err.Error())
	}
}
