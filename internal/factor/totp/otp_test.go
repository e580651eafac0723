package totp

import (
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"fmt"
	"hash"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// RFC 4226, appendix D.
func TestT10_RFC4226AppendixD(t *testing.T) {
	secret := []byte("12345678901234567890")
	for counter, want := range []uint32{755224, 287082, 359152, 969429, 338314, 254676, 287922, 162583, 399871, 520489} {
		if got := hotp(sha1.New, secret, uint64(counter), 1_000_000); got != want {
			t.Errorf("counter %d: %06d, want %06d", counter, got, want)
		}
	}
}

// RFC 6238, appendix B: 8 digits, three hashes, seeds as long as the hash.
func TestT10_RFC6238AppendixB(t *testing.T) {
	const seed = "1234567890123456789012345678901234567890123456789012345678901234"
	for _, v := range []struct {
		at                   int64
		sha1, sha256, sha512 string
	}{
		{59, "94287082", "46119246", "90693936"},
		{1111111109, "07081804", "68084774", "25091201"},
		{1111111111, "14050471", "67062674", "99943326"},
		{1234567890, "89005924", "91819424", "93441116"},
		{2000000000, "69279037", "90698825", "38618901"},
		{20000000000, "65353130", "77737706", "47863826"},
	} {
		at := time.Unix(v.at, 0)
		for _, c := range []struct {
			h    func() hash.Hash
			seed int
			want string
		}{{sha1.New, 20, v.sha1}, {sha256.New, 32, v.sha256}, {sha512.New, 64, v.sha512}} {
			if got := fmt.Sprintf("%08d", hotp(c.h, []byte(seed[:c.seed]), stepAt(at), 100_000_000)); got != c.want {
				t.Errorf("%d, %d-byte seed: %s, want %s", v.at, c.seed, got, c.want)
			}
		}
		if got, want := Code([]byte(seed[:20]), at), v.sha1[2:]; got != want {
			t.Errorf("%d: six digits %s, want %s", v.at, got, want)
		}
	}
}

func TestStepAtBoundaries(t *testing.T) {
	for at, want := range map[int64]uint64{-5: 0, 0: 0, 29: 0, 30: 1, 59: 1, 60: 2, 20000000000: 666666666} {
		if got := stepAt(time.Unix(at, 0)); got != want {
			t.Errorf("step at %d s: %d, want %d", at, got, want)
		}
	}
	if got := stepAt(time.Unix(59, 999_999_999)); got != 1 {
		t.Errorf("the last nanosecond of step 1 is in step %d", got)
	}
}

// An authenticator that we did not write agrees, down to the base32 of the
// secret as we show it.
func TestT10_AgreesWithOathtool(t *testing.T) {
	tool, err := exec.LookPath("oathtool")
	if err != nil {
		if os.Getenv("INTELLIAUTH_TEST") == "all" {
			t.Fatal("oathtool is missing (Debian package oathtool)")
		}
		t.Skip("oathtool is not installed")
	}
	for i := range 20 {
		secret := []byte(fmt.Sprintf("secret number %02d....", i))[:secretBytes]
		at := time.Unix(1_700_000_000+int64(i)*86_413, 0).UTC()
		out, err := exec.Command(tool, "-b", "--totp", "-N", at.Format("2006-01-02 15:04:05 UTC"), grouped(secret)).CombinedOutput()
		if err != nil {
			t.Fatalf("oathtool: %v: %s", err, out)
		}
		if got, want := Code(secret, at), strings.TrimSpace(string(out)); got != want {
			t.Errorf("%v: %s, oathtool says %s", at, got, want)
		}
	}
}

func TestTypedCodes(t *testing.T) {
	for typed, want := range map[string]string{
		"123456": "123456", "123 456": "123456", "123-456": "123456", " 12 34 56 ": "123456", "123\u00a0456\n": "123456",
		"": "", "12345": "", "1234567": "", "12345a": "", "１２３４５６": "", "+12345": "", "12345.": "", "123456 7": "",
		"1234\x0056": "", "１23456": "", strings.Repeat(" ", 40) + "123456": "", "123456" + strings.Repeat("-", 40): "",
	} {
		code, ok := normalise(typed)
		if got := string(code[:]); (ok == 1) != (want != "") || ok == 1 && got != want {
			t.Errorf("%q: %q, %d; want %q", typed, got, ok, want)
		}
	}
}
