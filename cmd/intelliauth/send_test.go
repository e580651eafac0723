package main

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"github.com/intelliauth/intelliauth/internal/deliver"
	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/store"
)

// mailbox is a mail server of another make, and a gateway for text messages.
type mailbox struct {
	mu    sync.Mutex
	mails []string
	texts []string
}

func (b *mailbox) NewSession(*smtp.Conn) (smtp.Session, error) { return &mailSession{b}, nil }

type mailSession struct{ box *mailbox }

func (s *mailSession) Mail(string, *smtp.MailOptions) error { return nil }
func (s *mailSession) Rcpt(string, *smtp.RcptOptions) error { return nil }
func (s *mailSession) Reset()                               {}
func (s *mailSession) Logout() error                        { return nil }
func (s *mailSession) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	s.box.mu.Lock()
	defer s.box.mu.Unlock()
	s.box.mails = append(s.box.mails, string(raw))
	return err
}

func (b *mailbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	raw, _ := io.ReadAll(r.Body)
	b.mu.Lock()
	defer b.mu.Unlock()
	if r.Method == http.MethodPost && r.Header.Get(deliver.HeaderSignature) == "v1="+deliver.Sign([]byte(gatewaySecret), r.Header.Get(deliver.HeaderTimestamp), raw) {
		b.texts = append(b.texts, string(raw))
		return
	}
	w.WriteHeader(http.StatusForbidden)
}

func (b *mailbox) got() (mails, texts []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]string(nil), b.mails...), append([]string(nil), b.texts...)
}

const gatewaySecret = "a secret of the gateway's own"

