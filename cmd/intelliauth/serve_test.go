package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/store"
)

// ask makes a request to an address under a Host of one's own.
func ask(t *testing.T, method, address, host, path string) (int, http.Header, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "http://"+address+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if host != "" {
		r.Host = host
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, answer.Header, string(body)
}

// served is a server that is ready, and its two addresses.
func served(t *testing.T, args ...string) (b *background, public, admin string) {
	t.Helper()
	b = start(t, append([]string{"serve", "--drain", "0s"}, args...)...)
	at := b.wrote(b.log, `"msg":"listening","public":"([^"]+)".*"admin":"([^"]+)"`)
	b.wrote(b.log, `"msg":"ready"`)
	return b, at[1], at[2]
}

// TestInitToShutdown is an operator's first hour.
func TestInitToShutdown(t *testing.T) {
	t.Parallel()
	config := madeFolder(t, "")
	if out := must(t, "config", "check", config); !strings.Contains(out, "is good: 1 tenant, 0 applications") {
		t.Errorf("config check: %s", out)
	}
	code, _, said := run(t, "serve", "--config", config)
	if code != exitFailed || !strings.Contains(said, "lacks") || !strings.Contains(said, "--migrate") {
		t.Errorf("C-44: serve without a schema: exit %d\n%s", code, said)
	}
	if code, out, _ := run(t, "doctor", "--config", config); code != exitFailed || !strings.Contains(out, "run `intelliauth migrate`") {
		t.Errorf("doctor before migrate: exit %d\n%s", code, out)
	}
	b, public, admin := served(t, "--config", config, "--migrate")

	for path, want := range map[string]string{"/healthz": "ok\n", "/readyz": "ready\n"} {
		if status, _, body := ask(t, "GET", admin, "", path); status != 200 || body != want {
			t.Errorf("%s: %d %q", path, status, body)
		}
	}
	if status, _, body := ask(t, "GET", public, "localhost:8080", "/.well-known/openid-configuration"); status != 200 || !strings.Contains(body, `"issuer":"http://localhost:8080"`) {
		t.Errorf("discovery: %d %s", status, body)
	}
	for _, host := range []string{"", "localhost", "evil.example.com"} {
		if status, _, body := ask(t, "GET", public, host, "/.well-known/openid-configuration"); status != 404 || strings.Contains(body, "localhost:8080") {
			t.Errorf("H-40: host %q got %d %s", host, status, body)
		}
	}
	for _, path := range []string{"/healthz", "/readyz", "/metrics"} {
		if status, _, _ := ask(t, "GET", public, "localhost:8080", path); status != 404 {
			t.Errorf("%s answers %d on the public listener", path, status)
		}
	}
	_, _, body := ask(t, "GET", admin, "", "/metrics")
	for _, want := range []string{
		`intelliauth_http_requests_total{method="GET",route="GET /.well-known/openid-configuration",status="2xx"} 1`,
		`intelliauth_http_requests_total{method="GET",route="none",status="4xx"} 3`,
		`intelliauth_events_total{outcome="success",type="config.applied"} 1`,
		"intelliauth_hash_slots_in_use 0", "intelliauth_hash_slots_queued 0", "intelliauth_flows_begun_total 0",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("metrics lack %s in:\n%s", want, grepLines(body, "intelliauth_"))
		}
	}
	if code := b.end(); code != exitDone {
		t.Errorf("shutdown: exit %d", code)
	}
	if out := must(t, "doctor", "--config", config); !strings.Contains(out, "All is well") {
		t.Errorf("doctor: %s", out)
	}
	// A second start finds everything in place and changes nothing.
	b, _, _ = served(t, "--config", config)
	b.wrote(b.log, `"msg":"configuration applied".*"changed":0`)
}

func grepLines(text, part string) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		if strings.Contains(line, part) && !strings.HasPrefix(line, "#") {
			out.WriteString(line)
		}
	}
	return out.String()
}

