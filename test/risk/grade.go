package main

import (
	"math"
	"slices"
)

// rates are the shares of attacks that are to be challenged.
func rates() []float64 { return []float64{.98, .99, .995, .999} }

// sizes are the histories at which honest people are asked.
func sizes() []int { return []int{12, 39} }

// threshold is the highest score at which so many attacks are challenged.
func threshold(attacks [][2]int64, model int, rate float64) int64 {
	all := make([]int64, 0, len(attacks))
	for _, a := range attacks {
		all = append(all, a[model])
	}
	slices.Sort(all)
	if len(all) == 0 {
		return math.MaxInt64
	}
	return all[int(math.Floor(float64(len(all))*(1-rate)+1e-9))]
}

// rechallenged is the median share of the first sign-ins of honest people that
// reach a threshold; the first two are compared with nothing.
func (g graded) rechallenged(model int, from int64, size int) float64 {
	var all []float64
	for _, list := range g.honest {
		if len(list) < size {
			continue
		}
		n := 0
		for _, s := range list[2:size] {
			if s[model] >= from {
				n++
			}
		}
		all = append(all, float64(n)/float64(size))
	}
	return median(all)
}

func median(all []float64) float64 {
	if len(all) == 0 {
		return math.NaN()
	}
	slices.Sort(all)
	return all[len(all)/2]
}

// point is one cell of the table.
type point struct {
	attacker string
	rate     float64
	size     int
}

func points() (out []point) {
	for _, a := range attackers() {
		for _, r := range rates() {
			for _, s := range sizes() {
				out = append(out, point{a, r, s})
			}
		}
	}
	return out
}

func (g graded) at(p point, model int) float64 {
	return g.rechallenged(model, threshold(g.attacks[p.attacker], model, p.rate), p.size)
}

// published are the counts read off the authors' plots, by history.
func reference(p point) (int, bool) {
	i := slices.Index(rates(), p.rate)
	all := map[string][2][4]int{
		"naive": {{1, 2, 3, 7}, {1, 1, 2, 6}}, "VPN": {{2, 3, 4, 7}, {2, 2, 3, 8}}, "targeted": {{2, 3, 5, 8}, {2, 3, 4, 9}},
	}
	c, ok := all[p.attacker]
	return c[slices.Index(sizes(), p.size)][max(0, i)], ok
}
