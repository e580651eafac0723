package deliver

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// TwilioURL is where Twilio's API is, unless an operator names a region's.
const TwilioURL = "https://api.twilio.com"

// Twilio hands text messages to Twilio, by its Messages resource of 2010-04-01.
type Twilio struct {
	Account  string // AC…
	Username string // an API key's SID (SK…), or the account's
	Password string // the key's secret, or the account's token
	From     string // an E.164 number, a sender name, or a messaging service (MG…)
	URL      string // without a path; TwilioURL by default
	Client   *http.Client
	Now      func() time.Time
}

// Name is "twilio".
func (s *Twilio) Name() string { return "twilio" }

// twilioLongest is the longest time that Twilio keeps a message in its queue.
const twilioLongest = 4 * time.Hour

// Send hands one message over. Twilio drops it itself if it would leave its
// queue after the message expired.
func (s *Twilio) Send(ctx context.Context, p Parcel) error {
	left := min(p.Expires.Sub(s.Now()), twilioLongest)
	form := url.Values{"To": {p.To}, "Body": {p.Text}, "ValidityPeriod": {strconv.Itoa(max(1, int(left.Seconds())))}}
	if strings.HasPrefix(s.From, "MG") && len(s.From) == 34 {
		form.Set("MessagingServiceSid", s.From)
	} else {
		form.Set("From", s.From)
	}
	at := s.base() + "/2010-04-01/Accounts/" + url.PathEscape(s.Account) + "/Messages.json"
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, at, strings.NewReader(form.Encode()))
	if err != nil {
		return troubled(err, "its address cannot be used")
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "application/json")
	r.SetBasicAuth(s.Username, s.Password)
	status, body, err := exchange(s.Client, r)
	if err != nil {
		return err
	}
	return twilioResult(status, body)
}

// Probe asks whether the API is there. It does not sign in.
func (s *Twilio) Probe(ctx context.Context) error { return probe(ctx, s.Client, s.base()) }

func (s *Twilio) base() string {
	if s.URL == "" {
		return TwilioURL
	}
	return strings.TrimSuffix(s.URL, "/")
}

// twilioResult sorts an answer. A 400 speaks of this message, save for the codes
// that speak of our own number or settings.
func twilioResult(status int, body []byte) error {
	if status == http.StatusCreated || status == http.StatusOK {
		return nil
	}
	var answer struct {
		Code int `json:"code"`
	}
	_ = json.Unmarshal(body, &answer) // what is no JSON has no code
	if status == http.StatusBadRequest && !slices.Contains(twilioOurs(), answer.Code) {
		return refused("it answered %d, error %d", status, answer.Code)
	}
	return troubled(nil, "it answered %d, error %d", status, answer.Code)
}

// twilioOurs are errors about the sending side: once mended, the same message
// may go.
func twilioOurs() []int {
	return []int{
		0,                   // no answer of Twilio's
		20003, 20005, 20404, // not signed in, account suspended, no such account
		21212, 21603, 21605, 21606, 21607, 21659, 21660, // our number is missing, or cannot do this
		21611, 30001, 30022, // a queue is full, too many messages
		21703, 21712, // the messaging service
		63038, // the account's limit of messages a day
	}
}

var (
	_ Sender = (*Twilio)(nil)
	_ Prober = (*Twilio)(nil)
)
