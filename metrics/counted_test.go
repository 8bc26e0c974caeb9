package metrics

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// newSampledWorld is a world of which only the connections 0 and 3 are judged message by
// message.
func newSampledWorld(t *testing.T, reliable bool, p Profile) *world {
	topo := worldTopology(reliable)
	topo.Subscribers[1].Counted, topo.Subscribers[2].Counted = true, true
	return worldOf(t, topo, p)
}

// TestCounted: beside the sample totals are exact, what a message says by itself is
// judged, and so is how many there are.
func TestCounted(t *testing.T) {
	swap := func(w *world, connection int) {
		a, b := w.publish(0, 0, connection), w.publish(0, 0, connection)
		w.deliver(connection, 0, 0, b)
		w.deliver(connection, 0, 0, a)
	}
	twice := func(w *world, connection int) { w.deliver(connection, 0, 0, w.publish(0, 0)) }
	for _, row := range []struct {
		name       string
		plain      bool
		run        func(w *world)
		deliveries Deliveries // without Expected and Delivered
		missing    uint64     // copies that did not come
		violated   string
	}{
		{name: "all came", run: func(*world) {}},
		{name: "swapped within the sample", run: func(w *world) { swap(w, 0) }, deliveries: Deliveries{Reordered: 1}, violated: "R6 1"},
		{name: "swapped beside it", run: func(w *world) { swap(w, 1) }},
		{name: "twice within the sample", run: func(w *world) { twice(w, 0) }, deliveries: Deliveries{Duplicated: 1}, violated: "R5 1"},
		{name: "twice beside it", run: func(w *world) { twice(w, 1) }, deliveries: Deliveries{Duplicated: 1}, violated: "R5 1"},
		{name: "twice beside it, plain", plain: true, run: func(w *world) { twice(w, 1) }, deliveries: Deliveries{Duplicated: 1}, violated: "N2 1"},
		{name: "twice beside it, by a client that may have sent it twice", run: func(w *world) {
			w.topo.Publishers[0].Renumbers = true
			twice(w, 1)
		}, deliveries: Deliveries{ClientRetry: 1}},
		{name: "one for another beside it", run: func(w *world) {
			w.publish(0, 0, 1)
			twice(w, 1)
		}},
		{name: "lost within the sample", run: func(w *world) { w.publish(0, 0, 0) }, deliveries: Deliveries{Lost: 1}, missing: 1, violated: "R4 1"},
		{name: "lost beside it", run: func(w *world) { w.publish(0, 0, 1); w.publish(1, 1, 2) }, deliveries: Deliveries{Lost: 2}, missing: 2, violated: "R4 2"},
		{name: "lost beside it, plain", plain: true, run: func(w *world) { w.publish(0, 0, 1) }, deliveries: Deliveries{Lost: 1}, missing: 1, violated: "N3 1"},
		{name: "refused", run: func(w *world) {
			w.c.Outcome(0, 0, w.send(0, 0), OutcomeFail)
		}, deliveries: Deliveries{Excused: Excused{Rejected: 3}}, missing: 3},
		{name: "disconnected meanwhile", plain: true, run: func(w *world) {
			w.drop(1)
			w.publish(0, 0, 1)
			w.publish(0, 0, 1)
			w.now += worldEvery / 2
			w.rejoin(1)
			w.publish(0, 0)
		}, deliveries: Deliveries{Excused: Excused{Disconnect: 2}}, missing: 2},
		{name: "more missing than the outage excuses", plain: true, run: func(w *world) {
			for range 20 {
				w.publish(0, 0, 1)
				w.publish(1, 0) // a sign of life, so that the outage begins behind it
			}
			w.drop(1)
			w.publish(0, 0, 1)
			w.now += worldEvery / 2
			w.rejoin(1)
			w.publish(0, 0)
		}, deliveries: Deliveries{Lost: 18, Excused: Excused{Disconnect: 3}}, missing: 21, violated: "N3 18"}, // the last two may have been on their way
		{name: "detached at the end", run: func(w *world) {
			w.drop(1)
			w.publish(0, 0, 1)
		}, deliveries: Deliveries{Undelivered: 1}, missing: 1},
		{name: "replayed", run: func(w *world) {
			w.drop(2)
			w.resume(2)
			w.replay(2, 2, 0, 1, 4)
		}, deliveries: Deliveries{Replayed: 1}},
		{name: "damaged beside it", run: func(w *world) {
			m := w.publish(0, 0, 1)
			d := w.delivery(1, 0, 0, m)
			d.Data[len(d.Data)-1] ^= 1
			w.c.Deliver(w.now, 1, &d)
		}, deliveries: Deliveries{Corrupt: 1}, violated: "X1 1"},
		{name: "under an id that it has seen", run: func(w *world) {
			m := w.publish(0, 0, 1)
			w.replay(1, 0, 0, m, 2)
		}, deliveries: Deliveries{Replayed: 1, Lost: 1}, missing: 1, violated: "R1 1"},
		{name: "in the wrong group", run: func(w *world) {
			m := w.publish(2, 0)
			w.deliver(1, 2, 0, m)
		}, deliveries: Deliveries{Unexpected: 1}, violated: "G3 1"},
		{name: "a gap in the sequence ids", run: func(w *world) {
			w.publish(0, 0, 1)
			w.ids[1]++
			w.publish(0, 0)
		}, deliveries: Deliveries{Lost: 1}, missing: 1, violated: "R1s 1"},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := newSampledWorld(t, !row.plain, Strict)
			w.round()
			w.round()
			row.run(w)
			j := w.judge(JudgeOptions{})
			checkSums(t, j)
			got := j.Totals.Deliveries
			if missing := got.Expected - got.Delivered; missing != row.missing {
				t.Errorf("%d of %d copies are missing, want %d", missing, got.Expected, row.missing)
			}
			got.Expected, got.Delivered = 0, 0
			if got != row.deliveries {
				t.Errorf("deliveries %+v, want %+v", got, row.deliveries)
			}
			var violated []string
			for _, c := range j.Checks {
				if c.Violations > 0 {
					violated = append(violated, fmt.Sprint(c.ID, " ", c.Violations))
				}
				if c.Violations > 0 && len(c.Examples) == 0 {
					t.Errorf("%s has no example", c.ID)
				}
			}
			if got := strings.Join(violated, ", "); got != row.violated {
				t.Errorf("violated %q, want %q", got, row.violated)
			}
			var groups uint64
			for _, g := range j.Groups.Worst {
				groups += g.Expected - g.Delivered
			}
			if groups != row.missing {
				t.Errorf("%d copies are missing in the groups, want %d", groups, row.missing)
			}
		})
	}
}

