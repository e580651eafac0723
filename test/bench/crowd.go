package main

import (
	"fmt"
	"math"
	"slices"
	"sync/atomic"
	"time"
)

// crowds measures the same paths on a small and on a large database, by turns.
func (b *bench) crowds() error {
	small, err := b.newHouse("small")
	if err != nil {
		return err
	}
	large, err := b.newHouse("large")
	if err != nil {
		return err
	}
	if err := b.furnish(small, b.light, cheap(), b.plan.users); err != nil {
		return err
	}
	began := time.Now()
	if err := b.furnish(large, b.light, cheap(), b.plan.crowd); err != nil {
		return err
	}
	progress("  %d users added in %s", b.plan.crowd, time.Since(began).Round(100*time.Millisecond))
	if err := b.compareStarts(small, large); err != nil {
		return err
	}
	return b.comparePaths(small, large)
}

func (b *bench) compareStarts(small, large *house) error {
	var took [2][]time.Duration
	for range b.plan.rounds {
		for i, h := range []*house{small, large} {
			median, err := b.starts(h)
			if err != nil {
				return err
			}
			took[i] = append(took[i], median)
		}
	}
	a, c := middle(took[0]), middle(took[1])
	change := float64(c)/float64(a) - 1
	b.add(row{
		what: fmt.Sprintf("start with %d users", b.plan.crowd), rate: short(c), limit: short(a) + " with " + fmt.Sprint(b.plan.users),
		ratio: percent(change), goal: "no longer", met: judge(change <= 0.1),
	})
	return nil
}

func (b *bench) comparePaths(small, large *house) error {
	type path struct {
		name   string
		client func(users int) func(*wire, int) (func() error, error)
	}
	var turn atomic.Int64
	paths := []path{
		{"whole sign-in but the hash", func(users int) func(*wire, int) (func() error, error) { return signIns(&turn, users, true) }},
		{"refresh grant", refreshes},
		{"client credentials", func(int) func(*wire, int) (func() error, error) { return credentials }},
		{"GET /.well-known/openid-configuration", func(int) func(*wire, int) (func() error, error) { return fetch("/.well-known/openid-configuration") }},
	}
	costs := map[string]*[2][]time.Duration{}
	for round := range b.plan.rounds {
		for i, h := range []*house{small, large} {
			users := b.plan.users
			if i == 1 {
				users = b.plan.crowd
			}
			s, err := h.serve(b.light)
			if err != nil {
				return err
			}
			for _, p := range paths {
				r, err := measure(h, s.cpu, 16, b.plan.window*2/3, p.client(users))
				if err != nil {
					return first(err, s.stop())
				}
				if costs[p.name] == nil {
					costs[p.name] = &[2][]time.Duration{}
				}
				costs[p.name][i] = append(costs[p.name][i], r.each())
			}
			if err := s.stop(); err != nil {
				return err
			}
		}
		progress("  round %d of %d", round+1, b.plan.rounds)
	}
	for _, p := range paths {
		a, c := middle(costs[p.name][0]), middle(costs[p.name][1])
		change := float64(c)/float64(a) - 1
		b.add(row{
			what: fmt.Sprintf("%s, %d users", p.name, b.plan.crowd), cpu: short(c), limit: short(a) + " with " + fmt.Sprint(b.plan.users),
			ratio: percent(change), goal: "within 10 %", met: judge(math.Abs(change) <= 0.1 || change < 0),
		})
	}
	return nil
}

func middle(of []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(of))
	return sorted[len(sorted)/2]
}

func percent(v float64) string { return fmt.Sprintf("%+.0f %%", 100*v) }
