package runner

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/wpsbench/wpsbench/metrics"
)

// number fills every field that counts with a number of its own, from first on.
func number(t *testing.T, v reflect.Value, first uint64) {
	t.Helper()
	for i := range v.NumField() {
		switch f := v.Field(i); {
		case f.CanInt():
			f.SetInt(int64(first) + int64(i))
		case f.CanUint():
			f.SetUint(first + uint64(i))
		}
	}
}

// sumsOf are the numbers of all fields that count, by name.
func sumsOf(v reflect.Value) map[string]uint64 {
	sums := map[string]uint64{}
	for i := range v.NumField() {
		switch f := v.Field(i); {
		case f.CanInt():
			sums[v.Type().Field(i).Name] = uint64(f.Int())
		case f.CanUint():
			sums[v.Type().Field(i).Name] = f.Uint()
		}
	}
	return sums
}

// What workers and processes count adds up, every field of it.
func TestCountsAddUp(t *testing.T) {
	t.Parallel()
	var f1, f2 metrics.Funnel
	var s1, s2 standing
	for _, row := range []struct {
		name     string
		sum, one reflect.Value
		add      func()
	}{
		{"funnel", reflect.ValueOf(&f1).Elem(), reflect.ValueOf(&f2).Elem(), func() { addFunnel(&f1, &f2) }},
		{"standing", reflect.ValueOf(&s1).Elem(), reflect.ValueOf(&s2).Elem(), func() { s1.add(s2) }},
	} {
		number(t, row.sum, 100)
		number(t, row.one, 1000)
		row.add()
		for i := range row.sum.NumField() {
			name := row.sum.Type().Field(i).Name
			if got, counts := sumsOf(row.sum)[name]; counts && got != 1100+2*uint64(i) {
				t.Errorf("%s: %s is %d, want %d", row.name, name, got, 1100+2*i)
			}
		}
	}
	s1.add(standing{First: "the first"})
	s1.add(standing{First: "a later one"})
	if s1.First != "the first" {
		t.Errorf("the first violation is %q", s1.First)
	}
	got := tally{through: 1, calls: 2, hit: 3, back: 4, again: 5, last: 60}
	got.add(tally{through: 10, calls: 20, hit: 30, back: 40, again: 50, last: 6})
	if want := (tally{through: 11, calls: 22, hit: 33, back: 44, again: 55, last: 60}); got != want {
		t.Errorf("tally %+v, want %+v", got, want)
	}
}

// twoWorkers is a run of which two workers have left something about its one incident, and
// about drops that nobody injected.
func twoWorkers(t *testing.T) *run {
	t.Helper()
	r := newRun(newFake(t, script{}).config(t, planOf(t, base, hitThree)))
	r.parts = []part{local{r}}
	r.t0 = r.start + 100*time.Millisecond
	for range 2 {
		r.left = append(r.left, &leaving{incidents: make([]incidentShard, 2)})
	}
	return r
}

// outage is a recovery whose session was hit and came back so long after the start.
func outage(r *run, hit, detected, back time.Duration, o recoveryOutcome) (*recovery, time.Duration) {
	return &recovery{
		entry: noEntry, fault: r.start + hit, detected: r.start + detected, openedAt: r.start + detected,
		attempts: 2, replayed: 5, redundant: 3, outcome: o,
	}, r.start + back
}

