package otp

import (
	"bytes"
	"crypto/rand"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/intelliauth/intelliauth/internal/factor"
	"github.com/intelliauth/intelliauth/internal/identity"
)

// O-03: a code is worth nothing for another purpose, destination, user, tenant
// or factor, even where the state's own lock is opened by whoever forges it.
func TestO03_CodeIsBound(t *testing.T) {
	s := newScene(t, newSMS)
	s.enrol("enr_1", mobile)
	c, code := s.begin()
	home := s.sub
	other := newScene(t, newSMS)
	other.enrol("enr_1", mobile2)
	for what, change := range map[string]func(*factor.Subject){
		"another purpose":      func(s *factor.Subject) { s.Purpose = "stepup" },
		"no purpose":           func(s *factor.Subject) { s.Purpose = "" },
		"another destination":  func(s *factor.Subject) { s.Enrolments = other.sub.Enrolments },
		"another enrolment id": func(s *factor.Subject) { s.Enrolments[0].ID = "enr_2" },
		"another tenant":       func(s *factor.Subject) { s.Tenant.ID = "tnt_b" },
		"another user":         func(s *factor.Subject) { s.User = &identity.User{ID: "usr_eve"}; s.Enrolments[0].User = "usr_eve" },
	} {
		s.sub = home
		s.sub.Enrolments = slices.Clone(home.Enrolments)
		change(&s.sub)
		forged := c
		f := s.f.(*Factor)
		body, err := f.bound(factor.ForSignIn).Open(home, s.at, c.State)
		if err != nil {
			t.Fatal(err)
		}
		forged.State = f.bound(factor.ForSignIn).State(s.sub, s.at, body)
		_, err = s.finish(forged, code)
		want(t, what, err, "code_invalid")
	}
	s.sub = home
	_, err := s.finish(c, code)
	want(t, "as it was meant", err, "")

	mail := newScene(t, newEmail)
	mail.enrol("enr_1", "")
	_, err = mail.f.Finish(mail.sub, c, factor.Response{Value: code})
	if !errors.Is(err, factor.ErrForeign) {
		t.Errorf("an SMS challenge at e-mail: %v", err)
	}
}

// O-01: neither state nor data holds the code, and who reads the database
// without the key cannot try all codes against what it holds.
func TestO01_StoredUnderTheServersKey(t *testing.T) {
	s := newScene(t, newSMS)
	got := s.enrol("enr_1", mobile)
	c, code := s.begin()
	if bytes.Contains(c.State, []byte(code)) || bytes.Contains(got.Data, []byte(code)) {
		t.Error("the code is kept as it is")
	}
	key := []byte("another key of the same length..")
	f, err := SMS(Options{Now: func() time.Time { return s.at }, Random: rand.Reader, Key: func(string) ([]byte, error) { return key, nil }})
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.Finish(s.sub, c, factor.Response{Value: code})
	want(t, "under another key", err, "code_invalid")
}

// forge seals what a challenge would keep, as only the engine could.
func (s *scene) forge(p factor.Purpose, d destination, q posed, code string) factor.Challenge {
	s.Helper()
	f := s.f.(*Factor)
	q, err := f.pose(s.sub, p, d, q, code)
	if err != nil {
		s.Fatal(err)
	}
	c, err := f.challenge(s.sub, p, q, "")
	if err != nil {
		s.Fatal(err)
	}
	return c
}

