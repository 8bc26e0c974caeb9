package wire

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Now has the origin of CLOCK_MONOTONIC, which all processes share.
func TestNowIsTheMachinesClock(t *testing.T) {
	best := time.Hour
	for range 10 { // the machine may take the processor away between the two
		var ts unix.Timespec
		if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
			t.Fatal(err)
		}
		best = min(best, (Now() - time.Duration(ts.Nano())).Abs())
	}
	if best > time.Millisecond {
		t.Errorf("Now is %v from CLOCK_MONOTONIC, want less than 1ms", best)
	}
}
