package flow

import (
	"context"
	"strings"

	"github.com/intelliauth/intelliauth/internal/assurance"
	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/policy"
)

// DutyKind names a change that a person makes to their own sign-in.
type DutyKind string

// The changes. Each needs fresh purpose (C-20), on a page and by the Me API.
const (
	DutyEnrol      DutyKind = "enrol"       // Factor; "" lets the person choose. Recovery codes: a new set
	DutyRemove     DutyKind = "remove"      // Enrolment
	DutyRename     DutyKind = "rename"      // Enrolment, Value: the new name
	DutyPassword   DutyKind = "password"    // set a new password; its text is asked by the flow
	DutyEmail      DutyKind = "email"       // Value: the new address, confirmed by a code sent there
	DutyPhone      DutyKind = "phone"       // Value: the new number, E.164 or national; "" removes it
	DutyEndSession DutyKind = "end-session" // Session
	DutyEndOthers  DutyKind = "end-others"  // all sessions but this one
	DutyEndAll     DutyKind = "end-all"     // this one, too
)

// Duty is a change that a flow makes at its end, in the transaction that
// accepts the proofs it needs.
type Duty struct {
	Kind      DutyKind `json:"kind"`
	Factor    string   `json:"factor,omitempty"`
	Enrolment string   `json:"enrolment,omitempty"`
	Session   string   `json:"session,omitempty"`
	Value     string   `json:"value,omitempty"`
	Name      string   `json:"name,omitempty"` // of the enrolment that it is about, for the page; filled in by the engine
}

// BeginDuty begins the flow of a change by the person of this browser's
// session, or answers identity.ErrNotFound if nobody is signed in. The flow
// ends at back, a path on the issuer.
func (e *Engine) BeginDuty(ctx context.Context, t identity.Tenant, b Browser, d Duty, back string) (Begun, error) {
	base, err := e.start(ctx, t, b)
	if err != nil {
		return Begun{}, err
	}
	var user string
	err = e.Store.View(ctx, t.ID, func(tx identity.Tx) error {
		r := *base
		r.tx = tx
		if err := r.readSession(); err != nil {
			return err
		}
		if r.session == nil {
			return identity.ErrNotFound
		}
		u, err := tx.Users.ByID(ctx, r.session.User)
		if err != nil {
			return err
		}
		user, r.user = u.ID, &u
		if err := r.readHeld(u.ID); err != nil {
			return err
		}
		return r.check(&d)
	})
	if err != nil {
		return Begun{}, err
	}
	return e.Begin(ctx, t, b, Request{
		Authorization: identity.AuthorizationRequest{OwnPage: true, RedirectURI: back, RequestedAt: base.now},
		Subject:       user, Duty: &d,
	})
}

// check refuses a change that cannot be made whatever is proved, and fills in
// what the page shows of it.
func (r *run) check(d *Duty) error {
	if r.user.Frozen(r.now) && d.Kind != DutyEndSession && d.Kind != DutyEndOthers && d.Kind != DutyEndAll {
		return errFrozen()
	}
	switch d.Kind {
	case DutyEnrol:
		return r.checkEnrol(d)
	case DutyRemove, DutyRename:
		en, ok := r.heldByID(d.Enrolment)
		if !ok || r.e.kinds[en.Factor].Hidden {
			return identity.ErrNotFound
		}
		d.Name, d.Factor, d.Value = en.Name, en.Factor, cleanName(d.Value)
		if d.Kind == DutyRename {
			return r.checkName(en, d.Value)
		}
		return r.checkRemove(en)
	case DutyEmail:
		if _, ok := identity.Canonical(d.Value); !ok {
			return identity.Invalid("address_invalid", "This is no e-mail address.")
		}
		d.Value = strings.TrimSpace(d.Value)
		return r.checkMoves()
	case DutyPhone:
		return r.checkPhone(d)
	case DutyPassword, DutyEndSession, DutyEndOthers, DutyEndAll:
		return nil
	}
	return identity.Invalid("invalid_request", "There is no such change.")
}

func errFrozen() error {
	return identity.Forbidden("frozen", "Changes to this sign-in are frozen, because somebody said that an earlier one was not theirs.")
}

func (r *run) heldByID(id string) (identity.Enrolment, bool) {
	for _, en := range r.held {
		if en.ID == id {
			return en, true
		}
	}
	return identity.Enrolment{}, false
}

