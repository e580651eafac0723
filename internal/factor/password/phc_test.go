package password

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"
)

const sample = "$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHQ$MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE"

func TestPHCRoundTrip(t *testing.T) {
	for _, s := range []stored{
		{params: DefaultParams(), salt: bytes.Repeat([]byte{1}, 16), hash: bytes.Repeat([]byte{2}, 32)},
		{params: Params{8, 1, 1}, salt: bytes.Repeat([]byte{1}, 8), hash: bytes.Repeat([]byte{2}, 16), keyID: []byte("k")},
		{params: Params{maxMemory, 4, 16}, salt: bytes.Repeat([]byte{255}, 64), hash: bytes.Repeat([]byte{254}, 64), keyID: bytes.Repeat([]byte{3}, 16)},
	} {
		got, err := parsePHC(s.String())
		if err != nil || got.String() != s.String() || got.params != s.params || !bytes.Equal(got.keyID, s.keyID) {
			t.Errorf("%s: %+v, %v", s, got, err)
		}
	}
	if got, want := (stored{params: DefaultParams(), salt: []byte("saltsalt"), hash: []byte("0123456789012345")}).String(),
		"$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$MDEyMzQ1Njc4OTAxMjM0NQ"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// A string that the reference implementation's command line prints
// (phc-winner-argon2, test.c: t=2, m=2^16, p=1, "password", "somesalt").
func TestPHCVerifiesTheReferenceImplementation(t *testing.T) {
	s, err := parsePHC("$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc")
	if err != nil {
		t.Fatal(err)
	}
	if !s.equal(s.derive([]byte("password"))) {
		t.Errorf("derived %s", hex.EncodeToString(s.derive([]byte("password"))))
	}
	if s.equal(s.derive([]byte("Password"))) {
		t.Error("another password matches")
	}
}

func TestPHCRefuses(t *testing.T) {
	if _, err := parsePHC(sample); err != nil {
		t.Fatal(err)
	}
	for what, bad := range map[string]string{
		"empty":                "",
		"argon2i":              strings.Replace(sample, "argon2id", "argon2i", 1),
		"version 16":           strings.Replace(sample, "v=19", "v=16", 1),
		"no version":           strings.Replace(sample, "v=19$", "", 1),
		"a terabyte":           strings.Replace(sample, "m=64", "m=1073741824", 1),
		"a gigabyte":           strings.Replace(sample, "m=64", "m=1048576", 1),
		"an overflow":          strings.Replace(sample, "m=64", "m=4294967360", 1),
		"too much work":        strings.Replace(sample, "m=64,t=1", "m=262144,t=16", 1),
		"many passes":          strings.Replace(sample, "t=1", "t=4000000000", 1),
		"no pass":              strings.Replace(sample, "t=1", "t=0", 1),
		"no lane":              strings.Replace(sample, "p=1", "p=0", 1),
		"257 lanes":            strings.Replace(sample, "p=1", "p=257", 1),
		"too little per lane":  strings.Replace(sample, "p=1", "p=9", 1),
		"a sign":               strings.Replace(sample, "m=64", "m=+64", 1),
		"a leading zero":       strings.Replace(sample, "m=64", "m=064", 1),
		"another order":        strings.Replace(sample, "m=64,t=1", "t=1,m=64", 1),
		"an unknown parameter": strings.Replace(sample, "p=1", "p=1,data=AAAA", 1),
		"an empty key id":      strings.Replace(sample, "p=1", "p=1,keyid=", 1),
		"a fifth parameter":    strings.Replace(sample, "p=1", "p=1,keyid=AAAA,x=1", 1),
		"padding":              sample + "=",
		"a line break":         sample[:60] + "\n" + sample[60:],
		"loose bits":           sample[:len(sample)-1] + "F",
		"a short salt":         strings.Replace(sample, "c2FsdHNhbHQ", "c2FsdA", 1),
		"a short hash":         sample[:60],
		"no hash":              sample[:strings.LastIndex(sample, "$")],
		"a part too many":      sample + "$AAAA",
		"a long salt":          strings.Replace(sample, "c2FsdHNhbHQ", strings.Repeat("AAAA", 30), 1),
	} {
		if s, err := parsePHC(bad); err == nil {
			t.Errorf("%s was read: %+v", what, s)
		}
	}
}

// What is read has one form and stays within the bounds of memory and time.
func FuzzParsePHC(f *testing.F) {
	f.Add(sample)
	f.Add(strings.Replace(sample, "p=1", "p=1,keyid=AAAA", 1))
	f.Add("$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$MDEyMzQ1Njc4OTAxMjM0NQ")
	f.Add("$argon2id$v=19$m=,t=,p=$$")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := parsePHC(text)
		if err != nil {
			return
		}
		if s.String() != text {
			t.Fatalf("%q is written %q", text, s)
		}
		if s.params.Memory > maxMemory || s.params.cost() > maxCost || s.params.Threads == 0 || s.params.Passes == 0 ||
			s.params.Memory < 8*uint32(s.params.Threads) || len(s.salt) < minSalt || len(s.hash) < minHash {
			t.Fatalf("%q is out of bounds: %+v", text, s.params)
		}
	})
}
