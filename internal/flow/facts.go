package flow

import (
	"slices"
	"time"

	"github.com/intelliauth/intelliauth/internal/assurance"
	"github.com/intelliauth/intelliauth/internal/factor"
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
	f := Facts{Flow: r.flow, User: r.user, Held: r.held, Profile: r.policy.Assurance, Trust: r.e.Trust, Now: r.now, Kinds: r.e.kinds}
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
	f.NeedTicket = r.needTicket()
	if t, ok := r.flow.ticket(string(Reset)); ok {
		f.Mailbox = identity.ChannelOf(r.index, t.Channel, t.To)
	}
	f.Silent = r.silent(f)
	return f
}

// needTicket reports whether nothing but a password speaks for binding a factor
// to this user: whoever stole it could bind their own (C-21).
func (r *run) needTicket() bool {
	if r.policy.Enrolment.FirstFactor != policy.ByTicket || r.user == nil || r.trusted() {
		return false
	}
	return !slices.ContainsFunc(r.held, func(en identity.Enrolment) bool {
		class := r.e.kinds[en.Factor].Class
		return class != assurance.Memorized && class != assurance.LookUp
	})
}

// trustAfter is how long a browser must have been known before it stands for a
// ticket: one that a thief made known by signing in just now must not.
const trustAfter = 24 * time.Hour

// trusted reports whether this browser has been the user's for a while, and
// nothing about this sign-in looks odd (C-21).
func (r *run) trusted() bool {
	if band := r.risk().Band; band == risk.Medium || band == risk.High {
		return false
	}
	return r.device != nil && !r.oldCookie && r.now.Sub(r.device.CreatedAt) >= trustAfter
}

// silent is the factor that the browser could make without asking: on a device
// that has been known for a while, where the person holds none of it.
func (r *run) silent(f Facts) string {
	if !r.flow.Upgrade || !r.trusted() || r.flow.Duty != nil || r.flow.Purpose != "" {
		return ""
	}
	has, _ := r.e.methods(r.tenant, r.policy, r.held)
	for _, kind := range r.e.Factors {
		facts := kind.Facts()
		_, finds := kind.(factor.Discoverable)
		holds := slices.ContainsFunc(r.held, func(en identity.Enrolment) bool { return en.Factor == facts.Name })
		if !finds || holds || !r.allows(facts) {
			continue
		}
		level := policy.ToBind(r.policy, r.e.Trust, has, policy.Method{Factor: facts.Name, Best: r.e.bestNew(r.tenant, kind)})
		bind := assurance.Requirement{Level: level, Since: f.Bind.Since}
		if bind.MetBy(f.Profile, f.Trust, f.Proofs) {
			return facts.Name
		}
	}
	return ""
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
		Application: r.flow.Application.Stricter, Classes: r.e.classes,
		Scopes: r.flow.Authorization.Scopes, Manage: r.flow.Manages(), BegunAt: r.flow.BegunAt,
	}
	r.oddly(&in)
	if r.user != nil {
		in.Created, in.Groups = r.user.CreatedAt, r.user.Groups
	}
	in.Held, in.Offered = r.e.methods(r.tenant, r.policy, r.without(r.flow.Silently))
	if in.Manage {
		in.ManageLevel = r.manageLevel()
	}
	return in
}

// manageLevel is the level that the purpose of this flow has to be proved at.
func (r *run) manageLevel() assurance.Level {
	if r.flow.Duty != nil {
		return r.levelOf(*r.flow.Duty)
	}
	held, _ := r.e.methods(r.tenant, r.policy, r.held)
	return policy.Highest(r.policy, r.e.Trust, held)
}

// methods returns what a person holds, and what the tenant would let them enrol.
// A factor that this version does not have is still held: without it nothing is
// opened that it guarded.
func (e *Engine) methods(t identity.Tenant, p policy.Policy, held []identity.Enrolment) (has, offered []policy.Method) {
	counts := map[string]int{}
	for _, en := range held {
		counts[en.Factor]++
		has = append(has, policy.Method{Factor: en.Factor, Best: e.best(t, en)})
	}
	for _, f := range e.Factors {
		facts := f.Facts()
		if facts.Hidden || facts.Ticket || !p.Allows(facts.Name) || !reaches(t, facts) || (facts.Max > 0 && counts[facts.Name] >= facts.Max) {
			continue
		}
		offered = append(offered, policy.Method{Factor: facts.Name, Best: e.bestNew(t, f)})
	}
	return has, offered
}

// reaches reports whether a factor's messages, if it sends any, can go out.
func reaches(t identity.Tenant, kind factor.Facts) bool {
	return kind.Channel == "" || t.Sends(kind.Channel)
}

// allows reports whether the tenant has a factor.
func (r *run) allows(kind factor.Facts) bool {
	return r.policy.Allows(kind.Name) && reaches(r.tenant, kind)
}

// best is the strongest proof that an enrolment could give.
func (e *Engine) best(t identity.Tenant, en identity.Enrolment) assurance.Proof {
	f := e.factors[en.Factor]
	if f == nil {
		return assurance.Proof{Class: assurance.OneTime}
	}
	best := e.kinds[en.Factor].Best
	if g, ok := f.(factor.Grader); ok {
		best = g.Best(t, &en)
	}
	if best.Channel == "" {
		best.Channel = en.Channel
	}
	return best
}

// bestNew is the strongest proof that a new enrolment could give in a tenant.
func (e *Engine) bestNew(t identity.Tenant, f factor.Factor) assurance.Proof {
	if g, ok := f.(factor.Grader); ok {
		return g.Best(t, nil)
	}
	return f.Facts().Best
}

// bind is what must be proved before a new authenticator is bound in a flow.
func (r *run) bind(need assurance.Requirement) assurance.Requirement {
	held, offered := r.e.methods(r.tenant, r.policy, r.held)
	level := assurance.AAL1
	for _, m := range offered {
		level = max(level, policy.ToBind(r.policy, r.e.Trust, held, m))
	}
	return assurance.Requirement{Level: level, Since: need.Since, Barred: need.Barred}
}

// unreachable reports whether a decision was denied because nothing gives the
// level, rather than because policy says no.
func unreachable(reasons []policy.Reason) bool { return slices.Contains(reasons, policy.Unreachable) }