// A challenge of which nothing was sent has no right response at all, not even
// the code that was made for the work's sake.
func TestNothingSentNothingRight(t *testing.T) {
	s := newScene(t, newSMS)
	s.enrol("enr_1", mobile)
	to, mail := destination{Channel: "sms", To: mobile}, destination{Channel: "email", To: "ada@example.com"}
	_, err := s.finish(s.forge(factor.ForSignIn, to, posed{Enrolment: "enr_1", Sent: true}, "123456"), "123456")
	want(t, "a code that was sent", err, "")
	_, err = s.finish(s.forge(factor.ForSignIn, to, posed{Enrolment: "enr_1"}, "123456"), "123456")
	want(t, "a code that nobody got", err, "code_invalid")
	_, err = s.finish(s.forge(factor.ForSignIn, destination{}, posed{Sent: true}, "123456"), "123456")
	want(t, "a code of no enrolment", err, "code_invalid")
	for what, q := range map[string]posed{"nowhere": {Sent: true}, "a mailbox": {Sent: true, To: &mail}} {
		_, err = s.f.FinishEnrolment(s.sub, s.forge(factor.ForEnrolment, mail, q, "123456"), factor.Response{Value: "123456"})
		if !errors.Is(err, factor.ErrForeign) {
			t.Errorf("enrolling %s as a number: %v", what, err)
		}
	}
	s.sub.User = &identity.User{Email: "ada@example.com"}
	if _, err := s.f.BeginEnrolment(s.sub, factor.Asked{Fields: map[string]string{"phone": mobile}}); !errors.Is(err, factor.ErrWrong) {
		t.Errorf("a user without id enrols: %v", err)
	}
}

// Every part that a code is bound to counts by itself.
func TestO03_EveryPartOfTheHash(t *testing.T) {
	f := newScene(t, newSMS).f.(*Factor)
	sub := factor.Subject{Tenant: identity.Tenant{ID: "tnt_a"}, User: &identity.User{ID: "usr_ada"}, Purpose: "signin"}
	d, q := destination{Channel: "sms", To: mobile}, posed{ID: make([]byte, 16), Enrolment: "enr_1"}
	key, _ := keyOf("")
	whole := string(f.hash(key, sub, factor.ForSignIn, d, q, "123456"))
	for what, change := range map[string]func(m *mechanism, s *factor.Subject, d *destination, q *posed){
		"factor": func(m *mechanism, _ *factor.Subject, _ *destination, _ *posed) { m.name = "email" },
		"tenant": func(_ *mechanism, s *factor.Subject, _ *destination, _ *posed) { s.Tenant.ID = "tnt_b" },
		"user": func(_ *mechanism, s *factor.Subject, _ *destination, _ *posed) {
			s.User = &identity.User{ID: "usr_eve"}
		},
		"nobody":      func(_ *mechanism, s *factor.Subject, _ *destination, _ *posed) { s.User = nil },
		"purpose":     func(_ *mechanism, s *factor.Subject, _ *destination, _ *posed) { s.Purpose = "first" },
		"channel":     func(_ *mechanism, _ *factor.Subject, d *destination, _ *posed) { d.Channel = "email" },
		"destination": func(_ *mechanism, _ *factor.Subject, d *destination, _ *posed) { d.To = mobile2 },
		"challenge":   func(_ *mechanism, _ *factor.Subject, _ *destination, q *posed) { q.ID = bytes.Repeat([]byte{1}, 16) },
		"enrolment":   func(_ *mechanism, _ *factor.Subject, _ *destination, q *posed) { q.Enrolment = "enr_2" },
		"a boundary": func(_ *mechanism, s *factor.Subject, _ *destination, _ *posed) {
			s.Purpose, s.Tenant.ID = "signint", "nt_a"
		},
	} {
		m, s, d, q := f.mechanism, sub, d, q
		change(&m, &s, &d, &q)
		if string(m.hash(key, s, factor.ForSignIn, d, q, "123456")) == whole {
			t.Errorf("another %s has the same hash", what)
		}
	}
	for what, other := range map[string][]byte{
		"code":              f.hash(key, sub, factor.ForSignIn, d, q, "123457"),
		"kind of challenge": f.hash(key, sub, factor.ForEnrolment, d, q, "123456"),
		"key":               f.hash(key[1:], sub, factor.ForSignIn, d, q, "123456"),
	} {
		if string(other) == whole {
			t.Errorf("another %s has the same hash", what)
		}
	}
}

