package metrics

import "testing"

func TestCatchUp(t *testing.T) {
	due := func(n uint64) func(p, s int) uint64 { return func(int, int) uint64 { return n } }
	t.Run("resumed session", func(t *testing.T) {
		w := newWorld(t, true, Strict)
		w.round()
		w.drop(2)
		w.resume(2)
		if w.c.ExpectCatchUp(2, 0, due(2)) {
			t.Fatal("caught up at once, with one message of each address due")
		}
		// Connection 2 has three pairs of others' and one of publisher 2: four in all.
		for i, k := range []source{{0, 0}, {1, 0}, {1, 1}, {2, 0}} {
			m := w.send(int(k.publisher), int(k.slot))
			if r := w.deliver(2, int(k.publisher), int(k.slot), m); r.CaughtUp != (i == 3) {
				t.Errorf("delivery %d: CaughtUp = %v", i, r.CaughtUp)
			}
		}
		if r := w.deliver(2, 0, 0, 3); r.CaughtUp {
			t.Error("caught up twice")
		}
	})
	t.Run("nothing was missed", func(t *testing.T) {
		w := newWorld(t, true, Strict)
		w.round()
		w.drop(2)
		w.resume(2)
		if !w.c.ExpectCatchUp(2, 0, due(1)) {
			t.Error("not caught up, with nothing due")
		}
		if r := w.deliver(2, 0, 0, 2); r.CaughtUp {
			t.Error("caught up by a delivery after all")
		}
	})
	t.Run("some of what was due is not all of it", func(t *testing.T) {
		w := newWorld(t, true, Strict)
		w.round()
		w.drop(3)
		w.resume(3)
		w.c.ExpectCatchUp(3, 0, func(p, _ int) uint64 { return map[int]uint64{1: 3}[p] })
		if r := w.deliver(3, 1, 1, 2); r.CaughtUp {
			t.Error("caught up with message 3 due")
		}
		if r := w.deliver(3, 1, 1, 3); !r.CaughtUp {
			t.Error("not caught up with everything there")
		}
	})
	t.Run("a gap holds it up until it closes", func(t *testing.T) {
		w := newWorld(t, true, Strict)
		w.round()
		w.drop(3)
		w.resume(3)
		w.c.ExpectCatchUp(3, 0, func(p, _ int) uint64 {
			return map[int]uint64{1: 2, 2: 9}[p] // its own are never due: noEcho
		})
		if r := w.deliver(3, 1, 1, 3); r.CaughtUp {
			t.Error("caught up with message 2 missing")
		}
		if r := w.deliver(3, 1, 1, 2); !r.CaughtUp {
			t.Error("not caught up with everything there")
		}
	})
	t.Run("what was skipped or refused is not waited for", func(t *testing.T) {
		w := newWorld(t, true, Strict)
		w.round()
		w.drop(3)
		w.c.Skipped(1, 1, 2)
		w.sent[source{1, 1}] = 2
		refused := w.send(1, 1)
		w.resume(3)
		w.c.ExpectCatchUp(3, 0, func(p, _ int) uint64 { return map[int]uint64{1: 4}[p] })
		m := w.send(1, 1)
		if r := w.deliver(3, 1, 1, m); r.CaughtUp || w.c.RecheckCatchUp(3) {
			t.Error("caught up with a message missing that may still come")
		}
		w.c.Outcome(1, 1, refused, OutcomeFail)
		if !w.c.RecheckCatchUp(3) || w.c.RecheckCatchUp(3) {
			t.Error("want caught up once, with nothing missing that may still come")
		}
	})
	t.Run("nor is what nothing says the service took", func(t *testing.T) {
		for _, o := range []Outcome{OutcomeError, OutcomeIndeterminateDisconnect, OutcomeIndeterminateSessionEnded, OutcomeIndeterminateOverflow} {
			w := newWorld(t, true, Strict)
			w.topo.Publishers[1].Unordered = o == OutcomeError // as over REST: it may come later, or never
			w.round()
			w.drop(3)
			doubtful := w.send(1, 1)
			w.c.Outcome(1, 1, doubtful, o)
			w.resume(3)
			expect := func() {
				if w.c.ExpectCatchUp(3, 0, func(p, _ int) uint64 { return map[int]uint64{1: doubtful}[p] }) {
					t.Errorf("outcome %d: nothing is waited for", o)
				}
			}
			expect()
			if !w.c.RecheckCatchUp(3) {
				t.Errorf("outcome %d: not caught up, though nothing is owed", o)
			}
			expect()
			m := w.send(1, 1)
			if r := w.deliver(3, 1, 1, m); !r.CaughtUp {
				t.Errorf("outcome %d: not caught up, though what was sent later has come", o)
			}
		}
	})
	t.Run("all that is due was skipped", func(t *testing.T) {
		w := newWorld(t, true, Strict)
		w.round()
		w.drop(3)
		w.resume(3)
		w.c.ExpectCatchUp(3, 0, func(p, _ int) uint64 { return map[int]uint64{1: 3}[p] })
		w.c.Skipped(1, 1, 2)
		if w.c.RecheckCatchUp(3) {
			t.Error("caught up with message 3 due")
		}
		w.c.Skipped(1, 1, 3)
		if !w.c.RecheckCatchUp(3) {
			t.Error("not caught up, though none of what is due will ever come")
		}
	})
	t.Run("a gap after what was due does not", func(t *testing.T) {
		w := newWorld(t, true, Strict)
		w.round()
		w.drop(3)
		w.resume(3)
		w.c.ExpectCatchUp(3, 0, func(p, _ int) uint64 { return map[int]uint64{1: 2}[p] })
		if r := w.deliver(3, 1, 1, 2); !r.CaughtUp {
			t.Error("not caught up with what was due")
		}
		w.c.ExpectCatchUp(3, 0, func(p, _ int) uint64 { return map[int]uint64{1: 3}[p] })
		w.deliver(3, 1, 1, 6)
		w.deliver(3, 1, 1, 4)
		if r := w.deliver(3, 1, 1, 3); !r.CaughtUp {
			t.Error("message 5, not due at the time, holds it up")
		}
	})
	t.Run("new connection: what was missed is not waited for", func(t *testing.T) {
		w := newWorld(t, false, Spec)
		w.round()
		w.drop(3)
		w.publish(1, 1, 3)
		w.rejoin(3)
		if w.c.ExpectCatchUp(3, 0, due(2)) {
			t.Fatal("caught up without proof")
		}
		if r := w.deliver(3, 1, 1, 3); !r.CaughtUp {
			t.Error("not caught up by a later message")
		}
	})
	t.Run("cancelled", func(t *testing.T) {
		w := newWorld(t, true, Strict)
		w.round()
		w.drop(3)
		w.resume(3)
		w.c.ExpectCatchUp(3, 0, due(2))
		w.c.CancelCatchUp(3)
		if r := w.deliver(3, 1, 1, 2); r.CaughtUp {
			t.Error("caught up after CancelCatchUp")
		}
	})
}
