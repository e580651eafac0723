package otp

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/intelliauth/intelliauth/internal/assurance"
	"github.com/intelliauth/intelliauth/internal/factor"
	"github.com/intelliauth/intelliauth/internal/factor/factortest"
	"github.com/intelliauth/intelliauth/internal/identity"
)

const (
	mobile  = "+4915112345678"
	mobile2 = "+4915112345699"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// keyOf gives all tenants one key, so that nothing else than the tenant's id
// keeps their codes apart.
func keyOf(string) ([]byte, error) { return bytes.Repeat([]byte("k"), 32), nil }

// inbox is the phone or mailbox of one person: it answers with what was sent.
type inbox struct{ last string }

func (b *inbox) Enrol(c factor.Challenge, at time.Time) factor.Response { return b.Answer(c, at) }

func (b *inbox) Answer(c factor.Challenge, _ time.Time) factor.Response {
	if len(c.Send) > 0 {
		b.last = c.Send[0].Code
	}
	return factor.Response{Value: b.last}
}

func (b *inbox) Misenrol(c factor.Challenge, at time.Time) factor.Response { return b.Misanswer(c, at) }

func (b *inbox) Misanswer(c factor.Challenge, at time.Time) factor.Response {
	return factor.Response{Value: spoilt(b.Answer(c, at).Value)}
}

// spoilt is a code of the same form with another last character.
func spoilt(code string) string {
	if code == "" {
		return "000000"
	}
	last := "0"
	if strings.HasSuffix(code, "0") {
		last = "1"
	}
	return code[:len(code)-1] + last
}

func TestContract(t *testing.T) {
	for what, c := range map[string]struct {
		make  func(Options) (factor.Factor, error)
		asked factor.Asked
		life  time.Duration
		until func(*factor.Subject)
	}{
		"sms":           {newSMS, factor.Asked{Fields: map[string]string{"phone": mobile}}, life, german},
		"email":         {newEmail, factor.Asked{}, life, nil},
		"email, other":  {newEmail, factor.Asked{Fields: map[string]string{"email": "other@home.example"}}, life, nil},
		"ticket reset":  {newTicket, factor.Asked{}, ticketLife, ticketFor("reset")},
		"ticket unlock": {newTicket, factor.Asked{}, ticketLife, ticketFor("unlock")},
		"ticket by sms": {newTicket, factor.Asked{}, ticketLife, func(s *factor.Subject) {
			german(s)
			s.Purpose, s.Channel, s.Address = "reset", "sms", mobile
		}},
	} {
		t.Run(what, func(t *testing.T) {
			factortest.Run(t, func(*testing.T) factortest.Harness {
				return factortest.Harness{
					New: func(now func() time.Time, random io.Reader) (factor.Factor, error) {
						return c.make(Options{Now: now, Random: random, Key: keyOf})
					},
					Authenticator: func() factortest.Authenticator { return &inbox{} },
					Asked:         c.asked, EnrolmentLife: c.life, SignInLife: c.life, Step: time.Second, Subject: c.until,
				}
			})
		})
	}
}

func newSMS(o Options) (factor.Factor, error)    { return SMS(o) }
func newEmail(o Options) (factor.Factor, error)  { return Email(o) }
func newTicket(o Options) (factor.Factor, error) { return Ticket(o) }

func german(s *factor.Subject) { s.Tenant.SMSCountries = []string{"DE"} }

func ticketFor(purpose string) func(*factor.Subject) {
	return func(s *factor.Subject) {
		s.Purpose, s.Channel, s.Address = purpose, identity.ChannelEmail, s.User.Email
	}
}

// scene is one factor, a clock and Ada.
type scene struct {
	*testing.T
	f   factor.Factor
	at  time.Time
	sub factor.Subject
}

func newScene(t *testing.T, make func(Options) (factor.Factor, error)) *scene {
	t.Helper()
	s := &scene{T: t, at: start}
	f, err := make(Options{Now: func() time.Time { return s.at }, Random: rand.Reader, Key: keyOf})
	if err != nil {
		t.Fatal(err)
	}
	s.f = f
	s.sub = factor.Subject{
		Tenant:  identity.Tenant{ID: "tnt_a", Name: "Acme", Issuer: "https://id.acme.example", SMSCountries: []string{"DE", "US"}},
		User:    &identity.User{ID: "usr_ada", Name: "Ada Lovelace", Identifier: "ada@example.com", Email: "Ada@example.com", EmailVerified: true},
		Purpose: "signin", Locale: "de-AT",
	}
	return s
}

// begin sets a challenge and returns it with the code that was sent; "" if none.
func (s *scene) begin() (factor.Challenge, string) {
	s.Helper()
	c, err := s.f.Begin(s.sub)
	if err != nil {
		s.Fatal(err)
	}
	return c, sent(c)
}

func sent(c factor.Challenge) string {
	if len(c.Send) == 0 {
		return ""
	}
	return c.Send[0].Code
}

func (s *scene) finish(c factor.Challenge, typed string) (factor.Outcome, error) {
	return s.f.Finish(s.sub, c, factor.Response{Value: typed})
}

// enrol adds an enrolment with this phone or address.
func (s *scene) enrol(id, to string) factor.Enrolled {
	s.Helper()
	c, err := s.f.BeginEnrolment(s.sub, factor.Asked{Fields: map[string]string{"phone": to, "email": to}})
	if err != nil {
		s.Fatal(err)
	}
	got, err := s.f.FinishEnrolment(s.sub, c, factor.Response{Value: sent(c)})
	if err != nil {
		s.Fatal(err)
	}
	s.sub.Enrolments = append(s.sub.Enrolments, identity.Enrolment{ID: id, User: s.sub.User.ID, Factor: s.f.Facts().Name, Data: got.Data})
	return got
}

// want holds an error against the code of a refusal; "" is none.
func want(t *testing.T, what string, err error, code string) {
	t.Helper()
	var why *factor.Refusal
	got := ""
	if errors.As(err, &why) {
		got = why.Code
	}
	if got != code || (err == nil) != (code == "") {
		t.Errorf("%s: %v, want %q", what, err, code)
	}
}

func TestFacts(t *testing.T) {
	sms, email, ticket := newScene(t, newSMS).f.Facts(), newScene(t, newEmail).f.Facts(), newScene(t, newTicket).f.Facts()
	if sms.Class != assurance.Telephone || !sms.Restricted || sms.AMR != "sms" || len(sms.Asks) != 1 || sms.Asks[0] != (factor.Field{Name: "phone", Autocomplete: "tel", InputMode: "tel"}) {
		t.Errorf("N-44: %+v", sms)
	}
	if email.Class != assurance.Mailbox || email.AMR != "email" || len(email.Asks) != 0 {
		t.Errorf("N-43: %+v", email)
	}
	for _, f := range []factor.Facts{sms, email} {
		if f.Space != 1_000_000 || f.Accepted != 1 || f.Max != 3 || !f.Sends || f.First {
			t.Errorf("%+v", f)
		}
		// N-06: whatever the transport, a code is not phishing-resistant.
		if assurance.LevelOf(assurance.Standard, nil, []assurance.Proof{f.Best}) > assurance.AAL1 {
			t.Errorf("%s alone is above aal1", f.Name)
		}
	}
	if got := assurance.LevelOf(assurance.Strict, nil, []assurance.Proof{sms.Best, email.Best}); got != assurance.None {
		t.Errorf("strict takes them for %s", got)
	}
	if ticket.Space != 1<<40 || assurance.LevelOf(assurance.Standard, nil, []assurance.Proof{ticket.Best}) != assurance.None {
		t.Errorf("%+v", ticket)
	}
}

// What a message holds, and what the prompt does not.
func TestO06_SMSChallenge(t *testing.T) {
	s := newScene(t, newSMS)
	s.sub.Purpose = "enrol"
	c, err := s.f.BeginEnrolment(s.sub, factor.Asked{Fields: map[string]string{"phone": "0151 12345678"}})
	if err != nil {
		t.Fatal(err)
	}
	expected := identity.Message{
		Kind: identity.MessageEnrolCode, Channel: "sms", To: mobile, Name: "Ada Lovelace", Code: sent(c), Locale: "de-AT",
		Country: "DE", Prefix: "+491511", Expires: start.Add(5 * time.Minute), User: "usr_ada",
	}
	if len(c.Send) != 1 || fmt.Sprint(c.Send[0]) != fmt.Sprint(expected) || len(sent(c)) != 6 {
		t.Errorf("%+v", c.Send)
	}
	p := c.Prompt
	if c.Tries != 5 || p.SentTo != "+49 ••• ••78" || p.Input != factor.Text || p.Autocomplete != "one-time-code" || p.InputMode != "numeric" {
		t.Errorf("%+v", c)
	}
	got, err := s.f.FinishEnrolment(s.sub, c, factor.Response{Value: sent(c)[:3] + " " + sent(c)[3:]})
	if err != nil {
		t.Fatal(err)
	}
	key, _ := keyOf("")
	if got.Name != "+49 ••• ••78" || got.Lookup != nil || got.Proof.Channel != identity.ChannelOf(key, "sms", mobile) || got.Proof.Class != assurance.Telephone {
		t.Errorf("%+v", got)
	}
	s.sub.Enrolments = []identity.Enrolment{{ID: "enr_1", User: "usr_ada", Factor: "sms", Data: got.Data}}
	s.sub.Purpose = "signin"
	c, code := s.begin()
	if m := c.Send[0]; m.Kind != identity.MessageCode || m.To != mobile || m.Country != "DE" || m.Prefix != "+491511" {
		t.Errorf("%+v", m)
	}
	out, err := s.finish(c, code)
	if err != nil || out.Proof.Channel != got.Proof.Channel || out.Proof.AMR != "sms" {
		t.Errorf("%+v, %v", out, err)
	}
}

func TestC24_EmailOfTheUserOrAnother(t *testing.T) {
	s := newScene(t, newEmail)
	key, _ := keyOf("")
	own, other := s.enrol("enr_1", ""), s.enrol("enr_2", "ada@Home.Example.")
	if own.Proof.Channel != identity.ChannelOf(key, "email", "ada@example.com") || own.Name != "A***@e***.com" {
		t.Errorf("%+v", own)
	}
	if other.Proof.Channel == own.Proof.Channel || other.Name != "a***@h***.example" || !strings.Contains(string(other.Data), `"ada@home.example"`) {
		t.Errorf("%+v", other)
	}
	s.sub.User.Email = ""
	_, err := s.f.BeginEnrolment(s.sub, factor.Asked{})
	want(t, "a user without an address", err, "address_invalid")
	s.sub.User = nil
	if _, err := s.f.BeginEnrolment(s.sub, factor.Asked{Fields: map[string]string{"email": "a@b.example"}}); !errors.Is(err, factor.ErrWrong) {
		t.Errorf("nobody enrols: %v", err)
	}
}

// H-03: a new code has another challenge, with its own tries; the older code is
// right for its own challenge alone.
func TestH03_ResendIsAnotherChallenge(t *testing.T) {
	s := newScene(t, newSMS)
	s.enrol("enr_1", mobile)
	first, code1 := s.begin()
	second, code2 := s.begin()
	for code1 == code2 {
		second, code2 = s.begin()
	}
	if first.Tries != 5 || second.Tries != 5 || bytes.Equal(first.State, second.State) {
		t.Errorf("%d and %d tries", first.Tries, second.Tries)
	}
	_, err := s.finish(second, code1)
	want(t, "the first code at the second challenge", err, "code_invalid")
	_, err = s.finish(second, code2)
	want(t, "the second", err, "")
}

// H-04: fifty right posts of one code are all judged from the same data, and
// all answer the same new data, so that one compare-and-swap wins; judged again
// from what it left, the others are refused.
func TestH04_ParallelRightCodes(t *testing.T) {
	s := newScene(t, newSMS)
	s.enrol("enr_1", mobile)
	base := s.sub.Enrolments[0].Data
	c, code := s.begin()
	type result struct {
		out factor.Outcome
		err error
	}
	results := make(chan result)
	for range 50 {
		go func() {
			out, err := s.finish(c, code)
			results <- result{out, err}
		}()
	}
	var next []byte
	for range 50 {
		r := <-results
		if r.err != nil || bytes.Equal(r.out.Data, base) || next != nil && !bytes.Equal(next, r.out.Data) {
			t.Fatalf("%v: %s after %s", r.err, r.out.Data, base)
		}
		next = r.out.Data
	}
	s.sub.Enrolments = slices.Clone(s.sub.Enrolments)
	s.sub.Enrolments[0].Data = next
	_, err := s.finish(c, code)
	want(t, "judged again", err, "code_replayed")
	_, err = s.finish(c, spoilt(code))
	want(t, "a wrong code at an answered challenge", err, "code_invalid")
}

func TestO02_LifeIsFiveMinutes(t *testing.T) {
	s := newScene(t, newSMS)
	s.enrol("enr_1", mobile)
	c, code := s.begin()
	for _, at := range []time.Duration{5 * time.Minute, time.Hour, -5 * time.Minute} {
		s.at = start.Add(at)
		_, err := s.finish(c, code)
		want(t, at.String(), err, "code_expired")
	}
	s.at = start.Add(5*time.Minute - time.Microsecond)
	_, err := s.finish(c, code)
	want(t, "just before", err, "")
}

// O-08: a country that the tenant took off its list gets nothing more, and no
// code is right.
func TestO08_CountryNoLongerAllowed(t *testing.T) {
	s := newScene(t, newSMS)
	s.enrol("enr_1", mobile)
	for _, countries := range [][]string{nil, {"US"}} {
		s.sub.Tenant.SMSCountries = countries
		c, err := s.f.Begin(s.sub)
		if err != nil || len(c.Send) != 0 || c.Prompt.SentTo != "" {
			t.Errorf("%v: %+v, %v", countries, c, err)
		}
	}
	// Sent before, answered after: it did arrive.
	s.sub.Tenant.SMSCountries = []string{"DE"}
	c, code := s.begin()
	s.sub.Tenant.SMSCountries = nil
	_, err := s.finish(c, code)
	want(t, "sent before", err, "")
}

func BenchmarkBegin(b *testing.B) {
	f, err := Email(Options{Now: func() time.Time { return start }, Random: rand.Reader, Key: keyOf})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := f.Begin(factor.Subject{Tenant: identity.Tenant{ID: "tnt_a"}}); err != nil {
			b.Fatal(err)
		}
	}
}