// What is read back is what was written, whole.
func TestStatesAndDataAreReadStrictly(t *testing.T) {
	s := newScene(t, newSMS)
	got := s.enrol("enr_1", mobile)
	f := s.f.(*Factor)
	for what, data := range map[string]string{
		"unknown field": strings.Replace(string(got.Data), "{", `{"x":1,`, 1), "two values": string(got.Data) + string(got.Data),
		"no destination": `{}`, "null": `null`, "empty": ``,
	} {
		if r, err := f.record(identity.Enrolment{Data: []byte(data)}); err == nil {
			t.Errorf("%s: %+v", what, r)
		}
	}
	for what, body := range map[string]string{
		"empty": `{}`, "short id": `{"id":"AAAA","at":1,"hash":"` + strings.Repeat("A", 43) + `="}`, "short hash": `{"id":"AAAAAAAAAAAAAAAAAAAAAA==","at":1,"hash":"AAAA"}`,
	} {
		if q, err := parsePosed([]byte(body)); !errors.Is(err, factor.ErrForeign) {
			t.Errorf("%s: %+v, %v", what, q, err)
		}
	}
	if _, err := parsePosed([]byte(`{"id":"AAAAAAAAAAAAAAAAAAAAAA==","at":1,"hash":"` + strings.Repeat("A", 43) + `="}`)); err != nil {
		t.Errorf("whole: %v", err)
	}
}

func TestDataOfAnotherChannel(t *testing.T) {
	s, m := newScene(t, newSMS), newScene(t, newEmail)
	m.enrol("enr_1", "")
	s.enrol("enr_1", mobile)
	c, code := s.begin()
	s.sub.Enrolments[0].Data = m.sub.Enrolments[0].Data
	if _, err := s.finish(c, code); err == nil || strings.Contains(err.Error(), "@") {
		t.Errorf("a mailbox took a number's code, or an error tells it: %v", err)
	}
	if _, err := s.f.Begin(s.sub); err == nil {
		t.Error("an SMS to a mailbox")
	}
}

func TestKeyIsNeeded(t *testing.T) {
	s := newScene(t, newSMS)
	s.enrol("enr_1", mobile)
	c, code := s.begin()
	for what, keys := range map[string]func(string) ([]byte, error){
		"another tenant's": func(tenant string) ([]byte, error) {
			if tenant != "tnt_a" {
				return keyOf(tenant)
			}
			return nil, errors.New("not this one's")
		},
		"none":  func(string) ([]byte, error) { return nil, errors.New("no key") },
		"short": func(string) ([]byte, error) { return make([]byte, 15), nil },
	} {
		o := Options{Now: func() time.Time { return s.at }, Random: rand.Reader, Key: keys}
		f, err := SMS(o)
		if err != nil {
			t.Fatal(err)
		}
		k, err := Ticket(o)
		if err != nil {
			t.Fatal(err)
		}
		ticket := s.sub
		ticket.Purpose = "reset"
		_, err1 := f.Begin(s.sub)
		_, err2 := f.Finish(s.sub, c, factor.Response{Value: code})
		_, err3 := f.BeginEnrolment(s.sub, factor.Asked{Fields: map[string]string{"phone": mobile}})
		_, err4 := k.Begin(ticket)
		for i, err := range []error{err1, err2, err3, err4} {
			if err == nil || errors.Is(err, factor.ErrWrong) {
				t.Errorf("%s, %d: %v", what, i, err)
			}
		}
	}
	for _, o := range []Options{{}, {Now: time.Now, Random: rand.Reader}, {Now: time.Now, Key: keyOf}, {Random: rand.Reader, Key: keyOf}} {
		for _, make := range []func(Options) (factor.Factor, error){newSMS, newEmail, newTicket} {
			if _, err := make(o); err == nil {
				t.Errorf("%+v", o)
			}
		}
	}
}

func TestCodesNeedRandomness(t *testing.T) {
	s := newScene(t, newSMS)
	s.enrol("enr_1", mobile)
	for n := range 22 { // six digits, sixteen bytes of id
		o := Options{Now: func() time.Time { return s.at }, Random: bytes.NewReader(make([]byte, n)), Key: keyOf}
		f, err := SMS(o)
		if err != nil {
			t.Fatal(err)
		}
		if c, err := f.Begin(s.sub); err == nil || len(c.Send) != 0 {
			t.Errorf("%d bytes: %+v", n, c.Send)
		}
	}
}
