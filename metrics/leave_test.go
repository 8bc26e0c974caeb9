package metrics

import (
	"fmt"
	"testing"
)

// TestPartings: what a subscriber misses of a group that it has left for a while is
// excused; of one that it has gone from for good, or comes to later, nothing is expected
// while it is not there, but what may have crossed with its request. It is the same
// whether the subscriber is judged message by message or only counted.
func TestPartings(t *testing.T) {
	for _, row := range []struct {
		name       string
		prepare    func(topo *Topology)
		run        func(w *world)
		deliveries Deliveries
	}{
		{name: "left for a while", run: func(w *world) {
			w.c.Leaving(w.now, 2, 0)
			w.publish(0, 0, 2) // the answer is under way
			w.c.Left(w.now, 2, 0)
			w.publish(0, 0, 2)
			w.publish(0, 0, 2)
			w.publish(0, 0, 2)
			w.c.Rejoining(w.now, 2, 0)
			w.publish(0, 0, 2)
			w.c.Rejoined(w.now, 2, 0)
			w.publish(0, 0)
		}, deliveries: Deliveries{Expected: 9 + 18, Delivered: 9 + 13, Excused: Excused{JoinRace: 5}}},
		{name: "gone for good", run: func(w *world) {
			w.c.Moving(w.now, 2, 0)
			w.publish(0, 0, 2)
			w.c.Left(w.now, 2, 0)
			w.publish(0, 0, 2)
			w.publish(0, 0, 2)
		}, deliveries: Deliveries{Expected: 9 + 3 + 2 + 2, Delivered: 15, Excused: Excused{JoinRace: 1}}},
		{name: "gone, and no answer came", run: func(w *world) {
			w.c.Moving(w.now, 2, 0)
			w.publish(0, 0, 2)
			w.publish(0, 0, 2)
		}, deliveries: Deliveries{Expected: 9 + 3 + 3, Delivered: 13, Excused: Excused{JoinRace: 2}}},
		{name: "gone and back", run: func(w *world) {
			w.c.Moving(w.now, 2, 0)
			w.publish(0, 0, 2)
			w.c.Left(w.now, 2, 0)
			w.publish(0, 0, 2) // of this one nothing is expected
			w.publish(0, 0, 2) // a millisecond before the request, which is as long as one may be under way
			w.c.Rejoining(w.now, 2, 0)
			w.publish(0, 0, 2)
			w.c.Rejoined(w.now, 2, 0)
			w.publish(0, 0)
		}, deliveries: Deliveries{Expected: 9 + 3 + 2 + 3 + 3 + 3, Delivered: 20, Excused: Excused{JoinRace: 3}}},
		{name: "the session ends before the answer", run: func(w *world) {
			w.c.Moving(w.now, 2, 0)
			w.drop(2)
			w.c.Ended(w.now, 2, EndExpired)
			w.publish(0, 0, 2)
			w.publish(0, 0, 2)
			w.rejoin(2)
			w.publish(1, 1)
		}, deliveries: Deliveries{Expected: 9 + 2 + 2 + 2, Delivered: 15}},
		{name: "comes to it later", prepare: func(topo *Topology) { topo.Subscribers[3].Later = []uint32{0} }, run: func(w *world) {
			w.publish(0, 0)
			w.c.Rejoining(w.now, 3, 0)
			w.publish(0, 0)
			w.c.Rejoined(w.now, 3, 0)
			w.publish(0, 0)
			w.deliver(3, 0, 0, 4)
		}, deliveries: Deliveries{Expected: 9 + 4 + 4 + 4, Delivered: 19, Excused: Excused{JoinRace: 2}}},
	} {
		for _, counted := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, counted %t", row.name, counted), func(t *testing.T) {
				topo := worldTopology(true)
				if row.prepare != nil {
					row.prepare(topo)
				}
				topo.Subscribers[2].Counted, topo.Subscribers[3].Counted = counted, counted
				w := worldOf(t, topo, Strict)
				w.round()
				row.run(w)
				j := w.judge(JudgeOptions{})
				checkSums(t, j)
				if got := j.Totals.Deliveries; got != row.deliveries {
					t.Errorf("got  %+v\nwant %+v", got, row.deliveries)
				}
				if v := j.violations(); len(v) > 0 {
					t.Errorf("violations %v, want none", v)
				}
			})
		}
	}
}
