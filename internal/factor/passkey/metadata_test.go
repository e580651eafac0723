package passkey

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"
)

func jsonOf(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(raw)
}

// TestMetadataIsSignedUnderItsRoot, or nothing of it is taken; what was known
// stays.
func TestMetadataIsSignedUnderItsRoot(t *testing.T) {
	s := newShop(t)
	entry := modelled([16]byte{7}, s.maker.cert, nil)
	payload := func(number int) map[string]any {
		return map[string]any{"no": number, "nextUpdate": "2026-04-01", "entries": []any{entry}}
	}
	svc, evil := s.service, newService()
	middle := newMaker("Between")
	middle.cert = svc.root.issue(&x509.Certificate{Subject: middle.cert.Subject, IsCA: true, BasicConstraintsValid: true}, &middle.key.PublicKey)
	far, farKey := middle.batch([16]byte{}, nil)
	for what, blob := range map[string][]byte{
		"nothing":                      nil,
		"no JWT":                       []byte("a.b"),
		"signed by another root":       evil.signed(payload(9), evil.key, evil.leaf),
		"another root, sent along":     evil.signed(payload(9), evil.key, evil.leaf, evil.root.cert),
		"our certificate, another key": svc.signed(payload(9), evil.key, svc.leaf),
		"no certificate":               svc.signed(payload(9), svc.key),
		"HMAC with the public key":     svc.signed(payload(9), svc.leaf.RawSubjectPublicKeyInfo, svc.leaf),
		"the link is missing":          svc.signed(payload(9), farKey, far),
		"not signed":                   []byte(base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + "." + base64.RawURLEncoding.EncodeToString([]byte(jsonOf(payload(9)))) + "."),
		"no date of the next edition":  svc.signed(map[string]any{"no": 9, "entries": []any{entry}}, svc.key, svc.leaf),
		"no entries":                   svc.signed(map[string]any{"no": 9, "nextUpdate": "2026-04-01"}, svc.key, svc.leaf),
		"an older edition":             svc.signed(payload(0), svc.key, svc.leaf),
		"no object":                    svc.signed([]int{1}, svc.key, svc.leaf),
	} {
		if _, err := s.known.Load(blob, svc.pem(), march); err == nil {
			t.Errorf("%s: taken", what)
		}
		if !s.known.Trusts(s.model) || s.known.Number() != 1 {
			t.Fatalf("%s: what was known is gone", what)
		}
	}
	if _, err := s.known.Load(svc.signed(payload(9), farKey, far, middle.cert), svc.pem(), march); err != nil || s.known.Number() != 9 {
		t.Errorf("a chain of two: %v", err)
	}
	if s.known.Trusts(s.model) {
		t.Error("a model that the new edition leaves out is trusted")
	}
}

// TestMetadataAndTime: certificates count at the moment that is given.
func TestMetadataAndTime(t *testing.T) {
	s := newShop(t)
	blob := s.service.edition(modelled(s.aaguid, s.maker.cert, nil))
	for year, ok := range map[int]bool{2019: false, 2026: true, 2061: false} {
		_, err := (&Metadata{}).Load(blob, s.service.pem(), time.Date(year, 6, 1, 0, 0, 0, 0, time.UTC))
		if (err == nil) != ok {
			t.Errorf("in %d: %v", year, err)
		}
	}
	for what, root := range map[string][]byte{"none": nil, "no PEM": []byte("x"), "a key": bytes.ReplaceAll(s.service.pem(), []byte("CERTIFICATE"), []byte("PUBLIC KEY"))} {
		if _, err := (&Metadata{}).Load(blob, root, march); err == nil {
			t.Errorf("root %s: taken", what)
		}
	}
	if _, err := (&Metadata{}).Load(append(blob, '\n'), append(newService().pem(), s.service.pem()...), march); err != nil {
		t.Errorf("two roots and a line break: %v", err)
	}
}

// TestMetadataWithOneBitFlipped, in each byte of what it is made of.
func TestMetadataWithOneBitFlipped(t *testing.T) {
	s := newShop(t)
	parts := strings.Split(string(s.service.edition(modelled(s.aaguid, s.maker.cert, nil))), ".")
	for part := range parts {
		raw, err := base64.RawURLEncoding.DecodeString(parts[part])
		if err != nil {
			t.Fatal(err)
		}
		for at := range raw {
			bad := append([]string{}, parts...)
			flipped := bytes.Clone(raw)
			flipped[at] ^= 1 << (at % 8)
			bad[part] = base64.RawURLEncoding.EncodeToString(flipped)
			if _, err := s.known.Load([]byte(strings.Join(bad, ".")), s.service.pem(), march); err == nil {
				t.Errorf("byte %d of part %d: taken", at, part)
			}
		}
	}
	if _, err := s.known.Load([]byte(strings.Join(parts, ".")), s.service.pem(), march); err != nil {
		t.Errorf("whole: %v", err)
	}
}

// TestMetadataOfOneModelTwice counts the worse.
func TestMetadataOfOneModelTwice(t *testing.T) {
	s := newShop(t)
	revoked := modelled(s.aaguid, s.maker.cert, func(e, _ map[string]any) {
		e["statusReports"] = []any{map[string]any{"status": "REVOKED", "effectiveDate": "2026-01-01"}}
	})
	good := modelled(s.aaguid, s.maker.cert, nil)
	for _, entries := range [][]map[string]any{{good, revoked}, {revoked, good}} {
		if _, err := s.known.Load(s.service.edition(entries...), s.service.pem(), march); err != nil {
			t.Fatal(err)
		}
		if s.known.Trusts(s.model) {
			t.Error("trusted")
		}
	}
}

// TestMetadataOfNobodyTrustsNobody, and may be nil.
func TestMetadataOfNobodyTrustsNobody(t *testing.T) {
	for _, m := range []*Metadata{nil, {}} {
		if m.Trusts("") || m.Trusts("6861726477617265-206d-6f64-656c-2035") || m.Number() != 0 || m.strongest(modeAny, nil) != "" {
			t.Error("trusted")
		}
	}
	if newShop(t).known.Trusts("") {
		t.Error("a key without a model is trusted")
	}
}

// TestMetadataIsReplacedWhileItIsAsked: for the race detector.
func TestMetadataIsReplacedWhileItIsAsked(t *testing.T) {
	s := newShop(t)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 100 {
				if !s.known.Trusts(s.model) {
					t.Error("not trusted")
				}
			}
		})
	}
	for range 10 {
		s.load(t, nil)
	}
	all.Wait()
}
