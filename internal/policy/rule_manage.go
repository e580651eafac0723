package policy

import "github.com/intelliauth/intelliauth/internal/assurance"

// manage: to change sign-in methods a person proves anew, since the change was
// begun, at the highest level that the account can give.
func manage(in Input) Demand {
	if !in.Manage {
		return Demand{}
	}
	level := max(assurance.AAL1, Highest(in.Policy, in.Trust, in.Held))
	return Demand{Requirement: assurance.Requirement{Level: level, Since: in.BegunAt}, Reason: ManageFactors}
}
