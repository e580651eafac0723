package oidc

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"

	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/token"
)

// holder has a key, and proves it.
type holder struct {
	*world
	key *ecdsa.PrivateKey
}

func (w *world) holder() *holder {
	w.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	w.must(err)
	return &holder{w, key}
}

func (h *holder) thumbprint() string {
	sum, err := (&jose.JSONWebKey{Key: h.key.Public()}).Thumbprint(5) // crypto.SHA256
	h.must(err)
	return base64.RawURLEncoding.EncodeToString(sum)
}

func (h *holder) proof(method, path, nonce, access string) string {
	h.Helper()
	claims := map[string]any{"htm": method, "htu": h.tenant.Issuer + path, "jti": identity.RandomToken(12, rand.Reader), "iat": h.now().Unix()}
	if nonce != "" {
		claims["nonce"] = nonce
	}
	if access != "" {
		sum := sha256.Sum256([]byte(access))
		claims["ath"] = base64.RawURLEncoding.EncodeToString(sum[:])
	}
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: h.key}, (&jose.SignerOptions{EmbedJWK: true}).WithType("dpop+jwt"))
	h.must(err)
	raw, err := json.Marshal(claims)
	h.must(err)
	jws, err := s.Sign(raw)
	h.must(err)
	out, err := jws.CompactSerialize()
	h.must(err)
	return out
}

// ask posts as a public client with a proof; where a nonce is wanted, again with
// it, as RFC 9449, section 8, says.
func (h *holder) ask(path string, form url.Values) answer {
	h.Helper()
	nonce := ""
	for range 2 {
		a := read(h, h.browser().send(http.MethodPost, path, form, "DPoP", h.proof("POST", path, nonce, "")))
		if a.text("error") != "use_dpop_nonce" {
			return a
		}
		if a.status != http.StatusBadRequest || a.header.Get("Dpop-Nonce") == "" {
			h.Fatalf("%d %v", a.status, a.header)
		}
		nonce = a.header.Get("Dpop-Nonce")
	}
	h.Fatal("the nonce that was given is not taken")
	return answer{}
}

