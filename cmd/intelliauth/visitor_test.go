package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/intelliauth/intelliauth/internal/flow"
	"github.com/intelliauth/intelliauth/internal/identity"
)

// visitor is a browser without pictures: it keeps cookies, speaks the flow API,
// and reaches every host of the demo world.
type visitor struct {
	t      *testing.T
	issuer string
	client *http.Client
	jar    *jar
	port   string // reached instead of an address's own; "" for that
	basic  string // how demo-web says who it is
}

// jar keeps cookies and remembers every value it was ever given.
type jar struct {
	http.CookieJar
	values []string
}

func (j *jar) SetCookies(u *url.URL, cookies []*http.Cookie) {
	for _, c := range cookies {
		if c.Value != "" {
			j.values = append(j.values, c.Value)
		}
	}
	j.CookieJar.SetCookies(u, cookies)
}

func newVisitor(t *testing.T, issuer string, roots *tls.Config) *visitor {
	t.Helper()
	kept, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	j := &jar{CookieJar: kept}
	dialer := &net.Dialer{}
	v := &visitor{t: t, issuer: issuer, jar: j, basic: base64.StdEncoding.EncodeToString([]byte("demo-web:demo-web-secret"))}
	transport := &http.Transport{
		TLSClientConfig: roots,
		// *.localhost is this machine, whatever its resolver thinks.
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			_, port, err := net.SplitHostPort(address)
			if err != nil {
				return nil, err
			}
			if v.port != "" {
				port = v.port
			}
			return dialer.DialContext(ctx, "tcp4", "127.0.0.1:"+port)
		},
	}
	t.Cleanup(transport.CloseIdleConnections)
	v.client = &http.Client{
		Jar: j, Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return v
}

// reach goes to a port of this machine whatever port an address names.
func (v *visitor) reach(port string) { v.port = port }

// do makes a request; body may be nil, url.Values or anything for JSON.
func (v *visitor) do(method, address string, body any, header ...string) (*http.Response, []byte) {
	v.t.Helper()
	var content io.Reader
	kind := ""
	switch b := body.(type) {
	case nil:
	case url.Values:
		content, kind = strings.NewReader(b.Encode()), "application/x-www-form-urlencoded"
	default:
		raw, err := json.Marshal(b)
		if err != nil {
			v.t.Fatal(err)
		}
		content, kind = bytes.NewReader(raw), "application/json"
	}
	r, err := http.NewRequestWithContext(v.t.Context(), method, address, content)
	if err != nil {
		v.t.Fatal(err)
	}
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
		if header[i] == "Host" {
			r.Host = header[i+1]
		}
	}
	answer, err := v.client.Do(r)
	if err != nil {
		v.t.Fatal(err)
	}
	defer answer.Body.Close()
	raw, err := io.ReadAll(answer.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	return answer, raw
}

// json reads an answer that must have this status.
func (v *visitor) json(method, address string, body any, status int, into any, header ...string) {
	v.t.Helper()
	answer, raw := v.do(method, address, body, append(header, "Accept", "application/json")...)
	if answer.StatusCode != status {
		v.t.Fatalf("%s %s: %d, want %d: %s", method, address, answer.StatusCode, status, raw)
	}
	if into != nil {
		if err := json.Unmarshal(raw, into); err != nil {
			v.t.Fatalf("%s %s: %v in %s", method, address, err, raw)
		}
	}
}

// signIn is one run of the authorization code flow of the demo world's web
// application, with everything secret that it met.
type signIn struct {
	view     flow.View
	verifier string
	flow     string
	secrets  []string
}

