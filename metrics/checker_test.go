package metrics

import (
	"bytes"
	"maps"
	"strings"
	"testing"
	"time"
)

// seed is one history. Whatever it does not name must be zero, and every check
// that it does not name must hold.
type seed struct {
	name     string
	reliable bool
	profile  Profile
	drainCut bool
	run      func(w *world)

	violations map[string]uint64
	unknown    []string
	deliveries Deliveries // but for Expected, which checkSums covers
}

func (s *seed) test(t *testing.T) {
	w := newWorld(t, s.reliable, s.profile)
	s.run(w)
	j := w.judge(JudgeOptions{DrainCut: s.drainCut})
	checkSums(t, j)
	if got := j.violations(); !maps.Equal(got, s.violations) {
		t.Errorf("violations: got %v, want %v", got, s.violations)
	}
	unknown := make(map[string]bool)
	for _, id := range s.unknown {
		unknown[id] = true
	}
	for _, c := range j.Checks {
		if _, violated := s.violations[c.ID]; violated {
			if c.Result != CheckViolated || len(c.Examples) == 0 || uint64(len(c.Examples)) > c.Violations {
				t.Errorf("%s: got %s with %d examples of %d", c.ID, c.Result, len(c.Examples), c.Violations)
			}
			continue
		}
		if (c.Result == CheckUnknown) != unknown[c.ID] {
			t.Errorf("%s: got %s (%s)", c.ID, c.Result, c.Reason)
		}
	}
	got := j.Totals.Deliveries
	got.Expected = 0
	if s.deliveries.Delivered == 0 { // "all of them"
		s.deliveries.Delivered = j.Totals.Deliveries.Expected
	}
	if got != s.deliveries {
		t.Errorf("deliveries:\n got %+v\nwant %+v", got, s.deliveries)
	}
}

// leaveAndReturn has a connection leave a group and join it again while publisher 0
// sends four messages: one on the way out, one too many, one missed, and one on the way
// in; then one more.
func (w *world) leaveAndReturn(connection int, group uint32) {
	w.c.Leaving(w.now, connection, group)
	w.publish(0, 0)
	w.c.Left(w.now, connection, group)
	w.publish(0, 0)
	w.publish(0, 0, connection)
	w.c.Rejoining(w.now, connection, group)
	w.publish(0, 0, connection)
	w.now += worldEvery
	w.c.Rejoined(w.now, connection, group)
	w.publish(0, 0)
}

// TestAfterLeaveInSpec: the written protocol does not say that a leave ends delivery at once.
func TestAfterLeaveInSpec(t *testing.T) {
	w := newWorld(t, true, Spec)
	w.round()
	w.leaveAndReturn(2, 0)
	c := w.judge(JudgeOptions{}).check("G1")
	if c.Result == CheckViolated || !strings.Contains(c.Reason, "1 messages came after a leave") {
		t.Errorf("G1: %s (%s)", c.Result, c.Reason)
	}
}

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
				w.c.Outcome(1, 1, w.send(1, 1), OutcomeError)
				w.send(2, 0) // never answered
			},
			deliveries: Deliveries{Delivered: 9, Excused: Excused{Disconnect: 3, SessionEnded: 3, Unacknowledged: 2}, Undelivered: 1},
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

