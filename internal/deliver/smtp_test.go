package deliver

import (
	"bufio"
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"github.com/intelliauth/intelliauth/internal/identity"
)

func parcel(t testing.TB) Parcel {
	t.Helper()
	m := letterOf(identity.MessageCode)
	r, err := Render(words(), tenant(), m)
	if err != nil {
		t.Fatal(err)
	}
	return Parcel{ID: m.ID, Tenant: tenant(), Kind: m.Kind, Channel: m.Channel, To: m.To, Code: m.Code, Expires: m.Expires, Rendered: r}
}

// TestSMTPDelivers: by STARTTLS, by TLS from the start, signed in or not; what
// arrives is what was rendered, in two forms, from and to whom it should be.
func TestSMTPDelivers(t *testing.T) {
	for _, how := range []string{TLSStart, TLSImplicit} {
		for _, user := range []string{"", "relay"} {
			t.Run(how+"/"+user, func(t *testing.T) {
				t.Parallel()
				server := &mailServer{user: user, password: "a password"}
				s := server.start(t, how)
				s.TLS, s.Username, s.Password = how, user, "a password"
				p := parcel(t)
				if err := s.Send(t.Context(), p); err != nil {
					t.Fatal(err, errors.Unwrap(err))
				}
				if err := s.Probe(t.Context()); err != nil {
					t.Error(err)
				}
				got := server.mails()
				if len(got) != 1 || !got[0].tls || got[0].user != user || got[0].from != "no-reply@acme.example" || got[0].to != p.To {
					t.Fatalf("%+v", got)
				}
				arrived(t, got[0].raw, p)
			})
		}
	}
}

func arrived(t *testing.T, raw []byte, p Parcel) {
	t.Helper()
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	subject, _ := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	from, err := m.Header.AddressList("From")
	if err != nil || subject != p.Subject || len(from) != 1 || from[0].Name != "Acme" || m.Header.Get("Message-ID") != "<msg_1@acme.example>" {
		t.Errorf("%v %v", m.Header, err)
	}
	if m.Header.Get("Auto-Submitted") != "auto-generated" || m.Header.Get("Date") != "Mon, 23 Nov 2026 12:00:00 +0000" || m.Header.Get("X-Mailer")+m.Header.Get("User-Agent") != "" {
		t.Errorf("%v", m.Header)
	}
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatal(kind, err)
	}
	parts := multipart.NewReader(m.Body, params["boundary"])
	for _, want := range []struct{ kind, text string }{{"text/plain", p.Text}, {"text/html", p.HTML}} {
		part, err := parts.NextRawPart()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(quotedprintable.NewReader(part))
		if got := strings.ReplaceAll(string(text), "\r\n", "\n"); err != nil || got != want.text || !strings.HasPrefix(part.Header.Get("Content-Type"), want.kind) {
			t.Errorf("%s: %v\n%q\nwant\n%q", part.Header, err, got, want.text)
		}
	}
}

// TestH46_NoValueMakesAHeader: a line break in any value stays out of the head.
func TestH46_NoValueMakesAHeader(t *testing.T) {
	server := &mailServer{}
	s := server.start(t, TLSStart)
	p := parcel(t)
	p.Subject = "Hi\r\nBcc: victim@example.com\r\n\r\nbody"
	p.Tenant.Name = "Ac\r\nme\r\nX-Evil: 1"
	p.ID = "msg_1"
	if err := s.Send(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	raw := server.mails()[0].raw
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	if m.Header.Get("Bcc")+m.Header.Get("X-Evil") != "" || len(m.Header["Subject"]) != 1 {
		t.Errorf("%v", m.Header)
	}
	p = parcel(t)
	p.To = "ada@example.com>\r\nRCPT TO:<victim@example.com"
	if err := s.Send(t.Context(), p); !refusedBy(err) {
		t.Errorf("an address of two lines: %v", err)
	}
	if n := len(server.mails()); n != 1 {
		t.Errorf("%d mails", n)
	}
}

func refusedBy(err error) bool {
	var f *Failure
	return errors.As(err, &f) && f.Refused
}

// TestSMTPFailures: what is for good and what may pass, told without an address
// and without the server's text.
func TestSMTPFailures(t *testing.T) {
	answer := func(code int, enhanced smtp.EnhancedCode) error {
		return &smtp.SMTPError{Code: code, EnhancedCode: enhanced, Message: "ada@example.com has trouble 482913"}
	}
	for name, test := range map[string]struct {
		server  *mailServer
		how     string
		change  func(*SMTP)
		refused bool
		works   bool // the server, whatever it said of this mail
		trouble string
	}{
		"no such mailbox":      {server: &mailServer{rcpt: answer(550, smtp.EnhancedCode{5, 1, 1})}, refused: true, works: true, trouble: "it answered 550 5.1.1"},
		"mailbox busy":         {server: &mailServer{rcpt: answer(450, smtp.EnhancedCode{4, 2, 1})}, works: true, trouble: "it answered 450 4.2.1"},
		"sender refused":       {server: &mailServer{mail: answer(553, smtp.EnhancedCode{5, 7, 1})}, trouble: "it answered 553 5.7.1"},
		"content refused":      {server: &mailServer{data: answer(554, smtp.EnhancedCode{5, 7, 1})}, refused: true, works: true, trouble: "it answered 554 5.7.1"},
		"going away":           {server: &mailServer{rcpt: answer(421, smtp.EnhancedCode{4, 3, 2})}, trouble: "it answered 421 4.3.2"},
		"content put off":      {server: &mailServer{data: answer(451, smtp.EnhancedCode{4, 3, 0})}, works: true, trouble: "it answered 451 4.3.0"},
		"wrong password":       {server: &mailServer{user: "relay", password: "right"}, change: func(s *SMTP) { s.Username, s.Password = "relay", "wrong" }, trouble: "signing in to it failed"},
		"sign-in is demanded":  {server: &mailServer{user: "relay"}, trouble: "it answered 530 5.7.0"},
		"no STARTTLS":          {how: "none", trouble: "TLS failed or is not offered"},
		"strange certificate":  {change: func(s *SMTP) { s.Roots = x509.NewCertPool() }, trouble: "TLS failed or is not offered"},
		"certificate of other": {change: func(s *SMTP) { s.Host = "127.0.0.1" }, trouble: "TLS failed or is not offered"},
		"nobody there":         {change: func(s *SMTP) { s.Port = closedPort(t) }, trouble: "it could not be reached"},
		"no such host":         {change: func(s *SMTP) { s.Host = "no-such-host.invalid" }, trouble: "its host was not found"},
		"plain to the world":   {change: func(s *SMTP) { s.Host, s.TLS = "mail.example.com", TLSOpportunistic }, trouble: "opportunistic TLS is for loopback only"},
		"no such TLS":          {change: func(s *SMTP) { s.TLS = "none" }, trouble: "no such kind of TLS"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			how := TLSStart
			if test.how != "" {
				how = ""
			}
			server := test.server
			if server == nil {
				server = &mailServer{}
			}
			s := server.start(t, how)
			if test.change != nil {
				test.change(s)
			}
			err := s.Send(t.Context(), parcel(t))
			var f *Failure
			if !errors.As(err, &f) || f.Refused != test.refused || f.Works != test.works || troubleOf(err) != test.trouble {
				t.Errorf("refused %v, trouble %q, cause %v", refusedBy(err), troubleOf(err), errors.Unwrap(err))
			}
			if s := err.Error(); strings.Contains(s, "ada@") || strings.Contains(s, "482913") {
				t.Errorf("the error tells %q", s)
			}
			if len(server.mails()) != 0 {
				t.Error("it arrived all the same")
			}
		})
	}
}

