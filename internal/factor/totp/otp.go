package totp

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/binary"
	"hash"
	"time"
)

const (
	digits = 6
	period = 30 // seconds; T0 is the Unix epoch
)

// hotp is RFC 4226, section 5.3, over any hash (RFC 6238, section 1.2).
func hotp(h func() hash.Hash, secret []byte, counter uint64, modulus uint32) uint32 {
	mac := hmac.New(h, secret)
	var c [8]byte
	binary.BigEndian.PutUint64(c[:], counter)
	mac.Write(c[:])
	sum := mac.Sum(nil)
	at := sum[len(sum)-1] & 0x0f
	return binary.BigEndian.Uint32(sum[at:]) & 0x7fffffff % modulus
}

// codeAt is the code of one time step.
func codeAt(secret []byte, step uint64) [digits]byte {
	n := hotp(sha1.New, secret, step, 1_000_000)
	var out [digits]byte
	for i := digits - 1; i >= 0; i-- {
		out[i] = byte('0' + n%10)
		n /= 10
	}
	return out
}

// stepAt is the time step that holds t; 0 for times before the Unix epoch.
func stepAt(t time.Time) uint64 { return uint64(max(0, t.Unix()) / period) }

// Code is what an authenticator app shows at a time (RFC 6238, section 4: SHA-1,
// 6 digits, 30 seconds).
func Code(secret []byte, at time.Time) string {
	code := codeAt(secret, stepAt(at))
	return string(code[:])
}
