package policy

import (
	"slices"
	"time"

	"github.com/intelliauth/intelliauth/internal/assurance"
	"github.com/intelliauth/intelliauth/internal/risk"
)

// Reason is one entry of the closed list of why something was asked or denied.
type Reason string

// The reasons.
const (
	RequestedLevel    Reason = "requested-level"    // the application asked for this level
	RequestedRecency  Reason = "requested-recency"  // it asked for a recent or new sign-in
	ApplicationFloor  Reason = "application-floor"  // the application's registered minimum
	PolicyAlways      Reason = "policy-always"      // the tenant always asks for a second factor
	ApplicationPolicy Reason = "application-policy" // the application asks for more than the tenant
	GroupPolicy       Reason = "group-policy"       // the user is in a group that is asked for more
	Enrolled          Reason = "enrolled"           // the person has a second factor
	ScopeStepUp       Reason = "scope"              // a scope asked for needs more
	ManageFactors     Reason = "manage-factors"     // sign-in methods are to be changed
	RiskMedium        Reason = "risk-medium"        // this sign-in looks unusual
	RiskHigh          Reason = "risk-high"          // it looks very unusual
	Unreachable       Reason = "level-unreachable"  // nothing the person has or may enrol gives the level
	EnrolmentDue      Reason = "enrolment-required" // a factor must be set up first
	InGrace           Reason = "enrolment-grace"    // it may be put off for now
)

// Method is something a person holds or could enrol, by the strongest proof
// it gives.
type Method struct {
	Factor string
	Best   assurance.Proof
}

// Input is everything a decision depends on.
type Input struct {
	Policy      Policy
	Trust       assurance.Trust
	Now         time.Time
	Requested   assurance.Requirement // one alternative of what the application asked
	Floor       assurance.Level       // the application's registered minimum
	Scopes      []string
	Application Stricter                   // what the application asks beyond the policy
	Groups      []string                   // those that the user is in
	Classes     map[string]assurance.Class // of every factor there is
	Manage      bool                       // the purpose is to change sign-in methods

	ManageLevel assurance.Level // at which that has to be proved; 0: at the highest that Held gives

	BegunAt time.Time // when the flow was begun
	Created time.Time // when the user was
	Held    []Method  // the user's live enrolments, the password included
	Offered []Method  // what the tenant lets this user enrol
	Risk    risk.Assessment
	Known   bool // this browser finished a sign-in of the user before
	Mails   bool // a code can be mailed to the user
}

// Demand is what one rule adds.
type Demand struct {
	Requirement assurance.Requirement
	Deny        bool
	Ticket      bool // a code mailed to the user has to come back in this browser
	NoEnrolment bool // the level may be met by what is held only
	Reason      Reason
}

// Decision is what is asked, and why.
type Decision struct {
	Requirement assurance.Requirement
	Enrol       bool      // nothing held reaches the requirement: enrol first
	GraceUntil  time.Time // enrolment may be skipped until then
	Fallback    assurance.Requirement
	Denied      bool
	Ticket      bool // a code mailed to the user has to come back in this browser
	Reasons     []Reason
}

// rules is the list; its order has no meaning.
func rules() []func(Input) Demand {
	return []func(Input) Demand{requestedLevel, requestedRecency, applicationFloor, byApplication, byGroup, mode, enrolled, scopes, manage, assessed}
}

// Decide joins the demands of all rules and checks that the result can be met.
func Decide(in Input) Decision { return decide(in, rules()) }

func decide(in Input, rules []func(Input) Demand) Decision {
	d := Decision{Requirement: assurance.Requirement{Level: assurance.AAL1}}
	noEnrolment := false
	for _, rule := range rules {
		demand := rule(in)
		if demand.Reason == "" {
			continue
		}
		d.Requirement = d.Requirement.Join(demand.Requirement)
		d.Denied = d.Denied || demand.Deny
		d.Ticket = d.Ticket || demand.Ticket
		noEnrolment = noEnrolment || demand.NoEnrolment
		d.Reasons = append(d.Reasons, demand.Reason)
	}
	slices.Sort(d.Reasons)
	if in.reaches(d.Requirement, in.Held) {
		return d
	}
	switch {
	case !noEnrolment && in.reaches(d.Requirement, append(slices.Clone(in.Held), in.Offered...)):
		d.Enrol = true
		d.Reasons = append(d.Reasons, EnrolmentDue)
		d.grace(in)
	default:
		d.Denied = true
		d.Reasons = append(d.Reasons, Unreachable)
	}
	return d
}

// reaches reports whether methods could meet a requirement if each answered
// now, as well as it can.
func (in Input) reaches(r assurance.Requirement, methods []Method) bool {
	var proofs []assurance.Proof
	for _, m := range methods {
		p := m.Best
		p.At = r.Since
		proofs = append(proofs, p)
	}
	return r.MetBy(in.Policy.Assurance, in.Trust, proofs)
}

// grace lets a new user put off the enrolment that only `always` demands.
func (d *Decision) grace(in Input) {
	until := in.Created.Add(time.Duration(in.Policy.EnrolmentGrace))
	if in.Policy.MFA != Always || !in.Policy.Graced(in.Created, in.Now) {
		return
	}
	without := in
	without.Policy.MFA = Optional
	if rest := Decide(without); !rest.Enrol && !rest.Denied {
		d.GraceUntil = until
		d.Fallback = rest.Requirement
		d.Reasons = append(d.Reasons, InGrace)
	}
}

// Highest returns the highest level that methods can give together.
func Highest(p Policy, trust assurance.Trust, methods []Method) assurance.Level {
	var proofs []assurance.Proof
	for _, m := range methods {
		proofs = append(proofs, m.Best)
	}
	return assurance.LevelOf(p.Assurance, trust, proofs)
}

// ToBind returns the level that a person must prove before binding a new
// authenticator: the lower of the highest level available to the account and
// the highest level the new one can give beside a password
// (SP 800-63B-4, 4.1.2.1).
func ToBind(p Policy, trust assurance.Trust, held []Method, candidate Method) assurance.Level {
	password := assurance.Proof{Class: assurance.Memorized}
	gives := assurance.LevelOf(p.Assurance, trust, []assurance.Proof{password, candidate.Best})
	return max(assurance.AAL1, min(Highest(p, trust, held), gives))
}
