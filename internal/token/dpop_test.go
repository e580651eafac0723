package token

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"maps"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"

	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/store/storetest"
)

// The example of RFC 9449, section 5, and the thumbprint of its key, section 6.
const (
	rfcProof      = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg"
	rfcThumbprint = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"
	rfcTime       = 1562262616
)

func TestRFC9449Example(t *testing.T) {
	at := time.Unix(rfcTime, 0)
	good := Shown{Compact: rfcProof, Method: "POST", URL: "https://server.example.com/token"}
	p, err := readProof(good, at)
	if err != nil || p.thumbprint != rfcThumbprint {
		t.Fatalf("%+v %v", p, err)
	}
	for i := range len(rfcProof) { // one character changed, anywhere
		c := byte('A')
		if rfcProof[i] == c {
			c = 'B'
		}
		if p, err := readProof(Shown{Compact: rfcProof[:i] + string(c) + rfcProof[i+1:], Method: "POST", URL: good.URL}, at); err == nil {
			t.Fatalf("changed at %d, and still taken: %+v", i, p)
		}
	}
}

// signer makes proofs with one key.
type signer struct {
	testing.TB
	alg jose.SignatureAlgorithm
	key any
}

func newSigner(t testing.TB) *signer {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return &signer{t, jose.ES256, key}
}

func (s *signer) sign(claims map[string]any, header map[jose.HeaderKey]any) string {
	s.Helper()
	o := (&jose.SignerOptions{EmbedJWK: true}).WithType("dpop+jwt")
	for name, value := range header {
		if value == nil {
			o.EmbedJWK = o.EmbedJWK && name != "jwk"
			continue
		}
		o.WithHeader(name, value)
	}
	made, err := jose.NewSigner(jose.SigningKey{Algorithm: s.alg, Key: s.key}, o)
	if err != nil {
		s.Fatal(err)
	}
	raw, err := json.Marshal(claims)
	if err != nil {
		s.Fatal(err)
	}
	jws, err := made.Sign(raw)
	if err != nil {
		s.Fatal(err)
	}
	out, err := jws.CompactSerialize()
	if err != nil {
		s.Fatal(err)
	}
	return out
}

const (
	tokenURL = "https://a.example/oauth2/token"
	besideIt = "an.access.token"
)

var proofTime = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func proofClaims(change map[string]any) map[string]any {
	claims := map[string]any{"htm": "POST", "htu": tokenURL, "jti": identity.RandomToken(12, rand.Reader), "iat": proofTime.Unix()}
	maps.Copy(claims, change)
	for name, v := range claims {
		if v == nil {
			delete(claims, name)
		}
	}
	return claims
}