// TestAnomalies: each raises its own check, as often as it happened, and no other.
func TestAnomalies(t *testing.T) {
	for _, s := range []seed{
		{
			name: "R1: id repeated for another message", reliable: true, profile: Strict, run: func(w *world) {
				w.round()
				w.publish(0, 0, 0)
				w.replay(0, 0, 0, 2, 2) // the client drops it: its loss is the consequence
				w.round()
			},
			violations: map[string]uint64{"R1": 1}, deliveries: Deliveries{Replayed: 1},
		},
		{
			name: "R1: message repeated with its id", reliable: true, profile: Strict, run: func(w *world) {
				w.round()
				w.replay(0, 1, 0, 1, 2)
				w.replay(0, 1, 0, 1, 2)
				w.round()
			},
			violations: map[string]uint64{"R1": 2}, deliveries: Deliveries{Replayed: 2},
		},
		{
			name: "R1: ids swapped, messages with them", reliable: true, profile: Strict, run: func(w *world) {
				w.publish(0, 0, 0)
				w.publish(0, 0, 0)
				a, b := w.delivery(0, 0, 0, 1), w.delivery(0, 0, 0, 2)
				w.c.Deliver(w.now, 0, &b)
				a.Fresh = false
				w.c.Deliver(w.now, 0, &a)
				w.round()
			},
			violations: map[string]uint64{"R1": 1}, deliveries: Deliveries{Replayed: 1},
		},
		{
			name: "R1: no id", reliable: true, profile: Strict, run: func(w *world) {
				w.publish(0, 0, 0)
				d := w.delivery(0, 0, 0, 1)
				d.SequenceID = 0
				w.ids[0]--
				w.c.Deliver(w.now, 0, &d)
				w.round()
			},
			violations: map[string]uint64{"R1": 1},
		},
		{
			name: "R1: id reused in the replay", reliable: true, profile: Strict, run: func(w *world) {
				w.round()
				w.publish(0, 0, 0)
				w.drop(0)
				w.resume(0)
				w.replay(0, 0, 0, 2, 2) // id 2 was another message's
				w.round()
			},
			violations: map[string]uint64{"R1": 1}, deliveries: Deliveries{Replayed: 1},
		},
		{
			name: "R1s: id left out", reliable: true, profile: Strict, run: func(w *world) {
				w.round()
				w.ids[0]++
				w.round()
			},
			violations: map[string]uint64{"R1s": 1},
		},
		{
			name: "R1s: more jumps than are kept", reliable: true, profile: Strict, run: func(w *world) {
				for range maxGaps + 5 {
					w.ids[0]++
					w.publish(0, 0)
				}
			},
			violations: map[string]uint64{"R1s": maxGaps + 5},
		},
		{
			name: "R1s: jumps beyond all counting", reliable: true, profile: Strict, unknown: []string{"R4"}, run: func(w *world) {
				w.ids[0] = 1 << 63
				w.publish(0, 0)
				w.drop(0)
				w.c.Ended(w.now, 0, EndExpired)
				w.rejoin(0)
				w.ids[0] = 1 << 63
				w.publish(0, 0)
				w.publish(0, 0, 0)
				w.publish(0, 0)
			},
			violations: map[string]uint64{"R1s": 2}, deliveries: Deliveries{Delivered: 11, Lost: 1},
		},
		{
			name: "R1s: first id is not 1", reliable: true, profile: Strict, run: func(w *world) {
				w.ids[0] = 7
				w.round()
			},
			violations: map[string]uint64{"R1s": 1},
		},
		{
			name: "R1s: message dropped with its id", reliable: true, profile: Strict, unknown: []string{"R4"}, run: func(w *world) {
				w.round()
				w.publish(0, 0, 0)
				w.ids[0]++
				w.round()
			},
			violations: map[string]uint64{"R1s": 1}, deliveries: Deliveries{Delivered: 20, Lost: 1},
		},
		{name: "spec: ids left out are allowed", reliable: true, run: func(w *world) {
			w.round()
			w.ids[0]++
			w.round()
		}},
		{
			name: "spec: message dropped with its id", reliable: true, run: func(w *world) {
				w.round()
				w.publish(0, 0, 0)
				w.ids[0]++
				w.round()
			},
			violations: map[string]uint64{"R4": 1}, deliveries: Deliveries{Delivered: 20, Lost: 1},
		},
		{
			name: "R2: recovery skips an id", reliable: true, profile: Strict, unknown: []string{"R4"}, run: func(w *world) {
				w.round()
				w.publish(0, 0, 0)
				w.ids[0]++
				w.drop(0)
				w.resume(0)
				w.round()
			},
			violations: map[string]uint64{"R2": 1}, deliveries: Deliveries{Delivered: 20, Lost: 1},
		},
		{
			name: "R3: replay after live data", reliable: true, profile: Strict, run: func(w *world) {
				w.round()
				w.drop(0)
				w.resume(0)
				w.round()
				w.replay(0, 1, 0, 1, 2)
			},
			violations: map[string]uint64{"R3": 1}, deliveries: Deliveries{Replayed: 1},
		},
		{
			name: "R4: lost between others", reliable: true, profile: Strict, run: func(w *world) {
				w.round()
				w.publish(0, 0, 0)
				w.publish(0, 0, 0)
				w.round()
			},
			violations: map[string]uint64{"R4": 2}, deliveries: Deliveries{Delivered: 22, Lost: 2},
		},
		{
			name: "R4: the last one lost", reliable: true, profile: Strict, run: func(w *world) {
				w.round()
				w.publish(2, 0, 2)
			},
			violations: map[string]uint64{"R4": 1}, deliveries: Deliveries{Delivered: 9, Lost: 1},
		},
		{
			name: "R4: lost in a recovery", reliable: true, profile: Strict, run: func(w *world) {
				w.round()
				w.drop(0)
				w.publish(0, 0, 0)
				w.resume(0)
				w.round()
			},
			violations: map[string]uint64{"R4": 1}, deliveries: Deliveries{Delivered: 20, Lost: 1},
		},
		{
			name: "R4: lost in the middle, though the drain was cut", reliable: true, profile: Strict, drainCut: true, run: func(w *world) {
				w.round()
				w.publish(0, 0, 0)
				w.round()
			},
			violations: map[string]uint64{"R4": 1}, deliveries: Deliveries{Delivered: 20, Lost: 1},
		},
		{
			name: "R4: lost before the session ended", reliable: true, profile: Strict, run: func(w *world) {
				w.round()
				w.publish(0, 0, 0) // number 2, long before the last data
				for range 5 {
					w.publish(1, 0)
				}
				w.drop(0)
				w.c.Ended(w.now, 0, EndExpired)
				w.rejoin(0)
				for m := range uint64(5) {
					w.c.Skipped(0, 0, 3+m)
				}
				w.sent[source{0, 0}] = 7
				w.publish(0, 0)
			},
			violations: map[string]uint64{"R4": 1}, deliveries: Deliveries{Delivered: 9 + 2 + 15 + 3, Lost: 1},
		},
		{
			name: "R4: lost before a sign of life that is no message", reliable: true, profile: Strict, run: func(w *world) {
				w.round()
				w.publish(0, 0, 0)
				w.at(8)
				w.ids[0]++
				w.c.Numbered(w.now, 0, w.ids[0], true)
				w.drop(0)
				w.c.Ended(w.now, 0, EndExpired)
				w.rejoin(0)
			},
			violations: map[string]uint64{"R4": 1}, deliveries: Deliveries{Delivered: 9 + 2, Lost: 1},
		},
		{
			name: "R5: duplicated under another id", reliable: true, profile: Strict, run: func(w *world) {
				w.round()
				w.deliver(2, 0, 0, 1)
				w.deliver(2, 0, 0, 1)
				w.round()
			},
			violations: map[string]uint64{"R5": 2}, deliveries: Deliveries{Duplicated: 2},
		},
		{
			name: "R5: duplicated across a recovery", reliable: true, profile: Strict, run: func(w *world) {
				w.round()
				w.drop(2)
				w.resume(2)
				w.deliver(2, 0, 0, 1)
			},
			violations: map[string]uint64{"R5": 1}, deliveries: Deliveries{Duplicated: 1},
		},
		{
			name: "R6: swapped", reliable: true, profile: Strict, run: func(w *world) {
				w.round()
				a, b := w.publish(0, 0, 1), w.publish(0, 0, 1)
				w.deliver(1, 0, 0, b)
				w.deliver(1, 0, 0, a)
				w.round()
			},
			violations: map[string]uint64{"R6": 1}, deliveries: Deliveries{Reordered: 1},
		},
		{
			name: "R6: three late ones, out of the middle of a gap first", reliable: true, profile: Strict, run: func(w *world) {
				var m [4]uint64
				for i := range m {
					m[i] = w.publish(0, 0, 1)
				}
				for _, i := range []int{3, 1, 2, 0} {
					w.deliver(1, 0, 0, m[i])
				}
			},
			violations: map[string]uint64{"R6": 3}, deliveries: Deliveries{Reordered: 3},
		},
		{
			name: "P1: ack nobody asked for", run: func(w *world) {
				w.round()
				w.c.UnexpectedAck(w.now, 0, 99)
			},
			violations: map[string]uint64{"P1": 1},
		},
		{
			name: "P1: second success", run: func(w *world) {
				w.round()
				w.ok(0, 0, 1)
			},
			violations: map[string]uint64{"P1": 1},
		},
		{
			name: "P1: success of an unsent message", run: func(w *world) {
				w.round()
				w.ok(0, 0, 2)
			},
			violations: map[string]uint64{"P1": 1},
		},
		{
			name: "P3: refused, yet delivered", run: func(w *world) {
				m := w.send(0, 0)
				w.c.Outcome(0, 0, m, OutcomeFail)
				w.deliver(1, 0, 0, m)
				w.deliver(2, 0, 0, m)
			},
			violations: map[string]uint64{"P3": 2}, deliveries: Deliveries{Delivered: 2, Excused: Excused{Rejected: 1}},
		},
		{
			name: "P2: executed again", unknown: nil, reliable: true, profile: Strict, run: func(w *world) {
				m := w.publish(0, 0)
				w.c.Resent(0, 0, m)
				for c := range 3 {
					w.deliver(c, 0, 0, m)
				}
				other := w.publish(0, 0)
				w.deliver(1, 0, 0, other) // sent once: the service's own duplicate
			},
			violations: map[string]uint64{"P2": 1, "R5": 1}, deliveries: Deliveries{Duplicated: 4},
		},
		{
			name: "P2: Duplicate of what was sent once", reliable: true, profile: Strict, run: func(w *world) {
				w.round()
				w.c.Duplicate(w.now, 0, 7, true)
				w.c.Duplicate(w.now, 0, 8, false)
			},
			violations: map[string]uint64{"P2": 1},
		},
		{
			name: "G1: before the join was asked for", reliable: true, profile: Strict, run: func(w *world) {
				w.topo.Subscribers[0].Asks = true
				w.round()
				w.drop(0)
				w.c.Ended(w.now, 0, EndExpired)
				w.ids[0] = 0
				w.c.Opened(w.now, 0, false)
				w.publish(0, 0)
				w.c.Joining(0)
				w.publish(0, 0)
				w.c.Joined(w.now, 0)
				w.publish(0, 0)
			},
			violations: map[string]uint64{"G1": 1},
		},
		{
			name: "G1: after the leave was answered", reliable: true, profile: Strict, run: func(w *world) {
				w.round()
				w.leaveAndReturn(2, 0)
			},
			violations: map[string]uint64{"G1": 1}, deliveries: Deliveries{Delivered: 22, Excused: Excused{JoinRace: 2}},
		},
		{
			name: "G2: a membership is gone after a recovery", unknown: []string{"R4"}, reliable: true, profile: Strict, run: func(w *world) {
				w.round()
				w.drop(2)
				w.resume(2)
				w.publish(0, 0, 2)
				w.publish(1, 0, 2)
				w.publish(1, 1) // of room-1, where connection 2 is, too
			},
			violations: map[string]uint64{"G2": 1}, deliveries: Deliveries{Delivered: 15, Lost: 2},
		},
		{
			name: "C1: refused within the window", reliable: true, profile: Strict, run: func(w *world) {
				w.round()
				w.drop(0)
				w.publish(0, 0, 0)
				w.at(3)
				w.resume(0)
				w.drop(0)
				w.c.Ended(w.now, 0, EndRefused)
				w.rejoin(0)
				w.publish(1, 0)
			},
			violations: map[string]uint64{"C1": 1}, deliveries: Deliveries{Delivered: 14, Excused: Excused{SessionEnded: 1}},
		},
		{
			name: "C1: refused within the window of a drop that was noticed late", reliable: true, profile: Strict, run: func(w *world) {
				w.round()
				since := w.now
				w.publish(0, 0, 0)
				w.now += 45 * time.Second
				w.drop(0)
				w.c.SilentSince(0, since)
				w.resume(0)
				w.drop(0)
				w.c.Ended(w.now, 0, EndRefused)
				w.rejoin(0)
				w.publish(1, 0)
			},
			deliveries: Deliveries{Delivered: 14, Excused: Excused{SessionEnded: 1}},
		},
		{
			name: "R4: the line was silent before a group was left", reliable: true, profile: Strict, run: func(w *world) {
				w.round()
				w.publish(0, 0, 2)
				w.publish(0, 0, 2)
				w.c.Leaving(w.now, 2, 0)
				w.publish(0, 0, 2)
				w.drop(2)
				w.c.Ended(w.now, 2, EndExpired)
				w.rejoin(2)
				w.c.Rejoined(w.now, 2, 0)
				w.publish(0, 0)
			},
			deliveries: Deliveries{Delivered: 18, Excused: Excused{SessionEnded: 3}},
		},
		{
			name: "G3: into another group", reliable: true, profile: Strict, run: func(w *world) {
				w.round()
				w.deliver(0, 2, 0, 1) // connection 0 is not in room-1
			},
			violations: map[string]uint64{"G3": 1}, deliveries: Deliveries{Unexpected: 1},
		},
		{
			name: "G3: own echo", reliable: true, profile: Strict, run: func(w *world) {
				w.round()
				w.deliver(3, 2, 0, 1)
				w.drop(3)
				w.resume(3)
				w.replay(3, 2, 0, 1, w.ids[3]) // the replay is no second offence
			},
			violations: map[string]uint64{"G3": 1}, deliveries: Deliveries{Unexpected: 1, Replayed: 1},
		},
		{
			name: "G3: under another name", unknown: []string{"N3"}, run: func(w *world) {
				w.round()
				m := w.publish(0, 0, 1)
				d := w.delivery(1, 0, 0, m)
				d.Group = []byte("room-1")
				w.c.Deliver(w.now, 1, &d)
				w.round()
			},
			violations: map[string]uint64{"G3": 1}, deliveries: Deliveries{Delivered: 20, Lost: 1, Unexpected: 1},
		},
		{
			name: "X1: padding damaged", reliable: true, profile: Strict, run: func(w *world) {
				w.round()
				m := w.publish(0, 0, 1)
				d := w.delivery(1, 0, 0, m)
				d.Data[60] ^= 1
				w.c.Deliver(w.now, 1, &d)
				w.round()
			},
			violations: map[string]uint64{"X1": 1}, deliveries: Deliveries{Corrupt: 1},
		},
		{
			name: "X1: ids damaged", unknown: []string{"N3"}, run: func(w *world) {
				w.round()
				m := w.publish(0, 0, 1)
				d := w.delivery(1, 0, 0, m)
				d.Data[9] ^= 4
				w.c.Deliver(w.now, 1, &d)
				w.round()
			},
			violations: map[string]uint64{"X1": 1}, deliveries: Deliveries{Delivered: 20, Lost: 1, Corrupt: 1},
		},
		{
			name: "X1: data type changed", reliable: true, profile: Strict, run: func(w *world) {
				w.round()
				m := w.publish(0, 0, 1)
				d := w.delivery(1, 0, 0, m)
				d.Data = []byte(`"` + string(d.Data) + `"`)
				d.Kind = PayloadJSON
				w.c.Deliver(w.now, 1, &d)
				w.round()
			},
			violations: map[string]uint64{"X1": 1},
		},
		{
			name: "X1: never published", run: func(w *world) {
				w.round()
				w.deliver(1, 0, 0, 2) // the next number, not sent
			},
			violations: map[string]uint64{"X1": 1}, deliveries: Deliveries{Unexpected: 1},
		},
		{
			name: "X1: never published, beyond one that is lost", run: func(w *world) {
				w.round()
				w.publish(0, 0, 1)
				w.deliver(1, 0, 0, 6)
			},
			violations: map[string]uint64{"X1": 1, "N3": 1}, deliveries: Deliveries{Delivered: 11, Lost: 1, Unexpected: 1},
		},
		{
			name: "X1: skipped, yet delivered", run: func(w *world) {
				w.round()
				w.c.Skipped(0, 0, 2)
				w.sent[source{0, 0}] = 2
				w.deliver(1, 0, 0, 2)
				w.round()
			},
			violations: map[string]uint64{"X1": 1}, deliveries: Deliveries{Unexpected: 1},
		},
		{
			name: "X1: ids that the plan does not have", reliable: true, profile: Strict, run: func(w *world) {
				w.round()
				for _, h := range []Header{
					{RunID: worldRun, Publisher: 3, Message: 1}, {RunID: worldRun, Address: 1, Message: 1},
					{RunID: worldRun}, {RunID: worldRun, Message: 1 << 60},
				} {
					d := w.delivery(1, 0, 0, 1)
					d.Data = AppendPayload(nil, PayloadText, h, 64, 1)
					w.c.Deliver(w.now, 1, &d)
				}
				w.round()
			},
			violations: map[string]uint64{"X1": 4}, deliveries: Deliveries{Unexpected: 4},
		},
		{
			name: "N1: swapped", run: func(w *world) {
				w.round()
				a, b := w.publish(1, 1, 3), w.publish(1, 1, 3)
				w.deliver(3, 1, 1, b)
				w.deliver(3, 1, 1, a)
				w.round()
			},
			violations: map[string]uint64{"N1": 1}, deliveries: Deliveries{Reordered: 1},
		},
		{
			name: "N2: duplicated", run: func(w *world) {
				w.round()
				w.deliver(2, 0, 0, 1)
			},
			violations: map[string]uint64{"N2": 1}, deliveries: Deliveries{Duplicated: 1},
		},
		{
			name: "N3: lost while connected", run: func(w *world) {
				w.round()
				w.publish(0, 0, 1)
				w.round()
			},
			violations: map[string]uint64{"N3": 1}, deliveries: Deliveries{Delivered: 20, Lost: 1},
		},
		{
			name: "N3: lost inside one connection, beside a drop", run: func(w *world) {
				w.round()
				w.publish(0, 0, 1) // lost
				w.publish(0, 0)
				w.drop(1)
				w.publish(0, 0, 1) // excused
				w.at(5)
				w.rejoin(1)
				w.publish(0, 0, 1) // excused: intended before the join
				w.publish(0, 0)
				w.publish(0, 0, 1) // lost
				w.publish(0, 0)
			},
			violations: map[string]uint64{"N3": 2}, deliveries: Deliveries{Delivered: 9 + 2 + 3 + 2 + 2 + 3 + 2 + 3, Lost: 2, Excused: Excused{Disconnect: 2}},
		},
		{
			name: "N3: lost after the rejoin, before anything came", run: func(w *world) {
				w.round()
				w.drop(1)
				w.publish(0, 0, 1)
				w.rejoin(1)
				w.publish(0, 0, 1) // intended 99 ms after the join ack
				w.publish(0, 0)
			},
			violations: map[string]uint64{"N3": 1}, deliveries: Deliveries{Delivered: 9 + 2 + 2 + 3, Lost: 1, Excused: Excused{Disconnect: 1}},
		},
		{
			name: "N3: lost, and then we close", run: func(w *world) {
				w.round()
				w.publish(0, 0, 1)
				w.c.Shard()
				w.c.Leaving(w.now, 1, 0)
				w.drop(1)
			},
			violations: map[string]uint64{"N3": 1}, deliveries: Deliveries{Delivered: 11, Lost: 1},
		},
		{
			name: "N3: never came back to life", run: func(w *world) {
				w.round()
				w.drop(1)
				w.rejoin(1)
				w.publish(0, 0, 1)
			},
			violations: map[string]uint64{"N3": 1}, deliveries: Deliveries{Delivered: 11, Lost: 1},
		},
	} {
		t.Run(s.name, s.test)
	}
}

