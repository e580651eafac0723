package assurance

import (
	"slices"
	"time"
)

// Requirement is what an action needs. The zero value needs nothing.
type Requirement struct {
	Level             Level     `json:"level"`
	Since             time.Time `json:"since,omitzero"` // only proofs from this moment on count; max_age made absolute
	PhishingResistant bool      `json:"phishingResistant,omitempty"`
	Barred            []Class   `json:"barred,omitempty"` // evidence that does not count
}

// Join returns the least requirement that satisfies both: the higher level,
// the later moment, the stricter flag, the union of bars. It is associative,
// commutative and idempotent.
func (r Requirement) Join(o Requirement) Requirement {
	out := Requirement{
		Level:             max(r.Level, o.Level),
		Since:             r.Since,
		PhishingResistant: r.PhishingResistant || o.PhishingResistant,
	}
	if o.Since.After(r.Since) {
		out.Since = o.Since
	}
	for _, c := range append(slices.Clone(r.Barred), o.Barred...) {
		if !slices.Contains(out.Barred, c) {
			out.Barred = append(out.Barred, c)
		}
	}
	slices.Sort(out.Barred)
	return out
}

// Counting returns the proofs that count towards r: those made since r.Since
// and of no barred class.
func (r Requirement) Counting(proofs []Proof) []Proof {
	var out []Proof
	for _, p := range proofs {
		if !p.At.Before(r.Since) && !slices.Contains(r.Barred, p.Class) {
			out = append(out, p)
		}
	}
	return out
}

// MetBy reports whether proofs satisfy r. It needs no clock: limits on age are
// applied before (see [Limits.Live]) or are r.Since.
func (r Requirement) MetBy(profile Profile, trust Trust, proofs []Proof) bool {
	counting := r.Counting(proofs)
	if LevelOf(profile, trust, counting) < r.Level {
		return false
	}
	return !r.PhishingResistant || PhishingResistant(counting)
}