// TestA30_EveryCheckOfAProof: what RFC 9449, 4.3, lists, and what keys may be.
func TestA30_EveryCheckOfAProof(t *testing.T) {
	s := newSigner(t)
	at := Shown{Method: "POST", URL: tokenURL}
	must := func(name, compact string, in Shown) {
		t.Helper()
		in.Compact = compact
		if _, err := readProof(in, proofTime); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	must("plain", s.sign(proofClaims(nil), nil), at)
	must("query and fragment do not count", s.sign(proofClaims(map[string]any{"htu": "HTTPS://A.example:443/oauth2/token?a=b#c"}), nil), at)
	must("a clock 4 minutes slow, with a nonce", s.sign(proofClaims(map[string]any{"iat": proofTime.Add(-4 * time.Minute).Unix(), "nonce": "n"}), nil), at)
	must("a clock 4 minutes fast, with a nonce", s.sign(proofClaims(map[string]any{"iat": proofTime.Add(4 * time.Minute).Unix(), "nonce": "n"}), nil), at)
	must("60 s old", s.sign(proofClaims(map[string]any{"iat": proofTime.Add(-60 * time.Second).Unix()}), nil), at)
	must("with a token", s.sign(proofClaims(map[string]any{"ath": "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo"}), nil), Shown{Method: "POST", URL: tokenURL, Access: "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"})
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	must("EdDSA", (&signer{t, jose.EdDSA, ed}).sign(proofClaims(nil), nil), at)
	big, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	must("PS256", (&signer{t, jose.PS256, big}).sign(proofClaims(nil), nil), at)

	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	private := jose.JSONWebKey{Key: s.key}
	parts := strings.Split(s.sign(proofClaims(nil), nil), ".")
	for name, c := range map[string]struct {
		compact string
		in      Shown
	}{
		"another method":        {s.sign(proofClaims(map[string]any{"htm": "GET"}), nil), at},
		"method in lower case":  {s.sign(proofClaims(map[string]any{"htm": "post"}), nil), at},
		"another path":          {s.sign(proofClaims(map[string]any{"htu": "https://a.example/oauth2/tokens"}), nil), at},
		"another host":          {s.sign(proofClaims(map[string]any{"htu": "https://b.example/oauth2/token"}), nil), at},
		"another port":          {s.sign(proofClaims(map[string]any{"htu": "https://a.example:444/oauth2/token"}), nil), at},
		"http":                  {s.sign(proofClaims(map[string]any{"htu": "http://a.example/oauth2/token"}), nil), at},
		"a name in the address": {s.sign(proofClaims(map[string]any{"htu": "https://a.example@b.example/oauth2/token"}), nil), at},
		"too old":               {s.sign(proofClaims(map[string]any{"iat": proofTime.Add(-66 * time.Second).Unix()}), nil), at},
		"in the future":         {s.sign(proofClaims(map[string]any{"iat": proofTime.Add(6 * time.Second).Unix()}), nil), at},
		"too old for any nonce": {s.sign(proofClaims(map[string]any{"iat": proofTime.Add(-301 * time.Second).Unix(), "nonce": "n"}), nil), at},
		"too early for any":     {s.sign(proofClaims(map[string]any{"iat": proofTime.Add(301 * time.Second).Unix(), "nonce": "n"}), nil), at},
		"no iat":                {s.sign(proofClaims(map[string]any{"iat": nil}), nil), at},
		"iat as text":           {s.sign(proofClaims(map[string]any{"iat": "1772366400"}), nil), at},
		"no jti":                {s.sign(proofClaims(map[string]any{"jti": nil}), nil), at},
		"a huge jti":            {s.sign(proofClaims(map[string]any{"jti": strings.Repeat("x", maxProofJTI+1)}), nil), at},
		"no htm":                {s.sign(proofClaims(map[string]any{"htm": nil}), nil), at},
		"no htu":                {s.sign(proofClaims(map[string]any{"htu": nil}), nil), at},
		"no ath beside a token": {s.sign(proofClaims(nil), nil), Shown{Method: "POST", URL: tokenURL, Access: besideIt}},
		"ath of another token":  {s.sign(proofClaims(map[string]any{"ath": "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo"}), nil), Shown{Method: "POST", URL: tokenURL, Access: besideIt}},
		"ath without a token":   {s.sign(proofClaims(map[string]any{"ath": "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo"}), nil), at},
		"typ JWT":               {s.sign(proofClaims(nil), map[jose.HeaderKey]any{"typ": "JWT"}), at},
		"typ at+jwt":            {s.sign(proofClaims(nil), map[jose.HeaderKey]any{"typ": "at+jwt"}), at},
		"no key":                {s.sign(proofClaims(nil), map[jose.HeaderKey]any{"jwk": nil}), at},
		"a private key":         {s.sign(proofClaims(nil), map[jose.HeaderKey]any{"jwk": private}), at},
		"another's key":         {s.sign(proofClaims(nil), map[jose.HeaderKey]any{"jwk": jose.JSONWebKey{Key: newSigner(t).key.(*ecdsa.PrivateKey).Public()}}), at},
		"an unknown header":     {s.sign(proofClaims(nil), map[jose.HeaderKey]any{"x5u": "https://evil.example"}), at},
		"P-384":                 {(&signer{t, jose.ES384, p384}).sign(proofClaims(nil), nil), at},
		"HS256":                 {hmacProof(t), at},
		"alg none":              {"eyJhbGciOiJub25lIiwidHlwIjoiZHBvcCtqd3QifQ." + parts[1] + ".", at},
		"a cut signature":       {parts[0] + "." + parts[1] + "." + parts[2][:40], at},
		"nothing":               {"", at},
		"no JWS":                {"dpop", at},
		"three dots":            {parts[0] + "." + parts[1] + "." + parts[2] + ".x", at},
		"a line break":          {parts[0] + "." + parts[1] + ".\n" + parts[2], at},
	} {
		c.in.Compact = c.compact
		p, err := readProof(c.in, proofTime)
		if wrong := (*ProofError)(nil); !errors.As(err, &wrong) || wrong.Code != "invalid_dpop_proof" {
			t.Errorf("%s: %+v %v", name, p, err)
		}
	}
}

func hmacProof(t *testing.T) string {
	made, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.HS256, Key: []byte(strings.Repeat("k", 32))}, (&jose.SignerOptions{}).WithType("dpop+jwt"))
	if err != nil {
		t.Fatal(err)
	}
	raw, _ := json.Marshal(proofClaims(nil))
	jws, err := made.Sign(raw)
	if err != nil {
		t.Fatal(err)
	}
	out, _ := jws.CompactSerialize()
	return out
}