// TestClosedEvidence: what happens once the evidence is closed is no part of it.
func TestClosedEvidence(t *testing.T) {
	w := newWorld(t, true, Strict)
	w.round()
	w.drop(1)
	w.resume(1)
	closed, err := w.c.Shard().AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	w.c.Opened(w.now, 0, true)
	w.c.Opened(w.now, 0, false)
	w.c.Joining(0)
	w.c.Joined(w.now, 0)
	w.deliver(0, 0, 0, 7)
	w.c.Numbered(w.now, 0, 9, true)
	w.c.SequenceAcked(0, 9)
	w.c.Leaving(w.now, 2, 0)
	w.c.Left(w.now, 2, 0)
	w.c.Rejoining(w.now, 2, 0)
	w.c.Rejoined(w.now, 2, 0)
	w.c.Moving(w.now, 2, 1)
	w.c.Sent(0, 0, 2, 0)
	w.c.Skipped(0, 0, 3)
	w.c.Outcome(0, 0, 1, OutcomeOK)
	w.c.Resent(0, 0, 1)
	w.c.Retried(0, 0, 1)
	w.c.Duplicate(w.now, 0, 1, false)
	w.c.UnexpectedAck(w.now, 0, 1)
	w.c.Dropped(w.now, 0)
	w.c.SilentSince(1, w.now-time.Hour)
	w.c.Ended(w.now, 0, EndRefused)
	later, err := w.c.Shard().AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(closed, later) {
		t.Error("the evidence has changed after it was closed")
	}
}

