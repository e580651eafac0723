package deliver

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/wneessen/go-mail"
)

// How the way to a mail server is protected.
const (
	TLSStart         = "starttls"      // STARTTLS or nothing: a server that does not offer it gets no mail (RFC 8314)
	TLSImplicit      = "tls"           // TLS from the first byte, usually on port 465
	TLSOpportunistic = "opportunistic" // STARTTLS if offered: to loopback only
)

// stageFor bounds each stage of a mail: connecting, greeting and signing in,
// handing over.
const stageFor = 9 * time.Second

// SMTP hands mails to one server.
type SMTP struct {
	Host     string
	Port     int
	Username string // "" signs in nowhere
	Password string
	From     netmail.Address // its Name defaults to the tenant's
	TLS      string          // one of TLS…
	Roots    *x509.CertPool  // nil means the system's
	Hello    string          // our name in EHLO
	Now      func() time.Time
}

// Name is "smtp".
func (s *SMTP) Name() string { return "smtp" }

// Send hands a mail over. It counts as sent once the server took it, whatever
// becomes of the connection then.
func (s *SMTP) Send(ctx context.Context, p Parcel) error {
	msg, err := s.compose(p)
	if err != nil {
		return err
	}
	client, err := s.client(ctx, ascii(p.To) && ascii(s.From.Address))
	if err != nil {
		return err
	}
	err = client.DialAndSendWithContext(ctx, msg)
	switch {
	case err == nil || msg.IsDelivered():
		return nil
	case ctx.Err() != nil:
		return troubled(err, "%s", reason(ctx.Err()))
	}
	return s.failure(err)
}

// Probe connects, greets, protects the connection and signs in.
func (s *SMTP) Probe(ctx context.Context) error {
	client, err := s.client(ctx, true)
	if err != nil {
		return err
	}
	c, err := client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return err
	}
	return client.CloseWithSMTPClient(c)
}

// client is one for a single connection, which ends with ctx: the library
// itself minds ctx only while it connects. Where both addresses are ASCII it
// does not ask for SMTPUTF8, which a relay further on may lack.
func (s *SMTP) client(ctx context.Context, plain bool) (*mail.Client, error) {
	config := &tls.Config{ServerName: s.Host, RootCAs: s.Roots, MinVersion: tls.VersionTLS12}
	o := []mail.Option{
		mail.WithPort(s.Port), mail.WithTimeout(stageFor), mail.WithTLSPolicy(mail.TLSMandatory), mail.WithTLSConfig(config),
		mail.WithDialContextFunc(func(dialing context.Context, network, address string) (net.Conn, error) {
			return s.dial(ctx, dialing, config, address)
		}),
	}
	if plain {
		o = append(o, mail.WithoutSMTPUTF8())
	}
	if s.Hello != "" {
		o = append(o, mail.WithHELO(s.Hello))
	}
	switch s.TLS {
	case TLSStart:
	case TLSImplicit:
		o = append(o, mail.WithSSL())
	case TLSOpportunistic:
		if !Loopback(s.Host) {
			return nil, troubled(nil, "opportunistic TLS is for loopback only")
		}
		o = append(o, mail.WithTLSPolicy(mail.TLSOpportunistic))
	default:
		return nil, troubled(nil, "no such kind of TLS")
	}
	if s.Username != "" {
		// PLAIN and LOGIN themselves refuse a connection without TLS.
		o = append(o, mail.WithOpportunisticSMTPAuth(mail.SMTPAuthSCRAMSHA256, mail.SMTPAuthSCRAMSHA1, mail.SMTPAuthPlain, mail.SMTPAuthLogin, mail.SMTPAuthCramMD5),
			mail.WithUsername(s.Username), mail.WithPassword(s.Password))
	}
	client, err := mail.NewClient(s.Host, o...)
	if err != nil {
		return nil, troubled(err, "its settings cannot be used")
	}
	return client, nil
}

func (s *SMTP) dial(ctx, dialing context.Context, config *tls.Config, address string) (net.Conn, error) {
	conn, err := (&net.Dialer{Timeout: dialFor}).DialContext(dialing, "tcp", address)
	if err != nil {
		return nil, err
	}
	context.AfterFunc(ctx, func() { _ = conn.Close() })
	if s.TLS != TLSImplicit {
		return conn, nil
	}
	secured := tls.Client(conn, config)
	if err := secured.HandshakeContext(dialing); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return secured, nil
}

// compose makes the mail. Every header value is one line by now; go-mail
// encodes what is not ASCII and never lets a value become a header (O-13).
func (s *SMTP) compose(p Parcel) (*mail.Msg, error) {
	to, ok := mailbox(p.To)
	if !ok {
		return nil, refused("it is addressed to no mailbox")
	}
	from := s.From
	if from.Name == "" {
		from.Name = headerLine(p.Tenant.Name)
	}
	msg := mail.NewMsg(mail.WithNoDefaultUserAgent())
	msg.FromMailAddress(&from)
	msg.ToMailAddress(to)
	msg.Subject(headerLine(p.Subject))
	msg.SetMessageIDWithValue(p.ID + "@" + domainOf(from.Address))
	msg.SetDateWithValue(s.Now())
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no out-of-office answers, please
	msg.SetBodyString(mail.TypeTextPlain, p.Text)
	if p.HTML != "" {
		msg.AddAlternativeString(mail.TypeTextHTML, p.HTML)
	}
	return msg, nil
}

// failure sorts what went wrong. The server refuses this message for good only
// by a 5xx to its recipient or its content, and for now by a 4xx there, as one
// does that wants to see a stranger twice; all else is about the server.
func (s *SMTP) failure(err error) error {
	var sent *mail.SendError
	if !errors.As(err, &sent) {
		if text := err.Error(); strings.Contains(text, "AUTH") {
			return troubled(err, "signing in to it failed")
		} else if strings.Contains(text, "STARTTLS") || isTLS(err) {
			return troubled(err, "TLS failed or is not offered")
		}
		return troubled(err, "%s", reason(err))
	}
	code := sent.ErrorCode()
	if code == 0 {
		return troubled(err, "the connection failed")
	}
	f := troubled(err, "%s", strings.TrimSpace(fmt.Sprintf("it answered %d %s", code, sent.EnhancedStatusCode())))
	f.Works = (sent.Reason == mail.ErrSMTPRcptTo || sent.Reason == mail.ErrSMTPDataClose) && code != 421 && code != 530 && code != 535
	f.Refused = f.Works && code >= 500
	return f
}

// headerLine makes a value one line, whatever was in it.
func headerLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, s)
}

func ascii(s string) bool { return strings.IndexFunc(s, func(r rune) bool { return r > 0x7e }) < 0 }

func domainOf(address string) string { return address[strings.LastIndexByte(address, '@')+1:] }

// Loopback reports whether a host is this machine, by its name or its number.
func Loopback(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.Unmap().IsLoopback()
}

// Address is where the server listens, for messages to the operator.
func (s *SMTP) Address() string { return net.JoinHostPort(s.Host, strconv.Itoa(s.Port)) }

var (
	_ Sender = (*SMTP)(nil)
	_ Prober = (*SMTP)(nil)
)
