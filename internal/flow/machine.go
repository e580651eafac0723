package flow

import (
	"errors"
	"slices"
	"time"

	"github.com/intelliauth/intelliauth/internal/assurance"
	"github.com/intelliauth/intelliauth/internal/identity"
)

// Next derives where a flow stands from stored facts alone. Steps never route
// to each other, and nothing is passed because a request arrived.
//
// Until a first proof counts, the answer depends on nothing that only a known
// user has, so that it cannot tell whether there is one.
func Next(f Facts) Step {
	switch {
	case f.Flow.Denial != "":
		return Denied
	case !f.Flow.Identified():
		return Identify
	case len(f.Proofs) == 0 && !f.present():
		return Prove
	case f.denial() != "":
		return Denied
	case f.met():
		if f.Consent && !f.Flow.Consented {
			return Consent
		}
		return Done
	case f.Decision.Enrol && f.Bind.MetBy(f.Profile, f.Trust, f.Proofs):
		return Enrol
	}
	return Prove
}

// present reports whether this browser's session already shows who it is, so
// that an answer about this user tells nothing new.
func (f Facts) present() bool {
	return f.Session != nil && f.User != nil && f.Session.User == f.User.ID && f.Session.ID == f.Flow.Session
}

// met reports whether the requirement holds, or its fallback while enrolment
// may still be put off.
func (f Facts) met() bool {
	if f.User == nil {
		return false
	}
	if f.Decision.Requirement.MetBy(f.Profile, f.Trust, f.Proofs) {
		return true
	}
	return f.Flow.Skipped && f.skippable() && f.Decision.Fallback.MetBy(f.Profile, f.Trust, f.Proofs)
}

func (f Facts) skippable() bool { return f.Decision.Enrol && f.Now.Before(f.Decision.GraceUntil) }

// denial tells why a person who proved something may not go on.
func (f Facts) denial() Denial {
	switch {
	case f.Flow.Denial != "":
		return f.Flow.Denial
	case f.User == nil || f.User.Disabled():
		return Barred
	case f.Flow.Subject != "" && f.Flow.Subject != f.User.ID:
		return WrongPerson
	case f.Decision.Denied && unreachable(f.Decision.Reasons):
		return Unmet
	case f.Decision.Denied:
		return Barred
	}
	return ""
}

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
	}
	// Refused: a factor did not.
	Refused struct {
		Challenge, Reason string
	}
	// EnrolledFactor: a new authenticator confirmed itself.
	EnrolledFactor struct {
		Challenge string
		Proof     assurance.Proof
		Enrolment identity.Enrolment
	}
	// Tried: an attempt is about to be judged.
	Tried struct{ Challenge string }
	// Chose: another prompt is preferred.
	Chose struct{ Offer string }
	// Skipped: enrolment is put off.
	Skipped struct{}
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
func (Refused) happening()        {}
func (EnrolledFactor) happening() {}
func (Tried) happening()          {}
func (Chose) happening()          {}
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
	// OpenSession opens or raises the session; an effect of Done only.
	OpenSession struct{}
	// Record writes an event.
	Record struct{ Event identity.Event }
)

func (SaveEnrolment) effect() {}
func (AddEnrolment) effect()  {}
func (OpenSession) effect()   {}
func (Record) effect()        {}

// errStale says that a response speaks of a prompt that is no longer open.
var errStale = errors.New("prompt is no longer open")

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
		if at != Identify {
			return f, nil, errStale
		}
		f = f.forget()
		f.Identifier, f.Canonical = h.User.Email, h.User.Identifier
		f.User, f.Epoch, f.Session = h.User.ID, h.User.Epoch, h.Session
		return f, nil, nil
	case Tried:
		return tried(f, h, at)
	case Proved:
		return proved(f, h)
	case Refused:
		i, ok := f.challenge(h.Challenge)
		if !ok {
			return f, nil, errStale
		}
		e := identity.Event{Type: identity.EventFactorFailed, Outcome: identity.Failed, Factor: f.Challenges[i].Factor, Reasons: []string{h.Reason}}
		return f, []Effect{Record{e}}, nil
	case EnrolledFactor:
		return enrolledFactor(f, h)
	case Chose:
		f.Chosen, f.Challenges = h.Offer, nil
		return f, nil, nil
	case Skipped:
		f.Skipped = true
		return f, nil, nil
	case Consented:
		if at != Consent {
			return f, nil, errStale
		}
		f.Consented = true
		return f, []Effect{Record{identity.Event{Type: identity.EventConsentGiven, Outcome: identity.Succeeded}}}, nil
	case Cancel:
		f.Denial, f.Challenges = Cancelled, nil
		return f, nil, nil
	case Restarted:
		return f.forget(), nil, nil
	}
	f.Denial, f.Challenges = Barred, nil
	return f, nil, nil
}

// named sets who this is about. Naming somebody again starts over: proofs and
// challenges belong to one person.
func named(f Flow, h Named, at Step) (Flow, []Effect, error) {
	if at != Identify {
		return f, nil, errStale
	}
	f = f.forget()
	f.Identifier, f.Canonical = h.Typed, h.Canonical
	if h.User != nil {
		f.User, f.Epoch = h.User.ID, h.User.Epoch
	}
	return f, nil, nil
}

// tried counts a response before it is judged: a challenge takes no more than
// it allows.
func tried(f Flow, h Tried, at Step) (Flow, []Effect, error) {
	i, ok := f.challenge(h.Challenge)
	if !ok || f.Challenges[i].Spent || f.Challenges[i].Enrolling != (at == Enrol) || (at != Prove && at != Enrol) {
		return f, nil, errStale
	}
	if limit := f.Challenges[i].Challenge.Tries; limit > 0 {
		f.Challenges = slices.Clone(f.Challenges)
		f.Challenges[i].Tries++
		f.Challenges[i].Spent = f.Challenges[i].Tries >= limit
	}
	return f, nil, nil
}

func proved(f Flow, h Proved) (Flow, []Effect, error) {
	i, ok := f.challenge(h.Challenge)
	if !ok || f.Challenges[i].Enrolling || f.User == "" || h.Enrolment.User != f.User {
		return f, nil, errStale
	}
	f.Proofs = append(append([]assurance.Proof(nil), f.Proofs...), h.Proof)
	effects := []Effect{Record{identity.Event{Type: identity.EventFactorProved, Outcome: identity.Succeeded, Factor: h.Proof.Factor}}}
	if h.Write {
		effects = append(effects, SaveEnrolment{h.Enrolment})
	}
	f.Challenges, f.Chosen = nil, ""
	return f, effects, nil
}

func enrolledFactor(f Flow, h EnrolledFactor) (Flow, []Effect, error) {
	i, ok := f.challenge(h.Challenge)
	if !ok || !f.Challenges[i].Enrolling || f.User == "" || h.Enrolment.User != f.User {
		return f, nil, errStale
	}
	if h.Proof.Class != "" {
		f.Proofs = append(append([]assurance.Proof(nil), f.Proofs...), h.Proof)
	}
	f.Challenges, f.Chosen = nil, ""
	f.Epoch++ // adding a factor raises it; this flow is the one that did
	e := identity.Event{Type: identity.EventEnrolmentCreated, Outcome: identity.Succeeded, Factor: h.Enrolment.Factor, Data: map[string]string{"enrolment": h.Enrolment.ID}}
	return f, []Effect{AddEnrolment{h.Enrolment}, Record{e}}, nil
}

// challengeLife is how long a challenge may be answered; ceremonies of
// WebAuthn and unconfirmed TOTP secrets end after ten minutes.
const challengeLife = 10 * time.Minute
