package runner

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/wpsbench/wpsbench/wire"
)

const twoRooms = "populations.members.join.room=2"

// What a worker has counted of a schedule, and what the judge has generated of it,
// is the schedule, in whatever order it is asked for.
func TestRememberedSchedules(t *testing.T) {
	for _, arrival := range []string{"constant", "poisson", "{burst: 5, within: 100ms}"} {
		t.Run(arrival, func(t *testing.T) {
			plan := planOf(t, base, "populations.members.publish.arrival="+arrival, "phases.steady=20s", twoRooms)
			r := newRun(Config{Plan: plan, Target: Target{URL: func(int) wire.URLFunc { return nil }}, Workers: 1})
			w := r.workers[0]
			w.t0 = time.Hour
			const slots = 2
			for at := time.Duration(0); at < 30*time.Second; at += 1700 * time.Millisecond {
				due := w.dueBy(w.t0 + at)
				for p := range plan.Publishers {
					if got, want := due(p, 0)+due(p, 1), plan.Schedule(p).DueBy(at); got != want {
						t.Fatalf("publisher %d has %d messages due by %v, want %d", p, got, at, want)
					}
				}
			}
			random := rand.New(rand.NewPCG(1, 2))
			for range 500 {
				p, k := random.IntN(plan.Publishers), random.Uint64N(250) // some beyond the last message
				got, want := r.topology.Intended(p, int(k%slots), k/slots+1), plan.Schedule(p).At(k)
				if got != want {
					t.Fatalf("message %d of publisher %d is intended at %v, want %v", k, p, got, want)
				}
			}
		})
	}
}
