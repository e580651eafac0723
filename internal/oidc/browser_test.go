package oidc

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"

	"github.com/intelliauth/intelliauth/internal/edge"
	"github.com/intelliauth/intelliauth/internal/flow"
	"github.com/intelliauth/intelliauth/internal/identity"
)

// browser keeps cookies, and nothing else.
type browser struct {
	*world
	cookies map[string]string
}

func (w *world) browser() *browser { return &browser{world: w, cookies: map[string]string{}} }

// send makes one request; headers come in pairs.
func (b *browser) send(method, target string, body url.Values, headers ...string) *httptest.ResponseRecorder {
	b.Helper()
	var r *http.Request
	if body != nil {
		r = httptest.NewRequest(method, b.tenant.Issuer+target, strings.NewReader(body.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	} else {
		r = httptest.NewRequest(method, b.tenant.Issuer+target, nil)
	}
	for name, value := range b.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	rec := httptest.NewRecorder()
	b.handler.ServeHTTP(rec, r)
	for _, c := range rec.Result().Cookies() {
		if c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		} else {
			b.cookies[c.Name] = c.Value
		}
	}
	return rec
}

func (b *browser) get(target string, headers ...string) *httptest.ResponseRecorder {
	b.Helper()
	return b.send(http.MethodGet, target, nil, headers...)
}

const verifier = "a-verifier-of-more-than-forty-three-characters-0123"

func challengeOf(v string) string {
	sum := sha256.Sum256([]byte(v))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// ask is an authorization request that passes every check.
func ask(client string, change ...string) url.Values {
	v := url.Values{
		"client_id": {client}, "redirect_uri": {callback}, "response_type": {"code"}, "scope": {"openid profile email offline_access"},
		"state": {"st"}, "nonce": {"n-1"}, "code_challenge": {challengeOf(verifier)}, "code_challenge_method": {"S256"},
	}
	with(v, change...)
	return v
}

// with sets parameters given in pairs; "" takes one away, a leading + adds.
func with(v url.Values, change ...string) url.Values {
	for i := 0; i+1 < len(change); i += 2 {
		name, value := change[i], change[i+1]
		switch {
		case strings.HasPrefix(name, "+"):
			v.Add(name[1:], value)
		case value == "":
			v.Del(name)
		default:
			v.Set(name, value)
		}
	}
	return v
}

// authorize asks, and signs in as name wherever a flow comes of it.
func (b *browser) authorize(name string, v url.Values) *httptest.ResponseRecorder {
	b.Helper()
	rec := b.get(AuthorizePath + "?" + v.Encode())
	if id, is := strings.CutPrefix(rec.Header().Get("Location"), "/flow/"); is && name != "" {
		return b.finish(name, id)
	}
	return rec
}

// finish answers a flow's prompts until it ends.
func (b *browser) finish(name, id string) *httptest.ResponseRecorder {
	b.Helper()
	fb := flow.Browser{Binding: b.cookies["__Host-ia_browser"], Session: b.cookies["__Host-ia_session"], Addr: netip.MustParseAddr("192.0.2.1")}
	fb.Device, fb.Secret, _ = strings.Cut(b.cookies["__Host-ia_device"], ".")
	for range 8 {
		v, err := b.engine.View(context.Background(), b.tenant, fb, id)
		b.must(err)
		if v.Error != nil {
			b.Fatalf("flow: %+v", v.Error)
		}
		value := map[string]string{"identifier": name + "@example.com", "word": "right", "totp": "123456", "consent": "allow"}[v.Prompts[0].Factor]
		p := flow.Post{Prompt: v.Prompts[0].ID, Value: value}
		if v.Prompts[0].Factor == "session" {
			p.Choose = v.Prompts[0].ID
		}
		out, err := b.engine.Post(context.Background(), b.tenant, fb, id, p)
		b.must(err)
		if out.View.Error != nil {
			b.Fatalf("flow: %+v", out.View.Error)
		}
		if a := out.Answer; a != nil {
			if a.Session != "" {
				b.cookies["__Host-ia_session"] = a.Session
			}
			if a.Device != "" {
				b.cookies["__Host-ia_device"] = a.Device
			}
			rec := httptest.NewRecorder()
			rec.Header().Set("Location", a.Redirect)
			rec.Code = http.StatusSeeOther
			return rec
		}
	}
	b.Fatal("the flow does not end")
	return nil
}

// code signs in and returns the authorization code.
func (b *browser) code(name string, v url.Values) string {
	b.Helper()
	rec := b.authorize(name, v)
	code := answerOf(b, rec).Get("code")
	if code == "" {
		b.Fatalf("no code: %d %s %s", rec.Code, rec.Header().Get("Location"), rec.Body)
	}
	return code
}

// answerOf reads the parameters of an authorization response.
func answerOf(t testing.TB, rec *httptest.ResponseRecorder) url.Values {
	t.Helper()
	u, err := url.Parse(rec.Header().Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	return u.Query()
}

// answer is what a JSON endpoint said.
type answer struct {
	status int
	header http.Header
	body   map[string]any
	raw    string
}

func (a answer) text(name string) string {
	s, _ := a.body[name].(string)
	return s
}

func read(t testing.TB, rec *httptest.ResponseRecorder) answer {
	t.Helper()
	a := answer{status: rec.Code, header: rec.Header(), raw: rec.Body.String()}
	if rec.Body.Len() > 0 {
		if err := json.Unmarshal(rec.Body.Bytes(), &a.body); err != nil {
			t.Fatalf("%d %q: %v", rec.Code, rec.Body, err)
		}
	}
	return a
}

func basic(id, secret string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(id)+":"+url.QueryEscape(secret)))
}

// post asks an endpoint as client: by its registered secret, or by name.
func (w *world) post(path, client string, form url.Values) answer {
	w.Helper()
	form = maps.Clone(form)
	var headers []string
	switch client {
	case "web", "api", "other":
		secret := map[string]string{"web": webSecret, "api": "api secret", "other": "other secret"}[client]
		headers = []string{"Authorization", basic(client, secret)}
	case "exempt":
		form.Set("client_id", client)
		form.Set("client_secret", webSecret)
	case "jwt":
		form.Set("client_assertion_type", assertionType)
		form.Set("client_assertion", w.assertion(nil))
	default:
		form.Set("client_id", client)
	}
	return read(w, w.browser().send(http.MethodPost, path, form, headers...))
}

// assertion signs a client assertion of jwt, with claims changed.
func (w *world) assertion(change map[string]any) string {
	w.Helper()
	claims := map[string]any{"iss": "jwt", "sub": "jwt", "aud": w.tenant.Issuer, "jti": identity.RandomToken(16, rand.Reader), "exp": w.now().Add(time.Minute).Unix()}
	maps.Copy(claims, change)
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: w.jwk, KeyID: "k1"}}, nil)
	w.must(err)
	payload, err := json.Marshal(claims)
	w.must(err)
	jws, err := signer.Sign(payload)
	w.must(err)
	out, err := jws.CompactSerialize()
	w.must(err)
	return out
}

