//go:build race

package frame

// raceEnabled: under the race detector sync.Pool drops items on purpose.
const raceEnabled = true