// TestOffenceOfNoPublisher: what is no matter of a message names neither publisher nor group.
func TestOffenceOfNoPublisher(t *testing.T) {
	w := newWorld(t, true, Strict)
	w.round()
	w.c.Duplicate(w.now, 1, 8, false)
	w.c.UnexpectedAck(w.now, 1, 9)
	w.drop(1)
	w.resume(1)
	w.drop(1)
	w.c.Ended(w.now, 1, EndRefused)
	j := w.judge(JudgeOptions{})
	for _, id := range []string{"P1", "P2", "C1"} {
		if e := j.check(id).Examples; len(e) != 1 || e[0].Publisher != -1 || e[0].Group != "" || e[0].Subscriber != 1 {
			t.Errorf("%s: %+v, want one example of connection 1", id, e)
		}
	}
}

// TestRefusedInSpec: the written protocol does not say when a recovery must be accepted.
func TestRefusedInSpec(t *testing.T) {
	w := newWorld(t, true, Spec)
	w.round()
	w.drop(0)
	w.resume(0)
	w.drop(0)
	w.c.Ended(w.now, 0, EndRefused)
	c := w.judge(JudgeOptions{}).check("C1")
	if c.Result != CheckOK || c.Checked != 1 || c.Reason != "1 refused, which the written protocol leaves open" {
		t.Errorf("C1: %s of %d (%s)", c.Result, c.Checked, c.Reason)
	}
}