// sendingHouse is a configuration whose mail and text messages go to a box.
func sendingHouse(t *testing.T, box *mailbox) (config string, mails *smtp.Server) {
	t.Helper()
	folder := t.TempDir()
	certificate(t, folder, 1)
	ca := filepath.Join(folder, "cert.pem")
	pair, err := tls.LoadX509KeyPair(ca, filepath.Join(folder, "key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	mails = smtp.NewServer(box)
	mails.Domain, mails.TLSConfig = "localhost", &tls.Config{Certificates: []tls.Certificate{pair}}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = mails.Serve(l) }()
	t.Cleanup(func() { mails.Close(); l.Close() })
	gateway := httptest.NewServer(box)
	t.Cleanup(gateway.Close)
	config = madeFolder(t, fmt.Sprintf(`    mail: {host: localhost, port: %d, from: no-reply@acme.example, ca: %s}
    sms:
      countries: [DE]
      providers:
        - webhook: {url: %q, secret: "file:sms.secret", allow_private: true}
`, l.Addr().(*net.TCPAddr).Port, ca, gateway.URL+"/send"))
	if err := os.WriteFile(filepath.Join(filepath.Dir(config), "sms.secret"), []byte(gatewaySecret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return config, mails
}

// TestServeSends: what is committed, by the server or by a command beside it,
// leaves by mail and by SMS, is counted, and stands in no log (H-43).
func TestServeSends(t *testing.T) {
	t.Parallel()
	box := &mailbox{}
	config, mails := sendingHouse(t, box)
	if out := must(t, "config", "check", config); strings.Contains(out, "warning") {
		t.Error(out)
	}
	b, _, admin := served(t, "--config", config, "--migrate")
	must(t, "user", "invite", "ada@example.com", "--name", "Ada Lovelace", "--config", config)
	putMessage(t, config, identity.Message{
		ID: "msg_sms", Kind: identity.MessageCode, Channel: identity.ChannelSMS, To: "+4915112345678", Code: "482913", At: time.Now(), Expires: time.Now().Add(time.Minute),
	})
	waitFor(t, b, func() bool { mails, texts := box.got(); return len(mails) == 1 && len(texts) == 1 })
	letters, texts := box.got()
	if !strings.Contains(letters[0], "To: <ada@example.com>") || !strings.Contains(letters[0], "From: \"Main\" <no-reply@acme.example>") || !strings.Contains(letters[0], "/join?token=3D") {
		t.Error(letters[0])
	}
	var text struct{ To, Text, Code string }
	if err := json.Unmarshal([]byte(texts[0]), &text); err != nil || text.To != "+4915112345678" || !strings.HasSuffix(text.Text, "\n@localhost #482913") {
		t.Error(err, texts[0])
	}
	waitFor(t, b, func() bool {
		_, _, page := ask(t, "GET", admin, "", "/metrics")
		return strings.Contains(page, `intelliauth_messages_total{channel="email",result="sent"} 1`) && strings.Contains(page, `intelliauth_messages_total{channel="sms",result="sent"} 1`)
	})
	if out := must(t, "doctor", "--config", config); !strings.Contains(out, "mail           main: smtp localhost:") || strings.Count(out, " answers") != 2 {
		t.Error(out)
	}

	// H-54: the mail server goes away. Text messages still leave, mail waits, and
	// what could not wait is told.
	mails.Close()
	putMessage(t, config, identity.Message{
		ID: "msg_late", Kind: identity.MessageCode, Channel: identity.ChannelEmail, To: "ada@example.com", Code: "739154", At: time.Now(), Expires: time.Now().Add(time.Second),
	})
	putMessage(t, config, identity.Message{
		ID: "msg_sms2", Kind: identity.MessageCode, Channel: identity.ChannelSMS, To: "+4915112345678", Code: "615243", At: time.Now(), Expires: time.Now().Add(time.Minute),
	})
	waitFor(t, b, func() bool { _, texts := box.got(); return len(texts) == 2 })
	waitFor(t, b, func() bool { return strings.Contains(must(t, "events", "--json", "--config", config), `"send.failed"`) })
	code, out, said := run(t, "doctor", "--config", config)
	if code != exitFailed || !strings.Contains(out, "FAIL  mail") || !strings.Contains(out, "1 message was given up in the last 24 hours") {
		t.Errorf("exit %d\n%s%s", code, out, said)
	}
	if b.end() != exitDone {
		t.Error("it did not stop as it should")
	}
	all := b.log.String() + must(t, "events", "--json", "--config", config)
	if !strings.Contains(all, "it could not be reached") {
		t.Errorf("nothing was told: %s", all)
	}
	for _, secret := range []string{"482913", "739154", "615243", "4915112345678", "ada@example.com", "token=", gatewaySecret} {
		if strings.Contains(all, secret) {
			t.Errorf("%q is told: %s", secret, all)
		}
	}
}

// waitFor waits for what the server does beside the test; the minute is a
// ceiling for broken builds.
func waitFor(t *testing.T, b *background, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it never came:\n%s", b.log)
		}
	}
}

// putMessage commits one beside the server, as another process does.
func putMessage(t *testing.T, config string, m identity.Message) {
	t.Helper()
	st := storeOf(t, config)
	defer st.Close()
	if err := st.Update(t.Context(), "main", func(tx identity.Tx) error { return tx.Outbox.Put(t.Context(), m) }); err != nil {
		t.Fatal(err)
	}
}

func storeOf(t *testing.T, config string) *store.Store {
	t.Helper()
	m, _, _ := command("")
	st, err := m.open(t.Context(), place{Config: config})
	if err != nil {
		t.Fatal(err)
	}
	return st.Store
}

// TestServeNeedsGoodMetadata: a blob that its root did not sign keeps the server
// from starting.
func TestServeNeedsGoodMetadata(t *testing.T) {
	t.Parallel()
	config := madeFolder(t, "")
	certificate(t, filepath.Dir(config), 1)
	raw, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	blob := filepath.Join(t.TempDir(), "blob.jwt")
	text := fmt.Sprintf("passkey_metadata: {blob: %s, root: cert.pem}\n%s", blob, raw)
	if err := os.WriteFile(blob, []byte("eyJhbGciOiJFUzI1NiJ9.e30.AAAA"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if said := mustFail(t, "serve", "--migrate", "--config", config); !strings.Contains(said, "blob.jwt") || !strings.Contains(said, "mds3.fidoalliance.org") {
		t.Error(said)
	}
}

// TestInviteWithoutMailNeedsPrint.
func TestInviteWithoutMailNeedsPrint(t *testing.T) {
	t.Parallel()
	config := madeFolder(t, "")
	b, _, _ := served(t, "--config", config, "--migrate")
	b.end()
	if said := mustFail(t, "user", "invite", "ada@example.com", "--config", config); !strings.Contains(said, "sends no mail") || !strings.Contains(said, "--print") {
		t.Error(said)
	}
	if out := must(t, "user", "invite", "ada@example.com", "--print", "--config", config); !strings.Contains(out, "/join?token=") {
		t.Error(out)
	}
}