// An incident is what all workers saw of it.
func TestIncidentOfAllWorkers(t *testing.T) {
	t.Parallel()
	r := twoWorkers(t)
	one, two := &r.left[0].incidents[0], &r.left[1].incidents[0]
	const ms = time.Millisecond
	one.begin(r.start + 2000*ms)
	two.begin(r.start + 1500*ms)
	two.begin(r.start + 2500*ms)
	one.missed, two.missed = 1, 2
	one.finish(outage(r, 2000*ms, 2010*ms, 9000*ms, outcomeResumed))
	one.finish(outage(r, 2500*ms, 2510*ms, 3500*ms, outcomeNewConnection))
	two.finish(outage(r, 1500*ms, 1510*ms, 4500*ms, outcomeOverflow))
	two.finish(outage(r, 1500*ms, 1510*ms, 2000*ms, outcomeGaveUp))
	held, at := outage(r, 1600*ms, 1700*ms, 1800*ms, outcomeHeld)
	two.finish(held, at)
	for i, at := range []time.Duration{4000, 4100, 4900, 5000} { // three within the second from 4 s on
		r.left[i%2].incidents[0].opens.add(at * ms)
	}
	one.closes.add(closeKey{code: 1001, text: "bye"})
	two.closes.add(closeKey{code: 1001, text: "bye"})
	two.closes.add(closeKey{us: true, text: "reset"})
	for range 5 {
		r.struck(0)
	}

	in := r.incidentResults()
	if len(in) != 1 {
		t.Fatalf("%d incidents, want 1", len(in))
	}
	got := in[0]
	if got.ID != "F1" || got.Kind != "rst" || got.Hit != 5 || got.Missed != 3 || got.StartS != 1.5 || got.EndS == nil || *got.EndS != 9 {
		t.Errorf("%s %s hit %d and missed %d from %v to %v; want F1 rst, 5, 3, 1.5, 9", got.ID, got.Kind, got.Hit, got.Missed, got.StartS, got.EndS)
	}
	if want := (metrics.IncidentOutcomes{Resumed: 1, NewConnection: 1, GaveUp: 1, Overflow: 1, Held: 1}); got.Outcomes != want {
		t.Errorf("outcomes %+v, want %+v", got.Outcomes, want)
	}
	if got.Attempts != 10 || got.Replayed != 25 || got.Redundant != 15 || got.PeakPerS != 3 {
		t.Errorf("%d attempts, %d replayed, %d redundant, %v a second; want 10, 25, 15, 3", got.Attempts, got.Replayed, got.Redundant, got.PeakPerS)
	}
	wantCloses := []metrics.CloseReason{{Side: "peer", Code: 1001, Text: "bye", Count: 2}, {Side: "us", Text: "reset", Count: 1}}
	if !reflect.DeepEqual(got.Closes, wantCloses) {
		t.Errorf("closes %+v, want %+v", got.Closes, wantCloses)
	}
	// Four were out, for 500 ms, 1 s, 3 s and 7 s; the one that was held never was.
	if s := got.Stages["outage"]; s == nil || s.N != 4 || *s.Max/1000 != 7000 {
		t.Errorf("outages %+v, want 4 up to 7 s", s)
	}
	if p50, p100 := got.CaughtUpS["p50"], got.CaughtUpS["p100"]; p50 == nil || math.Abs(*p50-1) > 0.002 || p100 == nil || math.Abs(*p100-7) > 0.01 {
		t.Errorf("caught up after %v and %v, want 1 s and 7 s", p50, p100)
	}
}

// An incident is over when all that it hit are back, and not before.
func TestIncidentIsOver(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		hit  int
		left recoveryOutcome // of the second session
		over bool
	}{
		{"all are back", 2, outcomeResumed, true},
		{"one was hit again", 2, outcomeHitAgain, false},
		{"one is out at the end", 2, outcomeOpen, false},
		{"one has left nothing", 3, outcomeResumed, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			r := twoWorkers(t)
			s := &r.left[0].incidents[0]
			s.begin(r.start + time.Second)
			s.finish(outage(r, time.Second, time.Second, 2*time.Second, outcomeResumed))
			rec, at := outage(r, time.Second, time.Second, 3*time.Second, row.left)
			if row.left == outcomeResumed {
				s.finish(rec, at)
			} else {
				s.file(rec)
			}
			for range row.hit {
				r.struck(0)
			}
			in := r.incidentResults()[0]
			if (in.EndS != nil) != row.over || (in.CaughtUpS["p100"] != nil) != row.over {
				t.Errorf("over at %v, all caught up after %v", in.EndS, in.CaughtUpS["p100"])
			}
			if in.CaughtUpS["p50"] == nil && row.hit == 2 {
				t.Error("half of the sessions caught up, and the record does not say when")
			}
		})
	}
}

// Drops that nobody injected are an incident of their own, if there were any.
func TestDropsNotInjected(t *testing.T) {
	t.Parallel()
	r := twoWorkers(t)
	if in := r.incidentResults(); len(in) != 0 {
		t.Errorf("incidents of nothing: %+v", in)
	}
	for i, hit := range []int{1, 2} {
		s := &r.left[i].incidents[1]
		s.begin(r.start + time.Second)
		s.hit = hit
		for range hit {
			s.finish(outage(r, time.Second, time.Second, 2*time.Second, outcomeResumed))
		}
	}
	in := r.incidentResults()
	if len(in) != 1 || in[0].ID != "drops" || in[0].Kind != "not injected" || in[0].Hit != 3 || in[0].Outcomes.Resumed != 3 || in[0].EndS == nil {
		t.Errorf("incidents %+v, want the drops of 3", in)
	}
}

