// Package risk answers "how odd does this sign-in look?".
//
// Today it holds the seat only: the shape of a question and of an answer. An
// assessment that nobody made is Unknown, which policy treats as a reason of
// its own and never as low.
package risk

// Band is a coarse reading of a score.
type Band string

// The bands. Unknown is the zero value's meaning: nobody could tell.
const (
	Unknown Band = "unknown"
	Low     Band = "low"
	Medium  Band = "medium"
	High    Band = "high"
)

// Signals are the observations that an assessment rests on.
type Signals struct {
	DeviceKnown bool // this browser finished a sign-in of this user before
	DeviceStale bool // it showed a device secret that was rotated away
}

// Assessment is a score in thousandths with its named contributions.
type Assessment struct {
	Score   int // 0 to 1000; meaningless when Band is Unknown
	Band    Band
	Reasons []string
}

// Assess scores signals. Without a model the answer is Unknown.
func Assess(s Signals) Assessment {
	a := Assessment{Band: Unknown}
	if !s.DeviceKnown {
		a.Reasons = append(a.Reasons, "new-device")
	}
	if s.DeviceStale {
		a.Reasons = append(a.Reasons, "stale-device")
	}
	return a
}
