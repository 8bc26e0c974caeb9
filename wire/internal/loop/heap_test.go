package loop

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// Whatever is set, moved and stopped, what is left fires in the order of its instants
// and, of equal ones, of the calls that set them: as a sorted list has it.
func TestTimersAgreeWithASortedList(t *testing.T) {
	type set struct {
		at    time.Duration
		order int
		timer *Timer
	}
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 1))
		f := newTimers()
		var got, want []*Timer
		timers := make([]*Timer, 40)
		for i := range timers {
			timers[i] = f.NewTimer(func(time.Duration) { got = append(got, timers[i]) })
		}
		var oracle []set
		for order := range 400 {
			timer := timers[r.IntN(len(timers))]
			known := slices.IndexFunc(oracle, func(s set) bool { return s.timer == timer })
			switch at := time.Duration(r.IntN(30)); {
			case r.IntN(4) == 0:
				timer.Stop()
				if known >= 0 {
					oracle = slices.Delete(oracle, known, known+1)
				}
			case known < 0:
				timer.Set(at)
				oracle = append(oracle, set{at, order, timer})
			default:
				timer.Set(at)
				if oracle[known].at != at { // to set what is set already changes nothing
					oracle[known] = set{at, order, timer}
				}
			}
		}
		slices.SortFunc(oracle, func(a, b set) int { return cmp.Or(cmp.Compare(a.at, b.at), a.order-b.order) })
		for _, s := range oracle {
			want = append(want, s.timer)
		}
		if f.at(30); !slices.Equal(got, want) {
			t.Fatalf("seed %d: fired %d timers in another order than the %d that were set", seed, len(got), len(want))
		}
	}
}
