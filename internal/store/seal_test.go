package store

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
)

var home = place{tenant: "tnt_a", table: "enrolments", column: "sealed", row: "enr_1", owner: "usr_1"}

func testRing(t testing.TB) *ring {
	t.Helper()
	r := &ring{all: make(map[uint32]sealer), index: bytes.Repeat([]byte{9}, keySize)}
	for id := uint32(1); id <= 2; id++ {
		s, err := newSealer(id, bytes.Repeat([]byte{byte(id)}, keySize), "seal")
		if err != nil {
			t.Fatal(err)
		}
		r.all[id], r.current = s, s
	}
	return r
}

// N-47, C-41: a sealed value opens in its own place only.
func TestC41_SealedValueIsBoundToItsPlace(t *testing.T) {
	r := testRing(t)
	blob := r.seal(home, []byte("JBSWY3DPEHPK3PXP"))
	if bytes.Contains(blob, []byte("JBSW")) {
		t.Fatal("not sealed")
	}
	got, err := r.open(home, blob)
	if err != nil || string(got) != "JBSWY3DPEHPK3PXP" {
		t.Fatalf("%q, %v", got, err)
	}
	for name, move := range map[string]func(*place){
		"tenant": func(p *place) { p.tenant = "tnt_b" },
		"table":  func(p *place) { p.table = "outbox" },
		"column": func(p *place) { p.column = "other" },
		"row":    func(p *place) { p.row = "enr_2" },
		"owner":  func(p *place) { p.owner = "usr_2" },
		// The same bytes in a row, cut elsewhere.
		"cut": func(p *place) { p.row, p.owner = "enr_1u", "sr_1" },
	} {
		p := home
		move(&p)
		if got, err := r.open(p, blob); !errors.Is(err, errSealed) || got != nil {
			t.Errorf("moved to another %s: %q, %v", name, got, err)
		}
	}
}

func TestC41_EveryBitCounts(t *testing.T) {
	r := testRing(t)
	blob := r.seal(home, []byte("x"))
	for i := range blob {
		for bit := range 8 {
			bad := bytes.Clone(blob)
			bad[i] ^= 1 << bit
			if _, err := r.open(home, bad); !errors.Is(err, errSealed) {
				t.Errorf("byte %d, bit %d: %v", i, bit, err)
			}
		}
		if _, err := r.open(home, blob[:i]); !errors.Is(err, errSealed) {
			t.Errorf("cut at %d: %v", i, err)
		}
	}
}

// Old data keys open what they sealed; the newest one seals.
func TestC41_KeysAreVersioned(t *testing.T) {
	r := testRing(t)
	old := r.all[1].seal(home, []byte("old"))
	if got, err := r.open(home, old); err != nil || string(got) != "old" {
		t.Errorf("%q, %v", got, err)
	}
	if id, _ := keyOf(r.seal(home, nil)); id != 2 {
		t.Errorf("sealed under key %d", id)
	}
	if !bytes.Equal(r.seal(home, nil)[:sealHeader], []byte{1, 0, 0, 0, 2}) {
		t.Error("not version, key id")
	}
	if bytes.Equal(r.seal(home, []byte("a")), r.seal(home, []byte("a"))) {
		t.Error("two seals of one value are alike")
	}
	delete(r.all, 1)
	if _, err := r.open(home, old); !errors.Is(err, errSealed) {
		t.Errorf("without its key: %v", err)
	}
}

// What an earlier release has sealed must open for ever: this value and these
// keys were written once and never change.
func TestC41_Vectors(t *testing.T) {
	r := testRing(t)
	blob, err := hex.DecodeString(sealedVector)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := r.open(home, blob); err != nil || string(got) != "IntelliAuth" {
		t.Errorf("%q, %v; a new one: %x", got, err, r.seal(home, []byte("IntelliAuth")))
	}
	for _, v := range []struct{ what, want, got string }{
		{"derived key", derivedVector, hex.EncodeToString(derive(make([]byte, keySize), "root wrap"))},
		{"blind index", lookupVector, hex.EncodeToString(r.lookup("totp", []byte("lookup")))},
	} {
		if v.got != v.want {
			t.Errorf("%s is %s, was %s", v.what, v.got, v.want)
		}
	}
	roots, err := rootKeys([][]byte{make([]byte, keySize)})
	if err != nil || roots[0].id != rootIDVector {
		t.Errorf("root id is %v (%v), was %s", roots, err, rootIDVector)
	}
}

const (
	sealedVector  = "010000000201f65f5a9c4da8743c0438ee19512f307c7344af4b2f992340127a79879a2d67a43e5c2970a239"
	derivedVector = "6d421e063880992c57a8e7eb27c16011b791124ca9a91a769c9651cbc8c0aebb"
	lookupVector  = "df9bca8cd8aa60d557f1e54c979fbd455eb7d7ed27ff5664bb75d961d2cbefdb"
	rootIDVector  = "dc6e13271a690847"
)

func TestBlindIndex(t *testing.T) {
	r := testRing(t)
	base := r.lookup("totp", []byte("abc"))
	if len(base) != 32 || bytes.Contains(base, []byte("abc")) {
		t.Fatalf("%x", base)
	}
	other := testRing(t)
	other.index = bytes.Repeat([]byte{8}, keySize)
	for name, v := range map[string][]byte{
		"factor": r.lookup("otp", []byte("abc")), "cut": r.lookup("totpa", []byte("bc")),
		"lookup": r.lookup("totp", []byte("abd")), "key": other.lookup("totp", []byte("abc")),
	} {
		if bytes.Equal(base, v) {
			t.Errorf("another %s has the same index", name)
		}
	}
	if !bytes.Equal(base, r.lookup("totp", []byte("abc"))) {
		t.Error("not the same twice")
	}
	if r.lookup("totp", nil) != nil || r.lookup("totp", []byte{}) != nil {
		t.Error("nothing has an index")
	}
}

func TestRootKeysAreChecked(t *testing.T) {
	for _, keys := range [][][]byte{nil, {{}}, {make([]byte, 31)}, {make([]byte, 32), make([]byte, 33)}} {
		if _, err := rootKeys(keys); err == nil {
			t.Errorf("accepted %d keys of wrong sizes", len(keys))
		} else if strings.Contains(err.Error(), "\x00") {
			t.Error("the error shows a key")
		}
	}
}

func FuzzOpenSealed(f *testing.F) {
	r := testRing(f)
	good, _ := hex.DecodeString(sealedVector)
	f.Add(good)
	f.Add([]byte{})
	f.Add([]byte{1, 0, 0, 0, 1})
	f.Fuzz(func(t *testing.T, blob []byte) {
		if v, err := r.open(home, blob); err == nil && !bytes.Equal(blob, good) {
			t.Errorf("opened %x to %q", blob, v)
		}
	})
}