// redeem exchanges a code.
func (w *world) redeem(client, code string, change ...string) answer {
	w.Helper()
	return w.post(TokenPath, client, with(url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {callback}, "code_verifier": {verifier},
	}, change...))
}

func (w *world) refresh(client, refreshToken string, change ...string) answer {
	w.Helper()
	return w.post(TokenPath, client, with(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refreshToken}}, change...))
}

// signIn goes all the way to tokens.
func (w *world) signIn(client, name string, change ...string) (answer, *browser) {
	w.Helper()
	b := w.browser()
	a := w.redeem(client, b.code(name, ask(client, change...)))
	if a.status != http.StatusOK {
		w.Fatalf("%d %s", a.status, a.raw)
	}
	return a, b
}

// claims reads a token without checking it.
func claims(t testing.TB, compact string) map[string]any {
	t.Helper()
	parts := strings.Split(compact, ".")
	if len(parts) != 3 {
		t.Fatalf("no JWS: %q", compact)
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]any
	if err := json.Unmarshal(raw, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func (a answer) access(t testing.TB) map[string]any {
	t.Helper()
	return claims(t, a.text("access_token"))
}
func (a answer) id(t testing.TB) map[string]any { t.Helper(); return claims(t, a.text("id_token")) }

func (a answer) want(t testing.TB, status int, code string) {
	t.Helper()
	if a.status != status || a.text("error") != code {
		t.Errorf("got %d %s, want %d %s", a.status, a.raw, status, code)
	}
}

func unix(at any) time.Time {
	f, _ := at.(float64)
	return time.Unix(int64(f), 0)
}

// rnd is the system's randomness.
type rnd struct{}

func (rnd) Read(b []byte) (int, error) { return rand.Read(b) }

func mustJSON(t testing.TB, v any) []byte {
	t.Helper()
	out, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func contains(s, part string) bool { return strings.Contains(s, part) }

// request is one that reached the endpoints.
func (w *world) request() *http.Request {
	r := httptest.NewRequest(http.MethodGet, w.tenant.Issuer+"/", nil)
	return r.WithContext(edge.WithTenant(r.Context(), w.tenant))
}
