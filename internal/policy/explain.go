package policy

import (
	"slices"

	"github.com/intelliauth/intelliauth/internal/assurance"
)

// Explanation is a decision with what led to it and what it leaves a person.
type Explanation struct {
	Decision Decision
	Demands  []Demand   // of each rule that spoke, in the order of the list
	Ways     [][]string // least sets of held factors that meet the requirement; none where denied
	Enrol    [][]string // least sets that meet it with what may be enrolled; only where Ways is empty
}

// Explain is [Decide], told. It calls the same rules, so it cannot say anything
// else.
func Explain(in Input) Explanation {
	e := Explanation{Decision: Decide(in)}
	for _, rule := range rules() {
		if d := rule(in); d.Reason != "" {
			e.Demands = append(e.Demands, d)
		}
	}
	if e.Decision.Denied {
		return e
	}
	e.Ways = in.ways(e.Decision.Requirement, in.Held)
	if len(e.Ways) == 0 && e.Decision.Enrol {
		e.Enrol = in.ways(e.Decision.Requirement, append(slices.Clone(in.Held), in.Offered...))
	}
	return e
}

// mostWays bounds the methods that are combined: 2^8 sets.
const mostWays = 8

// ways lists the least sets of methods that meet r if each answers now, smallest
// first.
func (in Input) ways(r assurance.Requirement, methods []Method) [][]string {
	var kinds []Method
	for _, m := range methods {
		if len(kinds) < mostWays && !slices.ContainsFunc(kinds, func(k Method) bool { return k.Factor == m.Factor }) {
			kinds = append(kinds, m)
		}
	}
	var out [][]string
	for size := 1; size <= len(kinds); size++ {
		for set := range 1 << len(kinds) {
			var chosen []Method
			var names []string
			for i, k := range kinds {
				if set&(1<<i) != 0 {
					chosen, names = append(chosen, k), append(names, k.Factor)
				}
			}
			if len(chosen) == size && in.reaches(r, chosen) && !slices.ContainsFunc(out, func(less []string) bool { return within(less, names) }) {
				out = append(out, names)
			}
		}
	}
	return out
}

func within(some, all []string) bool {
	return !slices.ContainsFunc(some, func(s string) bool { return !slices.Contains(all, s) })
}
