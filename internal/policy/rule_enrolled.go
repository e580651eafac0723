package policy

import "github.com/intelliauth/intelliauth/internal/assurance"

// enrolled: a person whose factors reach AAL2 is asked for AAL2 in every mode.
// Choosing MFA is never undone by a policy that merely does not demand it.
func enrolled(in Input) Demand {
	if Highest(in.Policy, in.Trust, in.Held) < assurance.AAL2 {
		return Demand{}
	}
	return Demand{Requirement: assurance.Requirement{Level: assurance.AAL2}, Reason: Enrolled}
}
