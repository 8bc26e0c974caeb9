package metrics

import (
	"testing"
	"time"
)

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
			name: "R1: an id where there are none", profile: Strict, run: func(w *world) {
				w.round()
				for _, id := range []uint64{7, 7, 0} { // any id is one too many
					w.alter(func(d *Delivery) { d.SequenceID = id })
				}
				d := w.delivery(1, 0, 0, 1) // again: a duplicate before all
				d.SequenceID = 8
				w.c.Deliver(w.now, 1, &d)
				d = Delivery{Data: []byte("another's"), SequenceID: 9, Fresh: true}
				w.c.Deliver(w.now, 1, &d)
			},
			violations: map[string]uint64{"R1": 3, "N2": 1}, deliveries: Deliveries{Duplicated: 1, Foreign: 1},
		},
		{
			name: "spec: an id where there are none", run: func(w *world) {
				w.alter(func(d *Delivery) { d.SequenceID = 7 })
			},
			reason: map[string]string{"R1": "1 messages had a sequence id on a subprotocol that has none"},
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
			name: "R4: sent again late, of which only those hear who kept their session", reliable: true, profile: Strict, run: func(w *world) {
				w.round()
				m := w.send(0, 0)
				for range 5 {
					w.publish(1, 0)
				}
				w.drop(1)
				w.c.Ended(w.now, 1, EndExpired)
				w.c.Resent(0, 0, m, 20*time.Second)
				w.ok(0, 0, m)
				w.rejoin(1)
			},
			violations: map[string]uint64{"R4": 2}, deliveries: Deliveries{Delivered: 9 + 15, Lost: 2, Excused: Excused{SessionEnded: 1}},
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
				w.c.Resent(0, 0, m, 0)
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
				w.alter(func(d *Delivery) { d.Group = []byte("room-1") })
				w.round()
			},
			violations: map[string]uint64{"G3": 1}, deliveries: Deliveries{Delivered: 20, Lost: 1, Unexpected: 1},
		},
		{
			name: "X1: padding damaged", reliable: true, profile: Strict, run: func(w *world) {
				w.round()
				w.alter(func(d *Delivery) { d.Data[60] ^= 1 })
				w.round()
			},
			violations: map[string]uint64{"X1": 1}, deliveries: Deliveries{Corrupt: 1},
		},
		{
			name: "X1: ids damaged", unknown: []string{"N3"}, run: func(w *world) {
				w.round()
				w.alter(func(d *Delivery) { d.Data[9] ^= 4 })
				w.round()
			},
			violations: map[string]uint64{"X1": 1}, deliveries: Deliveries{Delivered: 20, Lost: 1, Corrupt: 1},
		},
		{
			name: "X1: data type changed", reliable: true, profile: Strict, run: func(w *world) {
				w.round()
				w.alter(func(d *Delivery) {
					d.Data = []byte(`"` + string(d.Data) + `"`)
					d.Kind = PayloadJSON
				})
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
