package policy

import "github.com/intelliauth/intelliauth/internal/assurance"

// requestedLevel: the application asked for a level (acr_values, claims).
func requestedLevel(in Input) Demand {
	r := in.Requested
	if r.Level <= assurance.AAL1 && !r.PhishingResistant && len(r.Barred) == 0 {
		return Demand{}
	}
	r.Since = assurance.Requirement{}.Since
	return Demand{Requirement: r, Reason: RequestedLevel, NoEnrolment: in.Policy.MFA == Never}
}

// requestedRecency: it asked for a sign-in since a moment (max_age, prompt=login).
func requestedRecency(in Input) Demand {
	if in.Requested.Since.IsZero() {
		return Demand{}
	}
	return Demand{Requirement: assurance.Requirement{Since: in.Requested.Since}, Reason: RequestedRecency}
}

// applicationFloor: the application is registered with a minimum.
func applicationFloor(in Input) Demand {
	if in.Floor <= assurance.AAL1 {
		return Demand{}
	}
	return Demand{Requirement: assurance.Requirement{Level: in.Floor}, Reason: ApplicationFloor}
}
