package wire

import (
	"time"

	"golang.org/x/sys/unix"
)

// machineClock returns what CLOCK_MONOTONIC showed at start. Go reads the same
// clock and only counts from elsewhere, so the difference never changes; the
// tightest of a few readings between two of Go's is within a microsecond.
func machineClock(start time.Time) time.Duration {
	var offset time.Duration
	tightest := time.Hour
	for range 10 {
		var ts unix.Timespec
		before := time.Since(start)
		if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
			return 0 // no Linux lacks it
		}
		if width := time.Since(start) - before; width < tightest {
			tightest = width
			offset = time.Duration(ts.Nano()) - before - width/2
		}
	}
	return offset
}
