package token

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"

	"github.com/intelliauth/intelliauth/internal/identity"
)

var b64 = base64.RawURLEncoding

// forge writes a compact JWS with any header over any claims.
func forge(t *testing.T, header string, claims any, sign func(input []byte) []byte) string {
	t.Helper()
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	input := b64.EncodeToString([]byte(header)) + "." + b64.EncodeToString(payload)
	return input + "." + b64.EncodeToString(sign([]byte(input)))
}

// own signs with the tenant's own key, under any header.
func own(t *testing.T, k *Keys, tenant identity.Tenant) func([]byte) []byte {
	t.Helper()
	r, err := k.ring(t.Context(), tenant.ID)
	if err != nil {
		t.Fatal(err)
	}
	return func(input []byte) []byte {
		signature, err := r.keys[0].sign(rand.Reader, input)
		if err != nil {
			t.Fatal(err)
		}
		return signature
	}
}

func ownKid(t *testing.T, k *Keys, tenant identity.Tenant) string {
	t.Helper()
	for kid := range published(t, k, tenant) {
		return kid
	}
	t.Fatal("no key")
	return ""
}

// The control: the same forge with nothing wrong in it is accepted, so that each
// refusal below has the cause that it names.
func TestA39_ForgeControl(t *testing.T) {
	k, tenant, c := started(t, "ES256")
	kid := ownKid(t, k, tenant)
	for _, typ := range []string{"at+jwt", "AT+JWT", "application/at+jwt", "Application/At+Jwt"} {
		compact := forge(t, `{"alg":"ES256","kid":"`+kid+`","typ":"`+typ+`"}`, access(tenant, c.now()), own(t, k, tenant))
		if _, err := k.VerifyAccess(t.Context(), tenant, compact, ""); err != nil {
			t.Errorf("typ %q: %v", typ, err)
		}
	}
}

func TestA39_ForgedHeadersAreRefused(t *testing.T) {
	k, tenant, c := started(t, "ES256")
	kid := ownKid(t, k, tenant)
	attacker, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	byAttacker := func(input []byte) []byte {
		sum := sha256.Sum256(input)
		r, s, err := ecdsa.Sign(rand.Reader, attacker, sum[:])
		if err != nil {
			t.Fatal(err)
		}
		return append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
	}
	jwk, err := (&jose.JSONWebKey{Key: attacker.Public(), KeyID: kid, Algorithm: "ES256"}).MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	thumb, _ := (&jose.JSONWebKey{Key: attacker.Public()}).Thumbprint(crypto.SHA256)
	good := own(t, k, tenant)
	for name, forged := range map[string]struct {
		header string
		sign   func([]byte) []byte
	}{
		"alg none":            {`{"alg":"none","kid":"` + kid + `","typ":"at+jwt"}`, func([]byte) []byte { return []byte{0} }},
		"alg None":            {`{"alg":"None","kid":"` + kid + `","typ":"at+jwt"}`, good},
		"no alg":              {`{"kid":"` + kid + `","typ":"at+jwt"}`, good},
		"another alg":         {`{"alg":"EdDSA","kid":"` + kid + `","typ":"at+jwt"}`, good},
		"alg not of ours":     {`{"alg":"ES384","kid":"` + kid + `","typ":"at+jwt"}`, good},
		"no kid":              {`{"alg":"ES256","typ":"at+jwt"}`, good},
		"foreign kid":         {`{"alg":"ES256","kid":"` + b64.EncodeToString(thumb) + `","typ":"at+jwt"}`, byAttacker},
		"own kid, other key":  {`{"alg":"ES256","kid":"` + kid + `","typ":"at+jwt"}`, byAttacker},
		"brings jwk":          {`{"alg":"ES256","kid":"` + kid + `","typ":"at+jwt","jwk":` + string(jwk) + `}`, byAttacker},
		"brings jwk, well":    {`{"alg":"ES256","kid":"` + kid + `","typ":"at+jwt","jwk":` + string(jwk) + `}`, good},
		"brings jku":          {`{"alg":"ES256","kid":"` + kid + `","typ":"at+jwt","jku":"https://evil.test/jwks"}`, good},
		"brings x5u":          {`{"alg":"ES256","kid":"` + kid + `","typ":"at+jwt","x5u":"https://evil.test/x"}`, good},
		"crit":                {`{"alg":"ES256","kid":"` + kid + `","typ":"at+jwt","crit":["exp"],"exp":1}`, good},
		"unencoded payload":   {`{"alg":"ES256","kid":"` + kid + `","typ":"at+jwt","b64":false,"crit":["b64"]}`, good},
		"typ of an ID token":  {`{"alg":"ES256","kid":"` + kid + `","typ":"JWT"}`, good},
		"no typ":              {`{"alg":"ES256","kid":"` + kid + `"}`, good},
		"typ not a string":    {`{"alg":"ES256","kid":"` + kid + `","typ":["at+jwt"]}`, good},
		"typ with a tail":     {`{"alg":"ES256","kid":"` + kid + `","typ":"at+jwt;x"}`, good},
		"header name twice":   {`{"alg":"ES256","alg":"ES256","kid":"` + kid + `","typ":"at+jwt"}`, good},
		"header names cased":  {`{"ALG":"ES256","Kid":"` + kid + `","typ":"at+jwt"}`, good},
		"header is no object": {`["ES256"]`, good},
	} {
		compact := forge(t, forged.header, access(tenant, c.now()), forged.sign)
		if _, err := k.VerifyAccess(t.Context(), tenant, compact, ""); !errors.Is(err, identity.ErrInvalid) {
			t.Errorf("%s: %v, want a refusal", name, err)
		}
	}
}