func (r *run) checkEnrol(d *Duty) error {
	if d.Factor == "" {
		return nil
	}
	kind, ok := r.e.kinds[d.Factor]
	if !ok || kind.Hidden || kind.Ticket || !r.allows(kind) {
		return identity.Invalid("factor_unavailable", "This factor cannot be set up here.")
	}
	if kind.Class == assurance.LookUp && r.highest() < assurance.AAL2 {
		return identity.Invalid("factor_unavailable", "Recovery codes come after a second step.") // SP 800-63B-4, 3.1.2.1
	}
	if !r.room(kind) {
		return identity.Invalid("enrolment_limit", "There are as many of this factor as there may be.")
	}
	return nil
}

func (r *run) checkName(en identity.Enrolment, name string) error {
	if name == "" {
		return identity.Invalid("name_invalid", "A name is wanted.")
	}
	for _, other := range r.held {
		if other.ID != en.ID && strings.EqualFold(other.Name, name) {
			return identity.Invalid("name_in_use", "Another sign-in method has this name.")
		}
	}
	return nil
}

// checkRemove refuses to take away the last way in, or the last factor that the
// tenant's policy demands, and anything soon after a recovery (C-23).
func (r *run) checkRemove(en identity.Enrolment) error {
	kind := r.e.kinds[en.Factor]
	if kind.Class == assurance.LookUp {
		return nil
	}
	if r.recovered() {
		return identity.Forbidden("recovered_recently", "For 72 hours after a recovery nothing can be removed.")
	}
	rest := r.without(en.ID)
	first := false
	for _, other := range rest {
		first = first || r.e.kinds[other.Factor].First
	}
	has, _ := r.e.methods(r.tenant, r.policy, rest)
	need := assurance.AAL1
	if r.policy.MFA == policy.Always {
		need = assurance.AAL2
	}
	if !first || policy.Highest(r.policy, r.e.Trust, has) < need {
		return identity.Forbidden("last_required_factor", "This sign-in method is needed: add another one first.")
	}
	return nil
}

// checkMoves refuses to change where messages go soon after a recovery.
func (r *run) checkMoves() error {
	if r.recovered() {
		return identity.Forbidden("recovered_recently", "For 72 hours after a recovery addresses cannot be changed.")
	}
	return nil
}

func (r *run) checkPhone(d *Duty) error {
	if err := r.checkMoves(); err != nil || strings.TrimSpace(d.Value) == "" {
		d.Value = ""
		return err
	}
	if r.e.Number == nil {
		return errNoNumber
	}
	number, err := r.e.Number(r.tenant, d.Value)
	if err != nil {
		return wrongCode(err)
	}
	d.Value = number
	return nil
}

// recovered reports whether the person came back by a recovery code lately.
func (r *run) recovered() bool {
	return r.user.RecoveredAt != nil && r.now.Sub(*r.user.RecoveredAt) < cooling
}

// without is what the person holds, one aside.
func (r *run) without(id string) []identity.Enrolment {
	var out []identity.Enrolment
	for _, en := range r.held {
		if en.ID != id {
			out = append(out, en)
		}
	}
	return out
}

// highest is the level that everything the person holds gives together.
func (r *run) highest() assurance.Level {
	held, _ := r.e.methods(r.tenant, r.policy, r.held)
	return policy.Highest(r.policy, r.e.Trust, held)
}

// levelOf is the level that a change has to be proved at. To remove one
// authenticator another of the same strength will do, or the lost one's owner
// could never be rid of it (SP 800-63B-4, 4.1.2.1, 4.3).
func (r *run) levelOf(d Duty) assurance.Level {
	held, offered := r.e.methods(r.tenant, r.policy, r.held)
	highest := max(assurance.AAL1, policy.Highest(r.policy, r.e.Trust, held))
	switch d.Kind {
	case DutyEnrol:
		level := assurance.None
		for _, m := range offered {
			if d.Factor == "" || d.Factor == m.Factor {
				level = max(level, policy.ToBind(r.policy, r.e.Trust, held, m))
			}
		}
		if level == assurance.None || r.e.kinds[d.Factor].Class == assurance.LookUp {
			return assurance.AAL2
		}
		return level
	case DutyRemove, DutyRename:
		rest, _ := r.e.methods(r.tenant, r.policy, r.without(d.Enrolment))
		if level := policy.Highest(r.policy, r.e.Trust, rest); level >= assurance.AAL2 {
			return level
		}
		if en, ok := r.heldByID(d.Enrolment); ok {
			return policy.ToBind(r.policy, r.e.Trust, held, policy.Method{Factor: en.Factor, Best: r.e.best(r.tenant, en)})
		}
	}
	return highest
}
