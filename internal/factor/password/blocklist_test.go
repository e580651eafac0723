package password

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func list(t testing.TB, s Source) []byte {
	t.Helper()
	var buf bytes.Buffer
	if _, _, err := WriteBlocklist(&buf, s); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func TestN58_EmbeddedListSize(t *testing.T) {
	b, err := parseBlocklist(embedded)
	if err != nil {
		t.Fatal(err)
	}
	words := (len(b.top) + len(b.words) + len(b.phrases)) / 4
	t.Logf("embedded list: %d bytes for %d passwords and %d words and phrases", len(embedded), b.keys, words)
	if b.keys < 150_000 || words < 4000 || len(embedded) > 256<<10 {
		t.Error("the list is not the one that gen makes")
	}
	for _, p := range []string{"123456", "password", "liverpool", "henderson", "unbelievable", "abcd1234"} {
		if !b.common(fold(p)) {
			t.Errorf("%q is not in the list", p)
		}
	}
	// Strangers are mistaken for common passwords about once in 256.
	hits := 0
	for i := range 20_000 {
		if b.common([]rune(fmt.Sprintf("q%dzxv%d", i*7919, i%97))) {
			hits++
		}
	}
	if hits > 20_000/128 {
		t.Errorf("%d of 20000 strangers are in the list", hits)
	}
	for i := range 2000 {
		if b.common([]rune(fmt.Sprintf("%0*d", b.longest+1, i*7919))) {
			t.Fatal("longer than the longest entry, and yet in the list")
		}
	}
}

func TestN58_OperatorsList(t *testing.T) {
	entries := []string{"vexing pigeons of Ulm", "quietly humming fridge", "Wet Socks On The Radiator", ""}
	for what, file := range map[string][]byte{
		"text":                  []byte(strings.Join(entries, "\n") + "\n"),
		"text with CRLF, BOM'd": []byte("\ufeff" + strings.Join(entries, "\r\n")),
		"text with a bad line":  []byte("caf\xe9 au lait\n" + strings.Join(entries, "\n")),
		"binary":                list(t, Source{Passwords: entries}),
	} {
		f := newFactor(t, Options{Blocklist: bytes.NewReader(file)})
		for _, p := range []string{"vexing pigeons of Ulm", "VEXING PIGEONS OF ULM", "wet socks on the radiator"} {
			if got := code(f.Check(p, 15, nil)); got != isCommon {
				t.Errorf("%s: %q: %q, want %s", what, p, got, isCommon)
			}
		}
		// The embedded list still speaks, and others pass.
		if got := code(f.Check("thisismypassword", 15, nil)); got != isCommon {
			t.Errorf("%s: %q", what, got)
		}
		if err := f.Check("oboe lantern fjord pickle", 15, nil); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	for what, file := range map[string]string{
		"a long line": strings.Repeat("x", maxLine+1), "half a binary": string(list(t, Source{Passwords: entries}))[:80],
	} {
		if _, err := readBlocklist(strings.NewReader(file)); err == nil {
			t.Errorf("%s was read", what)
		}
	}
	if b, err := readBlocklist(strings.NewReader("")); err != nil || b.common([]rune("x")) {
		t.Errorf("an empty list: %v", err)
	}
}

func TestBlocklistFindsAllItWasMadeOf(t *testing.T) {
	s := Source{Top: []string{"Alpha", "bêta"}, Words: []string{"gamma"}, Phrases: []string{"One, two & three!"}}
	r := rand.New(rand.NewPCG(1, 2))
	for range 5000 {
		s.Passwords = append(s.Passwords, fmt.Sprintf("%x", r.Uint64()))
	}
	s.Passwords = append(s.Passwords, s.Passwords[:100]...) // doubles do no harm
	raw := list(t, s)
	if !bytes.Equal(raw, list(t, s)) {
		t.Error("the same source gives different bytes")
	}
	b, err := parseBlocklist(string(raw))
	if err != nil {
		t.Fatal(err)
	}
	if b.keys != 5000 {
		t.Errorf("%d keys, want 5000", b.keys)
	}
	for _, p := range s.Passwords {
		if !b.common(fold(p)) {
			t.Fatalf("%q is lost", p)
		}
	}
	if !b.top.has(keyOf([]rune("beta"))) || !b.words.has(keyOf([]rune("gamma"))) || !b.phrases.has(keyOf([]rune("onetwothree"))) {
		t.Error("a word or phrase is lost")
	}
	if b.top.has(keyOf([]rune("gamma"))) || b.words.has(keyOf([]rune("alpha"))) || table("").has(1) {
		t.Error("a word is in a table that it was not put in")
	}
}

// A damaged list is an error when it is read. Every byte of the header of a
// small list is tried with every value: what is still read must not panic.
func TestBlocklistDamaged(t *testing.T) {
	raw := list(t, Source{Top: []string{"alpha", "beta"}, Words: []string{"gamma"}, Passwords: []string{"one", "two", "three"}})
	for i := range raw {
		if _, err := parseBlocklist(string(raw[:i])); err == nil {
			t.Errorf("cut at %d of %d, and read", i, len(raw))
		}
		for v := range 256 {
			bad := bytes.Clone(raw)
			bad[i] = byte(v)
			if b, err := parseBlocklist(string(bad)); err == nil {
				for _, p := range []string{"one", "x", "passwords"} {
					b.common([]rune(p))
				}
			}
		}
	}
	if _, err := parseBlocklist(string(append(bytes.Clone(raw), 0))); err == nil {
		t.Error("lengthened, and read")
	}
	// Fingerprints that are said to be 4 GiB are not allocated.
	huge := bytes.Clone(raw)
	at := headerBytes + 3*4 + 8 + 4*4
	binary.LittleEndian.PutUint32(huge[at:], 1<<32-1)
	if _, err := parseBlocklist(string(huge)); err == nil {
		t.Error("a list of 4 GiB in a hundred bytes was read")
	}
}

func FuzzReadBlocklist(f *testing.F) {
	f.Add(list(f, Source{Top: []string{"alpha"}, Passwords: []string{"one", "two"}}))
	f.Add([]byte("one\ntwo\n"))
	f.Add([]byte(magic))
	f.Fuzz(func(t *testing.T, raw []byte) {
		b, err := readBlocklist(bytes.NewReader(raw))
		if err != nil {
			return
		}
		for _, p := range []string{"one", "xyz", "correct horse"} {
			b.common([]rune(p))
			b.words.has(keyOf([]rune(p)))
		}
	})
}

// The generator has a second use: an operator's text made binary.
func TestGeneratorMakesOperatorsLists(t *testing.T) {
	dir := t.TempDir()
	in, out := filepath.Join(dir, "in.txt"), filepath.Join(dir, "out.bin")
	if err := os.WriteFile(in, []byte("vexing pigeons of Ulm\n#not a comment\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if msg, err := exec.Command("go", "run", "gen/main.go", "-list", in, "-o", out).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, msg)
	}
	raw, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	b, err := readBlocklist(bytes.NewReader(raw))
	if err != nil || b.keys != 2 || !b.common(fold("Vexing Pigeons of ULM")) || !b.common(fold("#not a comment")) {
		t.Errorf("%+v, %v", b, err)
	}
}
