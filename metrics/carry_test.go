package metrics

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"
)

// Whatever comes of intervals comes of them too when they were handed over by another
// process.
func TestIntervalsCarriedOver(t *testing.T) {
	const workers, ticks, perTick = 3, 25, 500
	w := testWindows()
	views := []View{{Metric: E2ELatency, Population: 1}, {Metric: AckRTT, During: "normal", Population: -1}}
	here, there := NewCollector(w, views), NewCollector(w, views)
	rnd := rand.New(rand.NewPCG(7, 1))
	for tick := range ticks {
		for range workers {
			r := NewRecorder(w, views)
			for range perTick {
				at := time.Duration(rnd.Int64N(int64(25*time.Second))) - 3*time.Second
				v := time.Duration(rnd.ExpFloat64() * float64(time.Second))
				if rnd.IntN(50) == 0 {
					v = []time.Duration{-1, 0, 2 * time.Hour, time.Hour}[rnd.IntN(4)]
				}
				r.Record(Metric(rnd.IntN(int(metricCount))), at, rnd.IntN(2), v)
			}
			iv := r.Swap()
			iv.Sent, iv.Delivered, iv.Open, iv.Recovering, iv.BytesSent = rnd.Uint64(), 3, 4, 5, 6
			b, err := iv.AppendBinary(nil)
			if err != nil {
				t.Fatal(err)
			}
			var carried Interval
			if err := carried.UnmarshalBinary(b); err != nil {
				t.Fatal(err)
			}
			if err := new(Interval).UnmarshalBinary(b[:len(b)/2]); err == nil {
				t.Fatal("half an interval is accepted")
			}
			here.Add(tick, iv)
			there.Add(tick, &carried)
		}
	}
	for m := range metricCount {
		for _, phase := range []string{"", "connect", "warmup", "normal", "rush", "drain"} {
			if got, want := there.Summary(m, phase), here.Summary(m, phase); !reflect.DeepEqual(got, want) {
				t.Errorf("%v in %q: got %+v, want %+v", m, phase, got, want)
			}
		}
	}
	for i := range views {
		if got, want := there.View(i), here.View(i); !reflect.DeepEqual(got, want) {
			t.Errorf("view %d: got %+v, want %+v", i, got, want)
		}
	}
	if got, want := there.Series(0, time.Second), here.Series(0, time.Second); !reflect.DeepEqual(got, want) {
		t.Errorf("series: got %+v, want %+v", got, want)
	}
}

// An interval of many values is handed over like one of few, by the cell.
func TestFastIntervalCarriedOver(t *testing.T) {
	w := testWindows()
	views := []View{{Metric: E2ELatency, Population: -1}}
	here, there := NewCollector(w, views), NewCollector(w, views)
	r, same := NewRecorder(w, views), NewRecorder(w, views)
	for tick := range 2 {
		for i := range 4*batchValues + 100 {
			v := time.Duration(i%500) * time.Millisecond
			for _, each := range []*Recorder{r, same} {
				each.Record(E2ELatency, 6*time.Second, 0, v)
			}
		}
		iv := r.Swap()
		b, err := iv.AppendBinary(nil)
		if err != nil {
			t.Fatal(err)
		}
		iv.Release()
		var carried Interval
		if err := carried.UnmarshalBinary(b); err != nil {
			t.Fatal(err)
		}
		if most := 10_000; len(b) > most {
			t.Errorf("tick %d: takes %d bytes for two times 500 cells, want %d at most", tick, len(b), most)
		}
		here.Add(tick, same.Swap())
		there.Add(tick, &carried)
	}
	if got, want := there.Steady(E2ELatency), here.Steady(E2ELatency); want.Count != 2*(4*batchValues+100) || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got, want := there.View(0), here.View(0); !reflect.DeepEqual(got, want) {
		t.Errorf("view: got %+v, want %+v", got, want)
	}
}

// A recovery in one process does not wait for what another process never sent.
func TestVoidsOfAnotherProcess(t *testing.T) {
	here, there := worldTopology(true), worldTopology(true)
	there.ShareVoids()
	publisher := NewChecker(there, Spec, []int{0})
	subscriber := NewChecker(here, Spec, []int{1, 2, 3})
	subscriber.Opened(worldT0, 1, false)
	subscriber.Joined(worldT0, 1)
	subscriber.Dropped(worldT0, 1)
	subscriber.Opened(worldT0, 1, true)
	due := func(p, _ int) uint64 { return map[int]uint64{0: 3}[p] }
	if subscriber.ExpectCatchUp(1, 0, due) {
		t.Fatal("nothing is waited for")
	}
	w := &world{t: t, topo: here, c: subscriber, ids: map[int]uint64{}}
	if w.deliver(1, 0, 0, 4).CaughtUp {
		t.Fatal("caught up without messages 1 to 3")
	}
	publisher.Skipped(0, 0, 1)
	publisher.Skipped(0, 0, 2)
	publisher.Sent(0, 0, 3, 0)
	publisher.Outcome(0, 0, 3, OutcomeIndeterminateDisconnect)
	voids := there.TakeVoids()
	want := []Void{{Publisher: 0, Slot: 0, From: 1, To: 4}}
	if !slices.Equal(voids, want) {
		t.Errorf("voids %+v, want %+v", voids, want)
	}
	if again := there.TakeVoids(); len(again) != 0 {
		t.Errorf("taken twice: %+v", again)
	}
	here.AddVoids(voids)
	if !subscriber.RecheckCatchUp(1) {
		t.Error("not caught up though nothing is missing that was sent")
	}
}
