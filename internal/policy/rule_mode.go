package policy

import "github.com/intelliauth/intelliauth/internal/assurance"

// mode: under `always`, a second factor is demanded of everyone.
func mode(in Input) Demand {
	if in.Policy.MFA != Always {
		return Demand{}
	}
	return Demand{Requirement: assurance.Requirement{Level: assurance.AAL2}, Reason: PolicyAlways}
}
