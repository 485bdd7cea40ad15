//go:build race

package metrics_test

// raceEnabled: the race detector allocates.
const raceEnabled = true