// The classic: the public key, which everyone has, taken as an HMAC secret.
func TestA39_PublicKeyIsNoSecret(t *testing.T) {
	for _, alg := range []string{"ES256", "RS256"} {
		k, tenant, c := started(t, alg)
		for kid, key := range published(t, k, tenant) {
			der, err := x509.MarshalPKIXPublicKey(key.Key)
			if err != nil {
				t.Fatal(err)
			}
			jwk, _ := key.MarshalJSON()
			for _, secret := range [][]byte{der, jwk} {
				compact := forge(t, `{"alg":"HS256","kid":"`+kid+`","typ":"at+jwt"}`, access(tenant, c.now()), func(input []byte) []byte {
					mac := hmac.New(sha256.New, secret)
					mac.Write(input)
					return mac.Sum(nil)
				})
				if _, err := k.VerifyAccess(t.Context(), tenant, compact, ""); !errors.Is(err, identity.ErrInvalid) {
					t.Errorf("%s: %v", alg, err)
				}
			}
		}
	}
}

func TestA39_EveryFlippedBitIsRefused(t *testing.T) {
	k, tenant, c := started(t, "EdDSA")
	compact := sign(t, k, tenant, TypAccess, access(tenant, c.now()))
	for i := range compact {
		changed := compact[:i] + string(compact[i]^1) + compact[i+1:]
		if _, err := k.VerifyAccess(t.Context(), tenant, changed, ""); !errors.Is(err, identity.ErrInvalid) {
			t.Fatalf("byte %d (%q to %q): %v", i, compact[i], changed[i], err)
		}
	}
}

