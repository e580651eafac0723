package policy

import "github.com/intelliauth/intelliauth/internal/assurance"

// manage: to change sign-in methods a person proves anew, since the change was
// begun, at the level that the change needs (SP 800-63B-4, 4.1.2.1).
func manage(in Input) Demand {
	if !in.Manage {
		return Demand{}
	}
	level := in.ManageLevel
	if level == assurance.None {
		level = max(assurance.AAL1, Highest(in.Policy, in.Trust, in.Held))
	}
	return Demand{Requirement: assurance.Requirement{Level: level, Since: in.BegunAt}, Reason: ManageFactors}
}