// TestJumpIsTold: a jump of sequence ids is told by the message that came after it, if it
// is one of ours, and stays told when another one turns out to be none.
func TestJumpIsTold(t *testing.T) {
	w := newWorld(t, true, Strict)
	w.round() // connection 0 has ids 1 and 2
	w.c.Numbered(w.now, 0, 4, true)
	w.c.Numbered(w.now, 0, 6, true)
	w.c.Numbered(w.now, 0, 5, false)
	w.ids[1]++
	m := w.publish(0, 0, 0)
	j := w.judge(JudgeOptions{})
	if v := j.violations(); v["R1"] != 1 || v["R1s"] != 2 {
		t.Errorf("violations %v, want R1 1 and R1s 2", v)
	}
	e := j.check("R1s").Examples
	if len(e) != 2 {
		t.Fatalf("%d examples: %+v", len(e), e)
	}
	if e[0].Subscriber != 0 || e[0].Publisher != -1 || e[0].Group != "" || e[0].SequenceID != 4 || e[0].Context[0] != "sequence id 4 came after 2" {
		t.Errorf("of group state: %+v", e[0])
	}
	if e[1].Subscriber != 1 || e[1].Publisher != 0 || e[1].Group != "room-0" || e[1].GotMessage != m || e[1].Context[0] != "sequence id 4 came after 2" {
		t.Errorf("of a message: %+v", e[1])
	}
}

