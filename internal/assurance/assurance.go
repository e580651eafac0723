// Package assurance answers "how sure are we who this is?".
//
// A [Proof] is one accepted response to a challenge. A [Level] is always
// computed from proofs by [LevelOf] and is never stored or assigned. A
// [Requirement] says what an action needs; requirements form a
// join-semilattice, so the order in which rules speak cannot matter.
//
// The package holds no clock and does no I/O: time is a field of the question.
package assurance

import (
	"fmt"
	"slices"
	"time"
)

// Level is an authentication assurance level of NIST SP 800-63B-4, section 2.
// The zero value means that nothing has been proved.
type Level int

// The levels, weakest first.
const (
	None Level = iota
	AAL1
	AAL2
	AAL3
)

// String returns the level as it appears in the acr claim: "aal1" to "aal3".
func (l Level) String() string { return fmt.Sprintf("aal%d", int(l)) }

// ParseLevel reads "aal1", "aal2" or "aal3". Anything else is an error:
// an unknown level is never taken for a lower one.
func ParseLevel(s string) (Level, error) {
	for l := AAL1; l <= AAL3; l++ {
		if s == l.String() {
			return l, nil
		}
	}
	return None, fmt.Errorf("unknown assurance level %q (want aal1, aal2 or aal3)", s)
}

// Class says what sort of evidence a proof is, in the terms of the decision
// table in SP 800-63B-4, section 2. A factor names the class it proves; levels
// are decided by class alone, so a new factor needs no new rule here.
type Class string

// The classes of evidence.
const (
	Memorized Class = "memorized" // K: a password
	OneTime   Class = "one-time"  // T: a one-time code made by a device
	Telephone Class = "telephone" // S: a code sent by SMS or voice (restricted, SP 800-63B-4, 3.2.9)
	Mailbox   Class = "mailbox"   // E: a code sent by e-mail
	LookUp    Class = "look-up"   // R: a recovery code
	Key       Class = "key"       // W: a cryptographic key bound to the verifier's name
)

// Proof is one accepted response: what it showed, and when.
type Proof struct {
	Factor         string    `json:"factor"`
	Class          Class     `json:"class"`
	AMR            string    `json:"amr"`                 // RFC 8176 value of the factor; keys derive theirs
	Enrolment      string    `json:"enrolment,omitempty"` // enr_…, the authenticator that answered
	At             time.Time `json:"at"`
	UserVerified   bool      `json:"uv,omitempty"`      // this response showed user verification
	BackupEligible bool      `json:"be,omitempty"`      // the key may leave its device
	Hardware       bool      `json:"hw,omitempty"`      // attested: the key cannot leave hardware
	Model          string    `json:"model,omitempty"`   // key model (AAGUID), to be asked of a [Trust]
	Channel        string    `json:"channel,omitempty"` // keyed hash of the mailbox or number it came through or was last set through
}

// Same reports whether p and q are the same accepted response.
func (p Proof) Same(q Proof) bool {
	return p.Factor == q.Factor && p.Enrolment == q.Enrolment && p.At.UnixMicro() == q.At.UnixMicro()
}

// Like reports whether p and q show the same, their time aside.
func (p Proof) Like(q Proof) bool {
	p.At, q.At = time.Time{}, time.Time{}
	return p == q
}

// Intersect returns the proofs of a that b has too, or has again: a later proof
// that shows the same stands for the earlier one, whose own time is kept.
func Intersect(a, b []Proof) []Proof {
	var out []Proof
	for _, p := range a {
		if slices.ContainsFunc(b, func(q Proof) bool { return p.Like(q) && !q.At.Before(p.At) }) {
			out = append(out, p)
		}
	}
	return out
}

// Union returns the proofs of a and those of b that a lacks.
func Union(a, b []Proof) []Proof {
	out := slices.Clone(a)
	for _, p := range b {
		if !slices.ContainsFunc(out, p.Same) {
			out = append(out, p)
		}
	}
	return out
}
