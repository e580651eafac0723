package main

import (
	"context"
	"crypto/x509"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"net/mail"
	"net/url"
	"os"

	"github.com/intelliauth/intelliauth/cmd/intelliauth/config"
	"github.com/intelliauth/intelliauth/internal/deliver"
	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/messages"
	"github.com/intelliauth/intelliauth/internal/token"
)

// way is a tenant's channel.
type way struct{ tenant, channel string }

// senders are what messages leave by, in the order in which they are tried.
type senders map[way][]deliver.Sender

func (s senders) of(tenant, channel string) []deliver.Sender { return s[way{tenant, channel}] }

// senders makes what the configuration says of mail and text messages. It
// connects to nobody yet.
func (m *Main) senders(cfg *config.Config) (senders, error) {
	out := senders{}
	open, private := deliver.Guard{}.Client(), deliver.Guard{Private: true}.Client()
	for _, t := range cfg.Tenants {
		if t.Mail != nil {
			s, err := m.smtp(t)
			if err != nil {
				return nil, fmt.Errorf("tenant %s: mail: %w", t.ID, err)
			}
			out[way{t.ID, identity.ChannelEmail}] = []deliver.Sender{s}
		}
		if t.SMS == nil {
			continue
		}
		sms := way{t.ID, identity.ChannelSMS}
		for _, p := range t.SMS.Providers {
			client := open
			if p.Twilio != nil && p.Twilio.AllowPrivate || p.Webhook != nil && p.Webhook.AllowPrivate {
				client = private
			}
			out[sms] = append(out[sms], m.provider(p, client))
		}
	}
	return out, nil
}

func (m *Main) provider(p config.Provider, client *http.Client) deliver.Sender {
	if w := p.Webhook; w != nil {
		return &deliver.Webhook{URL: w.URL, Secret: []byte(w.Secret.Reveal()), Client: client, Now: m.Now}
	}
	t := p.Twilio
	s := &deliver.Twilio{
		Account: t.Account, Username: t.Key, Password: t.Token.Reveal(), From: t.From, URL: t.URL, Client: client, Now: m.Now,
	}
	if s.Username == "" {
		s.Username = t.Account
	}
	return s
}

func (m *Main) smtp(t config.Tenant) (*deliver.SMTP, error) {
	from, err := mail.ParseAddress(t.Mail.From)
	if err != nil {
		return nil, err
	}
	issuer, err := url.Parse(t.Issuer)
	if err != nil {
		return nil, err
	}
	s := &deliver.SMTP{
		Host: t.Mail.Host, Port: t.Mail.Port, Username: t.Mail.Username, Password: t.Mail.Password.Reveal(),
		From: *from, TLS: t.Mail.TLS, Hello: issuer.Hostname(), Now: m.Now,
	}
	if t.Mail.CA != "" {
		pem, err := os.ReadFile(t.Mail.CA)
		if err != nil {
			return nil, err
		}
		s.Roots = x509.NewCertPool()
		s.Roots.AppendCertsFromPEM(pem)
	}
	return s, nil
}

// logout is what tells applications that sessions ended.
func (m *Main) logout(h *house, guard deliver.Guard) []deliver.Sender {
	return []deliver.Sender{&deliver.Logout{
		Client: guard.Client(), Now: m.Now,
		Sign: func(ctx context.Context, t identity.Tenant, claims any) (string, error) {
			return h.keys.Sign(ctx, t, token.TypLogout, claims)
		},
	}}
}

// telling adds to what messages leave by what applications are told by. Their
// addresses are the operator's own words, and may be within the same network.
func (m *Main) telling(h *house, of func(tenant, channel string) []deliver.Sender) func(tenant, channel string) []deliver.Sender {
	logout := m.logout(h, deliver.Guard{Private: true})
	return func(tenant, channel string) []deliver.Sender {
		if channel == identity.ChannelLogout {
			return logout
		}
		return of(tenant, channel)
	}
}

// worker is what empties the outbox of a house.
func (m *Main) worker(h *house, of func(tenant, channel string) []deliver.Sender) *deliver.Worker {
	return deliver.New(deliver.Deps{
		Store: h.store, Due: h.kept, Senders: of, Words: messages.Load(), Now: m.Now, Log: h.front.Log, Wake: h.posted,
		Jitter:  func() float64 { return fraction(m.Random) },
		NewID:   func(prefix string) string { return identity.NewID(prefix, m.Now(), m.Random) },
		Counted: func(channel, result string) { h.metrics.messages.WithLabelValues(channel, result).Inc() },
	})
}

// fraction is a random number in [0,1).
func fraction(random io.Reader) float64 {
	var b [8]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return 0.5
	}
	return float64(binary.BigEndian.Uint64(b[:])>>11) / (1 << 53)
}

// inboxSender takes every message of the demo world over and leaves it where it
// is: the inbox reads the outbox.
type inboxSender struct{}

func (*inboxSender) Name() string { return "inbox" }

func (*inboxSender) Send(context.Context, deliver.Parcel) error { return nil }
