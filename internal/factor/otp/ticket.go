package otp

import (
	"fmt"
	"time"

	"github.com/intelliauth/intelliauth/internal/factor"
	"github.com/intelliauth/intelliauth/internal/identity"
)

const (
	ticketName   = "ticket"
	ticketLife   = 10 * time.Minute // O-02's and N-54's longest
	ticketLength = 8                // characters of 5 bits
	ticketSpace  = 1 << 40
	unlockLength = 24 // 120 bits: past a full lane nothing may be guessable (C-11)
)

// What tickets are for: the values of Subject.Purpose.
const (
	forFirst    = "first"
	forUnlock   = "unlock"
	forRisk     = "risk"
	forReset    = "reset"
	forRegister = "register"
	forAddress  = "address"
)

// Tickets are codes to Subject.Address that open one door in a flow: binding a
// first factor, a full lane, a new password, registration, a new address. They
// are held by nobody and prove no one. They are safe for concurrent use.
type Tickets struct{ mechanism }

// Ticket makes the factor of tickets.
func Ticket(o Options) (*Tickets, error) {
	m, err := newMechanism(ticketName, o)
	if err != nil {
		return nil, err
	}
	return &Tickets{m}, nil
}

// Facts has no class and no kind: a ticket raises nothing. Its space is that of
// the short codes, so that guesses at them count in the lanes.
func (f *Tickets) Facts() factor.Facts {
	return factor.Facts{Name: ticketName, Ticket: true, Hidden: true, Sends: true, Accepted: 1, Space: ticketSpace}
}

func ticketBound() factor.Bound {
	return factor.Bound{Factor: ticketName, Purpose: factor.ForSignIn, Life: ticketLife}
}

// BeginEnrolment refuses: nobody holds a ticket.
func (f *Tickets) BeginEnrolment(factor.Subject, factor.Asked) (factor.Challenge, error) {
	return factor.Challenge{}, factor.ErrWrong
}

// FinishEnrolment refuses, too.
func (f *Tickets) FinishEnrolment(factor.Subject, factor.Challenge, factor.Response) (factor.Enrolled, error) {
	return factor.Enrolled{}, factor.ErrWrong
}

// door is what one purpose's ticket is like.
type door struct {
	kind   string // of message
	length int
	shown  bool // the prompt says where it went: whoever sees it gave the address or has proved something
}

func doorOf(purpose string) (door, bool) {
	switch purpose {
	case forFirst:
		return door{kind: identity.MessageFirstFactor, length: ticketLength, shown: true}, true
	case forUnlock:
		return door{kind: identity.MessageUnlock, length: unlockLength}, true
	case forRisk:
		return door{kind: identity.MessageUnusual, length: ticketLength, shown: true}, true
	case forReset:
		return door{kind: identity.MessageReset, length: ticketLength}, true
	case forRegister:
		return door{kind: identity.MessageRegister, length: ticketLength, shown: true}, true
	case forAddress:
		return door{kind: identity.MessageAddress, length: ticketLength, shown: true}, true
	}
	return door{}, false
}

// Begin sends a ticket to Subject.Address. Without an address that a message may
// go to nothing is sent, and no response is right. To register an address that
// has a user its owner is told so, without a code. The prompt is the same in
// all these cases, and for purposes that begin before anything is proved it
// does not show an address that the person did not type.
func (f *Tickets) Begin(s factor.Subject) (factor.Challenge, error) {
	door, ok := doorOf(s.Purpose)
	if !ok {
		return factor.Challenge{}, fmt.Errorf("otp: no ticket is for purpose %q", s.Purpose)
	}
	to, reachable, err := address(s)
	if err != nil {
		return factor.Challenge{}, err
	}
	code, err := factor.Letters(f.random, door.length)
	if err != nil {
		return factor.Challenge{}, fmt.Errorf("otp: %w", err)
	}
	taken := registered(s)
	q, err := f.pose(s, factor.ForSignIn, to, posed{Sent: reachable && !taken}, code)
	if err != nil {
		return factor.Challenge{}, err
	}
	body, err := q.bytes()
	if err != nil {
		return factor.Challenge{}, err
	}
	c := factor.Challenge{State: ticketBound().State(s, f.now(), body), Prompt: door.prompt(to), Tries: tries}
	m := f.message(s, door.kind, to, factor.Grouped(code), f.now().Add(ticketLife))
	if taken {
		m.Kind, m.Code = identity.MessageRegistered, ""
	}
	if reachable {
		c.Send = []identity.Message{m}
	}
	return c, nil
}

func (d door) prompt(to destination) factor.Prompt {
	// An operator's ticket, which is typed in the same field, has 24 characters in
	// six groups.
	const longest = 29 + maxShown
	p := factor.Prompt{
		Input: factor.Text, Autocomplete: "one-time-code", InputMode: "text", MaxLength: longest,
		Pattern: fmt.Sprintf(`[0-9A-Za-z \-]{%d,%d}`, d.length, longest),
	}
	if d.shown {
		p.SentTo = to.masked()
	}
	return p
}

// Finish recognises a ticket. The outcome names no enrolment and proves
// nothing; that a ticket is good once is the engine's, which consumes the
// challenge.
func (f *Tickets) Finish(s factor.Subject, c factor.Challenge, r factor.Response) (factor.Outcome, error) {
	body, err := ticketBound().Open(s, f.now(), c.State)
	if err != nil {
		return factor.Outcome{}, err
	}
	q, err := parsePosed(body)
	if err != nil {
		return factor.Outcome{}, err
	}
	door, ok := doorOf(s.Purpose)
	if !ok {
		return factor.Outcome{}, factor.ErrForeign
	}
	to, reachable, err := address(s)
	if err != nil {
		return factor.Outcome{}, err
	}
	code, valid := factor.ReadLetters(r.Value, door.length)
	right, err := f.is(s, factor.ForSignIn, to, q, code, valid)
	if err != nil {
		return factor.Outcome{}, err
	}
	if !right || !reachable || registered(s) {
		return factor.Outcome{}, wrong()
	}
	return factor.Outcome{}, nil
}

// registered reports whether somebody registers an address that has a user.
func registered(s factor.Subject) bool { return s.Purpose == forRegister && s.User != nil }

// address is where a subject's ticket goes; reachable is false for nobody, for
// whom an address is read all the same, and for what no message may go to.
func address(s factor.Subject) (to destination, reachable bool, err error) {
	if s.Address == "" {
		destinationOf(s.Tenant, identity.ChannelEmail, "nobody@mail.invalid")
		return destination{}, false, nil
	}
	if s.Channel != identity.ChannelEmail && s.Channel != identity.ChannelSMS {
		return destination{}, false, fmt.Errorf("otp: no messages go by channel %q", s.Channel)
	}
	to, reachable = destinationOf(s.Tenant, s.Channel, s.Address)
	return to, reachable, nil
}
