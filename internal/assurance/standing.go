package assurance

import (
	"slices"
	"time"
)

// Limit bounds how long a level is held (SP 800-63B-4, sections 2.1.3, 2.2.3
// and 2.3.3). A zero duration means no such limit.
type Limit struct {
	Overall time.Duration // since the oldest proof that the level needs
	Idle    time.Duration // since the last request that bore the session cookie
}

// Limits holds the limit of AAL1, AAL2 and AAL3, in this order.
type Limits [3]Limit

// DefaultLimits are those of SP 800-63B-4: 30 days; 24 h and 1 h idle; 12 h
// and 15 min idle.
func DefaultLimits() Limits {
	return Limits{
		{Overall: 720 * time.Hour},
		{Overall: 24 * time.Hour, Idle: time.Hour},
		{Overall: 12 * time.Hour, Idle: 15 * time.Minute},
	}
}

// Of returns the limit of a level. None has no time at all.
func (l Limits) Of(level Level) Limit {
	if level < AAL1 || level > AAL3 {
		return Limit{Overall: -1}
	}
	return l[level-1]
}

// Activity is what a session remembers of being used: when it was last, and
// since when each level is lost to inactivity. A level that idled away is not
// brought back by coming back: only proofs made after that count for it again
// (SP 800-63B-4, 5.2).
type Activity struct {
	Last   time.Time
	Lapsed [3]time.Time // of AAL1, AAL2 and AAL3
}

// Touch records that the session was active at now.
func (a Activity) Touch(l Limits, now time.Time) Activity {
	for i := range a.Lapsed {
		if idle := l[i].Idle; idle > 0 && !now.Before(a.Last.Add(idle)) {
			a.Lapsed[i] = now
		}
	}
	a.Last = now
	return a
}

// Live returns the proofs that may still count towards level at now. A limit of
// n seconds ends exactly n seconds later.
func (l Limits) Live(level Level, proofs []Proof, a Activity, now time.Time) []Proof {
	limit := l.Of(level)
	if limit.Idle > 0 && !now.Before(a.Last.Add(limit.Idle)) {
		return nil
	}
	var since time.Time
	for i := range min(int(level), len(a.Lapsed)) {
		if a.Lapsed[i].After(since) {
			since = a.Lapsed[i]
		}
	}
	var out []Proof
	for _, p := range proofs {
		if !p.At.Before(since) && (limit.Overall == 0 || now.Before(p.At.Add(limit.Overall))) {
			out = append(out, p)
		}
	}
	return out
}

// Standing is what a set of proofs is worth at one moment. The level, the time
// and the methods all come from the same proofs, so acr, auth_time and amr can
// never contradict each other.
type Standing struct {
	Level             Level
	AuthTime          time.Time // the oldest proof of the freshest set that gives Level
	AMR               []string
	PhishingResistant bool
	Restricted        bool
	Until             time.Time // when Level lapses without further activity; zero if never
	Proofs            []Proof   // the set itself
}

// Question is everything a standing depends on.
type Question struct {
	Profile  Profile
	Trust    Trust
	Limits   Limits
	Activity Activity
	Now      time.Time
}

// Standing computes the highest level that proofs still give, decaying from
// AAL3 to AAL2 to AAL1 to None as limits pass.
func (q Question) Standing(proofs []Proof) Standing {
	for level := AAL3; level >= AAL1; level-- {
		live := q.Limits.Live(level, proofs, q.Activity, q.Now)
		if set, ok := freshest(q.Profile, q.Trust, live, level); ok {
			return q.standing(level, set)
		}
	}
	return Standing{AMR: []string{}}
}

func (q Question) standing(level Level, set []Proof) Standing {
	oldest := set[len(set)-1].At
	limit := q.Limits.Of(level)
	var until time.Time
	if limit.Overall > 0 {
		until = oldest.Add(limit.Overall)
	}
	if limit.Idle > 0 {
		if idle := q.Activity.Last.Add(limit.Idle); until.IsZero() || idle.Before(until) {
			until = idle
		}
	}
	return Standing{
		Level:             level,
		AuthTime:          oldest,
		AMR:               AMR(q.Trust, set, level),
		PhishingResistant: PhishingResistant(set),
		Restricted:        restricted(q.Profile, q.Trust, set, level),
		Until:             until,
		Proofs:            set,
	}
}

// freshest returns the most recent proofs that together give level, newest
// first. Since LevelOf is monotone, taking proofs from the newest on until the
// level is reached makes the set's oldest proof as recent as it can be.
func freshest(profile Profile, trust Trust, proofs []Proof, level Level) ([]Proof, bool) {
	sorted := slices.Clone(proofs)
	slices.SortStableFunc(sorted, func(a, b Proof) int { return b.At.Compare(a.At) })
	for i := range sorted {
		// Proofs of one instant belong together.
		if i+1 < len(sorted) && sorted[i+1].At.Equal(sorted[i].At) {
			continue
		}
		if LevelOf(profile, trust, sorted[:i+1]) >= level {
			return sorted[:i+1], true
		}
	}
	return nil, false
}
