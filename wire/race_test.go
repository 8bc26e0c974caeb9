//go:build race

package wire

// raceEnabled: under the race detector sync.Pool drops items on purpose.
const raceEnabled = true
