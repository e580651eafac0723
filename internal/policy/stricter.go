package policy

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/intelliauth/intelliauth/internal/assurance"
)

// Stricter is what an application, or a group of users, asks beyond the
// tenant's policy. There is no way to write less into it.
type Stricter struct {
	MFA               Mode     `json:"mfa,omitempty" yaml:"mfa"`                               // always: a second factor is asked of everyone; the only word there is here
	Level             Level    `json:"level,omitempty" yaml:"level"`                           // assurance level below which nobody gets in
	MaxAge            Duration `json:"max_age,omitempty" yaml:"max_age"`                       // how old proofs may be when a sign-in is asked for; 0s means any age [0s]
	PhishingResistant bool     `json:"phishing_resistant,omitempty" yaml:"phishing_resistant"` // a passkey or security key has to be among the proofs [false]
	Factors           []string `json:"factors,omitempty" yaml:"factors"`                       // factors beside the password that count, of those that the policy allows [all of them]
}

// GroupRule is what is asked of the users of a group.
type GroupRule struct {
	Group    string   `json:"group" yaml:"group"`       // name of the group, as `intelliauth user groups` sets it. Required
	Stricter Stricter `json:"stricter" yaml:"stricter"` // what is asked of them beyond the policy. Required
}

// ParseStricter reads what [json.Marshal] wrote. Empty input asks nothing more.
func ParseStricter(raw []byte) (Stricter, error) {
	var s Stricter
	if len(raw) == 0 {
		return s, nil
	}
	if err := json.Unmarshal(raw, &s); err != nil {
		return Stricter{}, fmt.Errorf("policy: stricter: %w", err)
	}
	return s, s.Check(Policy{}.withDefaults())
}

// IsZero reports whether nothing more is asked.
func (s Stricter) IsZero() bool {
	return s.MFA == "" && s.Level == 0 && s.MaxAge == 0 && !s.PhishingResistant && len(s.Factors) == 0
}

// Check reports the first thing that asks for less than the policy p, or cannot
// be.
func (s Stricter) Check(p Policy) error {
	if s.MFA != "" && s.MFA != Always {
		return fmt.Errorf("policy: stricter: mfa can only be always (%q would not be stricter); leave it out to keep the tenant's", s.MFA)
	}
	for _, f := range s.Factors {
		if !slices.Contains(knownFactors(), f) {
			return fmt.Errorf("policy: stricter: factor %q is unknown (want some of %s)", f, strings.Join(knownFactors(), ", "))
		}
		if len(p.Factors) > 0 && !p.Allows(f) {
			return fmt.Errorf("policy: stricter: factor %q is not among those that the policy allows", f)
		}
	}
	return nil
}

func (p Policy) checkGroups() error {
	seen := map[string]bool{}
	for _, g := range p.Groups {
		if g.Group == "" || g.Stricter.IsZero() {
			return errors.New("policy: each entry of groups needs group and stricter")
		}
		if seen[g.Group] {
			return fmt.Errorf("policy: groups: %q comes twice", g.Group)
		}
		seen[g.Group] = true
		if err := g.Stricter.Check(p); err != nil {
			return fmt.Errorf("%w (groups: %s)", err, g.Group)
		}
	}
	return nil
}

// floor is the part of s that is asked whenever something is given, not only
// when a sign-in is: everything but the age. classes tells the class of every
// factor that there is.
func (s Stricter) floor(classes map[string]assurance.Class) assurance.Requirement {
	r := assurance.Requirement{Level: assurance.Level(s.Level), PhishingResistant: s.PhishingResistant}
	if s.MFA == Always {
		r.Level = max(r.Level, assurance.AAL2)
	}
	if len(s.Factors) == 0 {
		return r
	}
	for name, class := range classes {
		if class != "" && class != assurance.Memorized && !slices.Contains(s.Factors, name) && !slices.Contains(r.Barred, class) {
			r.Barred = append(r.Barred, class)
		}
	}
	// A class that another factor shares is no less barred: stricter, never less.
	slices.Sort(r.Barred)
	return r
}

// demand is all of s, for a sign-in begun at a moment.
func (s Stricter) demand(in Input) assurance.Requirement {
	r := s.floor(in.Classes)
	if s.MaxAge > 0 {
		r.Since = in.BegunAt.Add(-time.Duration(s.MaxAge))
	}
	return r
}

// Bearer is who wants something to be given: a page, a code or a token.
type Bearer struct {
	Application Stricter
	MinLevel    assurance.Level
	Groups      []string
	Created     time.Time // when the user was
}

// Floor is what must stand whenever something is given to b: at sign-in, at
// each refresh and for each page. It is the join of the application's minimum
// and what the application and the user's groups ask beyond the policy.
func (p Policy) Floor(b Bearer, classes map[string]assurance.Class) assurance.Requirement {
	r := assurance.Requirement{Level: max(assurance.AAL1, b.MinLevel)}.Join(b.Application.floor(classes))
	for _, g := range p.Groups {
		if slices.Contains(b.Groups, g.Group) {
			r = r.Join(g.Stricter.floor(classes))
		}
	}
	return r
}

// Graced reports whether a user may still be without the factor that `always`
// demands.
func (p Policy) Graced(created, now time.Time) bool {
	return now.Before(created.Add(time.Duration(p.EnrolmentGrace)))
}
