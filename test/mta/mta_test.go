package mta

import (
	"bytes"
	"fmt"
	"net/mail"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/intelliauth/intelliauth/test/world"
)

// house is `intelliauth serve` with its mail at a postfix.
type house struct {
	t      *testing.T
	binary string
	config string
	log    lines
}

type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func start(t *testing.T, p *Postfix) *house {
	t.Helper()
	folder := t.TempDir()
	h := &house{t: t, binary: world.Binary(t), config: filepath.Join(folder, "intelliauth.yaml")}
	h.run("init", folder)
	text := fmt.Sprintf(`listen: 127.0.0.1:0
admin_listen: 127.0.0.1:0
root_keys: ["file:root.key"]
tenants:
  - id: main
    issuer: http://localhost
    name: "Zürich Ünion"
    mail: {host: localhost, port: %d, from: no-reply@acme.test, ca: %q}
`, p.Port, p.CA)
	if err := os.WriteFile(h.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(h.binary, "serve", "--migrate", "--drain", "0s", "--config", h.config)
	cmd.Stderr = &h.log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("%s\n%s", h.log.String(), p.Log())
		}
	})
	h.until(func() bool { return strings.Contains(h.log.String(), `"msg":"ready"`) })
	return h
}

func (h *house) run(args ...string) string {
	h.t.Helper()
	out, err := exec.Command(h.binary, args...).CombinedOutput()
	if err != nil {
		h.t.Fatalf("intelliauth %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

func (h *house) invite(name string) {
	h.run("user", "invite", name+"@example.test", "--config", h.config)
}

func (h *house) until(ok func() bool) {
	h.t.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			h.t.Fatal("it never came")
		}
	}
}

// TestMailThroughPostfix: mail arrives under STARTTLS; what is refused for good
// is given up and told, what is refused for now and what finds nobody there
// waits and arrives.
func TestMailThroughPostfix(t *testing.T) {
	p := Start(t)
	h := start(t, p)
	h.invite("ada")
	raw := p.Mailbox("ada", 1)
	m, err := mail.ReadMessage(strings.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	if received := m.Header.Get("Received"); !strings.Contains(received, "TLSv1.3") || !strings.Contains(received, "ESMTPS") {
		t.Errorf("not under TLS: %s", received)
	}
	from, err := m.Header.AddressList("From")
	if err != nil || from[0].Name != "Zürich Ünion" || from[0].Address != "no-reply@acme.test" || m.Header.Get("To") != "<ada@example.test>" {
		t.Errorf("%v %v", m.Header, err)
	}
	if !strings.Contains(m.Header.Get("Content-Type"), "multipart/alternative") || !strings.Contains(raw, "/join?token=3D") {
		t.Errorf("%s", raw)
	}
	h.invite("nobody")
	h.until(func() bool {
		return strings.Contains(h.run("events", "--json", "--config", h.config), `"trouble":"smtp: it answered 550 5.1.1"`)
	})
	h.invite("full")
	h.until(func() bool { return strings.Contains(h.log.String(), "it answered 450 4.2.2") })
	if n := strings.Count(h.run("events", "--json", "--config", h.config), "send.failed"); n != 1 {
		t.Errorf("%d messages were given up", n)
	}
	p.Stop()
	h.invite("grace")
	h.until(func() bool { return strings.Contains(h.log.String(), "it could not be reached") })
	p.Run()
	if raw := p.Mailbox("grace", 1); !strings.Contains(raw, "grace@example.test") {
		t.Error(raw)
	}
	for _, secret := range []string{"@example.test", "token="} {
		if strings.Contains(h.log.String(), secret) {
			t.Errorf("the log tells %q", secret)
		}
	}
}