// TestCoverage: a check on a sample says so, and how large the sample is.
func TestCoverage(t *testing.T) {
	w := newSampledWorld(t, true, Strict)
	w.round()
	j := w.judge(JudgeOptions{})
	plain := newSampledWorld(t, false, Strict)
	plain.round()
	jPlain := plain.judge(JudgeOptions{})
	// Room 0 has two publishers and three members, room 1 two and two, one of which hears
	// only one of them under noEcho: of 9 pairs the connections 0 and 3 have 3.
	for _, row := range []struct {
		j    *Judgement
		want map[string]float64
	}{
		{j, map[string]float64{"R4": 3.0 / 9, "R5": 3.0 / 9, "R6": 3.0 / 9, "R1": 1, "X1": 1, "N1": 1, "N2": 1, "N3": 1}},
		{jPlain, map[string]float64{"N1": 3.0 / 9, "N2": 3.0 / 9, "N3": 3.0 / 9, "X1": 1, "R4": 1, "R5": 1, "R6": 1}},
	} {
		for id, want := range row.want {
			c := row.j.check(id)
			if c.CoverageRatio != want {
				t.Errorf("%s covers %.3f, want %.3f", id, c.CoverageRatio, want)
			}
			if sampled := strings.Contains(c.Reason, "a sample: 2 of 4 subscribers"); sampled != (want < 1) {
				t.Errorf("%s: %q", id, c.Reason)
			}
		}
	}
	if c := j.check("R4"); c.Result != CheckOK {
		t.Errorf("R4 is %s", c.Result)
	}
}

// TestCountedMembership: a group that is heard of again after a recovery is one
// opportunity of G2, beside the sample and within.
func TestCountedMembership(t *testing.T) {
	for name, w := range map[string]*world{"within": newWorld(t, true, Strict), "beside": newSampledWorld(t, true, Strict)} {
		w.round()
		w.drop(2)
		w.resume(2)
		for range 3 {
			w.round()
		}
		if c := w.judge(JudgeOptions{}).check("G2"); c.Checked != 2 || c.Result != CheckOK {
			t.Errorf("%s: G2 is %s of %d, want ok of 2 groups", name, c.Result, c.Checked)
		}
	}
}

