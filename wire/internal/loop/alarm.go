package loop

import "time"

// alarm wakes the loop at one instant. It exists because the two ways to do so
// differ by half a millisecond: an idle Go scheduler waits for its timers in whole
// milliseconds, while a file descriptor that becomes readable wakes it at once.
type alarm interface {
	// set lets the alarm go off once, after d, instead of what was set before.
	set(d time.Duration)
	close()
}

// watchedAlarm is an alarm that a goroutine waits for.
type watchedAlarm interface {
	alarm
	// run calls fire each time the alarm goes off, until close.
	run(fire func())
}

// clockAlarm is the portable alarm: a timer of the Go runtime.
type clockAlarm struct {
	timer *time.Timer
	done  chan struct{}
}

func newClockAlarm() *clockAlarm {
	a := &clockAlarm{timer: time.NewTimer(time.Hour), done: make(chan struct{})}
	a.timer.Stop()
	return a
}

func (a *clockAlarm) set(d time.Duration) { a.timer.Reset(d) }

func (a *clockAlarm) run(fire func()) {
	for {
		select {
		case <-a.timer.C:
			fire()
		case <-a.done:
			return
		}
	}
}

func (a *clockAlarm) close() {
	a.timer.Stop()
	close(a.done)
}