// begin asks for a sign-in and returns the first view.
func (v *visitor) begin(extra url.Values) *signIn {
	v.t.Helper()
	s := &signIn{verifier: strings.Repeat("verifier-", 6)}
	sum := sha256.Sum256([]byte(s.verifier))
	query := url.Values{
		"response_type": {"code"}, "client_id": {"demo-web"}, "redirect_uri": {"http://localhost:9999/callback"},
		"scope": {"openid profile email offline_access"}, "state": {"state-of-the-test"}, "nonce": {"nonce-of-the-test"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"},
	}
	for k, values := range extra {
		query[k] = values
	}
	answer, body := v.do("GET", v.issuer+"/oauth2/authorize?"+query.Encode(), nil)
	if answer.StatusCode != http.StatusSeeOther {
		v.t.Fatalf("authorize: %d %s", answer.StatusCode, body)
	}
	to, err := url.Parse(answer.Header.Get("Location"))
	if err != nil {
		v.t.Fatal(err)
	}
	if !strings.HasPrefix(to.Path, "/flow/") {
		s.view.Redirect = to.String()
		return s
	}
	s.flow = v.issuer + to.Path
	v.json("GET", s.flow, nil, http.StatusOK, &s.view)
	return s
}

// answer posts a value to the current prompt.
func (v *visitor) answer(s *signIn, value string) {
	v.t.Helper()
	if len(s.view.Prompts) == 0 {
		v.t.Fatalf("nothing is asked at step %s", s.view.Step)
	}
	var view flow.View
	v.json("POST", s.flow, map[string]any{"prompt": s.view.Prompts[0].ID, "response": map[string]any{"value": value}}, http.StatusOK, &view)
	s.view = view
	if len(view.Prompts) > 0 && view.Prompts[0].Secret != "" {
		s.secrets = append(s.secrets, view.Prompts[0].Secret, strings.ReplaceAll(view.Prompts[0].Secret, " ", ""))
	}
}

// choose switches to another prompt.
func (v *visitor) choose(s *signIn, id string) {
	v.t.Helper()
	var view flow.View
	v.json("POST", s.flow, map[string]any{"response": map[string]any{"choose": id}}, http.StatusOK, &view)
	s.view = view
	if len(view.Prompts) > 0 && view.Prompts[0].Secret != "" {
		s.secrets = append(s.secrets, view.Prompts[0].Secret, strings.ReplaceAll(view.Prompts[0].Secret, " ", ""))
	}
}

// mailed is the code that was sent last in the demo world.
func (v *visitor) mailed() string {
	v.t.Helper()
	at, err := url.Parse(v.issuer)
	if err != nil {
		v.t.Fatal(err)
	}
	var list []struct{ Code string }
	v.json("GET", at.Scheme+"://localhost:"+at.Port()+"/dev/inbox.json", nil, http.StatusOK, &list)
	for _, m := range list {
		if m.Code != "" {
			return m.Code
		}
	}
	v.t.Fatal("no code was sent")
	return ""
}

// totp sets up an authenticator app as the first factor, mailed ticket, recovery
// codes and all.
func (v *visitor) totp(s *signIn) {
	v.t.Helper()
	if s.view.Prompts[0].Factor == "ticket" {
		v.answer(s, v.mailed())
	}
	v.choose(s, "offer:totp")
	code := authenticator(v.t, s.secrets[len(s.secrets)-1], time.Now())
	s.secrets = append(s.secrets, code)
	v.answer(s, code)
	if s.view.Step == flow.Enrol && len(s.view.Prompts[0].Codes) == 10 {
		s.secrets = append(s.secrets, s.view.Prompts[0].Codes...)
		v.answer(s, "kept")
	}
}

// tokens is what the token endpoint gives.
type tokens struct {
	Access  string `json:"access_token"`
	ID      string `json:"id_token"`
	Refresh string `json:"refresh_token"`
}

// redeem trades the code at the end of a sign-in for tokens.
func (v *visitor) redeem(s *signIn) tokens {
	v.t.Helper()
	back, err := url.Parse(s.view.Redirect)
	if err != nil || back.Query().Get("code") == "" || back.Query().Get("state") != "state-of-the-test" || back.Query().Get("iss") != v.issuer {
		v.t.Fatalf("step %s ended at %q (%v)", s.view.Step, s.view.Redirect, err)
	}
	s.secrets = append(s.secrets, back.Query().Get("code"), s.verifier)
	var got tokens
	v.json("POST", v.issuer+"/oauth2/token", url.Values{
		"grant_type": {"authorization_code"}, "code": {back.Query().Get("code")}, "redirect_uri": {"http://localhost:9999/callback"}, "code_verifier": {s.verifier},
	}, http.StatusOK, &got, "Authorization", "Basic "+v.basic)
	s.secrets = append(s.secrets, got.Access, got.ID, got.Refresh)
	return got
}

// password signs ada in by password alone.
func (v *visitor) password(extra url.Values) (*signIn, tokens) {
	v.t.Helper()
	s := v.begin(extra)
	v.answer(s, "ada@example.com")
	v.answer(s, "analytical-engine-1843")
	return s, v.redeem(s)
}

// claims reads a token without checking it.
func claims(t *testing.T, compact string) map[string]any {
	t.Helper()
	parts := strings.Split(compact, ".")
	if len(parts) != 3 {
		t.Fatalf("%q is no token", compact)
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]any{}
	if err := json.Unmarshal(raw, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// authenticator computes the code that an app would show (RFC 6238).
func authenticator(t *testing.T, secret string, at time.Time) string {
	t.Helper()
	key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.ReplaceAll(secret, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha1.New, key)
	_ = binary.Write(mac, binary.BigEndian, at.Unix()/30)
	sum := mac.Sum(nil)
	n := binary.BigEndian.Uint32(sum[sum[19]&15:]) & 0x7fffffff
	return fmt.Sprintf("%06d", n%1_000_000)
}

// world is a demo world that is ready.
type world struct {
	*background
	data               string
	Issuer, Demo       string
	Inbox              string
	Tenants            map[string]string
	host, app, acmeApp string
}

func startWorld(t *testing.T, data string, args ...string) *world {
	t.Helper()
	if data == "" {
		data = t.TempDir()
	}
	w := &world{data: data}
	w.background = start(t, append([]string{"dev", "--json", "--listen", "127.0.0.1:0", "--data", data}, args...)...)
	line := w.wrote(w.stdout, `(?m)^(\{.*\})$`)
	if err := json.Unmarshal([]byte(line[1]), w); err != nil {
		t.Fatal(err)
	}
	w.host, w.app = hostOf(w.Issuer), strings.TrimSuffix(w.Demo, "/")
	w.acmeApp = strings.Replace(w.app, "app.", "acme-app.", 1)
	return w
}

func ofType(events []identity.Event, kind string) []identity.Event {
	var out []identity.Event
	for _, e := range events {
		if e.Type == kind {
			out = append(out, e)
		}
	}
	return out
}
