package intelliauth

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"
)

const (
	testIssuer   = "https://id.example"
	testAudience = "https://api.example"
)

// issuer is an IntelliAuth of the test, without a network.
type issuer struct {
	testing.TB
	key *ecdsa.PrivateKey
	kid string

	mu      sync.Mutex
	clock   time.Time
	answers map[string]func(r *http.Request) *http.Response // by path; others are answered as they should
	asked   map[string]int
	entries []entry
	number  int
	news    chan struct{}
	silent  bool // streams say nothing, and new ones hang
	gone    bool // the next cursor is too old
}

func newIssuer(t testing.TB) *issuer {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return &issuer{TB: t, key: key, kid: "k1", clock: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), answers: map[string]func(*http.Request) *http.Response{}, asked: map[string]int{}, news: make(chan struct{})}
}

func (i *issuer) now() time.Time {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.clock
}

func (i *issuer) pass(d time.Duration) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.clock = i.clock.Add(d)
}

func (i *issuer) on(path string, answer func(*http.Request) *http.Response) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.answers[path] = answer
}

func (i *issuer) count(path string) int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.asked[path]
}

func said(status int, kind string, body io.Reader) *http.Response {
	return &http.Response{StatusCode: status, Status: fmt.Sprint(status), Header: http.Header{"Content-Type": {kind}}, Body: io.NopCloser(body)}
}

func saidJSON(v any) *http.Response {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return said(200, "application/json", strings.NewReader(string(raw)))
}

// RoundTrip answers as the issuer does.
func (i *issuer) RoundTrip(r *http.Request) (*http.Response, error) {
	i.mu.Lock()
	i.asked[r.URL.Path]++
	special := i.answers[r.URL.Path]
	i.mu.Unlock()
	if special != nil {
		if answer := special(r); answer != nil {
			return answer, nil
		}
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	switch r.URL.Path {
	case "/.well-known/openid-configuration":
		return saidJSON(map[string]string{"issuer": testIssuer, "jwks_uri": testIssuer + "/oauth2/jwks"}), nil
	case "/oauth2/jwks":
		return saidJSON(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: i.key.Public(), KeyID: i.kid, Algorithm: "ES256", Use: "sig"}}}), nil
	case feedPath:
		return i.feed(r)
	}
	return said(404, "text/plain", strings.NewReader("")), nil
}

func (i *issuer) feed(r *http.Request) (*http.Response, error) {
	if id, secret, _ := r.BasicAuth(); id != "api" || secret != "s%3Acret" {
		return said(401, "application/json", strings.NewReader("{}")), nil
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.gone && r.URL.Query().Get("since") != "" {
		i.gone = false
		return said(410, "application/json", strings.NewReader("{}")), nil
	}
	if !strings.Contains(r.Header.Get("Accept"), "event-stream") {
		return saidJSON(i.body()), nil
	}
	out, in := io.Pipe()
	go i.stream(r.Context(), in)
	return said(200, "text/event-stream", out), nil
}

func (i *issuer) body() feedBody {
	return feedBody{Cursor: fmt.Sprintf("%d.%d", i.number, i.clock.Unix()), Entries: append([]entry{}, i.entries...)}
}

func (i *issuer) stream(ctx context.Context, to *io.PipeWriter) {
	defer to.Close()
	for {
		i.mu.Lock()
		body, news, silent := i.body(), i.news, i.silent
		i.mu.Unlock()
		if !silent {
			raw, _ := json.Marshal(body)
			if _, err := fmt.Fprintf(to, "id: %s\nevent: revocations\ndata: %s\n\n:\n\n", body.Cursor, raw); err != nil {
				return
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-news:
		}
	}
}

// revoke puts an entry into the feed.
func (i *issuer) revoke(e entry) {
	i.mu.Lock()
	defer i.mu.Unlock()
	e.Before, e.Until = i.clock, i.clock.Add(11*time.Minute)
	i.number++
	i.entries = append(i.entries, e)
	close(i.news)
	i.news = make(chan struct{})
}

func (i *issuer) verifier(opts ...Option) *Verifier {
	i.Helper()
	v, err := NewVerifier(context.Background(), testIssuer, testAudience, append([]Option{WithClient(&http.Client{Transport: i}), WithClock(i.now)}, opts...)...)
	if err != nil {
		i.Fatal(err)
	}
	i.Cleanup(v.Close)
	return v
}

func followed() Option { return WithRevocations("api", "s:cret") }

func (i *issuer) claims(change map[string]any) map[string]any {
	now := i.now()
	c := map[string]any{
		"iss": testIssuer, "aud": testAudience, "sub": "usr_1", "client_id": "spa", "sid": "ses_1", "scope": "openid orders", "jti": "grt_1.x",
		"acr": "aal2", "amr": []string{"pwd", "otp", "mfa"}, "auth_time": now.Add(-time.Minute).Unix(), "iat": now.Unix(), "exp": now.Add(10 * time.Minute).Unix(),
	}
	maps.Copy(c, change)
	for name, value := range c {
		if value == nil {
			delete(c, name)
		}
	}
	return c
}

func (i *issuer) token(change map[string]any) string {
	i.Helper()
	return signed(i, i.key, i.claims(change), map[jose.HeaderKey]any{"typ": "at+jwt", "kid": i.kid}, false)
}

func signed(t testing.TB, key *ecdsa.PrivateKey, claims map[string]any, header map[jose.HeaderKey]any, embed bool) string {
	t.Helper()
	o := &jose.SignerOptions{EmbedJWK: embed}
	for name, value := range header {
		o.WithHeader(name, value)
	}
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key}, o)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	jws, err := s.Sign(raw)
	if err != nil {
		t.Fatal(err)
	}
	out, err := jws.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func thumbprintOf(t testing.TB, key *ecdsa.PrivateKey) string {
	sum, err := (&jose.JSONWebKey{Key: key.Public()}).Thumbprint(5)
	if err != nil {
		t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(sum)
}

func hashOf(s string) string {
	sum := sha256.Sum256([]byte(s))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// call asks an API that is protected by h.
func call(h http.Handler, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("POST", testAudience+"/payouts?x=1", nil)
	for n := 0; n+1 < len(headers); n += 2 {
		r.Header.Add(headers[n], headers[n+1])
	}
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	return rec
}

func ok() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if t, found := FromContext(r.Context()); found {
			_, _ = io.WriteString(w, t.Subject)
		}
	})
}

func codeOf(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}
