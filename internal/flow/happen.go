package flow

import (
	"errors"
	"slices"
	"time"

	"github.com/intelliauth/intelliauth/internal/assurance"
	"github.com/intelliauth/intelliauth/internal/identity"
)

// Happening is something that happened to a flow.
type Happening interface{ happening() }

// The happenings. Anything else ends a flow.
type (
	// Named: somebody was named; User is nil if nobody is known by that name.
	Named struct {
		Typed, Canonical string
		User             *identity.User
	}
	// Continued: the person chose to go on as the user of a live session.
	Continued struct {
		User    identity.User
		Session string
	}
	// Proved: a factor accepted a response.
	Proved struct {
		Challenge string
		Proof     assurance.Proof
		Enrolment identity.Enrolment // as it is to be kept
		Write     bool               // it changed
		Reasons   []string           // what was odd about it
	}
	// Located: a factor accepted a response that named its user itself.
	Located struct {
		Proved
		User    identity.User
		Session string // of this user in the same browser; "" if none
	}
	// Refused: a factor did not.
	Refused struct {
		Challenge, Reason string
	}
	// Made: a new authenticator was made and has to prove itself.
	Made struct {
		Challenge string
		Trial     Trial
	}
	// EnrolledFactor: a new authenticator confirmed itself.
	EnrolledFactor struct {
		Challenge string
		Proof     assurance.Proof
		Enrolment identity.Enrolment
		Follow    bool // recovery codes are to follow
		Recovered bool // a recovery code led here: a full sign-in follows
	}
	// Ticketed: a code that was sent came back, or an operator's was typed.
	Ticketed struct {
		Challenge string
		Ticket    Ticket
		User      *identity.User // made by it; nil if none was
	}
	// Tried: an attempt is about to be judged.
	Tried struct{ Challenge string }
	// Chose: another prompt is preferred.
	Chose struct {
		Offer string
		Asked map[string]string
	}
	// Meant: the person came for something else than to sign in.
	Meant struct{ Purpose Purpose }
	// Resent: a message is wanted once more.
	Resent struct{}
	// Skipped: enrolment is put off.
	Skipped struct{ Silent bool }
	// Consented: the person let the application have what it asked.
	Consented struct{}
	// Cancel: the person gave up.
	Cancel struct{}
	// Restarted: "not you?".
	Restarted struct{}
)

func (Named) happening()          {}
func (Continued) happening()      {}
func (Proved) happening()         {}
func (Located) happening()        {}
func (Refused) happening()        {}
func (Made) happening()           {}
func (EnrolledFactor) happening() {}
func (Ticketed) happening()       {}
func (Tried) happening()          {}
func (Chose) happening()          {}
func (Meant) happening()          {}
func (Resent) happening()         {}
func (Skipped) happening()        {}
func (Consented) happening()      {}
func (Cancel) happening()         {}
func (Restarted) happening()      {}

// Effect is something to be done in the transaction that keeps the new flow.
type Effect interface{ effect() }

// The effects.
type (
	// SaveEnrolment writes an enrolment by compare-and-swap.
	SaveEnrolment struct{ Enrolment identity.Enrolment }
	// AddEnrolment binds a new one, raises the user's epoch and tells the user.
	AddEnrolment struct{ Enrolment identity.Enrolment }
	// MakeUser creates a user.
	MakeUser struct{ User identity.User }
	// Confirm notes that an address or number belongs to the user.
	Confirm struct{ Ticket Ticket }
	// Recover notes that the user came back by a recovery code, and tells them.
	Recover struct{}
	// OpenSession opens or raises the session; an effect of Done only.
	OpenSession struct{}
	// Record writes an event.
	Record struct{ Event identity.Event }
)

func (SaveEnrolment) effect() {}
func (AddEnrolment) effect()  {}
func (MakeUser) effect()      {}
func (Confirm) effect()       {}
func (Recover) effect()       {}
func (OpenSession) effect()   {}
func (Record) effect()        {}

// errStale says that a response speaks of a prompt that is no longer open.
var errStale = errors.New("prompt is no longer open")

// challengeLife is how long a challenge may be answered; ceremonies of
// WebAuthn and unconfirmed TOTP secrets end after ten minutes.
const challengeLife = 10 * time.Minute

