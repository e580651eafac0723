package flow

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"github.com/intelliauth/intelliauth/internal/assurance"
	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/policy"
	"github.com/intelliauth/intelliauth/internal/risk"
)

// Whereabouts is what the operator's files say of an address. The zero value
// says that nobody could tell.
type Whereabouts struct {
	Country string // ISO 3166-1; "" if not known
	Network string // the autonomous system's number; "" if not known
	Place   *identity.Place
	Lists   *[]risk.Listing // nil: no list could be read
	Egress  bool            // a known way out of many people's
}

// assessed is an assessment's inputs, which stand for the flow as long as the
// browser that answers shows the same.
type assessed struct {
	Of     string      `json:"of"` // keyed hash of who asked from where
	Inputs risk.Inputs `json:"inputs"`
	Told   bool        `json:"told,omitempty"` // an event holds it
}

// risk is how odd this sign-in looks. Until somebody showed who they are nobody
// is compared with, and the same work is done for everybody.
//
// What could not be found out is no reason to let anybody through: while history
// cannot be read, the sign-in does not end.
func (r *run) risk() risk.Assessment {
	if r.past != nil {
		return r.e.Assess(*r.past)
	}
	if r.user == nil || len(r.flow.Proofs) == 0 && (r.session == nil || r.session.User != r.user.ID) {
		return risk.Assessment{Version: risk.Version, Band: risk.Unknown}
	}
	of := r.hashed("risk", r.user.ID, r.addr(), r.browser.UserAgent, string(risk.DeviceOf(r.device != nil, r.oldCookie)))
	if r.flow.Risk == nil || r.flow.Risk.Of != of {
		in, err := r.evidence()
		if err != nil {
			r.fault = err
			return risk.Assessment{Version: risk.Version, Band: risk.Unknown}
		}
		r.flow.Risk = &assessed{Of: of, Inputs: in}
	}
	return r.e.Assess(r.flow.Risk.Inputs)
}

// hashed is a keyed hash of something about a sign-in: 96 bits, to count by.
func (r *run) hashed(parts ...string) string {
	mac := hmac.New(sha256.New, r.index)
	for _, p := range parts {
		fmt.Fprintf(mac, "%d:%s", len(p), p)
	}
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:12])
}

// whereabouts asks the operator's files; a panic of their reader is "unknown".
func (r *run) whereabouts() (w Whereabouts) {
	a := r.browser.Addr.Unmap()
	if !a.IsValid() {
		return Whereabouts{}
	}
	if r.e.Locate != nil {
		func() {
			defer func() {
				if recover() != nil {
					w = Whereabouts{}
				}
			}()
			w = r.e.Locate(a)
		}()
	}
	if local := a.IsLoopback() || a.IsPrivate() || a.IsLinkLocalUnicast(); local && w.Country == "" && w.Network == "" {
		w.Country, w.Network = localNetwork, localNetwork
	}
	return w
}

// localNetwork is where private addresses are, which no file can place: a code
// that ISO 3166-1 leaves to its users.
const localNetwork = "ZZ"

// visit describes this sign-in: hashes, and labels too coarse to find anybody by.
func (r *run) visit(w Whereabouts) identity.Visit {
	v := identity.Visit{At: r.now, Place: w.Place}
	hash := func(level int, value string) {
		if value != "" {
			v.Values[level] = r.hashed("habit", strconv.Itoa(level), value)
		}
	}
	hash(0, r.addr())
	hash(1, w.Network)
	v.Values[2] = w.Country
	agent := risk.ParseAgent(r.browser.UserAgent)
	for i, value := range agent.Values(r.browser.UserAgent) {
		hash(risk.AddressLevels+i, value)
	}
	return v
}

// failing are whom wrong answers are counted against.
func (r *run) failing(user string, w Whereabouts) [3]string {
	return [3]string{
		r.hashed("failed", "user", user), r.hashed("failed", "address", narrow(r.browser.Addr)), r.hashed("failed", "network", w.Network),
	}
}

// narrow is the part of an address that one subscriber holds: of IPv6 the first
// 64 bits.
func narrow(a netip.Addr) string {
	if a.Is6() && !a.Is4In6() {
		if p, err := a.WithZone("").Prefix(64); err == nil {
			return p.String()
		}
	}
	if !a.IsValid() {
		return ""
	}
	return a.Unmap().String()
}

