package metrics

import (
	"testing"
)

// TestCleanRuns: what a good server and a rough network do raises nothing.
func TestCleanRuns(t *testing.T) {
	for _, s := range []seed{
		{name: "nothing sent", run: func(*world) {}},
		{name: "non-reliable", run: func(w *world) { w.round(); w.round() }},
		{name: "reliable, strict", reliable: true, profile: Strict, run: func(w *world) { w.round(); w.round() }},
		{name: "addresses in turn", reliable: true, profile: Strict, run: func(w *world) {
			for range 5 {
				w.publish(1, 0)
				w.publish(1, 1)
			}
		}},
		{name: "acks out of order", run: func(w *world) {
			var all []uint64
			for range 6 {
				m := w.send(0, 0)
				all = append(all, m)
				for c := range 3 {
					w.deliver(c, 0, 0, m)
				}
			}
			for _, i := range []int{3, 1, 0, 5, 2, 4} {
				w.ok(0, 0, all[i])
			}
		}},
		{name: "skipped sends are owed to nobody", run: func(w *world) {
			w.publish(0, 0)
			w.c.Skipped(0, 0, 2)
			w.c.Skipped(0, 0, 3)
			w.sent[source{0, 0}] = 3
			w.publish(0, 0)
		}},
		{name: "a queue is flushed after a newer message was given up", run: func(w *world) {
			w.publish(0, 0)
			w.c.Skipped(0, 0, 5)
			w.publish(0, 0)
			w.publish(0, 0)
			w.publish(0, 0)
			w.sent[source{0, 0}] = 5
			w.publish(0, 0)
		}},
		{name: "a group that it is not in", reliable: true, profile: Strict, run: func(w *world) {
			w.c.Leaving(w.now, 0, 1)
			w.c.Left(w.now, 0, 1)
			w.c.Rejoining(w.now, 0, 1)
			w.c.Rejoined(w.now, 0, 1)
			w.round()
		}},
		{name: "our own closing", reliable: true, profile: Strict, run: func(w *world) {
			w.round()
			w.c.Shard()
			w.publish(0, 0, 0)
			for _, group := range []uint32{0, 1} {
				w.c.Leaving(w.now, 2, group)
				w.c.Left(w.now, 2, group)
				w.c.Rejoining(w.now, 2, group)
			}
			for c := range 4 {
				w.c.Dropped(w.now, c)
				w.c.Ended(w.now, c, EndByUs)
			}
			w.deliver(0, 0, 0, 9)
			w.c.UnexpectedAck(w.now, 0, 1)
			w.c.SequenceAcked(0, 9)
			w.c.Opened(w.now, 0, false)
			w.c.Joined(w.now, 0)
			w.c.Sent(0, 0, 2, 0)
			w.c.Skipped(0, 0, 3)
			w.c.Outcome(0, 0, 9, OutcomeOK)
		}},
		{
			name: "foreign messages", reliable: true, profile: Strict, run: func(w *world) {
				w.round()
				d := w.delivery(0, 0, 0, 1)
				d.Data = []byte("somebody else's")
				w.c.Deliver(w.now, 0, &d)
				d = w.delivery(0, 0, 0, 1)
				d.Data = AppendPayload(nil, PayloadText, Header{RunID: worldRun + 1, Message: 1}, 64, 1)
				w.c.Deliver(w.now, 0, &d)
				w.round()
			},
			deliveries: Deliveries{Foreign: 2},
		},
		{
			name: "recovery with an overlapping replay", reliable: true, profile: Strict, run: func(w *world) {
				w.round() // connection 2 has ids 1–4
				w.c.SequenceAcked(2, 2)
				w.drop(2)
				w.publish(0, 0, 2) // missed while away: comes after the replay
				w.resume(2)
				w.replay(2, 0, 0, 1, 1) // below the ack: redundant
				w.replay(2, 1, 0, 1, 2) // at the ack
				w.replay(2, 1, 1, 1, 3)
				w.replay(2, 2, 0, 1, 4)
				w.deliver(2, 0, 0, 2)
				w.round()
			},
			deliveries: Deliveries{Replayed: 4, RedundantReplay: 2},
		},
		{name: "two recoveries, the first cut short", reliable: true, profile: Strict, run: func(w *world) {
			w.round()
			w.c.SequenceAcked(2, 4)
			w.drop(2)
			w.resume(2)
			w.drop(2)
			w.publish(0, 0, 2)
			w.resume(2)
			w.deliver(2, 0, 0, 2)
		}},
		{
			name: "ack lost, answered by Duplicate after the recovery", reliable: true, profile: Strict, run: func(w *world) {
				m := w.send(0, 0)
				for c := range 3 {
					w.deliver(c, 0, 0, m)
				}
				w.drop(0)
				w.resume(0)
				w.ok(0, 0, m)
				w.publish(0, 0)
			},
		},
		{
			name: "indeterminate, yet delivered", run: func(w *world) {
				m := w.send(0, 0)
				for c := range 3 {
					w.deliver(c, 0, 0, m)
				}
				w.c.Outcome(0, 0, m, OutcomeIndeterminateDisconnect)
			},
			deliveries: Deliveries{Recovered: 3},
		},
		{
			name: "indeterminate and missing", unknown: []string{"P1", "N3"}, run: func(w *world) {
				w.round()
				w.c.Outcome(0, 0, w.send(0, 0), OutcomeIndeterminateDisconnect)
				w.c.Outcome(1, 0, w.send(1, 0), OutcomeIndeterminateSessionEnded)
				w.c.Outcome(1, 0, w.send(1, 0), OutcomeIndeterminateOverflow)
				w.c.Outcome(1, 1, w.send(1, 1), OutcomeError)
				w.send(2, 0) // never answered
			},
			deliveries: Deliveries{Delivered: 9, Excused: Excused{Disconnect: 3, SessionEnded: 3, Overflow: 3, Unacknowledged: 2}, Undelivered: 1},
		},
		{
			name: "no acks asked for, nothing delivered", unknown: []string{"N3"}, run: func(w *world) {
				w.topo.Publishers[0].Acked = false
				w.publish(1, 0)
				w.send(0, 0)
				w.send(0, 0)
			},
			deliveries: Deliveries{Delivered: 3, Excused: Excused{Unacknowledged: 6}},
		},
		{
			name: "group state takes sequence ids, too", reliable: true, profile: Strict, run: func(w *world) {
				w.round()
				w.ids[2]++
				w.c.Numbered(w.now, 2, w.ids[2], true)
				w.round()
				w.drop(2)
				w.resume(2)
				w.c.Numbered(w.now, 2, w.ids[2], false) // replayed
				w.round()
			},
			deliveries: Deliveries{Replayed: 1},
		},
		{
			name: "group state that the client discards", reliable: true, profile: Strict, run: func(w *world) {
				w.round()
				w.ids[2]++
				w.c.Numbered(w.now, 2, w.ids[2], false)
				w.round()
			},
			deliveries: Deliveries{Replayed: 1},
		},
		{
			name: "refused publishes", run: func(w *world) {
				w.c.Outcome(0, 0, w.send(0, 0), OutcomeFail)
				w.publish(0, 0)
			},
			deliveries: Deliveries{Delivered: 3, Excused: Excused{Rejected: 3}},
		},
		{
			name: "non-reliable drop", run: func(w *world) {
				w.round()
				w.drop(0)
				w.c.Ended(w.now, 0, EndDropped)
				w.publish(0, 0, 0)
				w.publish(1, 0, 0)
				w.at(3)
				w.rejoin(0)
				w.publish(0, 0, 0) // intended before the join ack
				w.publish(0, 0)
				w.publish(1, 0, 0)
				w.publish(1, 0)
			},
			deliveries: Deliveries{Delivered: 9 + 6 + 3 + 2 + 3, Excused: Excused{Disconnect: 4}},
		},
		{
			name: "non-reliable drop, nothing more after it", run: func(w *world) {
				w.round()
				w.publish(0, 0, 0)
				w.drop(0)
				w.publish(0, 0, 0)
				w.at(4)
				w.rejoin(0)
				w.publish(1, 0)
			},
			deliveries: Deliveries{Delivered: 16, Excused: Excused{Disconnect: 2}},
		},
		{
			name: "non-reliable drop, gone for good", run: func(w *world) {
				w.round()
				w.drop(0)
				w.publish(0, 0, 0)
			},
			deliveries: Deliveries{Delivered: 11, Excused: Excused{Disconnect: 1}},
		},
		{
			name: "two drops in a row", run: func(w *world) {
				w.round()
				w.drop(0)
				w.publish(0, 0, 0)
				w.c.Opened(w.now, 0, false) // never joined
				w.drop(0)
				w.publish(0, 0, 0)
				w.at(4)
				w.rejoin(0)
				w.publish(1, 0)
				w.publish(0, 0, 0) // number 4, intended just before the join
				w.publish(0, 0)
			},
			deliveries: Deliveries{Delivered: 9 + 4 + 2 + 3 + 3, Excused: Excused{Disconnect: 3}},
		},
		{
			name: "session ended", reliable: true, profile: Strict, run: func(w *world) {
				w.round()
				w.drop(0)
				w.publish(0, 0, 0)
				w.at(3)
				w.c.Ended(w.now, 0, EndExpired)
				w.rejoin(0)
				w.publish(1, 0)
				w.publish(0, 0, 0)
				w.publish(0, 0)
			},
			deliveries: Deliveries{Delivered: 9 + 2 + 3 + 2 + 3, Excused: Excused{SessionEnded: 2}},
		},
		{
			name: "session ended by an overflow, not rejoined", reliable: true, profile: Strict, run: func(w *world) {
				w.round()
				w.drop(0)
				w.publish(0, 0, 0)
				w.c.Ended(w.now, 0, EndOverflow)
			},
			deliveries: Deliveries{Delivered: 11, Excused: Excused{Overflow: 1}},
		},
		{
			name: "another session under an open socket", reliable: true, run: func(w *world) {
				w.round()
				w.drop(0)
				w.publish(0, 0, 0)
				w.resume(0)
				w.at(3)
				w.c.Ended(w.now, 0, EndRefused) // `connected` with another connectionId
				w.ids[0] = 0
				w.c.Joined(w.now, 0)
				w.publish(1, 0)
				w.publish(0, 0, 0)
				w.publish(0, 0)
			},
			deliveries: Deliveries{Delivered: 9 + 2 + 3 + 2 + 3, Excused: Excused{SessionEnded: 2}},
		},
		{
			name: "still detached", reliable: true, profile: Strict, unknown: []string{"R4"}, run: func(w *world) {
				w.round()
				w.drop(0)
				w.publish(0, 0, 0)
			},
			deliveries: Deliveries{Delivered: 11, Undelivered: 1},
		},
		{
			name: "drain cut", drainCut: true, unknown: []string{"N3"}, run: func(w *world) {
				w.round()
				w.publish(0, 0, 1, 2)
			},
			deliveries: Deliveries{Delivered: 10, Undelivered: 2},
		},
	} {
		t.Run(s.name, s.test)
	}
}