// Advance applies what happened and tells what must be done about it. It is
// pure. A flow that was denied stays denied.
func Advance(f Flow, h Happening, at Step) (Flow, []Effect, error) {
	if f.Denial != "" {
		return f, nil, nil
	}
	switch h := h.(type) {
	case Named:
		return named(f, h, at)
	case Continued:
		return continued(f, h, at)
	case Tried:
		return tried(f, h, at)
	case Proved:
		return proved(f, h)
	case Located:
		return located(f, h, at)
	case Refused:
		return refused(f, h)
	case Made:
		return made(f, h)
	case EnrolledFactor:
		return enrolledFactor(f, h)
	case Ticketed:
		return ticketed(f, h)
	case Consented:
		if at != Consent {
			return f, nil, errStale
		}
		f.Consented = true
		return f, []Effect{Record{identity.Event{Type: identity.EventConsentGiven, Outcome: identity.Succeeded}}}, nil
	}
	return chosen(f, h, at)
}

// chosen applies what a person chose, where nothing is judged.
func chosen(f Flow, h Happening, at Step) (Flow, []Effect, error) {
	switch h := h.(type) {
	case Chose:
		f.Chosen, f.Asked, f.Trial = h.Offer, h.Asked, nil
		if h.Asked != nil { // begun anew with what was given
			f.Challenges = nil
		}
	case Meant:
		return meant(f, h, at)
	case Resent:
		f.Challenges = slices.Clone(f.Challenges[1:])
	case Skipped:
		if h.Silent {
			f.Upgrade, f.Challenges = false, nil
		} else {
			f.Skipped = true
		}
	case Cancel:
		f.Denial, f.Challenges = Cancelled, nil
	case Restarted:
		f = f.forget()
	default:
		f.Denial, f.Challenges = Barred, nil
	}
	return f, nil, nil
}

// named sets who this is about. Naming somebody again starts over: proofs and
// challenges belong to one person.
func named(f Flow, h Named, at Step) (Flow, []Effect, error) {
	if at != Identify {
		return f, nil, errStale
	}
	purpose := f.Purpose
	f = f.forget()
	f.Identifier, f.Canonical, f.Purpose = h.Typed, h.Canonical, purpose
	if h.User != nil {
		f.User, f.Epoch = h.User.ID, h.User.Epoch
	}
	return f, nil, nil
}

func continued(f Flow, h Continued, at Step) (Flow, []Effect, error) {
	if at != Identify {
		return f, nil, errStale
	}
	f = f.forget()
	f.Identifier, f.Canonical = h.User.Email, h.User.Identifier
	f.User, f.Epoch, f.Session = h.User.ID, h.User.Epoch, h.Session
	return f, nil, nil
}

// meant turns a sign-in into a registration before anybody is named, or into
// the mending of a forgotten password before anything is proved.
func meant(f Flow, h Meant, at Step) (Flow, []Effect, error) {
	switch {
	case h.Purpose == Register && at == Identify,
		h.Purpose == Reset && at == Prove && f.Identified() && len(f.Proofs) == 0 && f.Purpose == "":
		f.Purpose, f.Challenges, f.Chosen = h.Purpose, nil, ""
		return f, nil, nil
	}
	return f, nil, errStale
}

// tried counts a response before it is judged: a challenge takes no more than
// it allows.
func tried(f Flow, h Tried, at Step) (Flow, []Effect, error) {
	i, ok := f.challenge(h.Challenge)
	if !ok || f.Challenges[i].Spent || !f.Challenges[i].fits(at) {
		return f, nil, errStale
	}
	if limit := f.Challenges[i].Challenge.Tries; limit > 0 {
		f.Challenges = slices.Clone(f.Challenges)
		f.Challenges[i].Tries++
		f.Challenges[i].Spent = f.Challenges[i].Tries >= limit
	}
	return f, nil, nil
}

// fits reports whether a challenge may be answered at a step.
func (c Challenge) fits(at Step) bool {
	switch at {
	case Identify:
		return c.Anybody
	case Prove:
		return !c.Enrolling && !c.Anybody
	case Enrol:
		return c.Enrolling
	}
	return false
}