// Opportunistic TLS reaches a local server that knows no TLS.
func TestSMTPOpportunisticOnLoopback(t *testing.T) {
	server := &mailServer{}
	s := server.start(t, "")
	s.TLS = TLSOpportunistic
	if err := s.Send(t.Context(), parcel(t)); err != nil {
		t.Fatal(err)
	}
	if got := server.mails(); len(got) != 1 || got[0].tls {
		t.Errorf("%+v", got)
	}
}

// SMTPUTF8 is asked for where an address needs it, and only there.
func TestSMTPAsksForUTF8WhereItMust(t *testing.T) {
	server := &mailServer{}
	s := server.start(t, TLSStart)
	for to, want := range map[string]bool{"ada@example.com": false, "üml@example.com": true} {
		p := parcel(t)
		p.To = to
		if err := s.Send(t.Context(), p); err != nil {
			t.Fatal(err, errors.Unwrap(err))
		}
		got := server.mails()
		if last := got[len(got)-1]; last.to != to || last.utf != want {
			t.Errorf("%s: %v", to, last.utf)
		}
	}
}

// A mail that the server took is sent, although the connection was lost before
// a good-bye: else it would be sent twice.
func TestSMTPTakenIsSent(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		lines := bufio.NewScanner(conn)
		say := func(s string) { _, _ = io.WriteString(conn, s+"\r\n") }
		say("220 localhost")
		for data := false; lines.Scan(); {
			switch line := lines.Text(); {
			case data && line == ".":
				say("250 taken")
				return
			case data:
			case line == "DATA":
				data = true
				say("354 go on")
			default:
				say("250 localhost")
			}
		}
	}()
	s := &SMTP{Host: "localhost", Port: l.Addr().(*net.TCPAddr).Port, TLS: TLSOpportunistic, From: mail.Address{Address: "a@b.example"}, Now: time.Now}
	if err := s.Send(t.Context(), parcel(t)); err != nil {
		t.Error(err, errors.Unwrap(err))
	}
}

// A server that accepts connections and says nothing holds a message up for a
// bounded time, and its caller's deadline bounds it further.
func TestSMTPSilentServer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s := &SMTP{Host: "localhost", Port: l.Addr().(*net.TCPAddr).Port, TLS: TLSStart, From: mail.Address{Address: "a@b.example"}, Now: time.Now}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := s.Send(ctx, parcel(t)); err == nil || refusedBy(err) || troubleOf(err) != "it did not answer in time" {
		t.Errorf("%v: %v", err, errors.Unwrap(err))
	}
}

func closedPort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func TestLoopback(t *testing.T) {
	for host, want := range map[string]bool{
		"localhost": true, "a.localhost": true, "127.0.0.1": true, "127.9.9.9": true, "::1": true, "::ffff:127.0.0.1": true,
		"": false, "localhost.example.com": false, "10.0.0.1": false, "0.0.0.0": false, "notlocalhost": false,
	} {
		if Loopback(host) != want {
			t.Errorf("%q: %v", host, !want)
		}
	}
}
