//go:build race

package flow

// Under the race detector the search is four times as slow and finds no race
// that the other tests do not.
const exploreStates = 100

const underRace = true
