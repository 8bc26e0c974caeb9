package wire

import "time"

// The process's monotonic clock starts anywhere; clockOffset is what it lacks to
// the machine's, taken once.
var (
	clockStart  = time.Now()
	clockOffset = machineClock(clockStart)
)

// Now returns the instant of the machine's monotonic clock since its origin. On
// Linux that is CLOCK_MONOTONIC, so the instants of all processes of one machine
// can be compared; elsewhere the origin is the start of this process.
func Now() time.Duration { return clockOffset + time.Since(clockStart) }