// TestOpenReason: whoever reads that losses are not known is told every cause.
func TestOpenReason(t *testing.T) {
	w := newWorld(t, true, Strict)
	w.round()
	w.drop(0)
	w.publish(0, 0, 0)
	w.send(1, 0)
	c := w.judge(JudgeOptions{}).check("R4")
	const want = "4 copies undelivered: publishes were never answered; subscribers were still detached at the end"
	if c.Result != CheckUnknown || c.Reason != want {
		t.Errorf("R4 is %s: %q, want %q", c.Result, c.Reason, want)
	}
}

// TestUnordered: where nobody promises an order, a message may come late, but still
// neither twice nor never.
func TestUnordered(t *testing.T) {
	for _, reliable := range []bool{false, true} {
		w := newWorld(t, reliable, Strict)
		w.topo.Publishers[0].Unordered = true
		a, b, c := w.publish(0, 0, 1), w.publish(0, 0, 1), w.publish(0, 0, 1)
		for _, m := range []uint64{c, a, a, b} {
			w.deliver(1, 0, 0, m)
		}
		w.publish(0, 0, 1)
		w.publish(0, 0)
		j := w.judge(JudgeOptions{})
		checkSums(t, j)
		if d := j.Totals.Deliveries; d.Reordered != 0 || d.Duplicated != 1 || d.Lost != 1 || d.Delivered != 14 {
			t.Errorf("reliable %v: got %+v, want 1 duplicated, 1 lost, 14 delivered, none reordered", reliable, d)
		}
	}
}

