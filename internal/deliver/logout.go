package deliver

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/intelliauth/intelliauth/internal/identity"
)

// logoutLife is how long a logout token is good (Back-Channel Logout 1.0, 4: two
// minutes at most).
const logoutLife = 2 * time.Minute

// logoutEvent is what every logout token tells (2.4).
const logoutEvent = "http://schemas.openid.net/event/backchannel-logout"

// Logout tells applications that a session ended (OpenID Connect Back-Channel
// Logout 1.0). The token is signed when it is sent, so that one that waited is no
// older than its try; its jti is the message's, the same in every try.
type Logout struct {
	Sign   func(ctx context.Context, t identity.Tenant, claims any) (compact string, err error)
	Client *http.Client
	Now    func() time.Time
}

// logoutToken is what an application is told (2.4): never a nonce.
type logoutToken struct {
	Issuer   string              `json:"iss"`
	Audience string              `json:"aud"`
	Subject  string              `json:"sub"`
	Session  string              `json:"sid"`
	IssuedAt int64               `json:"iat"`
	Expires  int64               `json:"exp"`
	ID       string              `json:"jti"`
	Events   map[string]struct{} `json:"events"`
}

// Name is "logout".
func (s *Logout) Name() string { return "logout" }

// Send posts a logout token. One application that cannot be reached keeps no
// other from being told: its failures are its own.
func (s *Logout) Send(ctx context.Context, p Parcel) error {
	now := s.Now()
	compact, err := s.Sign(ctx, p.Tenant, logoutToken{
		Issuer: p.Tenant.Issuer, Audience: p.Args["client_id"], Subject: p.Args["sub"], Session: p.Args["sid"],
		IssuedAt: now.Unix(), Expires: now.Add(logoutLife).Unix(), ID: p.ID, Events: map[string]struct{}{logoutEvent: {}},
	})
	if err != nil {
		return troubled(err, "the token could not be signed")
	}
	body := url.Values{"logout_token": {compact}}.Encode()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, p.To, strings.NewReader(body))
	if err != nil {
		return refused("its address cannot be used")
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	status, _, err := exchange(s.Client, r)
	switch {
	case err != nil:
		return &Failure{Works: true, Trouble: troubleOf(err), Cause: err}
	case status == http.StatusOK || status == http.StatusNoContent:
		return nil
	case status == http.StatusBadRequest: // 2.8: it does not take this token, and never will
		return refused("it answered %d", status)
	}
	return &Failure{Works: true, Trouble: "it answered " + http.StatusText(status)}
}

var _ Sender = (*Logout)(nil)
