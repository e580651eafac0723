package flow

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/intelliauth/intelliauth/internal/assurance"
	"github.com/intelliauth/intelliauth/internal/factor"
	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/policy"
)

// Prompt ids that are not challenges.
const (
	promptIdentifier = "identifier"
	promptSession    = "session"
	promptConsent    = "consent"
	offerPrefix      = "offer:"
)

// offer is a factor that could be asked next.
type offer struct {
	Factor    string
	Enrolling bool
	facts     factor.Facts
	lastUsed  time.Time
	level     assurance.Level
}

func (o offer) id() string { return offerPrefix + o.Factor }

// offers lists what may be asked at a step, best first: what reaches the
// highest level, then what was used last, recovery codes never first.
func (r *run) offers(f Facts, step Step) []offer {
	switch {
	case step == Enrol:
		return r.enrolOffers(f)
	case step != Prove:
		return nil
	case len(f.Proofs) == 0:
		return r.firstOffers(f.Decision.Requirement)
	}
	var helping, others []offer
	now := assurance.LevelOf(f.Profile, f.Trust, f.Proofs)
	for _, o := range r.heldOffers(f) {
		with := append(slices.Clone(f.Proofs), r.best(o))
		o.level = assurance.LevelOf(f.Profile, f.Trust, with)
		resists := f.Decision.Requirement.PhishingResistant && o.facts.Class == assurance.Key
		if o.level > now || resists {
			helping = append(helping, o)
		} else {
			others = append(others, o)
		}
	}
	if len(helping) == 0 {
		helping = others
	}
	slices.SortStableFunc(helping, func(a, b offer) int {
		return cmp.Or(
			cmp.Compare(rank(a.facts.Class), rank(b.facts.Class)),
			cmp.Compare(b.level, a.level),
			b.lastUsed.Compare(a.lastUsed))
	})
	return helping
}

// rank puts recovery codes behind everything else.
func rank(c assurance.Class) int {
	if c == assurance.LookUp {
		return 1
	}
	return 0
}

func (r *run) best(o offer) assurance.Proof {
	p := o.facts.Best
	p.At, p.Factor = r.now, o.Factor
	return p
}

// firstOffers are the same for everybody, known or not.
func (r *run) firstOffers(need assurance.Requirement) []offer {
	var out []offer
	for _, f := range r.e.Factors {
		if facts := f.Facts(); facts.First && !slices.Contains(need.Barred, facts.Class) {
			out = append(out, offer{Factor: facts.Name, facts: facts})
		}
	}
	return out
}

// heldOffers are the person's factors that have not been proved in this round.
func (r *run) heldOffers(f Facts) []offer {
	var out []offer
	for _, en := range f.Held {
		kind := r.e.factors[en.Factor]
		if kind == nil {
			continue
		}
		facts := kind.Facts()
		proved := slices.ContainsFunc(f.Proofs, func(p assurance.Proof) bool { return p.Factor == en.Factor })
		if proved || slices.Contains(f.Decision.Requirement.Barred, facts.Class) {
			continue
		}
		o := offer{Factor: en.Factor, facts: facts}
		if en.LastUsedAt != nil {
			o.lastUsed = *en.LastUsedAt
		}
		if i := slices.IndexFunc(out, func(o offer) bool { return o.Factor == en.Factor }); i >= 0 {
			if o.lastUsed.After(out[i].lastUsed) {
				out[i].lastUsed = o.lastUsed
			}
			continue
		}
		out = append(out, o)
	}
	return out
}

// enrolOffers are the factors whose enrolment would meet the requirement, and
// which the level proved so far allows to be bound.
func (r *run) enrolOffers(f Facts) []offer {
	has, offered := r.e.methods(r.policy, r.held)
	var out []offer
	for _, m := range offered {
		var proofs []assurance.Proof
		for _, h := range append(slices.Clone(has), m) {
			p := h.Best
			p.At = f.Decision.Requirement.Since
			proofs = append(proofs, p)
		}
		bind := assurance.Requirement{Level: policy.ToBind(r.policy, r.e.Trust, has, m), Since: f.Bind.Since}
		if f.Decision.Requirement.MetBy(f.Profile, f.Trust, proofs) && bind.MetBy(f.Profile, f.Trust, f.Proofs) {
			out = append(out, offer{Factor: m.Factor, Enrolling: true, facts: r.e.factors[m.Factor].Facts()})
		}
	}
	return out
}

// prepare makes sure that the flow has a current challenge where its step
// needs one, and tells whether it changed the flow.
func (r *run) prepare(f Facts, step Step) (bool, error) {
	offers := r.offers(f, step)
	if len(offers) == 0 {
		changed := len(r.flow.Challenges) > 0
		r.flow.Challenges = nil
		return changed, nil
	}
	pick := offers[0]
	chosen := false
	for _, o := range offers {
		if o.id() == r.flow.Chosen {
			pick, chosen = o, true
		}
	}
	if len(r.flow.Challenges) > 0 && r.open(r.flow.Challenges[0], pick) {
		return false, nil
	}
	r.flow.Challenges = nil
	if step == Enrol && len(offers) > 1 && !chosen {
		return true, nil
	}
	return true, r.begin(pick)
}

// open reports whether a challenge may still be answered and is the one wanted.
func (r *run) open(c Challenge, want offer) bool {
	return c.Factor == want.Factor && c.Enrolling == want.Enrolling && !c.Spent && r.now.Before(c.At.Add(challengeLife))
}