// TestSourcesAreBounded floods from one address behind a trusted proxy: it is
// stopped, its neighbour is not, nor is this machine.
func TestSourcesAreBounded(t *testing.T) {
	t.Parallel()
	config := madeFolder(t, "")
	raw, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(config, append(raw, []byte("trusted_proxies: [127.0.0.1]\n")...), 0o600); err != nil {
		t.Fatal(err)
	}
	b, public, _ := served(t, "--migrate", "--config", config)
	_, port, _ := strings.Cut(public, ":")
	v := newVisitor(t, "http://localhost:8080", nil)
	v.reach(port)
	post := func(from string) (int, string) {
		header := []string{}
		if from != "" {
			header = []string{"X-Forwarded-For", from}
		}
		answer, _ := v.do("POST", v.issuer+"/oauth2/token", url.Values{"grant_type": {"none"}}, header...)
		return answer.StatusCode, answer.Header.Get("Retry-After")
	}
	stopped := 0
	for i := 0; i < 5000 && stopped == 0; i++ {
		if status, retry := post("203.0.113.7"); status == http.StatusTooManyRequests {
			if stopped = i; retry == "" {
				t.Error("429 without Retry-After")
			}
		}
	}
	if stopped < sourceRate().Burst {
		t.Errorf("stopped after %d requests, want at least %d", stopped, sourceRate().Burst)
	}
	for _, from := range []string{"203.0.113.8", ""} {
		if status, _ := post(from); status == http.StatusTooManyRequests {
			t.Errorf("from %q: 429, though it asked for nothing yet", from)
		}
	}
	b.end()
}

// TestReadinessFallsBeforeTheListener lets a balancer look away first.
func TestReadinessFallsBeforeTheListener(t *testing.T) {
	t.Parallel()
	b := start(t, "serve", "--drain", "1s", "--migrate", "--config", madeFolder(t, ""))
	at := b.wrote(b.log, `"msg":"listening","public":"([^"]+)".*"admin":"([^"]+)"`)
	b.wrote(b.log, `"msg":"ready"`)
	b.stop()
	b.wrote(b.log, `"msg":"shutting down"`)
	for {
		status, _, body := ask(t, "GET", at[2], "", "/readyz")
		if status == 503 && body == "shutting down\n" {
			break
		}
	}
	if status, _, _ := ask(t, "GET", at[1], "localhost:8080", "/.well-known/openid-configuration"); status != 200 {
		t.Errorf("while draining, the public listener answers %d", status)
	}
	if code := b.end(); code != exitDone {
		t.Errorf("exit %d", code)
	}
}

func TestServeRefusesAsConfigCheckDoes(t *testing.T) {
	t.Parallel()
	config := madeFolder(t, "    applications: [{id: web, redirect_uri: x}]\n")
	_, _, checked := run(t, "config", "check", config)
	code, _, served := run(t, "serve", "--migrate", "--config", config)
	if code != exitFailed || checked != served || !strings.Contains(served, "is no known key: did you mean redirect_uris?") {
		t.Errorf("config check wrote:\n%s\nserve (exit %d) wrote:\n%s", checked, code, served)
	}
	if !strings.Contains(served, "intelliauth.yaml:") {
		t.Error("no line is named")
	}
	if err := os.Remove(filepath.Join(filepath.Dir(config), "root.key")); err != nil {
		t.Fatal(err)
	}
	if code, _, said := run(t, "serve", "--migrate", "--config", config); code != exitFailed || !strings.Contains(said, "root.key does not exist") {
		t.Errorf("without its root key: exit %d\n%s", code, said)
	}
}

func TestPortInUseSaysWhichKey(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	config := madeFolder(t, "")
	raw, _ := os.ReadFile(config)
	text := strings.Replace(string(raw), "admin_listen: 127.0.0.1:0", "admin_listen: "+taken.Addr().String(), 1)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, said := run(t, "serve", "--migrate", "--config", config); code != exitFailed || !strings.Contains(said, "`admin_listen`") {
		t.Errorf("exit %d\n%s", code, said)
	}
}

// certificate writes a certificate for localhost with a serial number.
func certificate(t *testing.T, folder string, serial int64) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(serial), DNSNames: []string{"localhost"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	err = errors.Join(
		os.WriteFile(filepath.Join(folder, "cert.pem"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600),
		os.WriteFile(filepath.Join(folder, "key.pem"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600),
	)
	if err != nil {
		t.Fatal(err)
	}
}

func TestServeTLS(t *testing.T) {
	t.Parallel()
	config := madeFolder(t, "")
	folder := filepath.Dir(config)
	certificate(t, folder, 7)
	raw, _ := os.ReadFile(config)
	text := strings.Replace(string(raw), "# Health", "tls: {cert: cert.pem, key: key.pem}\n# Health", 1)
	text = strings.Replace(text, "issuer: http://localhost:8080", "issuer: https://localhost:8443", 1)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	_, public, _ := served(t, "--migrate", "--config", config)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true, ServerName: "localhost"}, ForceAttemptHTTP2: true}}
	r, _ := http.NewRequestWithContext(t.Context(), "GET", "https://"+public+"/oauth2/jwks", nil)
	r.Host = "localhost:8443"
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != 200 || answer.ProtoMajor != 2 || answer.TLS.PeerCertificates[0].SerialNumber.Int64() != 7 {
		t.Errorf("status %d over HTTP/%d", answer.StatusCode, answer.ProtoMajor)
	}
}

