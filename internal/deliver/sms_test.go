package deliver

import (
	"crypto/hmac"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/intelliauth/intelliauth/internal/identity"
)

// endpoint is a small provider: it keeps what it got and answers as told.
type endpoint struct {
	mu     sync.Mutex
	status int
	answer string
	got    []request
	URL    string
}

type request struct {
	path, user, password string
	header               http.Header
	body                 []byte
}

func newEndpoint(t testing.TB, status int, answer string) *endpoint {
	t.Helper()
	e := &endpoint{status: status, answer: answer}
	server := httptest.NewServer(e)
	t.Cleanup(server.Close)
	e.URL = server.URL
	return e
}

func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	user, password, _ := r.BasicAuth()
	body, _ := io.ReadAll(r.Body)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.got = append(e.got, request{r.Method + " " + r.URL.Path, user, password, r.Header.Clone(), body})
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(e.status)
	_, _ = io.WriteString(w, e.answer)
}

func (e *endpoint) requests() []request {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]request(nil), e.got...)
}

func textParcel(t testing.TB) Parcel {
	t.Helper()
	m := letterOf(identity.MessageCode)
	m.Channel, m.To = identity.ChannelSMS, "+4915112345678"
	r, err := Render(words(), tenant(), m)
	if err != nil {
		t.Fatal(err)
	}
	return Parcel{ID: m.ID, Tenant: tenant(), Kind: m.Kind, Channel: m.Channel, To: m.To, Code: m.Code, Expires: m.Expires, Rendered: r}
}

func clockAt(at time.Time) func() time.Time { return func() time.Time { return at } }

// TestTwilioGetsWhatItAsksFor: path, account, form; and how long the message may
// wait in its queue.
func TestTwilioGetsWhatItAsksFor(t *testing.T) {
	service := "MG" + strings.Repeat("a", 32)
	for _, test := range []struct {
		from  string
		now   time.Time
		field string
		valid string
	}{
		{"+15005550006", noon, "From", "600"},
		{"Acme", noon.Add(599500 * time.Millisecond), "From", "1"},
		{service, noon.Add(-24 * time.Hour), "MessagingServiceSid", "14400"},
	} {
		e := newEndpoint(t, 201, `{"sid":"SM1","status":"queued"}`)
		s := &Twilio{Account: "AC1", Username: "SK1", Password: "token", From: test.from, URL: e.URL + "/", Client: Guard{Private: true}.Client(), Now: clockAt(test.now)}
		p := textParcel(t)
		if err := s.Send(t.Context(), p); err != nil {
			t.Fatal(err)
		}
		got := e.requests()
		if len(got) != 1 || got[0].path != "POST /2010-04-01/Accounts/AC1/Messages.json" || got[0].user != "SK1" || got[0].password != "token" {
			t.Fatalf("%+v", got)
		}
		form, err := url.ParseQuery(string(got[0].body))
		want := url.Values{"To": {p.To}, "Body": {p.Text}, "ValidityPeriod": {test.valid}, test.field: {test.from}}
		if err != nil || form.Encode() != want.Encode() || got[0].header.Get("Content-Type") != "application/x-www-form-urlencoded" {
			t.Errorf("%v %v", form, err)
		}
		if err := s.Probe(t.Context()); err != nil || len(e.requests()) != 2 || e.requests()[1].path != "HEAD /" {
			t.Errorf("probe: %v %+v", err, e.requests())
		}
	}
	if got := (&Twilio{}).base(); got != "https://api.twilio.com" {
		t.Error(got)
	}
}

// TestTwilioFailures sorts its answers into those about this message and those
// about us, and repeats nothing of them but codes.
func TestTwilioFailures(t *testing.T) {
	for _, test := range []struct {
		status, code int
		refused      bool
	}{
		{400, 21211, true},
		{400, 21614, true},
		{400, 21610, true},
		{400, 21408, true},
		{400, 21612, true},
		{400, 21606, false},
		{400, 21659, false},
		{400, 21212, false},
		{400, 0, false},
		{401, 20003, false},
		{403, 20005, false},
		{404, 20404, false},
		{429, 20429, false},
		{500, 20500, false},
		{503, 0, false},
		{302, 0, false},
	} {
		answer := fmt.Sprintf(`{"code":%d,"message":"The 'To' number +4915112345678 is not valid","status":%d}`, test.code, test.status)
		if test.code == 0 {
			answer = "<html>+4915112345678"
		}
		e := newEndpoint(t, test.status, answer)
		s := &Twilio{Account: "AC1", URL: e.URL, From: "x", Client: Guard{Private: true}.Client(), Now: clockAt(noon)}
		err := s.Send(t.Context(), textParcel(t))
		want := fmt.Sprintf("it answered %d, error %d", test.status, test.code)
		if err == nil || refusedBy(err) != test.refused || troubleOf(err) != want {
			t.Errorf("%d %d: refused %v, %v", test.status, test.code, refusedBy(err), err)
		}
	}
}

