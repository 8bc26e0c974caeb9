package metrics

import (
	"slices"
	"testing"
)

// A recovery waits for what is owed: not for what its publisher may have lost with its own
// transport, or still has to send, until it is known that the service has got it.
func TestDoubts(t *testing.T) {
	type step func(w *world)
	drop := func(from uint64) step { return func(w *world) { w.c.Doubt(1, 1, from) } }
	send := func(w *world) { w.send(1, 1) }
	queue := func(m uint64) step { return func(w *world) { w.c.Queued(1, 1, m) } }
	answer := func(m uint64, o Outcome) step { return func(w *world) { w.c.Outcome(1, 1, m, o) } }
	for _, tt := range []struct {
		name    string
		unacked bool
		steps   []step // after message 1, which has arrived; 2 and 3 are due when the socket opens
		arrive  []uint64
		want    bool
	}{
		{"sent, unanswered", false, []step{send, send}, nil, false},
		{"the publisher was cut off", false, []step{send, send, drop(1)}, nil, true},
		{"one had been answered", false, []step{send, send, answer(2, OutcomeOK), drop(1)}, nil, false},
		{"and has come", false, []step{send, send, answer(2, OutcomeOK), drop(1)}, []uint64{2}, true},
		{"the later one had been, and has come", false, []step{send, send, answer(3, OutcomeOK), drop(1)}, []uint64{3}, true},
		{"answered after all", false, []step{send, send, drop(1), answer(2, OutcomeOK)}, nil, false},
		{"answered after all, and has come", false, []step{send, send, drop(1), answer(2, OutcomeOK)}, []uint64{2}, true},
		{"refused after all", false, []step{send, send, drop(1), answer(2, OutcomeFail)}, nil, true},
		{"cut off twice", false, []step{send, send, drop(1), drop(1), answer(2, OutcomeOK), answer(3, OutcomeOK)}, []uint64{2}, false},
		{"cut off before the second", false, []step{send, drop(1), send}, nil, false},
		{"not sent yet", false, []step{queue(2), queue(3)}, nil, true},
		{"not sent yet, and never", false, []step{queue(2), queue(3), func(w *world) { w.c.Skipped(1, 1, 2); w.c.Skipped(1, 1, 3) }}, nil, true},
		{"sent at last", false, []step{queue(2), queue(3), send}, nil, false},
		{"sent at last, and has come", false, []step{queue(2), queue(3), send}, []uint64{2}, true},
		{"without acks, long ago", true, []step{send, send, drop(4)}, nil, false},
		{"without acks, the last one just now", true, []step{send, send, drop(3)}, []uint64{2}, true},
		{"without acks, both just now", true, []step{send, send, drop(2)}, nil, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, true, Strict)
			w.topo.Publishers[1].Acked = !tt.unacked
			w.topo.ShareVoids()
			w.round()
			w.drop(3)
			for _, do := range tt.steps {
				do(w)
			}
			w.resume(3)
			if w.c.ExpectCatchUp(3, 0, func(p, _ int) uint64 { return map[int]uint64{1: 3}[p] }) {
				t.Fatal("nothing is waited for")
			}
			got := false
			for _, m := range tt.arrive {
				got = w.deliver(3, 1, 1, m).CaughtUp || got
			}
			if got = w.c.RecheckCatchUp(3) || got; got != tt.want {
				t.Errorf("caught up: %t, want %t", got, tt.want)
			}
			here, there := w.topo.voids.of[source{1, 1}], newWorld(t, true, Strict).topo
			there.AddVoids(w.topo.TakeVoids())
			for m := uint64(1); m < 6 && here != nil; m++ {
				other := there.voids.of[source{1, 1}]
				if void := here.get(m) != OutcomePending; void != (other != nil && other.get(m) != OutcomePending) {
					t.Errorf("message %d is void here: %t, and not so in another process", m, void)
				}
			}
			if s := w.c.slot(1, 1); tt.unacked && len(s.doubts) != 0 || !slices.IsSorted(s.doubts) {
				t.Errorf("doubts %v", s.doubts)
			}
		})
	}
}