// failed counts a wrong answer, whoever it was for.
func (r *run) failed(one pendingTry) error {
	user := one.subject
	if r.user != nil {
		user = r.user.ID
	}
	return r.tx.Habits.Fail(r.ctx, r.failing(user, r.whereabouts()), r.now)
}

const failuresOf = time.Hour

// evidence gathers what an assessment rests on.
func (r *run) evidence() (risk.Inputs, error) {
	w := r.whereabouts()
	v := r.visit(w)
	a, err := r.tx.Habits.Look(r.ctx, identity.HabitQuery{
		User: r.user.ID, Values: v.Values, Failures: r.failing(r.user.ID, w), Since: r.now.Add(-failuresOf),
	})
	if err != nil {
		return risk.Inputs{}, err
	}
	agent := risk.ParseAgent(r.browser.UserAgent)
	in := risk.Inputs{
		Version: risk.Version, Thresholds: r.thresholds(), Device: risk.DeviceOf(r.device != nil, r.oldCookie), Client: agent.Client,
		Networks: w.Lists, Changed: r.changed(), Breached: new(r.flow.Breached), Theft: r.theft(),
		Failures: risk.Failures{User: new(a.Failures[0])},
	}
	if r.browser.Addr.IsValid() {
		in.Failures.Address = new(a.Failures[1])
	}
	if w.Network != "" {
		in.Failures.Network = new(a.Failures[2])
	}
	own := a.Habit.Total()
	in.History = risk.History{Own: own, All: max(own, a.Counts[identity.CountSignIns]), Users: max(1, a.Counts[identity.CountUsers])}
	in.History.Users = min(in.History.Users, max(1, in.History.All))
	in.History.All = max(in.History.All, in.History.Users)
	in.Address = feature(a, in.History, v, 0, risk.AddressLevels)
	in.Agent = feature(a, in.History, v, risk.AddressLevels, risk.AgentLevels)
	in.Travel = travelled(a.Habit, v, w, r.now)
	near := risk.Near(a.Habit.Hours(), identity.HourOf(r.now))
	in.Hours = risk.Hours{Near: &near, Total: &own}
	return in, nil
}

func (r *run) thresholds() risk.Thresholds {
	challenge, deny := r.policy.Risk.Thresholds()
	return risk.Thresholds{Challenge: challenge, Deny: deny}
}

// changed is how many seconds ago a way to sign in was bound, of those that did
// not come with the user; long ago if none was.
func (r *run) changed() *int64 {
	last := r.user.CreatedAt
	for _, en := range r.held {
		if en.EnrolledAt.After(r.user.CreatedAt.Add(flowLife)) && en.EnrolledAt.After(last) {
			last = en.EnrolledAt
		}
	}
	if last.Equal(r.user.CreatedAt) {
		return new(int64(math.MaxInt32))
	}
	return new(int64(r.now.Sub(last) / time.Second))
}

// theft is how many seconds ago something of the user's was seen stolen.
func (r *run) theft() *int64 {
	if r.user.TheftAt == nil {
		return nil
	}
	return new(int64(r.now.Sub(*r.user.TheftAt) / time.Second))
}

// feature is a hierarchy's counts. Counts of all users are written beside those
// of one; where two nodes disagree for a moment, the larger holds.
func feature(a identity.HabitAnswer, h risk.History, v identity.Visit, from, levels int) risk.Feature {
	out := make(risk.Feature, 0, levels)
	for level := from; level < from+levels; level++ {
		value := v.Values[level]
		l := risk.Level{Missing: value == "", Key: value, DistinctOwn: a.Habit.Distinct(level)}
		if value != "" {
			l.Own = a.Habit.Count(level, value)
			l.All = min(h.All, max(l.Own, a.Counts[identity.CountName(level, value)]))
		}
		l.DistinctAll = min(h.All, max(l.DistinctOwn, a.Counts[identity.DistinctName(level)]))
		out = append(out, l)
	}
	return out
}

