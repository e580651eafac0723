package flow

import (
	"slices"

	"github.com/intelliauth/intelliauth/internal/assurance"
	"github.com/intelliauth/intelliauth/internal/factor"
	"github.com/intelliauth/intelliauth/internal/identity"
)

// Next derives where a flow stands from stored facts alone. Steps never route
// to each other, and nothing is passed because a request arrived.
//
// Until a first proof counts, or a mailed code did, the answer depends on
// nothing that only a known user has, so that it cannot tell whether there is
// one.
func Next(f Facts) Step {
	switch {
	case f.Flow.Denial != "":
		return Denied
	case !f.Flow.Identified():
		return Identify
	case f.wantsTicket() != "" || (len(f.Proofs) == 0 && !f.present() && !f.opened()):
		return Prove
	case f.denial() != "":
		return Denied
	case f.Flow.Trial != nil || f.Flow.Purpose == Reset && !f.seconded():
		return Prove
	case len(f.enrolling()) > 0:
		return Enrol
	case f.met():
		if f.Consent && !f.Flow.Consented {
			return Consent
		}
		return Done
	}
	return Prove
}

// wantsTicket tells for which purpose a code that was sent has to come back
// before anything else; "" if none does.
func (f Facts) wantsTicket() string {
	switch {
	case f.Flow.Purpose == Register || f.Flow.Purpose == Reset:
		if p := string(f.Flow.Purpose); !f.Flow.ticketed(p) {
			return p
		}
	case f.choosing(ticketUnlock) && !f.Flow.ticketed(ticketUnlock):
		return ticketUnlock
	}
	if len(f.Proofs) == 0 && !f.opened() || f.denial() != "" || f.Flow.Trial != nil {
		return ""
	}
	switch {
	case f.Decision.Ticket && !f.ticketed() && (f.met() || f.binds() || len(f.Held) == 0):
		return ticketRisk
	case f.NeedTicket && !f.Flow.ticketed(ticketFirst, ticketRisk, string(Register), string(Join)) && f.binds():
		return ticketFirst
	case f.newAddress() && f.proved() && !f.Flow.ticketed(ticketAddress):
		return ticketAddress
	}
	return ""
}

// ticketed reports whether any code that was mailed came back in this browser.
func (f Facts) ticketed() bool {
	return f.Flow.ticketed(ticketRisk, ticketFirst, ticketUnlock, string(Register), string(Join), string(Reset))
}

// choosing reports whether the person chose to be sent a ticket.
func (f Facts) choosing(purpose string) bool { return f.Flow.Chosen == ticketPrefix+purpose }

// newAddress reports whether the duty is to change where messages go.
func (f Facts) newAddress() bool {
	d := f.Flow.Duty
	return d != nil && d.Value != "" && (d.Kind == DutyEmail || d.Kind == DutyPhone)
}

// binds reports whether a new authenticator is what comes next, or what the
// purpose of the flow would let follow.
func (f Facts) binds() bool {
	if f.Flow.Purpose == Reset || f.recovering() {
		return false
	}
	if f.Flow.Manages() && (f.Flow.Duty == nil || f.Flow.Duty.Kind == DutyEnrol) {
		return f.proved()
	}
	return f.Decision.Enrol && f.bindable() && !f.putOff()
}

// opened reports whether a ticket of this flow shows whose it is: mail to the
// address that was registered, forgotten with, or invited.
func (f Facts) opened() bool {
	return f.Flow.User != "" && f.Flow.ticketed(string(Register), string(Join), string(Reset))
}

// present reports whether this browser's session already shows who it is, so
// that an answer about this user tells nothing new.
func (f Facts) present() bool {
	return f.Session != nil && f.User != nil && f.Session.User == f.User.ID && f.Session.ID == f.Flow.Session
}

// seconded reports whether a forgotten password may be set anew: mail alone
// will not do for a person who holds anything else (ASVS 6.4.3).
func (f Facts) seconded() bool {
	if len(f.Proofs) > 0 {
		return true
	}
	return !slices.ContainsFunc(f.Held, f.seconds)
}

// seconds reports whether an enrolment can stand beside the mailbox that a
// reset code went to.
func (f Facts) seconds(en identity.Enrolment) bool {
	kind, ok := f.Kinds[en.Factor]
	return !ok || kind.Class != assurance.Memorized && (en.Channel == "" || en.Channel != f.Mailbox)
}