// TestCountedOwed: what was due before it joined is not waited for, beside the sample and
// within.
func TestCountedOwed(t *testing.T) {
	due := func(n uint64) func(p, _ int) uint64 {
		return func(p, _ int) uint64 { return map[int]uint64{0: n}[p] }
	}
	for name, w := range map[string]*world{"within": newWorld(t, true, Strict), "beside": newSampledWorld(t, true, Strict)} {
		w.publish(0, 0)
		w.drop(1)
		w.c.Ended(w.now, 1, EndExpired)
		w.publish(0, 0, 1)
		w.publish(0, 0, 1)
		w.rejoin(1)
		w.c.OwedFrom(1, -1, due(3))
		if messages, bytes := w.c.Outstanding(1, due(5)); messages != 2 || bytes != 2*64 {
			t.Errorf("%s: %d messages of %d bytes outstanding, want 2 of 64 each", name, messages, bytes)
		}
	}
}

func TestSample(t *testing.T) {
	topology := func() *Topology {
		topo := &Topology{RunID: 1, Groups: []string{"g"}, Populations: []string{"p"}}
		for c := range 100 {
			topo.Subscribers = append(topo.Subscribers, Subscriber{Groups: []uint32{0}})
			if c < 10 {
				topo.Publishers = append(topo.Publishers, Publisher{Connection: c, Addresses: []uint32{0}})
			}
		}
		topo.Subscribers = append(topo.Subscribers, Subscriber{}) // hears nothing
		return topo
	}
	counted := func(pairs int, seed uint64) (ids []int) {
		topo := topology()
		topo.Sample(pairs, seed)
		for c, s := range topo.Subscribers {
			if s.Counted {
				ids = append(ids, c)
			}
		}
		return ids
	}
	for pairs, want := range map[int]int{0: 0, 1000: 0, 999: 1, 500: 50, 19: 99, 1: 99} {
		if got := len(counted(pairs, 1)); got != want {
			t.Errorf("at %d pairs %d subscribers are only counted, want %d", pairs, got, want)
		}
	}
	if a, b := counted(500, 1), counted(500, 1); !slices.Equal(a, b) {
		t.Error("one seed makes two samples")
	}
	if a, b := counted(500, 1), counted(500, 2); slices.Equal(a, b) {
		t.Error("two seeds make one sample")
	}
}

// TestCountedCatchUp: a subscriber beside the sample has caught up by count, or with the
// first message that was due after its socket opened.
func TestCountedCatchUp(t *testing.T) {
	due := func(n uint64) func(p, _ int) uint64 {
		return func(p, _ int) uint64 { return map[int]uint64{0: n}[p] }
	}
	w := newSampledWorld(t, true, Strict)
	if r := w.deliver(1, 0, 0, w.publish(0, 0, 1)); r.CaughtUp || !r.Counted {
		t.Errorf("%+v, want one to count, without an outage", r)
	}
	w.drop(1)
	w.resume(1)
	if !w.c.ExpectCatchUp(1, 150*time.Millisecond, due(1)) {
		t.Error("nothing is missing, yet it is to catch up")
	}
	for range 2 {
		w.publish(0, 0, 1)
	}
	if w.c.ExpectCatchUp(1, 350*time.Millisecond, due(3)) {
		t.Error("two are missing, yet it has caught up")
	}
	if r := w.deliver(1, 0, 0, 2); r.CaughtUp {
		t.Error("caught up with one missing")
	}
	if w.c.RecheckCatchUp(1) {
		t.Error("caught up though nothing came")
	}
	if r := w.deliver(1, 0, 0, 3); !r.CaughtUp {
		t.Error("not caught up with all there")
	}
	w.publish(0, 0, 1)
	w.publish(0, 0, 1)
	m := w.publish(0, 0, 1)
	if messages, bytes := w.c.Outstanding(1, due(m)); messages != 3 || bytes != 3*64 {
		t.Errorf("%d messages of %d bytes outstanding, want 3 of 64 each", messages, bytes)
	}
	w.c.ExpectCatchUp(1, 550*time.Millisecond, due(m-1))
	if r := w.deliver(1, 0, 0, m); !r.CaughtUp {
		t.Error("one that was due after the socket opened came, yet not caught up")
	}
}