func travelled(h identity.Habit, v identity.Visit, w Whereabouts, now time.Time) risk.Travel {
	t := risk.Travel{Egress: w.Egress}
	if h.LastAt.IsZero() {
		return t
	}
	t.Seconds = new(int64(now.Sub(h.LastAt) / time.Second))
	if h.Country != "" && v.Values[2] != "" {
		t.Abroad = new(h.Country != v.Values[2])
	}
	if h.Place != nil && v.Place != nil {
		t.Kilometres = new(kilometres(*h.Place, *v.Place))
	}
	return t
}

// kilometres is the distance of two places along the great circle.
func kilometres(a, b identity.Place) int64 {
	rad := func(tenths int) float64 { return float64(tenths) / 10 * math.Pi / 180 }
	sin := func(x float64) float64 { s := math.Sin(x / 2); return s * s }
	h := sin(rad(a.Latitude)-rad(b.Latitude)) + math.Cos(rad(a.Latitude))*math.Cos(rad(b.Latitude))*sin(rad(a.Longitude)-rad(b.Longitude))
	return int64(math.Round(2 * 6371 * math.Asin(math.Sqrt(min(1, max(0, h))))))
}

// tellRisk writes an assessment down, once, with all that it rests on.
func (r *run) tellRisk() error {
	if r.fault != nil {
		return r.fault
	}
	if r.flow.Risk == nil || r.flow.Risk.Told || r.looking {
		return nil
	}
	inputs, err := risk.EncodeInputs(r.flow.Risk.Inputs)
	if err != nil {
		return err
	}
	a := r.e.Assess(r.flow.Risk.Inputs)
	told, err := json.Marshal(a)
	if err != nil {
		return err
	}
	asked, err := json.Marshal(Asked{Levels: levels(r.flow.Alternatives), Scopes: r.flow.Authorization.Scopes, Anew: anew(r.flow.Alternatives)})
	if err != nil {
		return err
	}
	r.flow.Risk.Told = true
	return r.record(identity.Event{
		Type: identity.EventRiskAssessed, Outcome: identity.Succeeded, Reasons: a.Reasons,
		Data: map[string]string{"band": string(a.Band)}, Risk: told, RiskInputs: inputs, Asked: asked,
	})
}

// Asked is what a sign-in was asked for, as far as a policy judges by it.
type Asked struct {
	Levels []string `json:"levels,omitempty"` // alternatives, first to last
	Scopes []string `json:"scopes,omitempty"`
	Anew   bool     `json:"anew,omitempty"` // proofs had to be new
}

// Request is a request that asks for the same.
func (a Asked) Request() Request {
	req := Request{PromptLogin: a.Anew}
	for _, name := range a.Levels {
		level, err := assurance.ParseLevel(name)
		if err != nil {
			level = assurance.AAL1 // "none": any sign-in
		}
		req.Alternatives = append(req.Alternatives, assurance.Requirement{Level: level})
	}
	req.Authorization.Scopes = a.Scopes
	return req
}

func levels(all []assurance.Requirement) (out []string) {
	for _, a := range all {
		out = append(out, a.Level.String())
	}
	return out
}

func anew(all []assurance.Requirement) bool {
	return slices.ContainsFunc(all, func(a assurance.Requirement) bool { return !a.Since.IsZero() })
}

// learn adds a finished sign-in to what is usual, if anything was proved in it
//
func (r *run) learn() error {
	if len(r.flow.Proofs) == 0 || r.user == nil {
		return nil
	}
	return r.tx.Habits.Learn(r.ctx, r.user.ID, r.visit(r.whereabouts()))
}

// oddly says what policy has to know beside the assessment.
func (r *run) oddly(in *policy.Input) {
	if r.past != nil {
		r.pastRisk(in)
		return
	}
	in.Risk = r.risk()
	in.Known = r.device != nil && !r.oldCookie
	in.Mails = r.mails() && r.user != nil && r.user.Email != ""
}

// oddities are the reasons of an assessment from which on more is asked.
func (r *run) oddities() []string {
	if r.flow.Risk == nil {
		return nil
	}
	if a := r.e.Assess(r.flow.Risk.Inputs); a.Band == risk.Medium || a.Band == risk.High {
		return a.Reasons
	}
	return nil
}
