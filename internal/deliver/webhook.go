package deliver

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strconv"
	"time"
)

// Headers of a webhook. A receiver takes the timestamp, a dot and the body as
// they came, computes HMAC-SHA-256 under the shared secret, compares in constant
// time with each v1 value of the signature, and refuses timestamps that are more
// than five minutes off. Message is the same in every try of one message: a
// receiver that saw it answers 200 and sends nothing.
const (
	HeaderMessage   = "IntelliAuth-Message"
	HeaderTimestamp = "IntelliAuth-Timestamp" // seconds since the Unix epoch
	HeaderSignature = "IntelliAuth-Signature" // v1=hex, several separated by commas
)

// Webhook hands text messages to an operator's own gateway.
type Webhook struct {
	URL    string
	Secret []byte
	Client *http.Client
	Now    func() time.Time
}

// webhookBody is what a gateway gets. Text is whole; a gateway that has approved
// templates of its own takes Kind and Code instead.
type webhookBody struct {
	ID      string    `json:"id"`
	Tenant  string    `json:"tenant"`
	Kind    string    `json:"kind"` // of identity.Message
	Channel string    `json:"channel"`
	To      string    `json:"to"`
	Text    string    `json:"text"`
	Code    string    `json:"code,omitempty"`
	Expires time.Time `json:"expires"` // not to be sent after this
}

// Name is "webhook".
func (s *Webhook) Name() string { return "webhook" }

// Send posts one message.
func (s *Webhook) Send(ctx context.Context, p Parcel) error {
	body, err := json.Marshal(webhookBody{
		ID: p.ID, Tenant: p.Tenant.ID, Kind: p.Kind, Channel: p.Channel, To: p.To, Text: p.Text, Code: p.Code, Expires: p.Expires.UTC(),
	})
	if err != nil {
		return refused("it cannot be written as JSON")
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL, bytes.NewReader(body))
	if err != nil {
		return troubled(err, "its address cannot be used")
	}
	stamp := strconv.FormatInt(s.Now().Unix(), 10)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set(HeaderMessage, p.ID)
	r.Header.Set(HeaderTimestamp, stamp)
	r.Header.Set(HeaderSignature, "v1="+Sign(s.Secret, stamp, body))
	status, _, err := exchange(s.Client, r)
	switch {
	case err != nil:
		return err
	case status >= 200 && status < 300:
		return nil
	case status == http.StatusBadRequest, status == http.StatusUnprocessableEntity:
		return refused("it answered %d", status)
	}
	return troubled(nil, "it answered %d", status)
}

// Sign is the signature of a webhook's body at a time, in hexadecimal.
func Sign(secret []byte, timestamp string, body []byte) string {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(timestamp))
	mac.Write([]byte("."))
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}

// Probe asks whether the gateway is there, without a signature.
func (s *Webhook) Probe(ctx context.Context) error { return probe(ctx, s.Client, s.URL) }

var (
	_ Sender = (*Webhook)(nil)
	_ Prober = (*Webhook)(nil)
)
