package policy

import "slices"

// byApplication: what the application is registered to ask beyond the policy.
func byApplication(in Input) Demand {
	if in.Application.IsZero() {
		return Demand{}
	}
	return Demand{Requirement: in.Application.demand(in), Reason: ApplicationPolicy}
}

// byGroup: what the policy asks of the groups that the user is in.
func byGroup(in Input) Demand {
	var d Demand
	for _, g := range in.Policy.Groups {
		if slices.Contains(in.Groups, g.Group) {
			d.Requirement, d.Reason = d.Requirement.Join(g.Stricter.demand(in)), GroupPolicy
		}
	}
	return d
}