// TestJoinRace: what is intended before a subscriber's first join is not owed to it.
func TestJoinRace(t *testing.T) {
	topo := worldTopology(false)
	w := &world{t: t, topo: topo, c: NewChecker(topo, Spec, []int{0, 1, 2, 3}), sent: make(map[source]uint64), ids: make(map[int]uint64), now: worldT0 - time.Second}
	for c := range 3 {
		w.c.Opened(w.now, c, false)
		w.c.Joined(w.now, c)
	}
	w.publish(1, 1, 3)
	w.c.Opened(w.now, 3, false)
	w.publish(1, 1, 3)
	w.publish(1, 1) // joined by then, the ack is still on its way
	w.c.Joined(w.now, 3)
	w.publish(1, 1)
	w.publish(1, 1, 3) // lost
	w.publish(1, 1)
	j := w.judge(JudgeOptions{})
	checkSums(t, j)
	d := j.Totals.Deliveries
	if d.Excused.JoinRace != 2 || d.Lost != 1 || d.Delivered != 9 {
		t.Errorf("got %+v", d)
	}
}

func TestDeliveryResults(t *testing.T) {
	w := newWorld(t, true, Strict)
	w.send(0, 0)
	r := w.deliver(1, 0, 0, 1)
	want := Header{RunID: worldRun, Message: 1, Intended: worldEvery}
	if !r.Counted || r.Replayed || r.CaughtUp || r.Header != want {
		t.Errorf("first: got %+v", r)
	}
	if r := w.deliver(1, 0, 0, 1); r.Counted || r.Replayed {
		t.Errorf("duplicate: got %+v", r)
	}
	w.drop(1)
	w.resume(1)
	if r := w.replay(1, 0, 0, 1, 1); r.Counted || !r.Replayed {
		t.Errorf("replay: got %+v", r)
	}
	if r := w.deliver(1, 0, 0, 3); !r.Counted {
		t.Errorf("ahead: got %+v", r)
	}
	if r := w.deliver(1, 0, 0, 2); !r.Counted {
		t.Errorf("late: got %+v", r)
	}
	if r := w.deliver(0, 2, 0, 1); r.Counted {
		t.Errorf("misplaced: got %+v", r)
	}
}

