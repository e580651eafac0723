package policy

import (
	"slices"
	"time"

	"github.com/intelliauth/intelliauth/internal/assurance"
)

// scopes: what step_up lists for a scope that is asked for.
func scopes(in Input) Demand {
	var d Demand
	for _, s := range in.Policy.StepUp {
		if !slices.Contains(in.Scopes, s.Scope) {
			continue
		}
		r := assurance.Requirement{Level: assurance.Level(s.Level)}
		if s.MaxAge > 0 {
			r.Since = in.BegunAt.Add(-time.Duration(s.MaxAge))
		}
		d.Requirement, d.Reason = d.Requirement.Join(r), ScopeStepUp
	}
	return d
}
