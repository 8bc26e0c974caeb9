package loop

import (
	"runtime"
	"testing"
	"time"
)

// Loops that never park leave the processors to others, too, although the runtime's
// monitor, which sees to that, slept when they began.
func TestBusyLoopIsPreempted(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	start := time.Now()
	l := New(func() time.Duration { return time.Since(start) }, Polled)
	done := run(t, l)
	defer func() { l.Stop(); wait(t, done) }()

	other, result := make(chan struct{}), make(chan bool, 1)
	var giveUp time.Duration
	var spin func(now time.Duration)
	spin = func(now time.Duration) {
		select {
		case <-other:
			result <- true
			return
		default:
		}
		if giveUp == 0 {
			giveUp = now + 3*time.Second
			go close(other)
		}
		if now > giveUp {
			result <- false
			return
		}
		l.Do(spin)
	}
	// Until then all is idle, and the monitor goes to sleep. A timer of the runtime's
	// would wake it.
	l.Do(func(now time.Duration) { l.NewTimer(spin).Set(now + 100*time.Millisecond) })
	if !wait(t, result) {
		t.Error("a goroutine did not run while a loop was busy for 3 s")
	}
}
