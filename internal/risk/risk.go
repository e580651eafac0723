// Package risk answers "how odd does this sign-in look?".
//
// It is arithmetic over counts: no clock, no I/O, no floating point, no map
// whose order could matter. The same inputs give the same bytes on every
// machine, so a decision can be computed again years later.
//
//	inputs.go     what an assessment rests on; its JSON, which events keep
//	risk.go       Assess: contributions summed, placed on the scale, banded
//	likelihood.go the published model (STANDARDS)
//	fixed.go      probabilities and logarithms in integers
//	reason.go     the closed list of reasons
//	signal.go     the bounded signals on top, in their order
//	signal_*.go   one signal each
//	agent.go      what a user-agent header claims
//	networks.go   an operator's list of networks
//
// The unit of evidence is the thousandth of a bit: +1000 says "twice as likely
// a stranger". Evidence adds up. Missing data is neutral evidence with a reason
// of its own, and a sign-in with missing data is never Low.
package risk

// Version is the version of the rules. It grows with every change that could
// give other results for the same inputs.
const Version = 1

// Band is a coarse reading of a score.
type Band string

// The bands. Unknown is the zero value's meaning: nobody could tell.
const (
	Unknown Band = "unknown"
	Low     Band = "low"
	Medium  Band = "medium"
	High    Band = "high"
)

// Contribution is one reason with its weight.
type Contribution struct {
	Reason Reason   `json:"reason"`
	Bits   int64    `json:"bits"`           // thousandths of a bit; positive speaks for a stranger
	Args   []string `json:"args,omitempty"` // what the sentence names: a country, kilometres
}

// Assessment is a score in thousandths with its named contributions.
type Assessment struct {
	Version       int            `json:"v"`
	Score         int            `json:"score"` // 0 to 1000; meaningless when Band is Unknown
	Band          Band           `json:"band"`
	Bits          int64          `json:"bits"` // the sum before it is placed on the scale
	Reasons       []string       `json:"reasons,omitempty"`
	Contributions []Contribution `json:"contributions,omitempty"`
}

// Midpoint is the evidence, in thousandths of a bit, of a score of 500; every bit
// moves the score by perBit. At it 99 % of targeted attackers are challenged in
// the grading (docs/guide/risk.md); it is fixed here, not learnt.
const (
	Midpoint = -3500
	perBit   = 30
)

// Assess scores inputs. Inputs that contradict themselves, a version that is not
// this one, and a history shorter than two sign-ins are Unknown. So is
// what would be Low while data is missing; what is High is High regardless.
func Assess(in Inputs) Assessment {
	a := Assessment{Version: Version, Band: Unknown}
	if in.Version != Version || in.check() != nil {
		a.add(Contribution{Reason: BadInputs})
		return a
	}
	missing := false
	cold := in.History.Own < coldStart
	if cold {
		a.add(Contribution{Reason: ColdStart})
	} else {
		a.add(prior(in.History))
		a.add(in.Address.likelihood(in.History, addressReasons(), strangers))
		a.add(in.Agent.likelihood(in.History, agentReasons(), strangers))
		missing = !in.Address.whole() || !in.Agent.whole()
	}
	for _, s := range signals() {
		c := s(in)
		missing = missing || c.Reason.missing()
		a.add(c)
	}
	a.Score = scale(a.Bits)
	a.Band = band(a.Score, in.Thresholds)
	if cold || missing && a.Band == Low {
		a.Band = Unknown
	}
	return a
}

// coldStart is the history below which the model says nothing.
const coldStart = 2

// worthTelling is the evidence, a quarter of a bit, below which a contribution
// is kept and not told as a reason.
const worthTelling = 250

func (a *Assessment) add(c Contribution) {
	if c.Reason == "" {
		return
	}
	a.Bits += c.Bits
	a.Contributions = append(a.Contributions, c)
	if c.Bits >= worthTelling || c.Reason.missing() {
		a.Reasons = append(a.Reasons, string(c.Reason))
	}
}

func scale(b int64) int {
	return int(min(1000, max(0, 500+(b-Midpoint)*perBit/1000)))
}

func band(score int, t Thresholds) Band {
	challenge, deny := t.Challenge, t.Deny
	if challenge == 0 && deny == 0 {
		challenge, deny = 500, 950
	}
	switch {
	case score >= deny:
		return High
	case score >= challenge:
		return Medium
	}
	return Low
}
