package flow

import (
	"slices"

	"github.com/intelliauth/intelliauth/internal/assurance"
	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/policy"
	"github.com/intelliauth/intelliauth/internal/risk"
)

// sessionProofs are the session's proofs that may count in this flow: of the
// same user, in the same browser, of the session the flow began from, and
// young enough for the level that is asked. To change sign-in methods none
// count: they were given for something else, in another tab perhaps (C-20).
func (r *run) sessionProofs(level assurance.Level) []assurance.Proof {
	if r.flow.Manages() || r.session == nil || r.user == nil || r.session.User != r.user.ID || r.session.ID != r.flow.Session {
		return nil
	}
	return r.policy.Limits().Live(max(level, assurance.AAL1), r.session.Proofs, r.session.Activity, r.now)
}

// facts gathers what Next needs, for the first alternative that can be reached.
func (r *run) facts() Facts {
	f := Facts{Flow: r.flow, User: r.user, Held: r.held, Profile: r.policy.Assurance, Trust: r.e.Trust, Now: r.now}
	f.Decision = r.decide()
	r.decision = f.Decision
	proofs := r.flow.Proofs
	if !f.Decision.Enrol { // who only finds a session open binds nothing in it (C-20)
		proofs = assurance.Union(proofs, r.sessionProofs(f.Decision.Requirement.Level))
	}
	f.Proofs = f.Decision.Requirement.Counting(proofs)
	f.Bind = r.bind(f.Decision.Requirement)
	f.Session = r.session
	f.Consent = r.flow.AskConsent
	return f
}

// decide asks policy about each alternative in order: the first that can be
// reached with what the person has wins, then the first by enrolling.
func (r *run) decide() policy.Decision {
	alternatives := r.flow.Alternatives
	if len(alternatives) == 0 {
		alternatives = []assurance.Requirement{{}}
	}
	var byEnrolling, refused *policy.Decision
	for _, a := range alternatives {
		d := policy.Decide(r.input(a))
		switch {
		case !d.Denied && !d.Enrol:
			return d
		case !d.Denied && byEnrolling == nil:
			byEnrolling = &d
		case d.Denied && refused == nil:
			refused = &d
		}
	}
	if byEnrolling != nil {
		return *byEnrolling
	}
	return *refused
}

func (r *run) input(a assurance.Requirement) policy.Input {
	in := policy.Input{
		Policy: r.policy, Trust: r.e.Trust, Now: r.now, Requested: a, Floor: r.flow.Application.Floor,
		Scopes: r.flow.Authorization.Scopes, Manage: r.flow.Manages(), BegunAt: r.flow.BegunAt,
		Risk: risk.Assess(risk.Signals{DeviceKnown: r.device != nil, DeviceStale: r.oldCookie}),
	}
	if r.user != nil {
		in.Created = r.user.CreatedAt
	}
	in.Held, in.Offered = r.e.methods(r.policy, r.held)
	return in
}

// methods returns what a person holds, and what the tenant would let them enrol.
// A factor that this version does not have is still held: without it nothing is
// opened that it guarded.
func (e *Engine) methods(p policy.Policy, held []identity.Enrolment) (has, offered []policy.Method) {
	counts := map[string]int{}
	for _, en := range held {
		best := assurance.Proof{Class: assurance.OneTime}
		if f := e.factors[en.Factor]; f != nil {
			best = f.Facts().Best
		}
		counts[en.Factor]++
		has = append(has, policy.Method{Factor: en.Factor, Best: best})
	}
	for _, f := range e.Factors {
		facts := f.Facts()
		if facts.Hidden || !p.Allows(facts.Name) || (facts.Max > 0 && counts[facts.Name] >= facts.Max) {
			continue
		}
		offered = append(offered, policy.Method{Factor: facts.Name, Best: facts.Best})
	}
	return has, offered
}

// bind is what must be proved before a new authenticator is bound in a flow.
func (r *run) bind(need assurance.Requirement) assurance.Requirement {
	held, offered := r.e.methods(r.policy, r.held)
	level := assurance.AAL1
	for _, m := range offered {
		level = max(level, policy.ToBind(r.policy, r.e.Trust, held, m))
	}
	return assurance.Requirement{Level: level, Since: need.Since, Barred: need.Barred}
}

// unreachable reports whether a decision was denied because nothing gives the
// level, rather than because policy says no.
func unreachable(reasons []policy.Reason) bool { return slices.Contains(reasons, policy.Unreachable) }
