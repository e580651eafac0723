package flow

import (
	"cmp"
	"slices"
	"strconv"
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
	promptRegister   = "register"
	promptReset      = "reset"
	offerPrefix      = "offer:"
	ticketPrefix     = "ticket:"
)

// offer is something that could be asked next.
type offer struct {
	Factor    string
	Enrolling bool
	Anybody   bool   // whoever answers is the user
	Trial     bool   // of what was just made
	Silent    bool   // an enrolment that nobody is asked about
	Purpose   string // of a ticket
	facts     factor.Facts
	lastUsed  time.Time
	level     assurance.Level
}

func (o offer) id() string {
	switch {
	case o.Purpose != "":
		return ticketPrefix + o.Purpose
	case o.Trial:
		return "try:" + o.Factor
	}
	return offerPrefix + o.Factor
}

// offers lists what may be asked at a step, best first.
func (r *run) offers(f Facts, step Step) []offer {
	switch step {
	case Identify:
		return r.anybodyOffers(f)
	case Enrol:
		return r.enrolOffers(f)
	case Prove:
	default:
		return nil
	}
	if purpose := f.wantsTicket(); purpose != "" {
		out := r.ticketOffers(purpose)
		if purpose == ticketUnlock {
			out = append(out, r.proveOffers(f)...)
		}
		return out
	}
	if t := f.Flow.Trial; t != nil {
		trial := offer{Factor: t.Enrolment.Factor, Trial: true, facts: f.Kinds[t.Enrolment.Factor]}
		return append([]offer{trial}, r.enrolOffers(f)...)
	}
	return r.proveOffers(f)
}

// anybodyOffers are the factors that can name their user themselves.
func (r *run) anybodyOffers(f Facts) []offer {
	var out []offer
	for _, kind := range r.e.Factors {
		facts := kind.Facts()
		if _, ok := kind.(factor.Discoverable); ok && r.allows(facts) && !f.barred(facts) && f.Flow.Purpose == "" {
			out = append(out, offer{Factor: facts.Name, Anybody: true, facts: facts})
		}
	}
	return out
}

func (f Facts) barred(facts factor.Facts) bool {
	return slices.Contains(f.Decision.Requirement.Barred, facts.Class)
}

func (r *run) ticketOffers(purpose string) []offer {
	for _, kind := range r.e.Factors {
		if facts := kind.Facts(); facts.Ticket {
			return []offer{{Factor: facts.Name, Purpose: purpose, facts: facts}}
		}
	}
	return nil
}

// proveOffers lists what may be proved next: what reaches the highest level,
// then what was used last, recovery codes never first.
func (r *run) proveOffers(f Facts) []offer {
	if len(f.Proofs) == 0 && !f.opened() {
		return r.firstOffers(f)
	}
	var helping, others []offer
	now := assurance.LevelOf(f.Profile, f.Trust, f.Proofs)
	for _, o := range r.heldOffers(f) {
		if f.Flow.Purpose == Reset && !slices.ContainsFunc(f.Held, func(en identity.Enrolment) bool { return en.Factor == o.Factor && f.seconds(en) }) {
			continue
		}
		resists := f.Decision.Requirement.PhishingResistant && o.facts.Class == assurance.Key
		if o.level > now || resists || o.facts.Class == assurance.LookUp {
			helping = append(helping, o)
		} else {
			others = append(others, o)
		}
	}
	if !slices.ContainsFunc(helping, func(o offer) bool { return o.facts.Class != assurance.LookUp }) {
		helping = append(others, helping...)
	}
	// Whoever has a key is asked for nothing that a false page could pass on,
	// where that is demanded; a recovery code proves nothing by itself (C-23).
	isKey := func(o offer) bool { return o.facts.Class == assurance.Key }
	if f.Decision.Requirement.PhishingResistant && slices.ContainsFunc(helping, isKey) {
		helping = slices.DeleteFunc(helping, func(o offer) bool { return !isKey(o) && o.facts.Class != assurance.LookUp })
	}
	slices.SortStableFunc(helping, byStrength)
	return helping
}