// TestCertificateIsReadAgain holds that a renewed certificate is taken up, and
// that a broken one is not.
func TestCertificateIsReadAgain(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	certificate(t, folder, 1)
	r := &reloading{cert: filepath.Join(folder, "cert.pem"), key: filepath.Join(folder, "key.pem"), log: slog.New(slog.DiscardHandler)}
	if err := r.load(); err != nil {
		t.Fatal(err)
	}
	serial := func() int64 {
		r.looked.Reset(0)
		time.Sleep(time.Millisecond) // lets the timer fire
		c, err := r.get(nil)
		if err != nil {
			t.Fatal(err)
		}
		return c.Leaf.SerialNumber.Int64()
	}
	touch := func(at time.Time) {
		for _, f := range []string{r.cert, r.key} {
			if err := os.Chtimes(f, at, at); err != nil {
				t.Fatal(err)
			}
		}
	}
	certificate(t, folder, 2)
	touch(time.Now().Add(time.Minute))
	if got := serial(); got != 2 {
		t.Errorf("after renewal: serial %d", got)
	}
	if err := os.WriteFile(r.cert, []byte("broken"), 0o600); err != nil {
		t.Fatal(err)
	}
	touch(time.Now().Add(2 * time.Minute))
	if got := serial(); got != 2 {
		t.Errorf("with a broken file: serial %d", got)
	}
}

// memory is a store in memory of a test's own.
func memory(t *testing.T, now func() time.Time) *store.Store {
	t.Helper()
	name := strings.NewReplacer("/", "-", " ", "-").Replace(t.Name())
	st, err := store.Open(t.Context(), store.Options{
		DSN: fmt.Sprintf("sqlite:/%s?vfs=memdb", name), RootKeys: [][]byte{make([]byte, 32)}, Now: now, Random: rand.Reader, Migrate: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	return st
}

// TestSweeperIsBounded deletes what has expired, keeps what has not, and what
// expired lately: a replayed code must still be known as one.
func TestSweeperIsBounded(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	st := memory(t, func() time.Time { return now })
	if err := st.PutTenant(t.Context(), identity.Tenant{ID: "main", Issuer: "http://localhost"}); err != nil {
		t.Fatal(err)
	}
	put := func(key string, expires time.Time) {
		err := st.Update(t.Context(), "main", func(tx identity.Tx) error {
			return tx.Ephemerals.Put(t.Context(), "code", key, []byte("v"), expires)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	put("old", now.Add(time.Minute))
	put("late", now.Add(90*time.Minute))
	put("live", now.Add(9*time.Hour))
	ended := now.Add(-31 * 24 * time.Hour)
	err := st.Update(t.Context(), "main", func(tx identity.Tx) error {
		return errors.Join(
			tx.Sessions.Create(t.Context(), identity.Session{ID: "ses_old", User: "usr", EndedAt: &ended}),
			tx.Sessions.Create(t.Context(), identity.Session{ID: "ses_new", User: "usr", EndedAt: &now}),
			tx.Outbox.Put(t.Context(), identity.Message{ID: "msg_old", DeadAt: &ended}),
			tx.Outbox.Put(t.Context(), identity.Message{ID: "msg_new", DeadAt: &now}))
	})
	if err != nil {
		t.Fatal(err)
	}
	now = now.Add(2 * time.Hour)
	s := sweeper{store: st, kept: st, now: func() time.Time { return now }, log: slog.New(slog.DiscardHandler)}
	if err := s.sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]error{"old": identity.ErrNotFound, "late": identity.ErrExpired, "live": nil} {
		err := st.View(t.Context(), "main", func(tx identity.Tx) error {
			_, err := tx.Ephemerals.Get(t.Context(), "code", key)
			return err
		})
		if !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", key, err, want)
		}
	}
	err = st.View(t.Context(), "main", func(tx identity.Tx) error {
		if _, err := tx.Sessions.ByID(t.Context(), "ses_old"); !errors.Is(err, identity.ErrNotFound) {
			t.Errorf("a session that ended long ago: %v", err)
		}
		left, err := tx.Outbox.List(t.Context(), 0)
		if len(left) != 1 || left[0].ID != "msg_new" {
			t.Errorf("messages left: %v", left)
		}
		_, err2 := tx.Sessions.ByID(t.Context(), "ses_new")
		return errors.Join(err, err2)
	})
	if err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s.run(ctx) // returns
}