func TestProgress(t *testing.T) {
	w := newWorld(t, false, Spec)
	w.round()
	m := w.send(0, 0)
	if got, want := w.c.Progress(), (Progress{Expected: 12, Delivered: 9}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	w.c.Outcome(0, 0, m, OutcomeFail)
	w.deliver(2, 0, 0, 1) // a duplicate is no progress
	if got, want := w.c.Progress(), (Progress{Expected: 9, Delivered: 9, Violations: 1, First: "N2: message duplicated"}); got != want {
		t.Errorf("after a refusal: got %+v, want %+v", got, want)
	}
}

func TestNotExercised(t *testing.T) {
	want := func(j *Judgement, result string, ids ...string) {
		t.Helper()
		for _, id := range ids {
			if c := j.check(id); c.Result != result {
				t.Errorf("%s: got %s, want %s", id, c.Result, result)
			}
		}
	}
	w := newWorld(t, false, Spec)
	w.round()
	j := w.judge(JudgeOptions{})
	want(j, CheckOK, "P1", "G3", "X1", "N1", "N2", "N3")
	want(j, CheckNotExercised, "R1", "R1s", "R2", "R3", "R4", "R5", "R6", "P3")

	w = newWorld(t, true, Spec)
	w.round()
	j = w.judge(JudgeOptions{})
	want(j, CheckOK, "R1", "R1s", "R4", "R5", "R6", "P1", "G3", "X1")
	want(j, CheckNotExercised, "R2", "R3", "P3", "N1", "N2", "N3")

	w = newWorld(t, true, Spec)
	w.round()
	w.drop(0)
	w.resume(0)
	want(w.judge(JudgeOptions{}), CheckNotExercised, "R2", "R3") // no data came after the recovery

	w = newWorld(t, true, Spec)
	w.drop(0)
	w.resume(0)
	w.round()
	want(w.judge(JudgeOptions{}), CheckOK, "R2", "R3")
}

// TestSettled: nothing is owed any more once every missing copy is excused.
func TestSettled(t *testing.T) {
	w := newWorld(t, false, Spec)
	settled := func() bool { return Settled(w.topo, JudgeOptions{T0: worldT0}, w.c.Peek()) }
	w.round()
	w.drop(0)
	w.c.Ended(w.now, 0, EndDropped)
	w.publish(0, 0, 0)
	if settled() != true {
		t.Error("what a drop has taken is owed")
	}
	w.at(3)
	w.rejoin(0)
	w.publish(1, 0, 1, 2)
	m := w.publish(1, 0, 1, 2)
	if settled() {
		t.Error("nothing is owed, with two copies under way")
	}
	for c := 1; c < 3; c++ {
		w.deliver(c, 1, 0, m-1)
		w.deliver(c, 1, 0, m)
	}
	if !settled() {
		t.Error("something is owed though all has come")
	}
	w.topo.Publishers[1].Acked = false
	m = w.send(1, 0)
	w.deliver(0, 1, 0, m)
	w.deliver(1, 1, 0, m)
	if settled() {
		t.Error("nothing is owed, with a copy under way of a publish that asked for no ack")
	}
	w.deliver(2, 1, 0, m)
	if !settled() {
		t.Error("something is owed though all has come")
	}
	checkSums(t, w.judge(JudgeOptions{})) // the look has changed nothing
}
