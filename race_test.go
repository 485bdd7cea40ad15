//go:build race

package protoway_test

// raceEnabled says whether the race detector, which allocates, is on.
const raceEnabled = true
