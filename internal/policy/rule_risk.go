package policy

import (
	"github.com/intelliauth/intelliauth/internal/assurance"
	"github.com/intelliauth/intelliauth/internal/risk"
)

// assessed: what the risk assessment adds. Unknown adds nothing by itself and
// is never read as low.
func assessed(in Input) Demand {
	if in.Policy.Risk.Mode == "monitor" {
		return Demand{}
	}
	switch in.Risk.Band {
	case risk.Medium:
		if Highest(in.Policy, in.Trust, in.Held) >= assurance.AAL2 {
			return Demand{Requirement: assurance.Requirement{Level: assurance.AAL2}, Reason: RiskMedium}
		}
		return Demand{Reason: RiskMedium}
	case risk.High:
		return Demand{Deny: true, Reason: RiskHigh}
	}
	return Demand{}
}