func TestA39_OneTokenHasOneSpelling(t *testing.T) {
	k, tenant, c := started(t, "ES256")
	compact := sign(t, k, tenant, TypAccess, access(tenant, c.now()))
	parts := strings.Split(compact, ".")
	spellings := map[string]string{
		"truncated":        compact[:len(compact)-1],
		"no signature":     parts[0] + "." + parts[1] + ".",
		"two parts":        parts[0] + "." + parts[1],
		"four parts":       compact + ".",
		"line break":       parts[0] + ".\n" + parts[1] + "." + parts[2],
		"padding":          compact + "==",
		"space":            " " + compact,
		"empty":            "",
		"only dots":        "..",
		"JSON form":        `{"protected":"` + parts[0] + `","payload":"` + parts[1] + `","signature":"` + parts[2] + `"}`,
		"standard base64":  strings.NewReplacer("-", "+", "_", "/").Replace(compact) + "+",
		"loose last bits":  parts[0] + "." + parts[1] + "." + loosen(parts[2]),
		"loose in payload": parts[0] + "." + loosen(parts[1]) + "." + parts[2],
	}
	for name, s := range spellings {
		if _, err := k.VerifyAccess(t.Context(), tenant, s, ""); !errors.Is(err, identity.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// loosen sets a bit that the last character of base64 does not use. Where it
// uses them all (a multiple of three bytes) it breaks the text otherwise.
func loosen(s string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	if len(s)%4 == 0 {
		return s + "A"
	}
	i := strings.IndexByte(alphabet, s[len(s)-1])
	return s[:len(s)-1] + alphabet[i|1:i|1+1]
}

func TestA39_OtherTenantsTokenIsRefused(t *testing.T) {
	c := newClock()
	one, two := tenantNamed("one", "ES256"), tenantNamed("two", "ES256")
	k := NewKeys(newStore(t, one, two), c.now, rand.Reader)
	for _, tenant := range []identity.Tenant{one, two} {
		if err := k.Ensure(t.Context(), tenant); err != nil {
			t.Fatal(err)
		}
	}
	compact := sign(t, k, one, TypAccess, access(one, c.now()))
	if _, err := k.VerifyAccess(t.Context(), two, compact, ""); !errors.Is(err, identity.ErrInvalid) {
		t.Errorf("by one, at two: %v", err)
	}
	claimed := sign(t, k, one, TypAccess, access(two, c.now()))
	if _, err := k.VerifyAccess(t.Context(), two, claimed, ""); !errors.Is(err, identity.ErrInvalid) {
		t.Errorf("by one in two's name, at two: %v", err)
	}
	if _, err := k.VerifyAccess(t.Context(), one, claimed, ""); !errors.Is(err, identity.ErrInvalid) {
		t.Errorf("by one in two's name, at one: %v", err)
	}
	if _, err := k.VerifyAccess(t.Context(), one, compact, ""); err != nil {
		t.Errorf("by one, at one: %v", err)
	}
}

func TestA39_ClaimsAreChecked(t *testing.T) {
	k, tenant, c := started(t, "EdDSA")
	now := c.now().Unix()
	audience := "https://api.example.com"
	for name, test := range map[string]struct {
		change func(map[string]any)
		ok     bool
	}{
		"nothing wrong":       {func(map[string]any) {}, true},
		"last second":         {func(m map[string]any) { m["exp"] = now + 1 }, true},
		"expires now":         {func(m map[string]any) { m["exp"] = now }, false},
		"no exp":              {func(m map[string]any) { delete(m, "exp") }, false},
		"a minute ahead":      {func(m map[string]any) { m["iat"] = now + 60 }, true},
		"more than a minute":  {func(m map[string]any) { m["iat"] = now + 61 }, false},
		"no iat":              {func(m map[string]any) { delete(m, "iat") }, false},
		"nbf to come":         {func(m map[string]any) { m["nbf"] = now + 61 }, false},
		"nbf past":            {func(m map[string]any) { m["nbf"] = now - 1 }, true},
		"other iss":           {func(m map[string]any) { m["iss"] = tenant.Issuer + "/" }, false},
		"no iss":              {func(m map[string]any) { delete(m, "iss") }, false},
		"other aud":           {func(m map[string]any) { m["aud"] = audience + "/v2" }, false},
		"several aud":         {func(m map[string]any) { m["aud"] = []string{audience, "x"} }, false},
		"no aud":              {func(m map[string]any) { delete(m, "aud") }, false},
		"claim in other case": {func(m map[string]any) { delete(m, "exp"); m["EXP"] = now + 60 }, false},
	} {
		payload, err := encode(access(tenant, c.now()))
		if err != nil {
			t.Fatal(err)
		}
		var claims map[string]any
		if err := json.Unmarshal(payload, &claims); err != nil {
			t.Fatal(err)
		}
		test.change(claims)
		_, err = k.VerifyAccess(t.Context(), tenant, sign(t, k, tenant, TypAccess, claims), audience)
		if test.ok && err != nil || !test.ok && !errors.Is(err, identity.ErrInvalid) {
			t.Errorf("%s: %v, want accepted %v", name, err, test.ok)
		}
	}
	twice := json.RawMessage(`{"iss":"` + tenant.Issuer + `","iss":"` + tenant.Issuer + `"}`)
	if err := k.Verify(t.Context(), tenant, sign(t, k, tenant, TypAccess, twice), TypAccess, &Access{}); !errors.Is(err, identity.ErrInvalid) {
		t.Errorf("a claim twice: %v", err)
	}
}

// an ID token is not an access token, nor the other way round.
func TestA11_TypesAreNotInterchangeable(t *testing.T) {
	k, tenant, c := started(t, "ES256")
	claims := access(tenant, c.now())
	if _, err := k.VerifyAccess(t.Context(), tenant, sign(t, k, tenant, TypID, claims), ""); !errors.Is(err, identity.ErrInvalid) {
		t.Errorf("ID token at an API: %v", err)
	}
	if _, err := k.VerifyIDHint(t.Context(), tenant, sign(t, k, tenant, TypAccess, claims)); !errors.Is(err, identity.ErrInvalid) {
		t.Errorf("access token as a hint: %v", err)
	}
}

// H-48: what is too large is not parsed: a megabyte costs less memory than its
// own decoding would.
func TestH48_HugeTokenIsRefusedUnread(t *testing.T) {
	k, tenant, c := started(t, "ES256")
	compact := sign(t, k, tenant, TypAccess, access(tenant, c.now()))
	parts := strings.Split(compact, ".")
	huge := parts[0] + "." + strings.Repeat("A", 1<<20) + "." + parts[2]
	deep := b64.EncodeToString([]byte(strings.Repeat("[", 11000)))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 100 {
		if err := k.Verify(t.Context(), tenant, huge, TypAccess, &Access{}); !errors.Is(err, identity.ErrInvalid) {
			t.Fatal(err)
		}
	}
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; got > 1<<20 {
		t.Errorf("refusing 100 MB of tokens allocated %d bytes", got)
	}
	for _, s := range []string{deep + ".e30." + parts[2], parts[0] + "." + deep + "." + parts[2]} {
		if err := k.Verify(t.Context(), tenant, s, TypAccess, &Access{}); !errors.Is(err, identity.ErrInvalid) {
			t.Errorf("deeply nested: %v", err)
		}
	}
	full := access(tenant, c.now())
	full.Scope = strings.Repeat("s", 11500)
	if _, err := k.VerifyAccess(t.Context(), tenant, sign(t, k, tenant, TypAccess, full), ""); err != nil {
		t.Errorf("a token just within the bound: %v", err)
	}
}

func TestA26_ExpiredHintIsAHint(t *testing.T) {
	k, tenant, c := started(t, "ES256")
	hint := sign(t, k, tenant, TypID, ID{
		Issuer: tenant.Issuer, Subject: "usr_1", Audience: "app", Session: "ses_1",
		IssuedAt: c.now().Unix(), Expires: c.now().Add(time.Minute).Unix(), Extra: map[string]any{"email": "a@example.com"},
	})
	c.move(12 * time.Hour)
	got, err := k.VerifyIDHint(t.Context(), tenant, hint)
	if err != nil || got.Subject != "usr_1" || got.Session != "ses_1" || got.Audience != "app" {
		t.Errorf("%+v, %v", got, err)
	}
	for name, id := range map[string]ID{
		"foreign issuer": {Issuer: "https://two.example.com", Subject: "usr_1"},
		"no subject":     {Issuer: tenant.Issuer},
	} {
		if _, err := k.VerifyIDHint(t.Context(), tenant, sign(t, k, tenant, TypID, id)); !errors.Is(err, identity.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzVerify(f *testing.F) {
	c := newClock()
	tenant := tenantNamed("one", "EdDSA")
	k := NewKeys(newStore(f, tenant), c.now, rand.Reader)
	if err := k.Ensure(f.Context(), tenant); err != nil {
		f.Fatal(err)
	}
	compact, err := k.Sign(f.Context(), tenant, TypAccess, access(tenant, c.now()))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(compact)
	f.Add("e30.e30.e30")
	f.Add("eyJhbGciOiJub25lIn0.e30.")
	f.Fuzz(func(t *testing.T, s string) {
		_, err := k.VerifyAccess(t.Context(), tenant, s, "")
		if s != compact && !errors.Is(err, identity.ErrInvalid) {
			t.Errorf("accepted or failed otherwise: %q: %v", s, err)
		}
	})
}
