package intelliauth

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"flag"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"
)

var writeVectors = flag.Bool("write-vectors", false, "write testdata/vectors.json, if there is none")

// vectors drive this verifier and the server's (CONTRACT: one file for both).
type vectors struct {
	Issuer   string          `json:"issuer"`
	Audience string          `json:"audience"`
	Now      time.Time       `json:"now"`
	JWKS     json.RawMessage `json:"jwks"`
	Tokens   []vector        `json:"tokens"`
	Proofs   []vector        `json:"proofs"`
}

type vector struct {
	Name       string `json:"name"`
	Compact    string `json:"compact"`
	Good       bool   `json:"good"`
	Method     string `json:"method,omitempty"`
	URL        string `json:"url,omitempty"`
	Access     string `json:"access,omitempty"`
	Thumbprint string `json:"thumbprint,omitempty"`
}

const vectorFile = "testdata/vectors.json"

// TestVectors holds this verifier against the common file.
func TestVectors(t *testing.T) {
	if *writeVectors {
		makeVectors(t)
	}
	raw, err := os.ReadFile(vectorFile)
	if err != nil {
		t.Fatal(err)
	}
	var file vectors
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	i := newIssuer(t)
	i.clock = file.Now
	i.on("/oauth2/jwks", func(*http.Request) *http.Response { return saidJSON(file.JWKS) })
	v := i.verifier()
	good := 0
	for _, c := range file.Tokens {
		if _, err := v.Verify(context.Background(), c.Compact); (err == nil) != c.Good {
			t.Errorf("token %q: %v, want good %v", c.Name, err, c.Good)
		}
		if c.Good {
			good++
		}
	}
	for _, c := range file.Proofs {
		r, err := http.NewRequest(c.Method, c.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("DPoP", c.Compact)
		v.publicURL = "https://api.example"
		v.proofs = newMemory()
		if err := v.proofOf(r, c.Access, &Token{Key: c.Thumbprint}); (err == nil) != c.Good {
			t.Errorf("proof %q: %v, want good %v", c.Name, err, c.Good)
		}
		if c.Good {
			good++
		}
	}
	if len(file.Tokens) < 20 || len(file.Proofs) < 12 || good < 5 {
		t.Errorf("%d tokens, %d proofs, %d good: the file is not whole", len(file.Tokens), len(file.Proofs), good)
	}
}

func makeVectors(t *testing.T) {
	if _, err := os.Stat(vectorFile); err == nil {
		t.Fatalf("%s exists; remove it first", vectorFile)
	}
	i := newIssuer(t)
	other := newIssuer(t)
	jwks, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: i.key.Public(), KeyID: i.kid, Algorithm: "ES256", Use: "sig"}}})
	if err != nil {
		t.Fatal(err)
	}
	now := i.clock
	file := vectors{Issuer: testIssuer, Audience: testAudience, Now: now, JWKS: jwks}
	add := func(name string, good bool, compact string) {
		file.Tokens = append(file.Tokens, vector{Name: name, Compact: compact, Good: good})
	}
	with := func(name string, value any) map[string]any { return map[string]any{name: value} }
	header := func(change map[jose.HeaderKey]any) map[jose.HeaderKey]any {
		h := map[jose.HeaderKey]any{"typ": "at+jwt", "kid": i.kid}
		for k, v := range change {
			if h[k] = v; v == nil {
				delete(h, k)
			}
		}
		return h
	}
	add("plain", true, i.token(nil))
	add("typ with its prefix", true, signed(t, i.key, i.claims(nil), header(map[jose.HeaderKey]any{"typ": "application/AT+JWT"}), false))
	add("of an application itself", true, i.token(map[string]any{"sub": "spa", "sid": nil, "acr": nil, "amr": nil, "auth_time": nil, "jti": "cc.1"}))
	for name, change := range map[string]map[string]any{
		"another issuer": with("iss", "https://evil.example"), "the issuer with a slash": with("iss", testIssuer+"/"), "no issuer": with("iss", nil),
		"another audience": with("aud", "https://other.example"), "no audience": with("aud", nil), "two audiences": with("aud", []string{testAudience, "https://other.example"}),
		"run out": with("exp", now.Add(-time.Minute).Unix()), "no exp": with("exp", nil), "exp as text": with("exp", "1772366400"),
		"made tomorrow": with("iat", now.Add(24*time.Hour).Unix()), "no iat": with("iat", nil), "not good yet": with("nbf", now.Add(time.Hour).Unix()),
	} {
		add(name, false, i.token(change))
	}
	good := i.token(nil)
	parts := strings.Split(good, ".")
	for name, compact := range map[string]string{
		"another key":       signed(t, other.key, i.claims(nil), header(nil), false),
		"an unknown kid":    signed(t, i.key, i.claims(nil), header(map[jose.HeaderKey]any{"kid": "k9"}), false),
		"no kid":            signed(t, i.key, i.claims(nil), header(map[jose.HeaderKey]any{"kid": nil}), false),
		"typ JWT":           signed(t, i.key, i.claims(nil), header(map[jose.HeaderKey]any{"typ": "JWT"}), false),
		"no typ":            signed(t, i.key, i.claims(nil), header(map[jose.HeaderKey]any{"typ": nil}), false),
		"brings its key":    signed(t, other.key, i.claims(nil), header(nil), true),
		"brings an address": signed(t, i.key, i.claims(nil), header(map[jose.HeaderKey]any{"jku": "https://evil.example/jwks"}), false),
		"alg none":          "eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0Iiwia2lkIjoiazEifQ." + parts[1] + ".",
		"a cut signature":   good[:len(good)-4],
		"a line break":      parts[0] + "." + parts[1] + ".\n" + parts[2],
		"padded":            good + "=",
		"nothing":           "",
		"one dot":           parts[0] + "." + parts[1],
	} {
		add(name, false, compact)
	}
	holder, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	prove := func(name string, good bool, change map[string]any, typ string) {
		c := map[string]any{"htm": "POST", "htu": "https://api.example/payouts", "jti": "j-" + name, "iat": now.Unix(), "ath": hashOf("an.access.token")}
		for k, v := range change {
			if c[k] = v; v == nil {
				delete(c, k)
			}
		}
		file.Proofs = append(file.Proofs, vector{
			Name: name, Good: good, Method: "POST", URL: "https://api.example/payouts", Access: "an.access.token", Thumbprint: thumbprintOf(t, holder),
			Compact: signed(t, holder, c, map[jose.HeaderKey]any{"typ": typ}, true),
		})
	}
	prove("plain", true, nil, "dpop+jwt")
	prove("query and port", true, with("htu", "HTTPS://API.example:443/payouts?a#b"), "dpop+jwt")
	prove("a minute old", true, with("iat", now.Add(-time.Minute).Unix()), "dpop+jwt")
	prove("another method", false, with("htm", "GET"), "dpop+jwt")
	prove("another path", false, with("htu", "https://api.example/payout"), "dpop+jwt")
	prove("another host", false, with("htu", "https://evil.example/payouts"), "dpop+jwt")
	prove("http", false, with("htu", "http://api.example/payouts"), "dpop+jwt")
	prove("too old", false, with("iat", now.Add(-70*time.Second).Unix()), "dpop+jwt")
	prove("tomorrow", false, with("iat", now.Add(24*time.Hour).Unix()), "dpop+jwt")
	prove("no iat", false, with("iat", nil), "dpop+jwt")
	prove("no jti", false, with("jti", nil), "dpop+jwt")
	prove("no ath", false, with("ath", nil), "dpop+jwt")
	prove("ath of another token", false, with("ath", hashOf("another")), "dpop+jwt")
	prove("typ JWT", false, nil, "JWT")
	raw, err := json.MarshalIndent(file, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll("testdata", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(vectorFile, append(raw, '\n'), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestA29_FailsClosed: a level counts with its time and its session, or not.
func TestA29_FailsClosed(t *testing.T) {
	i := newIssuer(t)
	v := i.verifier()
	strong := v.Authenticate(Require(AAL2, 5*time.Minute)(ok()))
	for name, c := range map[string]struct {
		change map[string]any
		status int
	}{
		"all well":              {nil, 200},
		"aal3":                  {map[string]any{"acr": "aal3"}, 200},
		"aal1":                  {map[string]any{"acr": "aal1"}, 401},
		"no acr":                {map[string]any{"acr": nil}, 401},
		"an unknown acr":        {map[string]any{"acr": "gold"}, 401},
		"acr in capitals":       {map[string]any{"acr": "AAL2"}, 401},
		"no auth_time":          {map[string]any{"auth_time": nil}, 401},
		"auth_time 0":           {map[string]any{"auth_time": 0}, 401},
		"too old":               {map[string]any{"auth_time": i.now().Add(-301 * time.Second).Unix()}, 401},
		"just young enough":     {map[string]any{"auth_time": i.now().Add(-300 * time.Second).Unix()}, 200},
		"auth_time tomorrow":    {map[string]any{"auth_time": i.now().Add(24 * time.Hour).Unix()}, 401},
		"no session":            {map[string]any{"sid": nil}, 401},
		"an application itself": {map[string]any{"sid": nil, "acr": nil, "auth_time": nil, "sub": "spa"}, 401},
	} {
		if rec := call(strong, "Authorization", "Bearer "+i.token(c.change)); rec.Code != c.status {
			t.Errorf("%s: %d %s", name, rec.Code, rec.Body)
		}
	}
	if rec := call(Require(AAL1, 0)(ok()), "Authorization", "Bearer "+i.token(nil)); rec.Code != 401 {
		t.Errorf("Require alone lets pass: %d", rec.Code)
	}
	if rec := call(RequireScope("orders")(ok()), "Authorization", "Bearer "+i.token(nil)); rec.Code != 403 {
		t.Errorf("RequireScope alone lets pass: %d", rec.Code)
	}
}

// TestA20A21_TheChallenge is what SDKs look for.
func TestA20A21_TheChallenge(t *testing.T) {
	i := newIssuer(t)
	v := i.verifier()
	rec := call(v.Authenticate(Require(AAL2, 5*time.Minute)(ok())), "Authorization", "bearer "+i.token(map[string]any{"acr": "aal1"}), "X-Request-Id", "r1")
	if got := rec.Header().Get("WWW-Authenticate"); got != `Bearer error="insufficient_user_authentication", error_description="A stronger or newer sign-in is required.", acr_values="aal2", max_age="300"` {
		t.Errorf("challenge %q", got)
	}
	var body map[string]any
	if err := json.Unmarshal(rec.Body.Bytes(), &body); err != nil {
		t.Fatal(err)
	}
	if rec.Code != 401 || body["code"] != "mfa_required" || body["requiredAal"] != 2.0 || body["maxAge"] != 300.0 || body["status"] != 401.0 || body["requestId"] != "r1" || rec.Header().Get("Content-Type") != "application/problem+json" {
		t.Errorf("%d %v", rec.Code, body)
	}
	if rec := call(v.Authenticate(ok())); rec.Code != 401 || rec.Header().Get("WWW-Authenticate") != "Bearer" {
		t.Errorf("without a token: %d %q", rec.Code, rec.Header().Get("WWW-Authenticate"))
	}
	if rec := call(v.Authenticate(RequireScope("orders", "pay")(ok())), "Authorization", "Bearer "+i.token(nil)); rec.Code != 403 || !strings.Contains(rec.Header().Get("WWW-Authenticate"), `error="insufficient_scope"`) || !strings.Contains(rec.Header().Get("WWW-Authenticate"), `scope="orders pay"`) {
		t.Errorf("scope: %d %q", rec.Code, rec.Header().Get("WWW-Authenticate"))
	}
	for name, headers := range map[string][]string{
		"two headers":    {"Authorization", "Bearer " + i.token(nil), "Authorization", "Bearer " + i.token(nil)},
		"another scheme": {"Authorization", "Basic YTpi"}, "no scheme": {"Authorization", i.token(nil)}, "nothing": {"Authorization", "Bearer "}, "garbage": {"Authorization", "Bearer \x00"},
	} {
		if rec := call(v.Authenticate(ok()), headers...); rec.Code != 401 && rec.Code != 400 || rec.Body.String() == "usr_1" {
			t.Errorf("%s: %d %s", name, rec.Code, rec.Body)
		}
	}
}

// H-33, H-34: a bound token is its key's.
func TestH33H34_BoundTokens(t *testing.T) {
	i := newIssuer(t)
	v := i.verifier()
	h := v.Authenticate(ok())
	holder, thief := newIssuer(t).key, newIssuer(t).key
	compact := i.token(map[string]any{"cnf": map[string]string{"jkt": thumbprintOf(t, holder)}})
	jti := 0
	proof := func(key *ecdsa.PrivateKey, change map[string]any) string {
		jti++
		c := map[string]any{"htm": "POST", "htu": testAudience + "/payouts", "jti": string(rune('a' + jti)), "iat": i.now().Unix(), "ath": hashOf(compact)}
		for k, value := range change {
			c[k] = value
		}
		return signed(t, key, c, map[jose.HeaderKey]any{"typ": "dpop+jwt"}, true)
	}
	v.publicURL = testAudience
	once := proof(holder, nil)
	if rec := call(h, "Authorization", "DPoP "+compact, "DPoP", once); rec.Code != 200 || rec.Body.String() != "usr_1" {
		t.Fatalf("%d %s", rec.Code, rec.Body)
	}
	for name, headers := range map[string][]string{
		"as Bearer": {"Authorization", "Bearer " + compact}, "as Bearer with a proof": {"Authorization", "Bearer " + compact, "DPoP", proof(holder, nil)},
		"no proof": {"Authorization", "DPoP " + compact}, "two proofs": {"Authorization", "DPoP " + compact, "DPoP", proof(holder, nil), "DPoP", proof(holder, nil)},
		"the same proof": {"Authorization", "DPoP " + compact, "DPoP", once}, "another's key": {"Authorization", "DPoP " + compact, "DPoP", proof(thief, nil)},
		"for another method":     {"Authorization", "DPoP " + compact, "DPoP", proof(holder, map[string]any{"htm": "GET"})},
		"a bearer as DPoP":       {"Authorization", "DPoP " + i.token(nil), "DPoP", proof(holder, nil)},
		"an empty key":           {"Authorization", "Bearer " + i.token(map[string]any{"cnf": map[string]string{"jkt": ""}})},
		"bound by a certificate": {"Authorization", "Bearer " + i.token(map[string]any{"cnf": map[string]string{"x5t#S256": "x"}})},
	} {
		if rec := call(h, headers...); rec.Code != 401 || rec.Body.String() == "usr_1" {
			t.Errorf("%s: %d %s", name, rec.Code, rec.Body)
		}
	}
	step := call(v.Authenticate(Require(AAL3, 0)(ok())), "Authorization", "DPoP "+compact, "DPoP", proof(holder, nil))
	if got := step.Header().Get("WWW-Authenticate"); !strings.HasPrefix(got, `DPoP error="insufficient_user_authentication"`) || !strings.Contains(got, `algs="ES256`) {
		t.Errorf("A-20 with a key: %q", got)
	}
}

// Keys: read once, anew when they change, and never from elsewhere.
func TestKeysAreReadWithCare(t *testing.T) {
	i := newIssuer(t)
	v := i.verifier()
	before := i.count("/oauth2/jwks")
	for range 100 {
		if _, err := v.Verify(context.Background(), i.token(nil)); err != nil {
			t.Fatal(err)
		}
	}
	if n := i.count("/oauth2/jwks") - before; n != 0 {
		t.Errorf("keys were read %d times for what is known", n)
	}
	i.pass(keyRetry)
	next := newIssuer(t)
	i.mu.Lock()
	i.key, i.kid = next.key, "k2"
	i.mu.Unlock()
	if _, err := v.Verify(context.Background(), i.token(nil)); err != nil {
		t.Errorf("a new key: %v", err)
	}
	for n := range 50 {
		i.mu.Lock()
		i.kid = "made-up-" + string(rune('a'+n%26))
		i.mu.Unlock()
		compact := i.token(nil)
		if _, err := v.Verify(context.Background(), compact); codeOf(err) != CodeInvalidToken {
			t.Fatalf("a made-up key: %v", err)
		}
	}
	if n := i.count("/oauth2/jwks") - before; n > 2 {
		t.Errorf("made-up names made it read keys %d times", n)
	}
}

// Bad input: an issuer that is down, slow, huge or somebody else's.
func TestIssuerThatCannotBeRead(t *testing.T) {
	big := strings.Repeat("x", 10<<20)
	for name, answer := range map[string]func(*http.Request) *http.Response{
		"down": func(*http.Request) *http.Response { return said(503, "text/plain", strings.NewReader("")) },
		"10 MB": func(*http.Request) *http.Response {
			return said(200, "application/json", strings.NewReader(`{"keys":[],"x":"`+big+`"}`))
		},
		"no JSON": func(*http.Request) *http.Response { return said(200, "application/json", strings.NewReader("<html>")) },
		"no keys": func(*http.Request) *http.Response { return saidJSON(map[string]any{"keys": []any{}}) },
		"a redirect": func(*http.Request) *http.Response {
			r := said(302, "", strings.NewReader(""))
			r.Header.Set("Location", "https://evil.example/jwks")
			return r
		},
		"secret keys": func(*http.Request) *http.Response {
			return saidJSON(map[string]any{"keys": []any{map[string]string{"kty": "oct", "k": "AAAA", "kid": "k1", "alg": "HS256"}}})
		},
	} {
		i := newIssuer(t)
		i.on("/oauth2/jwks", answer)
		if _, err := NewVerifier(context.Background(), testIssuer, testAudience, WithClient(&http.Client{Transport: i})); err == nil {
			t.Errorf("%s: it starts", name)
		}
	}
	for name, metadata := range map[string]any{
		"another issuer": map[string]string{"issuer": "https://evil.example", "jwks_uri": testIssuer + "/oauth2/jwks"},
		"keys elsewhere": map[string]string{"issuer": testIssuer, "jwks_uri": "https://evil.example/jwks"},
		"no keys":        map[string]string{"issuer": testIssuer},
	} {
		i := newIssuer(t)
		i.on("/.well-known/openid-configuration", func(*http.Request) *http.Response { return saidJSON(metadata) })
		if _, err := NewVerifier(context.Background(), testIssuer, testAudience, WithClient(&http.Client{Transport: i})); err == nil {
			t.Errorf("metadata of %s: it starts", name)
		}
	}
	for _, bad := range []string{"http://id.example", "id.example", "https://id.example?x", "https://u:p@id.example", "ftp://id.example"} {
		if _, err := NewVerifier(context.Background(), bad, testAudience); err == nil {
			t.Errorf("issuer %q: it starts", bad)
		}
	}
	// Down after the start: what is known goes on, what is not is not believed.
	i := newIssuer(t)
	v := i.verifier()
	compact := i.token(nil)
	i.on("/oauth2/jwks", func(*http.Request) *http.Response { return said(500, "", strings.NewReader("")) })
	i.pass(time.Minute)
	if _, err := v.Verify(context.Background(), compact); err != nil {
		t.Errorf("a known key: %v", err)
	}
	i.mu.Lock()
	i.kid = "k9"
	i.mu.Unlock()
	if _, err := v.Verify(context.Background(), i.token(nil)); codeOf(err) != CodeUnavailable {
		t.Errorf("an unknown key while the issuer is down: %v", err)
	}
	i.pass(keyStale)
	if _, err := v.Verify(context.Background(), compact); err == nil {
		t.Error("after a day without the issuer it still believes")
	}
}

func FuzzVerify(f *testing.F) {
	i := newIssuer(f)
	v := i.verifier()
	good := i.token(nil)
	f.Add(good)
	f.Add("..")
	f.Add(good[:len(good)-1] + "A")
	f.Fuzz(func(t *testing.T, compact string) {
		got, err := v.Verify(context.Background(), compact)
		if err == nil && (compact != good || got.Subject != "usr_1") {
			t.Errorf("%q is taken", compact)
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	i := newIssuer(b)
	v := i.verifier(followed())
	h := v.Authenticate(Require(AAL2, 5*time.Minute)(ok()))
	header := "Bearer " + i.token(nil)
	for b.Loop() {
		if rec := call(h, "Authorization", header); rec.Code != 200 {
			b.Fatal(rec.Code)
		}
	}
}