// begin sets a challenge of one factor.
func (r *run) begin(o offer) error {
	f := r.e.factors[o.Factor]
	subject := r.subjectOf(o.Factor)
	c := Challenge{Factor: o.Factor, Enrolling: o.Enrolling, At: r.now}
	var err error
	if o.Enrolling {
		c.Enrolment = identity.NewID("enr", r.now, r.e.Random)
		c.Challenge, err = f.BeginEnrolment(subject, factor.Asked{})
	} else {
		c.Challenge, err = f.Begin(subject)
	}
	if err != nil {
		return err
	}
	for _, m := range c.Challenge.Send {
		m.ID, m.At = identity.NewID("msg", r.now, r.e.Random), r.now
		if err := r.tx.Outbox.Put(r.ctx, m); err != nil {
			return err
		}
	}
	r.flow.Sequence++
	c.ID = "p" + strconv.Itoa(r.flow.Sequence)
	r.flow.Challenges = []Challenge{c}
	return nil
}

// subjectOf is whom a factor is to judge. MinLength is NIST's: 8 where the
// policy always asks for a second factor, else 15.
func (r *run) subjectOf(name string) factor.Subject {
	s := factor.Subject{
		Tenant: r.tenant, Origins: []string{r.tenant.Issuer}, User: r.user,
		NeedUV: r.decision.Requirement.Level >= assurance.AAL2, MinLength: minLength(r.policy),
	}
	if r.user != nil {
		s.Words = Words(r.tenant, *r.user)
	}
	for _, en := range r.held {
		if en.Factor == name {
			s.Enrolments = append(s.Enrolments, en)
		}
	}
	return s
}

func minLength(p policy.Policy) int {
	if p.MFA == policy.Always {
		return 8
	}
	return 15
}

// Words are what a password of this user may not be made of.
func Words(t identity.Tenant, u identity.User) []string {
	words := append([]string{u.Email, t.Name, t.ID, t.Host()}, strings.Fields(u.Name)...)
	return append(words, strings.FieldsFunc(u.Email, func(c rune) bool { return c == '@' || c == '.' || c == '-' || c == '_' || c == '+' })...)
}

// view renders what the browser may see.
func (r *run) view(f Facts, step Step) View {
	v := View{
		ID: r.flow.ID, Step: step, Tenant: ViewTenant{Name: r.tenant.Name}, ExpiresAt: r.flow.ExpiresAt,
		Application: ViewApplication{ID: r.flow.Application.ID, Name: r.flow.Application.Name, Home: r.flow.Application.Home},
		User:        r.flow.Identifier, Prompts: []ViewPrompt{}, Reasons: []policy.Reason{},
		Origin: origin(r.flow.Authorization.RedirectURI), Popup: r.flow.Authorization.Display == "popup",
		Locales: r.flow.Authorization.Locales,
	}
	if r.flow.Manages() {
		v.Purpose = "manage"
	}
	if len(f.Proofs) > 0 {
		v.Reasons = f.Decision.Reasons
		v.Skippable = step == Enrol && f.skippable()
		if v.Skippable {
			v.GraceUntil = f.Decision.GraceUntil
		}
	}
	switch step {
	case Identify:
		v.Prompts = r.identifyPrompts()
	case Prove, Enrol:
		v.Prompts = r.factorPrompts(f, step)
	case Consent:
		v.Scopes = r.flow.Authorization.Scopes
		v.Prompts = []ViewPrompt{{ID: promptConsent, Factor: promptConsent, Prompt: factor.Prompt{Input: factor.Text}}}
	case Denied:
		a := r.deny(f.denial())
		v.Redirect, v.Form = a.Redirect, a.Form
	}
	return v
}

func (r *run) identifyPrompts() []ViewPrompt {
	var out []ViewPrompt
	if r.session != nil && r.flow.Offered == r.session.ID {
		out = append(out, ViewPrompt{ID: promptSession, Factor: promptSession, Offer: true, Name: r.flow.OfferedName})
	}
	return append(out, ViewPrompt{ID: promptIdentifier, Factor: promptIdentifier, Prompt: factor.Prompt{
		Input: factor.Text, Autocomplete: "username", InputMode: "email", MaxLength: 254,
	}})
}

// factorPrompts are the current challenge and what else could be chosen.
func (r *run) factorPrompts(f Facts, step Step) []ViewPrompt {
	var out []ViewPrompt
	for _, c := range r.flow.Challenges {
		out = append(out, ViewPrompt{ID: c.ID, Factor: c.Factor, Enrolling: c.Enrolling, Name: r.nameOf(f, c.Factor, c.Enrolling), Prompt: c.Challenge.Prompt})
	}
	for _, o := range r.offers(f, step) {
		if len(r.flow.Challenges) > 0 && r.flow.Challenges[0].Factor == o.Factor {
			continue
		}
		out = append(out, ViewPrompt{ID: o.id(), Factor: o.Factor, Enrolling: o.Enrolling, Offer: true, Name: r.nameOf(f, o.Factor, o.Enrolling)})
	}
	return out
}

// nameOf is the name of the only enrolment of a factor. Before a first proof
// nothing is named: a name would tell that somebody is there.
func (r *run) nameOf(f Facts, name string, enrolling bool) string {
	if enrolling || len(f.Proofs) == 0 {
		return ""
	}
	found := ""
	for _, en := range f.Held {
		if en.Factor == name {
			if found != "" {
				return ""
			}
			found = en.Name
		}
	}
	return found
}