// byStrength puts the strongest first, of equals what is not sent, and then what
// was used last; recovery codes stand behind everything else.
func byStrength(a, b offer) int {
	return cmp.Or(
		cmp.Compare(rank(a.facts.Class), rank(b.facts.Class)),
		cmp.Compare(b.level, a.level),
		cmp.Compare(sent(a.facts.Class), sent(b.facts.Class)),
		b.lastUsed.Compare(a.lastUsed))
}

func rank(c assurance.Class) int {
	if c == assurance.LookUp {
		return 1
	}
	return 0
}

// sent says which classes of equal level stand behind others: a message can be
// read by others on its way.
func sent(c assurance.Class) int {
	if c == assurance.Telephone || c == assurance.Mailbox {
		return 1
	}
	return 0
}

// firstOffers are the same for everybody, known or not. Only to a browser that
// finished a sign-in of this user before are they put in their order.
func (r *run) firstOffers(f Facts) []offer {
	var out []offer
	for _, kind := range r.e.Factors {
		facts := kind.Facts()
		if !facts.First || f.barred(facts) || !facts.Hidden && !r.allows(facts) {
			continue
		}
		o := offer{Factor: facts.Name, facts: facts}
		if r.device != nil {
			r.graded(f, &o)
		}
		out = append(out, o)
	}
	if r.device != nil {
		slices.SortStableFunc(out, byStrength)
	}
	return out
}

// graded fills in how strong a person's own authenticators of a factor are, and
// when they were last used.
func (r *run) graded(f Facts, o *offer) {
	for _, en := range f.Held {
		if en.Factor != o.Factor {
			continue
		}
		if en.LastUsedAt != nil && en.LastUsedAt.After(o.lastUsed) {
			o.lastUsed = *en.LastUsedAt
		}
		best := r.e.best(r.tenant, en)
		best.At, best.Factor = r.now, en.Factor
		o.level = max(o.level, assurance.LevelOf(f.Profile, f.Trust, append(slices.Clone(f.Proofs), best)))
	}
}

// heldOffers are the person's factors that have not been proved in this round.
func (r *run) heldOffers(f Facts) []offer {
	var out []offer
	for _, en := range f.Held {
		facts, ok := f.Kinds[en.Factor]
		if !ok || f.barred(facts) || slices.ContainsFunc(out, func(o offer) bool { return o.Factor == en.Factor }) {
			continue
		}
		if slices.ContainsFunc(f.Proofs, func(p assurance.Proof) bool { return p.Factor == en.Factor }) {
			continue
		}
		o := offer{Factor: en.Factor, facts: facts}
		r.graded(f, &o)
		out = append(out, o)
	}
	return out
}

// enrolOffers are the factors that may be bound for the most urgent reason.
func (r *run) enrolOffers(f Facts) []offer {
	reasons := f.enrolling()
	if len(reasons) == 0 {
		if f.Flow.Trial == nil {
			return nil
		}
		reasons = []why{duePolicy}
	}
	w := reasons[0]
	has, _ := r.e.methods(r.tenant, r.policy, r.held)
	var out []offer
	for _, kind := range r.e.Factors {
		facts := kind.Facts()
		if !f.makes(w, facts) || f.barred(facts) || !r.room(facts) {
			continue
		}
		m := policy.Method{Factor: facts.Name, Best: r.e.bestNew(r.tenant, kind)}
		bind := assurance.Requirement{Level: policy.ToBind(r.policy, r.e.Trust, has, m), Since: f.Bind.Since}
		switch {
		case (w == duePolicy || w == dueRecovery) && !r.wouldMeet(f, has, m):
			continue
		case (w == duePolicy || w == dueDuty) && !bind.MetBy(f.Profile, f.Trust, f.Proofs):
			continue
		}
		out = append(out, offer{Factor: facts.Name, Enrolling: true, Silent: w == dueSilently, facts: facts})
	}
	return out
}

