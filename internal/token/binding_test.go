package token

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	jose "github.com/go-jose/go-jose/v4"

	"github.com/intelliauth/intelliauth/internal/identity"
)

// bindingJWT signs claims as a browser does.
func bindingJWT(t testing.TB, alg jose.SignatureAlgorithm, key any, typ string, claims map[string]any, embed bool) string {
	t.Helper()
	o := (&jose.SignerOptions{EmbedJWK: embed}).WithType(jose.ContentType(typ))
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, o)
	if err != nil {
		t.Fatal(err)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	jws, err := s.Sign(payload)
	if err != nil {
		t.Fatal(err)
	}
	compact, err := jws.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return compact
}

func bindingKeys(t testing.TB) (*ecdsa.PrivateKey, *rsa.PrivateKey) {
	t.Helper()
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	r, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return ec, r
}

func TestD03_D04_RegistrationAndRefresh(t *testing.T) {
	ec, r := bindingKeys(t)
	for alg, key := range map[jose.SignatureAlgorithm]any{jose.ES256: ec, jose.RS256: r} {
		p, err := OpenBinding(bindingJWT(t, alg, key, "dbsc+jwt", map[string]any{"jti": "c1", "authorization": "a1", "more": 1}, true))
		if err != nil || p.Challenge != "c1" || p.Authorization != "a1" || p.Thumbprint == "" {
			t.Fatalf("%s: %+v %v", alg, p, err)
		}
		if strings.Contains(string(p.Key), `"d"`) || !strings.Contains(string(p.Key), string(alg)) {
			t.Errorf("kept: %s", p.Key)
		}
		got, err := CheckBinding(bindingJWT(t, alg, key, "dbsc+jwt", map[string]any{"jti": "c2"}, false), p.Key)
		if err != nil || got != "c2" {
			t.Errorf("%s: %q %v", alg, got, err)
		}
	}
}

func TestH59_ProofsThatAreNone(t *testing.T) {
	ec, r := bindingKeys(t)
	other, _ := bindingKeys(t)
	claims := map[string]any{"jti": "c", "authorization": "a"}
	good := bindingJWT(t, jose.ES256, ec, "dbsc+jwt", claims, true)
	p, err := OpenBinding(good)
	if err != nil {
		t.Fatal(err)
	}
	small, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	wide, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	part := strings.Split(good, ".")
	head := func(h string) string {
		return base64.RawURLEncoding.EncodeToString([]byte(h)) + "." + part[1] + "." + part[2]
	}
	for name, compact := range map[string]string{
		"empty":              "",
		"no JWS":             "a.b.c",
		"another typ":        bindingJWT(t, jose.ES256, ec, "dpop+jwt", claims, true),
		"no typ":             bindingJWT(t, jose.ES256, ec, "", claims, true),
		"no key":             bindingJWT(t, jose.ES256, ec, "dbsc+jwt", claims, false),
		"no jti":             bindingJWT(t, jose.ES256, ec, "dbsc+jwt", map[string]any{"authorization": "a"}, true),
		"PS256":              bindingJWT(t, jose.PS256, small, "dbsc+jwt", claims, true),
		"P-384":              bindingJWT(t, jose.ES384, wide, "dbsc+jwt", claims, true),
		"alg none":           head(`{"typ":"dbsc+jwt","alg":"none"}`),
		"HS256":              head(`{"typ":"dbsc+jwt","alg":"HS256"}`),
		"a changed header":   head(`{"typ":"dbsc+jwt","alg":"ES256"}`),
		"a changed payload":  part[0] + "." + base64.RawURLEncoding.EncodeToString([]byte(`{"jti":"d"}`)) + "." + part[2],
		"a private key":      head(privateHeader(t, ec)),
		"longer than enough": bindingJWT(t, jose.RS256, r, "dbsc+jwt", map[string]any{"jti": strings.Repeat("x", 4096)}, true),
	} {
		if _, err := OpenBinding(compact); !errors.Is(err, identity.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, compact := range map[string]string{
		"another key":         bindingJWT(t, jose.ES256, other, "dbsc+jwt", claims, false),
		"another algorithm":   bindingJWT(t, jose.RS256, r, "dbsc+jwt", claims, false),
		"a key that it has":   good,
		"another's key":       bindingJWT(t, jose.ES256, other, "dbsc+jwt", claims, true),
		"another typ":         bindingJWT(t, jose.ES256, ec, "JWT", claims, false),
		"no jti":              bindingJWT(t, jose.ES256, ec, "dbsc+jwt", map[string]any{}, false),
		"jti of another sort": bindingJWT(t, jose.ES256, ec, "dbsc+jwt", map[string]any{"jti": 1}, false),
	} {
		if _, err := CheckBinding(compact, p.Key); !errors.Is(err, identity.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// privateHeader is a header whose jwk holds the private half.
func privateHeader(t *testing.T, key *ecdsa.PrivateKey) string {
	t.Helper()
	jwk, err := (&jose.JSONWebKey{Key: key}).MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	return `{"typ":"dbsc+jwt","alg":"ES256","jwk":` + string(jwk) + `}`
}

func FuzzBinding(f *testing.F) {
	ec, _ := bindingKeys(f)
	good := bindingJWT(f, jose.ES256, ec, "dbsc+jwt", map[string]any{"jti": "c", "authorization": "a"}, true)
	f.Add(good)
	f.Add("a.b.c")
	p, err := OpenBinding(good)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, compact string) {
		if got, err := OpenBinding(compact); err == nil && (got.Challenge == "" || len(got.Key) == 0) {
			t.Errorf("%q: %+v", compact, got)
		}
		if _, err := CheckBinding(compact, p.Key); err == nil {
			t.Errorf("%q passes for a proof of a key that signed one thing, with its key in the header", compact)
		}
	})
}
