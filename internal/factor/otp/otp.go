// Package otp answers "does the code that was sent come back?": one mechanism
// in three instances. SMS and e-mail are factors with enrolments; a ticket is a
// code to an address that opens one door in a flow, is held by nobody and
// proves no one.
//
// A code is kept only as a keyed hash over what it is for: factor, purpose,
// tenant, user and destination. Whoever cannot be sent one gets the same
// prompt, and no code is right. Data holds the destination and which challenges
// were answered, so that of two right responses the engine keeps one.
//
//	otp.go           SMS and e-mail: enrolment and sign-in
//	ticket.go        tickets, by what they are for
//	mechanism.go     a code made, kept as a hash, recognised
//	record.go        what an enrolment keeps
//	destination.go   mailboxes; how they are masked; whom a message greets
//	number.go        telephone numbers
package otp

import (
	"cmp"
	"fmt"
	"time"

	"github.com/intelliauth/intelliauth/internal/assurance"
	"github.com/intelliauth/intelliauth/internal/factor"
	"github.com/intelliauth/intelliauth/internal/identity"
)

const (
	digits        = 6
	space         = 1_000_000
	life          = 5 * time.Minute // of a code (O-02)
	maxEnrolments = 3
	maxShown      = 16 // bytes in the page's field
	fieldPhone    = "phone"
	fieldEmail    = "email"
)

// Factor is the SMS or the e-mail factor. It is safe for concurrent use.
type Factor struct {
	mechanism
	facts   factor.Facts
	channel string
}

// SMS makes the factor of codes to a mobile number. It is restricted (SP
// 800-63B-4, 3.1.3.3), and sends only to the tenant's countries: see
// [ParseNumber].
func SMS(o Options) (*Factor, error) {
	return newFactor(o, identity.ChannelSMS, factor.Facts{
		Name: "sms", Class: assurance.Telephone, AMR: "sms", Restricted: true,
		Asks: []factor.Field{{Name: fieldPhone, Autocomplete: "tel", InputMode: "tel"}},
	})
}

// Email makes the factor of codes to a mailbox: the user's own, or another that
// the field "email" names. NIST does not count it (SP 800-63B-4, 3.1.3.1); what
// it is worth is decided by its class.
func Email(o Options) (*Factor, error) {
	return newFactor(o, identity.ChannelEmail, factor.Facts{Name: "email", Class: assurance.Mailbox, AMR: "email"})
}

func newFactor(o Options, channel string, facts factor.Facts) (*Factor, error) {
	m, err := newMechanism(facts.Name, o)
	if err != nil {
		return nil, err
	}
	facts.Kinds = []factor.Kind{factor.Possession}
	facts.Channel = channel
	facts.Sends, facts.Max, facts.Accepted, facts.Space = true, maxEnrolments, 1, space
	facts.Best = assurance.Proof{Factor: facts.Name, Class: facts.Class, AMR: facts.AMR}
	return &Factor{mechanism: m, facts: facts, channel: channel}, nil
}

// Facts says that one of a million codes is right.
func (f *Factor) Facts() factor.Facts { return f.facts }

func (f *Factor) bound(p factor.Purpose) factor.Bound {
	return factor.Bound{Factor: f.name, Purpose: p, Life: life}
}

// proof names the mailbox or number that the code came through (C-24).
func (f *Factor) proof(key []byte, d destination) assurance.Proof {
	p := f.facts.Best
	p.Channel = identity.ChannelOf(key, d.Channel, d.To)
	return p
}

// BeginEnrolment sends a code to the number or address that is to be bound. It
// refuses what no code can or may go to.
func (f *Factor) BeginEnrolment(s factor.Subject, asked factor.Asked) (factor.Challenge, error) {
	if s.User == nil || s.User.ID == "" {
		return factor.Challenge{}, factor.ErrWrong
	}
	to, err := f.asked(s, asked)
	if err != nil {
		return factor.Challenge{}, err
	}
	code, err := factor.Digits(f.random, digits)
	if err != nil {
		return factor.Challenge{}, fmt.Errorf("otp: %w", err)
	}
	q, err := f.pose(s, factor.ForEnrolment, to, posed{Sent: true, To: &to}, code)
	if err != nil {
		return factor.Challenge{}, err
	}
	c, err := f.challenge(s, factor.ForEnrolment, q, to.masked())
	c.Send = []identity.Message{f.message(s, identity.MessageEnrolCode, to, code, f.now().Add(life))}
	return c, err
}