// room reports whether the tenant lets this user have one more of a factor.
func (r *run) room(facts factor.Facts) bool {
	if !facts.Hidden && !r.allows(facts) {
		return false
	}
	count := 0
	for _, en := range r.held {
		if en.Factor == facts.Name {
			count++
		}
	}
	return facts.Replaces || facts.Max == 0 || count < facts.Max
}

// wouldMeet reports whether the requirement could be met with one more method.
func (r *run) wouldMeet(f Facts, has []policy.Method, m policy.Method) bool {
	var proofs []assurance.Proof
	for _, h := range append(slices.Clone(has), m) {
		p := h.Best
		p.At = f.Decision.Requirement.Since
		proofs = append(proofs, p)
	}
	return f.Decision.Requirement.MetBy(f.Profile, f.Trust, proofs)
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
	if i := slices.IndexFunc(r.flow.Challenges, func(c Challenge) bool { return r.open(c, pick) }); i >= 0 {
		r.front(i)
		return i > 0, nil
	}
	changed := len(r.flow.Challenges) > 0
	r.keepSent(pick)
	if pick.Enrolling && !chosen && (len(offers) > 1 || len(pick.facts.Asks) > 0) {
		return changed, nil
	}
	begun, err := r.begin(pick)
	return changed || begun, err
}

// front makes a challenge the current one.
func (r *run) front(i int) {
	c := r.flow.Challenges[i]
	r.flow.Challenges = slices.Insert(slices.Delete(slices.Clone(r.flow.Challenges), i, i+1), 0, c)
}

// keepSent drops all challenges but those whose codes are on their way: who
// looks at another way and comes back can still type them. A new code of one
// factor ends the older.
func (r *run) keepSent(pick offer) {
	r.flow.Challenges = slices.DeleteFunc(slices.Clone(r.flow.Challenges), func(c Challenge) bool {
		return !r.e.kinds[c.Factor].Sends || c.Enrolling || c.Spent || c.Factor == pick.Factor || pick.Enrolling || !r.now.Before(c.At.Add(challengeLife))
	})
}

// open reports whether a challenge may still be answered and is the one wanted.
func (r *run) open(c Challenge, want offer) bool {
	return c.Factor == want.Factor && c.Enrolling == want.Enrolling && c.Anybody == want.Anybody && c.Trial == want.Trial &&
		c.Purpose == want.Purpose && !c.Spent && r.now.Before(c.At.Add(challengeLife))
}

// begin sets a challenge of one factor, unless its message may not be sent yet.
func (r *run) begin(o offer) (bool, error) {
	if r.looking {
		return true, nil
	}
	c := Challenge{
		Factor: o.Factor, Enrolling: o.Enrolling, Anybody: o.Anybody, Trial: o.Trial, Silent: o.Silent, Purpose: o.Purpose, At: r.now,
	}
	if o.facts.Sends && !r.mayResend(c.what()) {
		return false, nil
	}
	f := r.e.factors[o.Factor]
	subject, err := r.subjectToAsk(c)
	if err != nil {
		return false, err
	}
	switch {
	case o.Enrolling:
		c.Enrolment = identity.NewID("enr", r.now, r.e.Random)
		c.Challenge, err = f.BeginEnrolment(subject, factor.Asked{Fields: r.flow.Asked, Conditional: o.Silent})
	case o.Anybody:
		c.Challenge, err = f.(factor.Discoverable).BeginAny(subject)
	default:
		c.Challenge, err = f.Begin(subject)
	}
	if refused := r.cannotBegin(o, err); refused || err != nil {
		return false, ignore(err, refused)
	}
	if o.facts.Sends {
		if err := r.sendAll(&c); err != nil {
			return false, err
		}
	}
	r.flow.Sequence++
	c.ID = "p" + strconv.Itoa(r.flow.Sequence)
	r.flow.Challenges = slices.Insert(r.flow.Challenges, 0, c)
	return true, nil
}
