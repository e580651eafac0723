package otp

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/intelliauth/intelliauth/internal/assurance"
	"github.com/intelliauth/intelliauth/internal/factor"
	"github.com/intelliauth/intelliauth/internal/identity"
)

var purposes = []string{"first", "unlock", "reset", "register", "address"}

// ticketScene is Ada, or nobody yet where she registers, and her mailbox.
func ticketScene(t *testing.T, purpose string) *scene {
	t.Helper()
	s := newScene(t, newTicket)
	s.sub.Purpose, s.sub.Channel, s.sub.Address = purpose, identity.ChannelEmail, "Ada@example.com"
	if purpose == "register" {
		s.sub.User = nil
	}
	return s
}

func TestO02_TicketByPurpose(t *testing.T) {
	short, long := regexp.MustCompile(`^[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}$`), regexp.MustCompile(`^([0-9A-HJKMNP-TV-Z]{4}-){5}[0-9A-HJKMNP-TV-Z]{4}$`)
	for purpose, w := range map[string]struct {
		kind string
		form *regexp.Regexp
		to   string
	}{
		"first":    {identity.MessageFirstFactor, short, "A***@e***.com"},
		"unlock":   {identity.MessageUnlock, long, ""}, // C-11: 112 bits or more
		"reset":    {identity.MessageReset, short, ""},
		"register": {identity.MessageRegister, short, "A***@e***.com"},
		"address":  {identity.MessageAddress, short, "A***@e***.com"},
	} {
		s := ticketScene(t, purpose)
		c, code := s.begin()
		m := c.Send[0]
		if len(c.Send) != 1 || m.Kind != w.kind || m.To != "Ada@example.com" || m.Channel != "email" || !m.Expires.Equal(start.Add(10*time.Minute)) || m.Locale != "de-AT" {
			t.Errorf("%s: %+v", purpose, c.Send)
		}
		if !w.form.MatchString(code) || c.Prompt.SentTo != w.to || c.Tries != 5 || c.Prompt.Autocomplete != "one-time-code" {
			t.Errorf("%s: %q, %+v", purpose, code, c.Prompt)
		}
		if !regexp.MustCompile("^"+c.Prompt.Pattern+"$").MatchString(code) || len(code) > c.Prompt.MaxLength {
			t.Errorf("%s: the page would refuse %s", purpose, code)
		}
		for what, typed := range map[string]string{
			"as shown": code, "lower case": strings.ToLower(code), "no hyphens": strings.ReplaceAll(code, "-", ""),
			"look-alikes": strings.NewReplacer("0", "o", "1", "l", "-", " ").Replace(code),
		} {
			out, err := s.finish(c, typed)
			if err != nil || out.Enrolment != "" || out.Data != nil || out.Proof != (assurance.Proof{}) {
				t.Errorf("%s, %s: %+v, %v", purpose, what, out, err)
			}
		}
		for _, typed := range []string{"", spoilt(code), code[:len(code)-1], code + "2", strings.ReplaceAll(code, "-", "")[:6]} {
			_, err := s.finish(c, typed)
			want(t, purpose+" with "+typed, err, "code_invalid")
		}
		s.at = start.Add(10 * time.Minute)
		_, err := s.finish(c, code)
		want(t, purpose+" after ten minutes", err, "code_expired")
	}
}

// O-03: of five purposes, two addresses and two channels, a ticket opens the
// door it was made for.
func TestO03_TicketIsBound(t *testing.T) {
	for _, purpose := range purposes {
		s := ticketScene(t, purpose)
		c, code := s.begin()
		home := s.sub
		for _, other := range append(purposes, "signin", "") {
			if other == purpose {
				continue
			}
			s.sub.Purpose = other
			if _, err := s.finish(c, code); !errors.Is(err, factor.ErrWrong) {
				t.Errorf("a ticket for %s at %s: %v", purpose, other, err)
			}
		}
		for what, change := range map[string]func(*factor.Subject){
			"another address":   func(s *factor.Subject) { s.Address = "eve@example.com" },
			"another case":      func(s *factor.Subject) { s.Address = "ada@example.com" }, // another mailbox to some servers
			"no address":        func(s *factor.Subject) { s.Address = "" },
			"a number":          func(s *factor.Subject) { s.Channel, s.Address = "sms", mobile },
			"another tenant":    func(s *factor.Subject) { s.Tenant.ID = "tnt_b" },
			"another user":      func(s *factor.Subject) { s.User = &identity.User{ID: "usr_eve"} },
			"an unusable state": func(s *factor.Subject) { s.Address = "Ada@example.com\r\nBcc: eve@example.com" },
		} {
			s.sub = home
			change(&s.sub)
			if _, err := s.finish(c, code); !errors.Is(err, factor.ErrWrong) {
				t.Errorf("%s, %s: %v", purpose, what, err)
			}
		}
	}
}