// asked is the destination that a person wants to bind.
func (f *Factor) asked(s factor.Subject, asked factor.Asked) (destination, error) {
	if f.channel == identity.ChannelSMS {
		n, err := ParseNumber(asked.Fields[fieldPhone], s.Tenant.SMSCountries)
		return toNumber(n), err
	}
	address, ok := parseMailbox(cmp.Or(asked.Fields[fieldEmail], s.User.Email))
	if !ok {
		return destination{}, refuse("address_invalid")
	}
	return toMailbox(address), nil
}

func (f *Factor) challenge(s factor.Subject, p factor.Purpose, q posed, sentTo string) (factor.Challenge, error) {
	body, err := q.bytes()
	if err != nil {
		return factor.Challenge{}, err
	}
	return factor.Challenge{
		State: f.bound(p).State(s, f.now(), body), Tries: tries,
		Prompt: factor.Prompt{
			Input: factor.Text, Autocomplete: "one-time-code", InputMode: "numeric", SentTo: sentTo,
			MaxLength: maxShown, Pattern: `[0-9 \-]{6,16}`,
		},
	}, nil
}

// FinishEnrolment binds the destination that the code came back from. The
// confirming code counts as answered (T-04).
func (f *Factor) FinishEnrolment(s factor.Subject, c factor.Challenge, r factor.Response) (factor.Enrolled, error) {
	q, err := f.open(s, factor.ForEnrolment, c)
	if err != nil {
		return factor.Enrolled{}, err
	}
	if s.User == nil || q.To == nil || q.To.Channel != f.channel {
		return factor.Enrolled{}, factor.ErrForeign
	}
	code, valid := factor.ReadDigits(r.Value, digits)
	right, err := f.is(s, factor.ForEnrolment, *q.To, q, code, valid)
	if err != nil {
		return factor.Enrolled{}, err
	}
	if !right {
		return factor.Enrolled{}, wrong()
	}
	data, err := record{To: *q.To}.answered(q, f.now()).bytes()
	if err != nil {
		return factor.Enrolled{}, err
	}
	key, err := f.key(s)
	if err != nil {
		return factor.Enrolled{}, err
	}
	return factor.Enrolled{Data: data, Name: q.To.masked(), Proof: f.proof(key, *q.To)}, nil
}

func (f *Factor) open(s factor.Subject, p factor.Purpose, c factor.Challenge) (posed, error) {
	body, err := f.bound(p).Open(s, f.now(), c.State)
	if err != nil {
		return posed{}, err
	}
	return parsePosed(body)
}

// Begin sends a code to the chosen enrolment's destination, or else to the one
// used last. For nobody, for somebody without an enrolment, and for a number in
// a country that the tenant no longer sends to, a code is made and goes
// nowhere.
func (f *Factor) Begin(s factor.Subject) (factor.Challenge, error) {
	e, known := f.pick(s)
	kept, sent := record{}, false
	if known {
		var err error
		if kept, err = f.record(e); err != nil {
			return factor.Challenge{}, err
		}
		_, sent = destinationOf(s.Tenant, kept.To.Channel, kept.To.To)
	}
	code, err := factor.Digits(f.random, digits)
	if err != nil {
		return factor.Challenge{}, fmt.Errorf("otp: %w", err)
	}
	q, err := f.pose(s, factor.ForSignIn, kept.To, posed{Sent: sent, Enrolment: e.ID}, code)
	if err != nil {
		return factor.Challenge{}, err
	}
	if !sent {
		return f.challenge(s, factor.ForSignIn, q, "")
	}
	c, err := f.challenge(s, factor.ForSignIn, q, kept.To.masked())
	c.Send = []identity.Message{f.message(s, identity.MessageCode, kept.To, code, f.now().Add(life))}
	return c, err
}

// Finish recognises the code that Begin sent. Outcome.Data remembers that this
// challenge was answered.
func (f *Factor) Finish(s factor.Subject, c factor.Challenge, r factor.Response) (factor.Outcome, error) {
	q, err := f.open(s, factor.ForSignIn, c)
	if err != nil {
		return factor.Outcome{}, err
	}
	e, known := f.find(s, q.Enrolment)
	kept := record{}
	if known {
		if kept, err = f.record(e); err != nil {
			return factor.Outcome{}, err
		}
	}
	code, valid := factor.ReadDigits(r.Value, digits)
	right, err := f.is(s, factor.ForSignIn, kept.To, q, code, valid)
	switch {
	case err != nil:
		return factor.Outcome{}, err
	case !right || !known:
		return factor.Outcome{}, wrong()
	case kept.has(q):
		return factor.Outcome{}, refuse("code_replayed")
	}
	data, err := kept.answered(q, f.now()).bytes()
	if err != nil {
		return factor.Outcome{}, err
	}
	key, err := f.key(s)
	if err != nil {
		return factor.Outcome{}, err
	}
	return factor.Outcome{Proof: f.proof(key, kept.To), Enrolment: e.ID, Data: data}, nil
}
