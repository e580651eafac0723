package deliver

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"math/big"
	"net"
	"net/mail"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// certificate is one for localhost that clients of the pool trust.
func certificate(t testing.TB) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{"localhost"}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

// mailServer is a real SMTP server of another make.
type mailServer struct {
	user, password string // "" asks nobody to sign in
	mail           error  // what it answers to MAIL
	rcpt, data     error  // and to RCPT, and to the end of DATA

	mu   sync.Mutex
	got  []received
	port int
}

type received struct {
	from, to string
	raw      []byte
	tls, utf bool
	user     string
}

type mailSession struct {
	server *mailServer
	conn   *smtp.Conn
	r      received
}

func (s *mailServer) NewSession(c *smtp.Conn) (smtp.Session, error) {
	return &mailSession{server: s, conn: c}, nil
}

func (s *mailSession) AuthMechanisms() []string {
	if s.server.user == "" {
		return nil
	}
	return []string{sasl.Plain}
}

func (s *mailSession) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != s.server.user || password != s.server.password {
			return &smtp.SMTPError{Code: 535, EnhancedCode: smtp.EnhancedCode{5, 7, 8}, Message: "no such user as " + user}
		}
		s.r.user = user
		return nil
	}), nil
}

func (s *mailSession) Mail(from string, o *smtp.MailOptions) error {
	s.r.utf = o.UTF8
	if s.server.user != "" && s.r.user == "" {
		return &smtp.SMTPError{Code: 530, EnhancedCode: smtp.EnhancedCode{5, 7, 0}, Message: "sign in first"}
	}
	s.r.from = from
	return s.server.mail
}

func (s *mailSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.r.to = to
	return s.server.rcpt
}

func (s *mailSession) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if s.server.data != nil {
		return s.server.data
	}
	_, s.r.tls = s.conn.TLSConnectionState()
	s.r.raw = raw
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	s.server.got = append(s.server.got, s.r)
	return nil
}

func (s *mailSession) Reset()        {}
func (s *mailSession) Logout() error { return nil }

func (s *mailServer) mails() []received {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]received(nil), s.got...)
}

// start serves on a free port until the test ends: how is TLS… or "" for none.
func (s *mailServer) start(t testing.TB, how string) *SMTP {
	t.Helper()
	cert, pool := certificate(t)
	server := smtp.NewServer(s)
	server.Domain, server.AllowInsecureAuth = "localhost", how == ""
	server.EnableSMTPUTF8 = true
	server.ErrorLog = quiet{}
	config := &tls.Config{Certificates: []tls.Certificate{cert}}
	if how == TLSStart {
		server.TLSConfig = config
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.port = l.Addr().(*net.TCPAddr).Port
	if how == TLSImplicit {
		l = tls.NewListener(l, config)
	}
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(l) }()
	t.Cleanup(func() { server.Close(); l.Close(); <-done })
	return &SMTP{
		Host: "localhost", Port: s.port, TLS: TLSStart, Roots: pool, Hello: "login.acme.example",
		From: mail.Address{Address: "no-reply@acme.example"}, Now: func() time.Time { return noon },
	}
}

type quiet struct{}

func (quiet) Printf(string, ...any) {}
func (quiet) Println(...any)        {}
