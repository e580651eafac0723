package main

import (
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// TestR13TheSameSeedGivesTheSameYear, and another one another.
func TestR13TheSameSeedGivesTheSameYear(t *testing.T) {
	a, b, c := generate(1, 60), generate(1, 60), generate(2, 60)
	if !reflect.DeepEqual(a, b) || reflect.DeepEqual(a, c) || len(a) < 1000 {
		t.Errorf("%d, %d and %d rows", len(a), len(b), len(c))
	}
}

// TestR10TheDataSetsColumnsAreReadBack: what is written is what is read.
func TestR10TheDataSetsColumnsAreReadBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rba.csv")
	rows := generate(3, 40)
	for i := range rows {
		rows[i].At = rows[i].At.Truncate(1e6)
	}
	if err := writeCSV(path, rows); err != nil {
		t.Fatal(err)
	}
	got, err := readCSV(path, len(rows)+1)
	if err != nil || !reflect.DeepEqual(got, rows) {
		t.Errorf("%v, %d of %d rows, the first %+v", err, len(got), len(rows), got[0])
	}
	if some, err := readCSV(path, 7); err != nil || len(some) != 7 {
		t.Errorf("%d rows, %v", len(some), err)
	}
}

// TestR14OneYearKeepsThePromises on a small scale; `make bench-risk` holds all.
func TestR14OneYearKeepsThePromises(t *testing.T) {
	rows := generate(4, 500)
	g := replay(rows, 4, 0)
	for i, most := range []float64{.40, .15} {
		if got := g.at(point{"targeted", .99, sizes()[i]}, 0); !(got <= most) {
			t.Errorf("history %d: %.3f of honest sign-ins, at most %.2f", sizes()[i], got, most)
		}
	}
	worse := 0
	for _, p := range points() {
		if g.at(p, 0) > g.at(p, 1) {
			worse++
		}
	}
	if worse > 0 {
		t.Errorf("worse than the published model at %d points", worse)
	}
	if again := replay(rows, 4, 0); !reflect.DeepEqual(again, g) {
		t.Error("another run gave other scores")
	}
	if svg := curve([]graded{g}); strings.Contains(svg, "NaN") || strings.Count(svg, "<path class=\"c") != 12 {
		t.Errorf("the picture: %s", svg)
	}
}

// TestTheThresholdCatchesWhatItSays, counted by hand.
func TestTheThresholdCatchesWhatItSays(t *testing.T) {
	var attacks [][2]int64
	for i := range 100 {
		attacks = append(attacks, [2]int64{int64(i), int64(-i)})
	}
	if a, b := threshold(attacks, 0, .98), threshold(attacks, 1, .98); a != 2 || b != -97 {
		t.Errorf("%d, %d", a, b)
	}
	g := graded{honest: map[int64][][2]int64{}}
	for user, scores := range [][2]int64{{5, 1}, {1, 1}, {9, 9}} {
		for range 12 {
			g.honest[int64(user)] = append(g.honest[int64(user)], [2]int64{scores[user%2]})
		}
	}
	if got := g.rechallenged(0, 5, 12); got != 10.0/12 {
		t.Errorf("%v", got)
	}
}