// TestA31A32_OnceAndWithOurNonce: a proof counts once among any number, and only
// with a nonce of this use, this tenant and these two minutes.
func TestA31A32_OnceAndWithOurNonce(t *testing.T) {
	clock := proofTime
	now := func() time.Time { return clock }
	st := storetest.Open(t, storetest.WithClock(now))
	tenant := identity.Tenant{ID: "tnt_a", Issuer: "https://a.example"}
	other := identity.Tenant{ID: "tnt_b", Issuer: "https://b.example"}
	ctx := context.Background()
	for _, each := range []identity.Tenant{tenant, other} {
		if err := st.PutTenant(ctx, each); err != nil {
			t.Fatal(err)
		}
	}
	p := NewProofs(st, st.PepperFor, now)
	node := NewProofs(st, st.PepperFor, func() time.Time { return clock.Add(20 * time.Second) })
	s := newSigner(t)
	nonce := func(p *Proofs, tenant identity.Tenant, use Use) string {
		t.Helper()
		n, err := p.Nonce(ctx, tenant, use)
		if err != nil || len(n) < 22 {
			t.Fatal(n, err)
		}
		return n
	}
	show := func(nonce any) Shown {
		return Shown{Compact: s.sign(proofClaims(map[string]any{"nonce": nonce, "iat": clock.Unix()}), nil), Method: "POST", URL: tokenURL}
	}
	for name, n := range map[string]any{
		"none": nil, "empty": "", "another": "AAAAAAAAAAAAAAAAAAAAAA", "of an API": nonce(p, tenant, AtResource), "of another tenant": nonce(p, other, AtProvider),
	} {
		_, err := p.Check(ctx, tenant, AtProvider, show(n))
		if wrong := (*ProofError)(nil); !errors.As(err, &wrong) || wrong.Code != "use_dpop_nonce" {
			t.Errorf("nonce %s: %v", name, err)
		}
	}
	good := show(nonce(p, tenant, AtProvider))
	var taken atomic.Int64
	var wait sync.WaitGroup
	for range 16 {
		wait.Go(func() {
			if key, err := p.Check(ctx, tenant, AtProvider, good); err == nil && key != "" {
				taken.Add(1)
			}
		})
	}
	wait.Wait()
	if taken.Load() != 1 {
		t.Errorf("taken %d times", taken.Load())
	}
	kept := nonce(p, tenant, AtProvider)
	if _, err := node.Check(ctx, tenant, AtProvider, show(nonce(node, tenant, AtProvider))); err != nil {
		t.Errorf("a node whose clock is ahead: %v", err)
	}
	clock = clock.Add(nonceSlot)
	if _, err := p.Check(ctx, tenant, AtProvider, show(kept)); err != nil {
		t.Errorf("in the next slot: %v", err)
	}
	clock = clock.Add(nonceSlot)
	if _, err := p.Check(ctx, tenant, AtProvider, show(kept)); err == nil {
		t.Error("two slots later it still counts")
	}
	// A proof is remembered for as long as its nonce could let it pass again.
	latest := show(nonce(node, tenant, AtProvider))
	if _, err := p.Check(ctx, tenant, AtProvider, latest); err != nil {
		t.Fatal(err)
	}
	for range 8 {
		clock = clock.Add(nonceSlot / 2)
		if _, err := p.Check(ctx, tenant, AtProvider, latest); err == nil {
			t.Fatal("the proof counts again")
		}
	}
}

func FuzzProof(f *testing.F) {
	f.Add(rfcProof)
	f.Add("..")
	f.Add("eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2In0.e30.AA")
	f.Fuzz(func(t *testing.T, compact string) {
		p, err := readProof(Shown{Compact: compact, Method: "POST", URL: "https://server.example.com/token"}, time.Unix(rfcTime, 0))
		if err == nil && p.thumbprint == "" {
			t.Error("taken without a key")
		}
	})
}