// The log of injections holds those of all workers in the order of time, the first ones
// singly.
func TestInjectionsOfAllWorkers(t *testing.T) {
	t.Parallel()
	r := twoWorkers(t)
	const ms = time.Millisecond
	two := &r.left[1].injections
	rec, back := outage(r, 1000*ms, 1250*ms, 3000*ms, outcomeResumed)
	rec.entry = two.add(rec.fault, 0, 7, "open")
	two.drop(rec, closeKey{code: 1006, text: "gone"})
	two.effect(rec, "resumed", back)
	gaveUp, _ := outage(r, 1000*ms, 1100*ms, 0, outcomeOpen)
	gaveUp.entry = two.add(gaveUp.fault, 0, 3, "open")
	two.drop(gaveUp, closeKey{us: true, text: "reset"})
	two.effect(gaveUp, "open", 0)
	for i := range metrics.MaxInjections + 2 {
		entry := r.left[0].injections.add(r.start+500*ms+time.Duration(i)*ms, 0, 5, "missed")
		if (entry == noEntry) != (i >= metrics.MaxInjections) {
			t.Fatalf("injection %d has entry %d", i, entry)
		}
	}
	unseen := &recovery{entry: noEntry} // changes no entry
	two.drop(unseen, closeKey{text: "nothing"})
	two.effect(unseen, "nothing", 1)

	got := r.injectionLogs()
	if got.Count != metrics.MaxInjections+4 || len(got.Log) != metrics.MaxInjections {
		t.Fatalf("%d injections, %d shown; want %d and %d", got.Count, len(got.Log), metrics.MaxInjections+4, metrics.MaxInjections)
	}
	if !slices.IsSortedFunc(got.Log, func(a, b metrics.Injection) int { return int(a.TS*1000) - int(b.TS*1000) }) {
		t.Error("not in the order of time")
	}
	show := func(in metrics.Injection) string {
		micros := func(v *int64) string {
			if v == nil {
				return "-"
			}
			return fmt.Sprint(*v)
		}
		return fmt.Sprint(in.TS, " ", in.Incident, " ", in.Kind, " ", in.Session, " ", in.Effect, " ", in.CloseSide, " ", in.CloseCode, " ", in.CloseText, " ",
			micros(in.DetectMicros), " ", micros(in.OutageMicros))
	}
	// At one second there are three: by session.
	for i, want := range map[int]string{
		0:   "0.5 F1 rst 5 missed  0  - -",
		500: "1 F1 rst 3 open us 0 reset 100000 -",
		501: "1 F1 rst 5 missed  0  - -",
		502: "1 F1 rst 7 resumed peer 1006 gone 250000 2000000",
	} {
		if got := show(got.Log[i]); got != want {
			t.Errorf("injection %d: %s, want %s", i, got, want)
		}
	}
}

// What the workers say of their connections adds up, and the peak is that of one of them.
func TestConnectionsOfAllWorkers(t *testing.T) {
	t.Parallel()
	r := twoWorkers(t)
	one, two := r.left[0], r.left[1]
	one.budgetPeak, two.budgetPeak = metrics.BudgetPeak{UnackedMessages: 7, UnackedBytes: 1}, metrics.BudgetPeak{UnackedMessages: 5, UnackedBytes: 9, AcksInFlight: 3}
	one.counts.duplicate, two.counts.duplicate = 2, 3
	one.selfInflicted, two.selfInflicted = 4, 1
	one.funnel.Drops, two.funnel.Drops = 10, 20
	one.closes.add(closeKey{code: 1000})
	two.closes.add(closeKey{code: 1000})
	got := r.connectionResults()
	want := metrics.Budget{
		Peak:  metrics.BudgetPeak{UnackedMessages: 7, UnackedBytes: 9, AcksInFlight: 3},
		Limit: metrics.ServiceBudget, Duplicates: 5, SelfInflicted: 5,
	}
	if *got.Budget != want || got.Funnel.Drops != 30 || len(got.CloseReasons) != 1 || got.CloseReasons[0].Count != 2 {
		t.Errorf("budget %+v, %d drops, closes %+v; want %+v, 30 and 2 of one kind", *got.Budget, got.Funnel.Drops, got.CloseReasons, want)
	}
}
