//go:build race

package metrics

// raceEnabled: under the race detector sync.Pool drops items on purpose.
const raceEnabled = true