// Registration of an address that has a user looks the same to who asks; the
// owner is told, without a code, and no response is right.
func TestRegisterAnAddressThatHasAUser(t *testing.T) {
	s := ticketScene(t, "register")
	free, _ := s.begin()
	s.sub.User = &identity.User{ID: "usr_ada", Name: "Ada", Email: "ada@example.com"}
	taken, code := s.begin()
	if len(taken.Send) != 1 || taken.Send[0].Kind != identity.MessageRegistered || code != "" || taken.Send[0].To != free.Send[0].To {
		t.Errorf("%+v", taken.Send)
	}
	if fmt.Sprint(taken.Prompt) != fmt.Sprint(free.Prompt) || taken.Tries != free.Tries {
		t.Errorf("%+v, %+v", taken.Prompt, free.Prompt)
	}
	if body, err := ticketBound().Open(s.sub, s.at, taken.State); err != nil || strings.Contains(string(body), `"sent"`) {
		t.Errorf("a state says that a code was sent: %v", err)
	}
	// Even the code that was made for the work's sake, had it got out.
	k := s.f.(*Tickets)
	to, _, err := address(s.sub)
	if err != nil {
		t.Fatal(err)
	}
	for _, sent := range []bool{true, false} {
		q, err := k.pose(s.sub, factor.ForSignIn, to, posed{Sent: sent}, "ABCDEFGH")
		if err != nil {
			t.Fatal(err)
		}
		body, err := q.bytes()
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.finish(factor.Challenge{State: ticketBound().State(s.sub, s.at, body)}, "ABCD-EFGH")
		want(t, "a registered address", err, "code_invalid")
	}
	// The address got its user after the code was sent.
	_, err = s.finish(free, sent(free))
	if !errors.Is(err, factor.ErrWrong) {
		t.Errorf("registered meanwhile: %v", err)
	}
}

// Nobody gets nothing; what an unlock or reset shows is the same for all.
func TestTicketForNobody(t *testing.T) {
	for _, purpose := range []string{"unlock", "reset"} {
		s := ticketScene(t, purpose)
		known, _ := s.begin()
		for what, change := range map[string]func(){
			"nobody":                 func() { s.sub.User, s.sub.Address, s.sub.Channel = nil, "", "" },
			"a user without address": func() { s.sub.Address = "" },
			"no address at all":      func() { s.sub.Address, s.sub.Channel = "not an address", "email" },
		} {
			home := s.sub
			change()
			c, code := s.begin()
			if len(c.Send) != 0 || fmt.Sprint(c.Prompt) != fmt.Sprint(known.Prompt) || len(c.State) == 0 {
				t.Errorf("%s: %+v", what, c)
			}
			_, err := s.finish(c, code)
			want(t, what, err, "code_invalid")
			_, err = s.finish(c, "ABCD-EFGH")
			want(t, what, err, "code_invalid")
			s.sub = home
		}
	}
}

func TestTicketBySMS(t *testing.T) {
	s := ticketScene(t, "address")
	s.sub.Channel, s.sub.Address = "sms", "0151 123 456 78"
	c, code := s.begin()
	if m := c.Send[0]; m.To != mobile || m.Country != "DE" || m.Prefix != "+491511" || m.Channel != "sms" || c.Prompt.SentTo != "+49 ••• ••78" {
		t.Errorf("%+v", c)
	}
	_, err := s.finish(c, code)
	want(t, "the code", err, "")
	for what, to := range map[string]string{"a landline": "+493012345678", "premium": "+499001234567", "another country": "+33612345678"} {
		s.sub.Address = to
		if c, _ := s.begin(); len(c.Send) != 0 {
			t.Errorf("%s: %+v", what, c.Send)
		}
	}
}

func TestTicketsThatAreNot(t *testing.T) {
	s := ticketScene(t, "signin")
	if c, err := s.f.Begin(s.sub); err == nil || errors.Is(err, factor.ErrWrong) {
		t.Errorf("for signing in: %+v", c)
	}
	s.sub.Purpose, s.sub.Channel = "reset", "pigeon"
	if c, err := s.f.Begin(s.sub); err == nil {
		t.Errorf("by pigeon: %+v", c)
	}
	if _, err := s.f.BeginEnrolment(s.sub, factor.Asked{}); !errors.Is(err, factor.ErrWrong) {
		t.Error(err)
	}
	if got, err := s.f.FinishEnrolment(s.sub, factor.Challenge{}, factor.Response{}); !errors.Is(err, factor.ErrWrong) || got.Data != nil {
		t.Error(err)
	}
}
