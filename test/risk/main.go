// Command risk grades the risk engine: how often honest people are asked again,
// at a given share of attackers that are caught.
//
//	make bench-risk                          ten generated years, the table and docs/risk-curve.svg
//	make bench-risk ARGS='-csv rba.csv'      the public data set in their place
//
//	generate.go   people and attackers, by a seed
//	replay.go     history in memory, and the engine's inputs
//	grade.go      thresholds and rates
//	csv.go        the public data set's columns
//	curve.go      the picture
package main

import (
	"flag"
	"fmt"
	"math"
	"os"

	"github.com/intelliauth/intelliauth/internal/risk"
)

// untuned is the first seed of those that nothing was chosen by.
const untuned = 101

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench-risk:", err)
		os.Exit(1)
	}
}

func run() error {
	users := flag.Int("users", 1500, "people that are generated")
	seeds := flag.Int("seeds", 10, "how many generated years")
	first := flag.Uint64("seed", untuned, "the first seed")
	file := flag.String("csv", "", "read sign-ins from this file in place of generated ones")
	most := flag.Int("rows", 2_000_000, "at most so many rows of it")
	emit := flag.String("emit", "", "write the generated rows to this file and end")
	svg := flag.String("svg", "../docs/risk-curve.svg", "where the picture goes; empty for none")
	flag.Parse()
	if *emit != "" {
		return writeCSV(*emit, generate(*first, *users))
	}
	var runs []graded
	for i := range *seeds {
		seed := *first + uint64(i)
		rows := generate(seed, *users)
		if *file != "" {
			var err error
			if rows, err = readCSV(*file, *most); err != nil {
				return err
			}
		}
		fmt.Fprintf(os.Stderr, "seed %d: %d sign-ins\n", seed, len(rows))
		runs = append(runs, replay(rows, seed, 0))
		if *file != "" {
			break
		}
	}
	table(runs)
	asBuilt(runs)
	if *svg != "" {
		if err := os.WriteFile(*svg, []byte(curve(runs)), 0o644); err != nil {
			return err
		}
	}
	if *file != "" {
		return nil
	}
	return accept(runs, *first, *users)
}

// middle is the median of all runs at a point.
func middle(runs []graded, p point, model int) float64 {
	var all []float64
	for _, g := range runs {
		all = append(all, g.at(p, model))
	}
	return median(all)
}

func table(runs []graded) {
	fmt.Println("| attacker | caught | history | ours | published model here | authors' data |\n|---|---|---|---|---|---|")
	for _, p := range points() {
		said := "–"
		if n, ok := reference(p); ok {
			said = fmt.Sprintf("%d of %d (%.0f %%)", n, p.size, 100*float64(n)/float64(p.size))
		}
		fmt.Printf("| %s | %.1f %% | %d | %.1f %% | %.1f %% | %s |\n", p.attacker, 100*p.rate, p.size, 100*middle(runs, p, 0), 100*middle(runs, p, 1), said)
	}
}

// asBuilt tells what the fixed scale does: a score of one half challenges.
func asBuilt(runs []graded) {
	for _, a := range attackers() {
		var caught []float64
		for _, g := range runs {
			n := 0
			for _, s := range g.attacks[a] {
				if s[0] >= risk.Midpoint {
					n++
				}
			}
			caught = append(caught, float64(n)/float64(max(1, len(g.attacks[a]))))
		}
		fmt.Printf("at a score of 0.5, %s: %.1f %% caught\n", a, 100*median(caught))
	}
	for _, size := range sizes() {
		var asked []float64
		for _, g := range runs {
			asked = append(asked, g.rechallenged(0, risk.Midpoint, size))
		}
		fmt.Printf("at a score of 0.5, honest people with a history of %d: %.1f %% asked again\n", size, 100*median(asked))
	}
}

// accept holds the figures to what was promised.
func accept(runs []graded, seed uint64, users int) error {
	var failed []string
	check := func(ok bool, format string, args ...any) {
		word := "holds"
		if !ok {
			word = "FAILS"
			failed = append(failed, fmt.Sprintf(format, args...))
		}
		fmt.Printf("%s: %s\n", word, fmt.Sprintf(format, args...))
	}
	for i, most := range []float64{.40, .15} {
		p := point{"targeted", .99, sizes()[i]}
		got := middle(runs, p, 0)
		check(got <= most, "targeted, 99 %% caught, history %d: %.1f %% of honest sign-ins, at most %.0f %%", p.size, 100*got, 100*most)
	}
	worse, better := 0, 0
	for _, p := range points() {
		ours, theirs := middle(runs, p, 0), middle(runs, p, 1)
		switch {
		case ours > theirs+1e-9:
			worse++
		case ours < theirs-1e-9:
			better++
		}
	}
	check(worse == 0, "nowhere worse than the published model (worse at %d of %d points)", worse, len(points()))
	check(2*better >= len(points()), "better at half the points (%d of %d)", better, len(points()))
	rising := true
	for _, p := range points() {
		for _, higher := range rates() {
			q := point{p.attacker, higher, p.size}
			rising = rising && (higher <= p.rate || middle(runs, q, 0) >= middle(runs, p, 0))
		}
	}
	check(rising, "the more attackers are caught, the more honest people are asked")
	p := point{"targeted", .99, 39}
	with := replay(generate(seed, users), seed, .2).at(p, 0)
	without := runs[0].at(p, 0)
	check(with <= 1.2*without+1.0/39, "with a fifth of accepted takeovers in history: %.1f %%, without %.1f %%", 100*with, 100*without)
	again := replay(generate(seed, users), seed, 0).at(p, 0)
	check(math.Abs(again-without) == 0, "the same seed gives the same figures")
	if len(failed) > 0 {
		return fmt.Errorf("%d of the promises do not hold", len(failed))
	}
	return nil
}
