package policy

import (
	"github.com/intelliauth/intelliauth/internal/assurance"
	"github.com/intelliauth/intelliauth/internal/risk"
)

// assessed: what the risk assessment adds. Unknown adds nothing by itself and
// is never read as low.
//
// From the first threshold on a second factor is asked of who has one, and a
// mailed code of who has none. From the second on the sign-in is denied, except
// for what only its owner can do: on a browser of theirs, their strongest factor
// now; elsewhere a mailed code beside it (C-34).
func assessed(in Input) Demand {
	if in.Policy.Risk.Mode == "monitor" {
		return Demand{}
	}
	strong := Highest(in.Policy, in.Trust, in.Held) >= assurance.AAL2
	switch in.Risk.Band {
	case risk.Medium:
		d := Demand{Reason: RiskMedium, Ticket: !strong && in.Mails}
		if strong {
			d.Requirement.Level = assurance.AAL2
		}
		return d
	case risk.High:
		d := Demand{Reason: RiskHigh, Ticket: in.Mails && !(in.Known && strong), Deny: !in.Mails && !(in.Known && strong)}
		if strong {
			d.Requirement = assurance.Requirement{Level: assurance.AAL2, Since: in.BegunAt, PhishingResistant: in.resists()}
		}
		return d
	}
	return Demand{}
}

// resists reports whether the person holds what resists phishing.
func (in Input) resists() bool {
	return in.reaches(assurance.Requirement{Level: assurance.AAL1, PhishingResistant: true}, in.Held)
}
