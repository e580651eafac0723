package flow

import (
	"cmp"
	"context"
	"fmt"

	"github.com/intelliauth/intelliauth/internal/assurance"
	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/policy"
	"github.com/intelliauth/intelliauth/internal/risk"
)

// Outcome is where a sign-in stands once its first proof, the password, counts.
type Outcome string

// The outcomes, mildest first.
const (
	PassesThrough Outcome = "passes"     // nothing more is asked
	AsksFactor    Outcome = "challenged" // a second factor that the person has
	AsksTicket    Outcome = "mailed"     // a code that is mailed to them
	AsksEnrolment Outcome = "enrols"     // a second factor has to be set up first
	LocksOut      Outcome = "locked out" // what is asked can be given by nothing that they have or may set up
	TurnsAway     Outcome = "denied"     // policy says no
)

// Past is a sign-in that happened, as its event tells.
type Past struct {
	User    identity.User
	Request Request
	Inputs  risk.Inputs
}

// Simulate says where a past sign-in would stand under the policy of t, for its
// user as they are today. tx may be read-only.
func (e *Engine) Simulate(ctx context.Context, tx identity.Tx, t identity.Tenant, p Past) (Outcome, error) {
	r, err := e.start(ctx, t, Browser{})
	if err != nil {
		return "", err
	}
	r.tx, r.user, r.looking = tx, &p.User, true
	if r.flow, err = r.newFlow(p.Request); err != nil {
		return "", err
	}
	r.flow.Identifier, r.flow.Canonical, r.flow.User, r.flow.Epoch = p.User.Email, p.User.Identifier, p.User.ID, p.User.Epoch
	if err := r.readHeld(p.User.ID); err != nil {
		return "", err
	}
	r.flow.Proofs = []assurance.Proof{{Class: assurance.Memorized, Factor: "password", At: r.now}}
	p.Inputs.Thresholds = r.thresholds()
	r.past = &p.Inputs
	f := r.facts()
	switch step := Next(f); {
	case p.User.Disabled(), step == Denied && !unreachable(f.Decision.Reasons):
		return TurnsAway, nil
	case step == Denied:
		return LocksOut, nil
	case step == Prove && f.wantsTicket() == ticketFirst, step == Enrol:
		return AsksEnrolment, nil
	case step == Prove && f.wantsTicket() == ticketRisk:
		return AsksTicket, nil
	case step == Prove:
		return AsksFactor, nil
	case step == Done, step == Consent:
		return PassesThrough, nil
	}
	return "", fmt.Errorf("flow: a simulated sign-in stands at %s", Next(f))
}

// pastRisk is the assessment that a simulated sign-in had.
func (r *run) pastRisk(in *policy.Input) {
	in.Risk = r.e.Assess(*r.past)
	in.Known = r.past.Device == risk.DeviceKnown
	in.Mails = r.mails() && r.user.Email != ""
}

// Worse orders outcomes by how much they ask.
func (o Outcome) Worse(than Outcome) bool { return cmp.Compare(o.rank(), than.rank()) > 0 }

func (o Outcome) rank() int {
	for i, other := range Outcomes() {
		if o == other {
			return i
		}
	}
	return -1
}

// Outcomes lists all, mildest first.
func Outcomes() []Outcome {
	return []Outcome{PassesThrough, AsksFactor, AsksTicket, AsksEnrolment, LocksOut, TurnsAway}
}