// TestH45_SendersAreGuarded: neither sender reaches this machine by itself.
func TestH45_SendersAreGuarded(t *testing.T) {
	e := newEndpoint(t, 200, "")
	for _, s := range []Sender{
		&Twilio{Account: "AC1", URL: e.URL, From: "x", Client: Guard{}.Client(), Now: clockAt(noon)},
		&Webhook{URL: e.URL, Secret: []byte("s"), Client: Guard{}.Client(), Now: clockAt(noon)},
	} {
		if err := s.Send(t.Context(), textParcel(t)); err == nil || troubleOf(err) != "its address is not allowed" {
			t.Errorf("%s: %v", s.Name(), err)
		}
	}
	if len(e.requests()) != 0 {
		t.Error("something arrived")
	}
}

// TestWebhookIsSigned: a receiver that does what the guide says can tell who
// sent a message, when, and whether it saw it before.
func TestWebhookIsSigned(t *testing.T) {
	e := newEndpoint(t, 204, "")
	secret := []byte("a shared secret")
	s := &Webhook{URL: e.URL + "/sms", Secret: secret, Client: Guard{Private: true}.Client(), Now: clockAt(noon.Add(time.Second))}
	p := textParcel(t)
	for range 2 {
		if err := s.Send(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
	got := e.requests()
	if len(got) != 2 || got[0].path != "POST /sms" || got[0].header.Get("IntelliAuth-Message") != "msg_1" || got[1].header.Get("IntelliAuth-Message") != "msg_1" {
		t.Fatalf("%+v", got)
	}
	r := got[0]
	if !verified(r, secret, noon) || !verified(r, secret, noon.Add(5*time.Minute)) {
		t.Error("the signature does not verify")
	}
	if verified(r, []byte("another"), noon) || verified(r, secret, noon.Add(6*time.Minute)) || verified(r, secret, noon.Add(-6*time.Minute)) {
		t.Error("verified under another secret, or at another time")
	}
	for i := range r.body {
		bad := r
		bad.body = append([]byte(nil), r.body...)
		bad.body[i] ^= 1
		if verified(bad, secret, noon) {
			t.Fatalf("verified with byte %d changed", i)
		}
	}
	moved := r
	moved.header = r.header.Clone()
	moved.header.Set("IntelliAuth-Timestamp", strconv.FormatInt(noon.Unix(), 10))
	if verified(moved, secret, noon) {
		t.Error("verified with another time")
	}
	var body map[string]any
	if err := json.Unmarshal(r.body, &body); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"id": "msg_1", "tenant": "acme", "kind": "code.signin", "channel": "sms", "to": p.To, "text": p.Text, "code": "482913", "expires": "2026-11-23T12:10:00Z",
	}
	if fmt.Sprint(body) != fmt.Sprint(want) || r.header.Get("Content-Type") != "application/json" {
		t.Errorf("%v", body)
	}
	if err := s.Probe(t.Context()); err != nil || e.requests()[2].header.Get("IntelliAuth-Signature") != "" {
		t.Errorf("probe: %v", err)
	}
}

// verified is what the guide tells receivers to do.
func verified(r request, secret []byte, now time.Time) bool {
	stamp := r.header.Get("IntelliAuth-Timestamp")
	at, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || now.Sub(time.Unix(at, 0)).Abs() > 5*time.Minute {
		return false
	}
	want := "v1=" + Sign(secret, stamp, r.body)
	return hmac.Equal([]byte(want), []byte(r.header.Get("IntelliAuth-Signature")))
}

// TestWebhookVector holds the signature to a value computed by another program:
// printf '1700000000.{"a":1}' | openssl dgst -sha256 -hmac secret
func TestWebhookVector(t *testing.T) {
	const want = "49f24e537407743fa4a0242bb63b94b9a47ee99cbbe071ccd8a22550ae411686"
	if got := Sign([]byte("secret"), "1700000000", []byte(`{"a":1}`)); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestWebhookFailures(t *testing.T) {
	for status, final := range map[int]bool{400: true, 422: true, 401: false, 403: false, 404: false, 409: false, 429: false, 500: false, 302: false} {
		e := newEndpoint(t, status, "+4915112345678")
		s := &Webhook{URL: e.URL, Secret: []byte("s"), Client: Guard{Private: true}.Client(), Now: clockAt(noon)}
		err := s.Send(t.Context(), textParcel(t))
		if err == nil || refusedBy(err) != final || troubleOf(err) != fmt.Sprintf("it answered %d", status) {
			t.Errorf("%d: refused %v, %v", status, refusedBy(err), err)
		}
	}
}
