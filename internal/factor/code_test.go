package factor

import (
	"bytes"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"
)

// seeded is randomness that is the same in every run.
func seeded() io.Reader { return rand.NewChaCha8([32]byte{7: 1}) }

// chiSquare is how far counts are from equal, in standard deviations of what
// chance does (the normal approximation of the chi-square distribution).
func chiSquare(counts []int) float64 {
	total := 0
	for _, n := range counts {
		total += n
	}
	want, sum := float64(total)/float64(len(counts)), 0.0
	for _, n := range counts {
		sum += (float64(n) - want) * (float64(n) - want) / want
	}
	free := float64(len(counts) - 1)
	return (sum - free) / math.Sqrt(2*free)
}

// spread counts codes by their first three digits, and digits by place.
func spread(t *testing.T, n int, code func() (string, error)) (worst float64) {
	t.Helper()
	first := make([]int, 1000)
	places := make([][]int, 6)
	for i := range places {
		places[i] = make([]int, 10)
	}
	for range n {
		c, err := code()
		if err != nil || len(c) != 6 {
			t.Fatalf("%q, %v", c, err)
		}
		at := 0
		for i := range c {
			d := int(c[i] - '0')
			places[i][d]++
			if i < 3 {
				at = at*10 + d
			}
		}
		first[at]++
	}
	worst = chiSquare(first)
	for _, p := range places {
		worst = max(worst, chiSquare(p))
	}
	return worst
}

func TestO01_DigitsAreUniform(t *testing.T) {
	random := seeded()
	const n = 300_000
	if worst := spread(t, n, func() (string, error) { return Digits(random, 6) }); worst > 5 {
		t.Errorf("%.1f standard deviations from uniform", worst)
	}
	// The same test sees the bias of taking bytes, or three of them, modulo.
	biased := map[string]func() (string, error){
		"a byte modulo 10": func() (string, error) {
			b := make([]byte, 6)
			_, err := io.ReadFull(random, b)
			for i := range b {
				b[i] = '0' + b[i]%10
			}
			return string(b), err
		},
		"leading zeros lost": func() (string, error) {
			c, err := Digits(random, 6)
			return "1" + c[1:], err
		},
		"three bytes modulo a million": func() (string, error) {
			b := make([]byte, 3)
			_, err := io.ReadFull(random, b)
			v, c := (int(b[0])<<16|int(b[1])<<8|int(b[2]))%1_000_000, make([]byte, 6)
			for i := 5; i >= 0; i-- {
				c[i] = byte('0' + v%10)
				v /= 10
			}
			return string(c), err
		},
	}
	for what, code := range biased {
		if worst := spread(t, n, code); worst < 8 {
			t.Errorf("%s passes for uniform: %.1f", what, worst)
		}
	}
}

func TestO01_LettersAreUniform(t *testing.T) {
	random := seeded()
	counts := make([][]int, 24)
	for i := range counts {
		counts[i] = make([]int, 32)
	}
	for range 20_000 {
		c, err := Letters(random, 24)
		if err != nil || len(c) != 24 {
			t.Fatalf("%q, %v", c, err)
		}
		for i := range c {
			at := strings.IndexByte(letters, c[i])
			if at < 0 {
				t.Fatalf("%q is not of the alphabet", c)
			}
			counts[i][at]++
		}
	}
	for i, place := range counts {
		if far := chiSquare(place); far > 5 {
			t.Errorf("place %d: %.1f standard deviations from uniform", i, far)
		}
	}
}

func TestCodesWithoutRandomness(t *testing.T) {
	broken := iotest.ErrReader(errors.New("empty"))
	for what, random := range map[string]io.Reader{
		"none": broken, "some": io.MultiReader(bytes.NewReader([]byte{1, 2, 3}), broken), "an end": bytes.NewReader([]byte{1, 2}),
	} {
		if c, err := Digits(random, 6); err == nil || c != "" {
			t.Errorf("%s: digits %q, %v", what, c, err)
		}
		if c, err := Letters(random, 8); err == nil || c != "" {
			t.Errorf("%s: letters %q, %v", what, c, err)
		}
	}
	// What is never usable ends, too.
	if c, err := Digits(endless(0xff), 6); err == nil {
		t.Errorf("digits of nothing: %q", c)
	}
	for _, n := range []int{0, -8, 7, 12} {
		if c, err := Letters(seeded(), n); err == nil {
			t.Errorf("%d letters: %q", n, c)
		}
	}
	if c, err := Digits(endless(0), 6); err != nil || c != "000000" {
		t.Errorf("zeros: %q, %v", c, err)
	}
}

type endless byte

func (e endless) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = byte(e)
	}
	return len(b), nil
}

func TestReadDigits(t *testing.T) {
	for typed, want := range map[string]string{
		"012345": "012345", " 012 345 ": "012345", "012-345": "012345", "0\u00a012\u2013345\n": "012345", "0-1-2-3-4-5": "012345",
		"01234": "", "0123456": "", "": "", "01234a": "", "٠١٢٣٤٥": "", "012345\x00": "", "+12345": "", "01234\uff15": "",
		"012345" + strings.Repeat(" ", 19): "", "\xff012345": "",
	} {
		if got, ok := ReadDigits(typed, 6); ok != (want != "") || ok && got != want {
			t.Errorf("%q: %q, %v", typed, got, ok)
		}
	}
}

func TestReadLetters(t *testing.T) {
	for typed, want := range map[string]string{
		"ABCD-EFGH": "ABCDEFGH", "abcd efgh": "ABCDEFGH", "oil0-lio1": "01101101", "OIL0LIO1": "01101101", "ABCD\u2010EFGH": "ABCDEFGH",
		"ABCDEFG": "", "ABCDEFGHJ": "", "ABCDEFGU": "", "ABCDEFG!": "", "": "", "АBCDEFGH": "", "ABCDEFG\u017f": "", "ABCDEFG\u212a": "",
	} {
		if got, ok := ReadLetters(typed, 8); ok != (want != "") || ok && got != want {
			t.Errorf("%q: %q, %v", typed, got, ok)
		}
	}
}

func TestGrouped(t *testing.T) {
	for in, want := range map[string]string{"": "", "ABCD": "ABCD", "ABCDEFGH": "ABCD-EFGH", "ABCDEFGHJ": "ABCD-EFGH-J"} {
		if got := Grouped(in); got != want {
			t.Errorf("%q: %q", in, got)
		}
	}
}

// Whatever is read is a code of its alphabet, and is read again as it is shown.
func FuzzReadCode(f *testing.F) {
	for _, s := range []string{"012345", "ABCD-EFGH", "oi l0", "\xff\xfe", "٠١٢٣٤٥", "A\u202eBCDEFGH", strings.Repeat("-", 99)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		if code, ok := ReadDigits(typed, 6); ok {
			if len(code) != 6 || strings.Trim(code, "0123456789") != "" {
				t.Fatalf("%q was read as %q", typed, code)
			}
		}
		if code, ok := ReadLetters(typed, 8); ok {
			again, ok := ReadLetters(strings.ToLower(Grouped(code)), 8)
			if len(code) != 8 || strings.Trim(code, letters) != "" || !ok || again != code {
				t.Fatalf("%q was read as %q, and that as %q", typed, code, again)
			}
		}
	})
}