func exchangeForm(code string) url.Values {
	return url.Values{"client_id": {"spa"}, "grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {callback}, "code_verifier": {verifier}}
}

func refreshForm(token string) url.Values {
	return url.Values{"client_id": {"spa"}, "grant_type": {"refresh_token"}, "refresh_token": {token}}
}

func (h *holder) signIn(name string, change ...string) answer {
	h.Helper()
	a := h.ask(TokenPath, exchangeForm(h.browser().code(name, ask("spa", change...))))
	if a.status != http.StatusOK {
		h.Fatalf("%d %s", a.status, a.raw)
	}
	return a
}

// userinfo asks with a token as scheme, with a proof unless it is empty.
func (h *holder) userinfo(scheme, access, proof string) answer {
	h.Helper()
	headers := []string{"Authorization", scheme + " " + access}
	if proof != "" {
		headers = append(headers, "DPoP", proof)
	}
	return read(h, h.browser().get(UserinfoPath, headers...))
}

// TestA33_TokensAreTheKeys: the token says its key, and works with it alone.
func TestA33_TokensAreTheKeys(t *testing.T) {
	w := newWorld(t)
	h := w.holder()
	a := h.signIn("ada")
	access := a.text("access_token")
	cnf, _ := a.access(t)["cnf"].(map[string]any)
	if a.text("token_type") != "DPoP" || cnf["jkt"] != h.thumbprint() {
		t.Fatalf("%s %v", a.text("token_type"), cnf)
	}
	if told := w.post(IntrospectPath, "api", url.Values{"token": {access}}); told.text("token_type") != "DPoP" || told.body["cnf"].(map[string]any)["jkt"] != h.thumbprint() {
		t.Errorf("introspection: %s", told.raw)
	}
	first := h.userinfo("DPoP", access, h.proof("GET", UserinfoPath, "", access))
	nonce := first.header.Get("Dpop-Nonce")
	if first.status != http.StatusUnauthorized || !strings.Contains(first.header.Get("Www-Authenticate"), `DPoP error="use_dpop_nonce"`) || nonce == "" {
		t.Fatalf("%d %v", first.status, first.header)
	}
	proof := h.proof("GET", UserinfoPath, nonce, access)
	if got := h.userinfo("dpop", access, proof); got.status != http.StatusOK || got.text("sub") != w.users["ada"].ID {
		t.Fatalf("%d %s", got.status, got.raw)
	}
	thief := w.holder()
	plain, _ := w.signIn("spa", "ada")
	atProvider := h.ask(TokenPath, refreshForm("x")).header.Get("Dpop-Nonce")
	for name, got := range map[string]answer{
		"H-34 as Bearer":                  h.userinfo("Bearer", access, ""),
		"H-34 as Bearer, with a proof":    h.userinfo("Bearer", access, h.proof("GET", UserinfoPath, nonce, access)),
		"H-34 another's key":              h.userinfo("DPoP", access, thief.proof("GET", UserinfoPath, nonce, access)),
		"H-33 the same proof again":       h.userinfo("DPoP", access, proof),
		"H-33 a proof for another method": h.userinfo("DPoP", access, h.proof("POST", UserinfoPath, nonce, access)),
		"H-33 for another address":        h.userinfo("DPoP", access, h.proof("GET", TokenPath, nonce, access)),
		"H-33 for another token":          h.userinfo("DPoP", access, h.proof("GET", UserinfoPath, nonce, plain.text("access_token"))),
		"A-32 a nonce of the provider":    h.userinfo("DPoP", access, h.proof("GET", UserinfoPath, atProvider, access)),
		"no proof":                        h.userinfo("DPoP", access, ""),
		"a bearer token as DPoP":          h.userinfo("DPoP", plain.text("access_token"), h.proof("GET", UserinfoPath, nonce, plain.text("access_token"))),
	} {
		if got.status != http.StatusUnauthorized || !strings.HasPrefix(got.header.Get("Www-Authenticate"), "DPoP error=") {
			t.Errorf("%s: %d %q", name, got.status, got.header.Get("Www-Authenticate"))
		}
	}
	rec := w.browser().get(UserinfoPath, "Authorization", "DPoP "+access, "DPoP", h.proof("GET", UserinfoPath, nonce, access), "DPoP", h.proof("GET", UserinfoPath, nonce, access))
	if rec.Code != http.StatusUnauthorized {
		t.Errorf("two proofs: %d", rec.Code)
	}
}

// TestA12_ABoundRefreshTokenIsTheKeys: a thief without the key gets nothing, and
// ends nothing; the owner goes on.
func TestA12_ABoundRefreshTokenIsTheKeys(t *testing.T) {
	w := newWorld(t)
	h := w.holder()
	a := h.signIn("ada")
	stolen := a.text("refresh_token")
	w.refresh("spa", stolen).want(t, 400, "invalid_grant")
	w.holder().ask(TokenPath, refreshForm(stolen)).want(t, 400, "invalid_grant")
	// S-18: that somebody has it is told, once in a while, and raises risk.
	if told := w.events(identity.EventKeyForeign); len(told) != 1 || told[0].User != w.users["ada"].ID || told[0].Application != "spa" || w.user("ada").TheftAt == nil {
		t.Errorf("told: %+v", told)
	}
	b := h.ask(TokenPath, refreshForm(stolen))
	if b.status != http.StatusOK || b.text("token_type") != "DPoP" || b.access(t)["cnf"] == nil {
		t.Fatalf("the owner: %d %s", b.status, b.raw)
	}
	// a lost reply is given again to the same key, and to no other.
	again := h.ask(TokenPath, refreshForm(stolen))
	if again.status != http.StatusOK || again.text("refresh_token") != b.text("refresh_token") {
		t.Errorf("a lost reply: %d %s", again.status, again.raw)
	}
	w.holder().ask(TokenPath, refreshForm(stolen)).want(t, 400, "invalid_grant")
	if next := h.ask(TokenPath, refreshForm(b.text("refresh_token"))); next.status != http.StatusOK {
		t.Errorf("after the thief: %d %s", next.status, next.raw)
	}
	w.pass(time.Minute)
	h.ask(TokenPath, refreshForm(stolen)).want(t, 400, "invalid_grant") // reuse by the key's holder: the family ends
	if len(w.events(identity.EventTokenReused)) != 1 {
		t.Error("a reuse went untold")
	}
}

// TestA33_ACodeBoundToAKey: dpop_jkt at authorize and at PAR.
func TestA33_ACodeBoundToAKey(t *testing.T) {
	w := newWorld(t)
	h, thief := w.holder(), w.holder()
	for name, steal := range map[string]func(code string) answer{
		"without a proof": func(code string) answer { return w.redeem("spa", code) },
		"another key":     func(code string) answer { return thief.ask(TokenPath, exchangeForm(code)) },
	} {
		code := w.browser().code("ada", ask("spa", "dpop_jkt", h.thumbprint()))
		if got := steal(code); got.status != 400 || got.text("error") != "invalid_grant" {
			t.Errorf("%s: %d %s", name, got.status, got.raw)
		}
	}
	if got := h.ask(TokenPath, exchangeForm(w.browser().code("ada", ask("spa", "dpop_jkt", h.thumbprint())))); got.status != http.StatusOK {
		t.Errorf("its key: %d %s", got.status, got.raw)
	}
	pushed := h.ask(PARPath, ask("spa"))
	if pushed.status != http.StatusCreated {
		t.Fatal(pushed.raw)
	}
	code := w.browser().code("ada", url.Values{"client_id": {"spa"}, "request_uri": {pushed.text("request_uri")}})
	w.redeem("spa", code).want(t, 400, "invalid_grant")
	h.ask(PARPath, ask("spa", "dpop_jkt", thief.thumbprint())).want(t, 400, "invalid_dpop_proof")
	if got := answerOf(t, w.browser().get(AuthorizePath+"?"+ask("spa", "dpop_jkt", "short").Encode())); got.Get("error") != "invalid_request" {
		t.Errorf("malformed: %v", got)
	}
}

// TestA33_WhereAKeyIsRequired nothing is given without one, and nothing is taken
// before it is proved (C-31).
func TestA33_WhereAKeyIsRequired(t *testing.T) {
	w := newWorld(t)
	app := w.app("spa")
	app.RequireDPoP = true
	w.putApp(app)
	w.serve(w.engine)
	code := w.browser().code("ada", ask("spa"))
	w.redeem("spa", code).want(t, 400, "invalid_dpop_proof")
	h := w.holder()
	nonce := h.ask(TokenPath, refreshForm("x")).header.Get("Dpop-Nonce")
	bad := read(t, w.browser().send(http.MethodPost, TokenPath, exchangeForm(code), "DPoP", h.proof("GET", TokenPath, nonce, "")))
	bad.want(t, 400, "invalid_dpop_proof")
	if got := h.ask(TokenPath, exchangeForm(code)); got.status != http.StatusOK {
		t.Errorf("the code was spent by who proved nothing: %d %s", got.status, got.raw)
	}
	two := read(t, w.browser().send(http.MethodPost, TokenPath, exchangeForm(code), "DPoP", "a", "DPoP", "b"))
	two.want(t, 400, "invalid_dpop_proof")
}

// H-36 in part: one proof, sent many times at once, buys one answer.
func TestH33_OneProofOneAnswer(t *testing.T) {
	w := newWorld(t)
	h := w.holder()
	a := h.signIn("ada")
	nonce := h.ask(TokenPath, refreshForm("x")).header.Get("Dpop-Nonce")
	proof := h.proof("POST", TokenPath, nonce, "")
	var mu sync.Mutex
	got := map[int]int{}
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			rec := w.browser().send(http.MethodPost, TokenPath, refreshForm(a.text("refresh_token")), "DPoP", proof)
			mu.Lock()
			defer mu.Unlock()
			got[rec.Code]++
		})
	}
	wait.Wait()
	if got[http.StatusOK] != 1 {
		t.Errorf("answers: %v", got)
	}
}

// A machine's token may be bound, too; and the metadata say what is taken.
func TestA30_ClientCredentialsAndMetadata(t *testing.T) {
	w := newWorld(t)
	h := w.holder()
	nonce := h.ask(TokenPath, refreshForm("x")).header.Get("Dpop-Nonce")
	rec := w.browser().send(http.MethodPost, TokenPath, url.Values{"grant_type": {"client_credentials"}}, "Authorization", basic("web", webSecret), "DPoP", h.proof("POST", TokenPath, nonce, ""))
	a := read(t, rec)
	if a.status != http.StatusOK || a.text("token_type") != "DPoP" || a.access(t)["cnf"] == nil {
		t.Errorf("%d %s", a.status, a.raw)
	}
	meta := read(t, w.browser().get("/.well-known/openid-configuration"))
	if got, _ := meta.body["dpop_signing_alg_values_supported"].([]any); len(got) != len(token.ProofAlgorithms()) || got[0] != "ES256" {
		t.Errorf("metadata: %v", got)
	}
}
