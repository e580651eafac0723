package token

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"

	"github.com/intelliauth/intelliauth/internal/identity"
)

const (
	testIssuer = "https://one.example.com"
	testToken  = "https://one.example.com/oauth2/token"
)

// party is an application with a registered key.
type party struct {
	alg  jose.SignatureAlgorithm
	key  crypto.Signer
	jwks []byte
}

func newParty(t testing.TB, alg jose.SignatureAlgorithm) party {
	t.Helper()
	var key crypto.Signer
	var err error
	switch alg {
	case jose.ES256:
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case jose.EdDSA:
		_, key, err = ed25519.GenerateKey(rand.Reader)
	default:
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	}
	if err != nil {
		t.Fatal(err)
	}
	return party{alg, key, jwksOf(t, jose.JSONWebKey{Key: key.Public(), KeyID: "k1"})}
}

func jwksOf(t testing.TB, keys ...jose.JSONWebKey) []byte {
	t.Helper()
	out, err := json.Marshal(jose.JSONWebKeySet{Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (p party) assert(t testing.TB, headers map[jose.HeaderKey]any, claims any) string {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: p.alg, Key: p.key}, &jose.SignerOptions{ExtraHeaders: headers})
	if err != nil {
		t.Fatal(err)
	}
	payload, err := encode(claims)
	if err != nil {
		t.Fatal(err)
	}
	jws, err := signer.Sign(payload)
	if err != nil {
		t.Fatal(err)
	}
	compact, err := jws.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return compact
}

func goodAssertion(now time.Time) map[string]any {
	return map[string]any{
		"iss": "app", "sub": "app", "aud": testIssuer, "jti": "j1",
		"iat": now.Unix(), "exp": now.Add(time.Minute).Unix(),
	}
}

func verifyAssertion(compact string, jwks []byte, now time.Time) error {
	_, _, err := NewAssertions().Verify(compact, jwks, "app", []string{testIssuer, testToken}, now)
	return err
}

func TestA09_AssertionOfEachAlgorithm(t *testing.T) {
	now := newClock().now()
	for _, alg := range []jose.SignatureAlgorithm{jose.ES256, jose.EdDSA, jose.RS256, jose.PS256} {
		p := newParty(t, alg)
		for _, headers := range []map[jose.HeaderKey]any{
			nil, {"kid": "k1"}, {"typ": "JWT"}, {"typ": "client-authentication+jwt", "kid": "k1"}, {"jku": "https://evil.test/"},
		} {
			jti, exp, err := NewAssertions().Verify(p.assert(t, headers, goodAssertion(now)), p.jwks, "app", []string{testIssuer}, now)
			if err != nil || jti != "j1" || !exp.Equal(now.Add(time.Minute)) {
				t.Errorf("%s with %v: %q, %v, %v", alg, headers, jti, exp, err)
			}
		}
	}
}

func TestA09_AssertionClaims(t *testing.T) {
	now := newClock().now()
	p := newParty(t, jose.ES256)
	unix := func(d time.Duration) int64 { return now.Add(d).Unix() }
	for name, test := range map[string]struct {
		change map[string]any // nil takes the claim away
		ok     bool
	}{
		"good":                 {nil, true},
		"aud token endpoint":   {map[string]any{"aud": testToken}, true},
		"aud list":             {map[string]any{"aud": []string{"x", testIssuer}}, true},
		"aud elsewhere":        {map[string]any{"aud": "https://other.example.com"}, false},
		"aud with slash":       {map[string]any{"aud": testIssuer + "/"}, false},
		"aud empty list":       {map[string]any{"aud": []string{}}, false},
		"aud empty":            {map[string]any{"aud": ""}, false},
		"aud number":           {map[string]any{"aud": 7}, false},
		"aud null":             {map[string]any{"aud": json.RawMessage("null")}, false},
		"aud missing":          {map[string]any{"aud": nil}, false},
		"iss another":          {map[string]any{"iss": "app2"}, false},
		"iss missing":          {map[string]any{"iss": nil}, false},
		"sub another":          {map[string]any{"sub": "app2"}, false},
		"sub missing":          {map[string]any{"sub": nil}, false},
		"jti missing":          {map[string]any{"jti": nil}, false},
		"jti empty":            {map[string]any{"jti": ""}, false},
		"jti at its bound":     {map[string]any{"jti": strings.Repeat("j", 256)}, true},
		"jti too long":         {map[string]any{"jti": strings.Repeat("j", 257)}, false},
		"jti number":           {map[string]any{"jti": 5}, false},
		"exp missing":          {map[string]any{"exp": nil}, false},
		"exp now":              {map[string]any{"exp": unix(0)}, false},
		"exp past":             {map[string]any{"exp": unix(-time.Second)}, false},
		"exp in ten minutes":   {map[string]any{"exp": unix(10 * time.Minute)}, true},
		"exp too far":          {map[string]any{"exp": unix(10*time.Minute + time.Second)}, false},
		"exp huge":             {map[string]any{"exp": json.RawMessage("1e300")}, false},
		"exp negative":         {map[string]any{"exp": -1}, false},
		"exp text":             {map[string]any{"exp": "1e9"}, false},
		"exp with a fraction":  {map[string]any{"exp": float64(unix(time.Minute)) + 0.5}, true},
		"iat missing":          {map[string]any{"iat": nil}, true},
		"iat a minute ahead":   {map[string]any{"iat": unix(time.Minute)}, true},
		"iat farther ahead":    {map[string]any{"iat": unix(61 * time.Second)}, false},
		"nbf farther ahead":    {map[string]any{"nbf": unix(61 * time.Second)}, false},
		"claim in capitals":    {map[string]any{"exp": nil, "EXP": unix(time.Minute)}, false},
		"more than we know of": {map[string]any{"x": map[string]any{"y": 1}}, true},
	} {
		claims := goodAssertion(now)
		maps.Copy(claims, test.change)
		maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
		err := verifyAssertion(p.assert(t, nil, claims), p.jwks, now)
		if test.ok && err != nil || !test.ok && !errors.Is(err, identity.ErrInvalid) {
			t.Errorf("%s: %v, want accepted %v", name, err, test.ok)
		}
	}
	twice := json.RawMessage(fmt.Sprintf(`{"iss":"app","sub":"app","aud":%q,"jti":"j1","exp":%d,"exp":%d}`, testIssuer, unix(time.Minute), unix(time.Hour)))
	if err := verifyAssertion(p.assert(t, nil, twice), p.jwks, now); !errors.Is(err, identity.ErrInvalid) {
		t.Errorf("exp twice: %v", err)
	}
	if _, _, err := NewAssertions().Verify(p.assert(t, nil, map[string]any{
		"aud": testIssuer, "jti": "j", "exp": unix(time.Minute),
	}), p.jwks, "", []string{testIssuer}, now); !errors.Is(err, identity.ErrInvalid) {
		t.Errorf("nobody's assertion: %v", err)
	}
}

func TestA39_AssertionHeaders(t *testing.T) {
	now := newClock().now()
	p, attacker := newParty(t, jose.ES256), newParty(t, jose.ES256)
	claims := goodAssertion(now)
	jwk := jose.JSONWebKey{Key: attacker.key.Public(), KeyID: "k1"}
	for name, compact := range map[string]string{
		"another's key":         attacker.assert(t, nil, claims),
		"another's key, kid":    attacker.assert(t, map[jose.HeaderKey]any{"kid": "k1"}, claims),
		"brings its key":        attacker.assert(t, map[jose.HeaderKey]any{"jwk": jwk}, claims),
		"unknown kid":           p.assert(t, map[jose.HeaderKey]any{"kid": "k2"}, claims),
		"crit":                  p.assert(t, map[jose.HeaderKey]any{"crit": []string{"x"}, "x": 1}, claims),
		"typ of access token":   p.assert(t, map[jose.HeaderKey]any{"typ": "at+jwt"}, claims),
		"typ of a DPoP proof":   p.assert(t, map[jose.HeaderKey]any{"typ": "dpop+jwt"}, claims),
		"typ of a logout token": p.assert(t, map[jose.HeaderKey]any{"typ": "logout+jwt"}, claims),
		"alg none":              forge(t, `{"alg":"none"}`, claims, func([]byte) []byte { return []byte{0} }),
		"alg ES384":             forge(t, `{"alg":"ES384"}`, claims, func([]byte) []byte { return make([]byte, 96) }),
		"HS256 by the JWKS": forge(t, `{"alg":"HS256"}`, claims, func(input []byte) []byte {
			mac := hmac.New(sha256.New, p.jwks)
			mac.Write(input)
			return mac.Sum(nil)
		}),
	} {
		if err := verifyAssertion(compact, p.jwks, now); !errors.Is(err, identity.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := verifyAssertion(strings.Repeat("A", 1<<20)+".e30.AA", p.jwks, now); !errors.Is(err, identity.ErrInvalid) {
		t.Errorf("huge: %v", err)
	}
}

func TestA39_AssertionKeySets(t *testing.T) {
	now := newClock().now()
	p := newParty(t, jose.ES256)
	public := p.key.Public()
	compact := p.assert(t, nil, goodAssertion(now))
	withKey := func(jwk jose.JSONWebKey) []byte { return jwksOf(t, jwk) }
	raw, _ := (&jose.JSONWebKey{Key: public}).MarshalJSON()
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	weakly := party{alg: jose.RS256, key: weak, jwks: withKey(jose.JSONWebKey{Key: weak.Public()})}
	for name, test := range map[string]struct {
		compact string
		jwks    []byte
		ok      bool
	}{
		"as it should be":        {compact, p.jwks, true},
		"private half is there":  {compact, withKey(jose.JSONWebKey{Key: p.key}), true},
		"key says its algorithm": {compact, withKey(jose.JSONWebKey{Key: public, Algorithm: "ES256"}), true},
		"key of another alg":     {compact, withKey(jose.JSONWebKey{Key: public, Algorithm: "RS256"}), false},
		"key for encryption":     {compact, withKey(jose.JSONWebKey{Key: public, Use: "enc"}), false},
		"unknown kinds beside":   {compact, []byte(`{"keys":[{"kty":"NEW","x":1},{"kty":"oct","k":"AAAA"},7,` + string(raw) + `]}`), true},
		"second of two":          {compact, jwksOf(t, jose.JSONWebKey{Key: newParty(t, jose.ES256).key.Public()}, jose.JSONWebKey{Key: public}), true},
		"none":                   {compact, nil, false},
		"empty":                  {compact, []byte(`{"keys":[]}`), false},
		"no JSON":                {compact, []byte(`{"keys":`), false},
		"too large":              {compact, append(p.jwks[:len(p.jwks):len(p.jwks)], []byte(strings.Repeat(" ", maxClientJWKS))...), false},
		"RSA of 1024 bits":       {weakly.assertWeak(t, goodAssertion(now)), weakly.jwks, false},
	} {
		if err := verifyAssertion(test.compact, test.jwks, now); (err == nil) != test.ok {
			t.Errorf("%s: %v, want accepted %v", name, err, test.ok)
		}
	}
}

// assertWeak signs with a key that libraries may refuse to sign with.
func (p party) assertWeak(t *testing.T, claims any) string {
	return forge(t, `{"alg":"RS256"}`, claims, func(input []byte) []byte {
		sum := sha256.Sum256(input)
		signature, err := p.key.Sign(rand.Reader, sum[:], crypto.SHA256)
		if err != nil {
			t.Fatal(err)
		}
		return signature
	})
}

func TestAssertionKeysAreKeptByTheirBytes(t *testing.T) {
	now := newClock().now()
	a := NewAssertions()
	old, next := newParty(t, jose.EdDSA), newParty(t, jose.EdDSA)
	verify := func(p party, jwks []byte) error {
		_, _, err := a.Verify(p.assert(t, nil, goodAssertion(now)), jwks, "app", []string{testIssuer}, now)
		return err
	}
	if err := verify(old, old.jwks); err != nil {
		t.Fatal(err)
	}
	if err := verify(old, next.jwks); err == nil {
		t.Error("a replaced key still opens")
	}
	if err := verify(next, next.jwks); err != nil {
		t.Error(err)
	}
	for i := range 3 * maxKeptSets {
		_ = verify(old, []byte(fmt.Sprintf(`{"keys":[],"n":%d}`, i)))
	}
	if n := len(a.sets); n > maxKeptSets {
		t.Errorf("%d sets kept, want at most %d", n, maxKeptSets)
	}
}

func FuzzAssertion(f *testing.F) {
	now := newClock().now()
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)) // the same in every process that fuzzes
	p := party{jose.EdDSA, key, jwksOf(f, jose.JSONWebKey{Key: key.Public(), KeyID: "k1"})}
	compact := p.assert(f, map[jose.HeaderKey]any{"kid": "k1", "typ": "JWT"}, goodAssertion(now))
	f.Add(compact, p.jwks)
	f.Add("eyJhbGciOiJub25lIn0.e30.AA", []byte(`{"keys":[{"kty":"oct","k":"AAAA"}]}`))
	f.Add("..", []byte(`{}`))
	f.Fuzz(func(t *testing.T, s string, jwks []byte) {
		jti, exp, err := NewAssertions().Verify(s, jwks, "app", []string{testIssuer}, now)
		switch {
		case err == nil && s != compact:
			t.Errorf("accepted %q", s)
		case err == nil && (jti == "" || exp.IsZero()):
			t.Error("accepted without id or end")
		case err != nil && (!errors.Is(err, identity.ErrInvalid) || jti != "" || !exp.IsZero()):
			t.Errorf("refused oddly: %q %v %v", jti, exp, err)
		}
	})
}
