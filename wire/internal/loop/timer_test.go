package loop

import (
	"slices"
	"testing"
	"time"
)

// timers is a loop that is not run, on a clock that the test sets.
type timers struct {
	*Loop
	clock time.Duration
	fired []string
}

func newTimers() *timers {
	f := &timers{}
	f.Loop = New(func() time.Duration { return f.clock }, Goroutines)
	return f
}

func (f *timers) named(name string) *Timer {
	return f.NewTimer(func(time.Duration) { f.fired = append(f.fired, name) })
}

// at moves the clock and returns what fires.
func (f *timers) at(now time.Duration) []string {
	f.clock, f.fired = now, nil
	f.fireTimers()
	return f.fired
}

func TestTimers(t *testing.T) {
	type at map[time.Duration][]string
	tests := []struct {
		name string
		set  func(f *timers)
		want at
	}{
		{"in order of instants", func(f *timers) {
			f.named("c").Set(30)
			f.named("a").Set(10)
			f.named("b").Set(20)
		}, at{9: nil, 20: {"a", "b"}, 100: {"c"}}},
		{"equal instants in the order set", func(f *timers) {
			for _, name := range []string{"a", "b", "c", "d", "e"} {
				f.named(name).Set(5)
			}
		}, at{5: {"a", "b", "c", "d", "e"}}},
		{"never before its instant", func(f *timers) {
			f.named("a").Set(10)
		}, at{9: nil, 10: {"a"}, 11: nil}},
		{"stopped", func(f *timers) {
			a, b := f.named("a"), f.named("b")
			a.Set(1)
			b.Set(2)
			a.Stop()
			a.Stop()
		}, at{10: {"b"}}},
		{"moved out", func(f *timers) {
			a := f.named("a")
			a.Set(1)
			a.Set(20)
		}, at{10: nil, 20: {"a"}}},
		{"moved in", func(f *timers) {
			a := f.named("a")
			f.named("b").Set(10)
			a.Set(20)
			a.Set(5)
		}, at{5: {"a"}, 10: {"b"}, 20: nil}},
		{"set again after it fired", func(f *timers) {
			var a *Timer
			a = f.NewTimer(func(now time.Duration) {
				f.fired = append(f.fired, "a")
				a.Set(now + 10)
			})
			a.Set(10)
		}, at{10: {"a"}, 19: nil, 20: {"a"}, 35: {"a"}, 44: nil, 45: {"a"}}},
		{"set to the past by itself fires once a pass", func(f *timers) {
			var a *Timer
			a = f.NewTimer(func(time.Duration) {
				f.fired = append(f.fired, "a")
				a.Set(0)
			})
			a.Set(1)
		}, at{1: {"a"}, 2: {"a"}}},
		{"stopped by an earlier one of the pass", func(f *timers) {
			b := f.named("b")
			f.NewTimer(func(time.Duration) { b.Stop() }).Set(1)
			b.Set(2)
		}, at{10: nil, 20: nil}},
		{"moved by an earlier one of the pass", func(f *timers) {
			b := f.named("b")
			f.NewTimer(func(time.Duration) { b.Set(15) }).Set(1)
			b.Set(2)
		}, at{10: nil, 15: {"b"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newTimers()
			tt.set(f)
			instants := make([]time.Duration, 0, len(tt.want))
			for now := range tt.want {
				instants = append(instants, now)
			}
			slices.Sort(instants)
			for _, now := range instants {
				if got := f.at(now); !slices.Equal(got, tt.want[now]) {
					t.Errorf("at %d: fired %v, want %v", now, got, tt.want[now])
				}
			}
		})
	}
}

// Both alarms wake a sleeping loop, at the instant set or after, also when an
// earlier instant is set later.
func TestAlarms(t *testing.T) {
	tests := []struct {
		name string
		make func() watchedAlarm
	}{
		{"of the system", newAlarm},
		{"portable", func() watchedAlarm { return newClockAlarm() }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := tt.make()
			fired, done := make(chan time.Time, 1), make(chan struct{})
			go func() { defer close(done); a.run(func() { fired <- time.Now() }) }()
			for _, d := range []time.Duration{time.Millisecond, 0, 5 * time.Millisecond} {
				a.set(time.Hour)
				start := time.Now()
				a.set(d)
				if early := d - wait(t, fired).Sub(start); early > 0 {
					t.Errorf("%v: fired %v early", d, early)
				}
			}
			a.set(time.Hour)
			a.close()
			wait(t, done)
		})
	}
}

// A loop that sleeps towards a far instant wakes for a nearer one set since.
func TestSleepingLoopFiresTimers(t *testing.T) {
	eachTransport(t, func(t *testing.T, tr Transport) {
		l := startLoop(t, tr)
		fired := make(chan time.Duration, 1)
		call(t, l, func() {
			l.NewTimer(func(time.Duration) { t.Error("fired an hour early") }).Set(l.Now() + time.Hour)
		})
		for _, d := range []time.Duration{20 * time.Millisecond, 5 * time.Millisecond} {
			var at time.Duration
			call(t, l, func() {
				at = l.Now() + d
				stopped := l.NewTimer(func(time.Duration) { t.Error("fired after Stop") })
				stopped.Set(at)
				stopped.Stop()
				l.NewTimer(func(now time.Duration) { fired <- now }).Set(at)
			})
			if now := wait(t, fired); now < at {
				t.Errorf("fired %v early", at-now)
			}
		}
	})
}