func proved(f Flow, h Proved) (Flow, []Effect, error) {
	i, ok := f.challenge(h.Challenge)
	if !ok || f.Challenges[i].Enrolling || f.User == "" || h.Enrolment.User != f.User {
		return f, nil, errStale
	}
	f.Proofs = append(slices.Clone(f.Proofs), h.Proof)
	effects := []Effect{Record{identity.Event{Type: identity.EventFactorProved, Outcome: identity.Succeeded, Factor: h.Proof.Factor, Reasons: h.Reasons}}}
	if h.Write {
		effects = append(effects, SaveEnrolment{h.Enrolment})
	}
	if h.Proof.Class == assurance.LookUp {
		effects = append(effects, Recover{})
	}
	f.Challenges, f.Chosen, f.Asked = nil, "", nil
	return f, effects, nil
}

// located names the person by the authenticator that answered.
func located(f Flow, h Located, at Step) (Flow, []Effect, error) {
	i, ok := f.challenge(h.Challenge)
	if !ok || at != Identify || !f.Challenges[i].Anybody || f.Purpose != "" {
		return f, nil, errStale
	}
	challenges := f.Challenges
	f = f.forget()
	f.Identifier, f.Canonical = h.User.Email, h.User.Identifier
	f.User, f.Epoch, f.Session, f.Challenges = h.User.ID, h.User.Epoch, h.Session, challenges
	return proved(f, h.Proved)
}

func refused(f Flow, h Refused) (Flow, []Effect, error) {
	i, ok := f.challenge(h.Challenge)
	if !ok {
		return f, nil, errStale
	}
	e := identity.Event{Type: identity.EventFactorFailed, Outcome: identity.Failed, Factor: f.Challenges[i].Factor, Reasons: []string{h.Reason}}
	return f, []Effect{Record{e}}, nil
}

// made keeps what was made until it has proved itself: it is no factor yet.
func made(f Flow, h Made) (Flow, []Effect, error) {
	i, ok := f.challenge(h.Challenge)
	if !ok || !f.Challenges[i].Enrolling || f.User == "" || h.Trial.Enrolment.User != f.User {
		return f, nil, errStale
	}
	f.Trial, f.Challenges, f.Chosen = &h.Trial, nil, ""
	return f, nil, nil
}

func enrolledFactor(f Flow, h EnrolledFactor) (Flow, []Effect, error) {
	i, ok := f.challenge(h.Challenge)
	trial := ok && f.Challenges[i].Trial && f.Trial != nil && f.Trial.Enrolment.ID == h.Enrolment.ID
	if !ok || f.Challenges[i].Enrolling == trial || f.User == "" || h.Enrolment.User != f.User {
		return f, nil, errStale
	}
	if h.Proof.Class != "" {
		f.Proofs = append(slices.Clone(f.Proofs), h.Proof)
	}
	if f.Challenges[i].Silent {
		f.Upgrade, f.Silently = false, h.Enrolment.ID
	}
	f.Challenges, f.Chosen, f.Asked, f.Trial = nil, "", nil, nil
	f.Follow = h.Follow
	f.Epoch++ // adding a factor raises it; this flow is the one that did
	if f.Purpose == Reset {
		f.Purpose = ""
	}
	if d := f.Duty; d != nil && (d.Kind == DutyEnrol || d.Kind == DutyPassword) {
		f.Duty = nil
	}
	if h.Recovered {
		f.Proofs, f.Purpose = nil, ""
	}
	e := identity.Event{Type: identity.EventEnrolmentCreated, Outcome: identity.Succeeded, Factor: h.Enrolment.Factor, Data: map[string]string{"enrolment": h.Enrolment.ID}}
	return f, []Effect{AddEnrolment{h.Enrolment}, Record{e}}, nil
}

// ticketed opens a door. It proves nothing about who somebody is.
func ticketed(f Flow, h Ticketed) (Flow, []Effect, error) {
	if i, ok := f.challenge(h.Challenge); !ok || f.Challenges[i].Purpose != h.Ticket.For {
		return f, nil, errStale
	}
	var effects []Effect
	switch {
	case f.Purpose == Register:
		if f.User != "" || h.User == nil {
			return f, nil, errStale
		}
		f.User, f.Epoch = h.User.ID, h.User.Epoch
		effects = append(effects, MakeUser{*h.User})
	case f.User == "":
		return f, nil, errStale
	default:
		effects = append(effects, Confirm{h.Ticket})
	}
	f.Tickets = append(slices.Clone(f.Tickets), h.Ticket)
	f.Challenges, f.Chosen = nil, ""
	e := identity.Event{Type: identity.EventTicketUsed, Outcome: identity.Succeeded, Reasons: []string{h.Ticket.For}}
	return f, append(effects, Record{e}), nil
}