// recovering reports whether a recovery code stands beside another proof: that
// opens re-enrolment, and nothing else (C-23).
func (f Facts) recovering() bool {
	if f.proved() {
		return false
	}
	code, other := false, false
	for _, p := range f.Proofs {
		code = code || p.Class == assurance.LookUp
		other = other || p.Class != assurance.LookUp
	}
	return code && other
}

// proved reports whether the requirement holds.
func (f Facts) proved() bool {
	return f.User != nil && f.Decision.Requirement.MetBy(f.Profile, f.Trust, f.Proofs)
}

// putOff reports whether an enrolment that is due was skipped, where it may be.
func (f Facts) putOff() bool {
	return f.Flow.Skipped && f.skippable() && f.Decision.Fallback.MetBy(f.Profile, f.Trust, f.Proofs)
}

// met reports whether the requirement holds, or its fallback while enrolment
// may still be put off.
func (f Facts) met() bool { return f.User != nil && (f.proved() || f.putOff()) }

func (f Facts) skippable() bool { return f.Decision.Enrol && f.Now.Before(f.Decision.GraceUntil) }

// bindable reports whether what was proved lets a new authenticator be bound.
func (f Facts) bindable() bool { return f.Bind.MetBy(f.Profile, f.Trust, f.Proofs) }

// why says what an enrolment is for.
type why byte

const (
	dueFirst    why = iota + 1 // somebody new needs a way to sign in
	dueReset                   // a forgotten password
	dueRecovery                // a recovery code was used
	dueDuty                    // the person asked for it
	duePassword                // the person asked for a new password
	dueCodes                   // recovery codes follow a first factor
	dueSilently                // a passkey that the browser makes without asking
	duePolicy                  // the requirement cannot be met without
)

// enrolling lists why something is to be enrolled now, most urgent first; empty
// if nothing is.
func (f Facts) enrolling() []why {
	var out []why
	add := func(due bool, w why) {
		if due {
			out = append(out, w)
		}
	}
	add(f.opened() && len(f.Proofs) == 0 && f.Flow.Purpose != Reset && !f.canSignIn(), dueFirst)
	add(f.Flow.Purpose == Reset, dueReset)
	add(f.recovering(), dueRecovery)
	if d := f.Flow.Duty; d != nil && f.proved() {
		add(d.Kind == DutyEnrol, dueDuty)
		add(d.Kind == DutyPassword, duePassword)
	}
	add(f.Flow.Follow && f.strong(), dueCodes)
	add(f.Silent != "" && f.Flow.Upgrade && f.proved(), dueSilently)
	add(!f.met() && f.Decision.Enrol && f.bindable() && !f.recovering(), duePolicy)
	return out
}

// strong reports whether recovery codes may be shown (SP 800-63B-4, 3.1.2.1).
func (f Facts) strong() bool {
	return assurance.LevelOf(f.Profile, f.Trust, f.Proofs) >= assurance.AAL2
}

// canSignIn reports whether the user holds anything that may be the first proof.
func (f Facts) canSignIn() bool {
	return slices.ContainsFunc(f.Held, func(en identity.Enrolment) bool { return f.Kinds[en.Factor].First })
}

// denial tells why a person who proved something may not go on.
func (f Facts) denial() Denial {
	switch {
	case f.Flow.Denial != "":
		return f.Flow.Denial
	case f.User == nil || f.User.Disabled():
		return Barred
	case f.Flow.Subject != "" && f.Flow.Subject != f.User.ID:
		return WrongPerson
	case f.Flow.Purpose != "" && len(f.Proofs) == 0: // who gets a first way to sign in is not judged by it yet
		return ""
	case f.Decision.Denied && unreachable(f.Decision.Reasons):
		return Unmet
	case f.Decision.Denied:
		return Barred
	}
	return ""
}

// makes lists the factors that may be enrolled for a reason.
func (f Facts) makes(w why, kind factor.Facts) bool {
	switch w {
	case dueFirst:
		return kind.First
	case dueReset, duePassword:
		return kind.Class == assurance.Memorized
	case dueRecovery:
		return !kind.Hidden && !kind.Ticket && kind.Class != assurance.LookUp
	case dueDuty:
		return !kind.Hidden && !kind.Ticket && (f.Flow.Duty.Factor == "" || f.Flow.Duty.Factor == kind.Name) &&
			(kind.Class != assurance.LookUp || f.strong())
	case dueCodes:
		return kind.Follows
	case dueSilently:
		return kind.Name == f.Silent
	case duePolicy:
		return !kind.Hidden && !kind.Ticket
	}
	return false
}
