//go:build !race

package flow

// exploreStates is how many states are looked at from each root, at most.
const exploreStates = 350

const underRace = false
