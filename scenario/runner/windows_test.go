package runner

import (
	"testing"
	"time"
)

// Steady state is half open: its first instant belongs to it, the first of the drain does
// not; a run that was stopped has seen what there was until then.
func TestSteadyState(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	r := &run{plan: planOf(t, base, "phases.warmup=200ms", "phases.steady=[{name: a, for: 1s}, {name: b, for: 1s}]")}
	for due, want := range map[time.Duration]bool{200*ms - 1: false, 200 * ms: true, 1200 * ms: true, 2200*ms - 1: true, 2200 * ms: false} {
		if got := r.steady(due); got != want {
			t.Errorf("%v: %t, want %t", due, got, want)
		}
	}
	for end, want := range map[time.Duration]time.Duration{
		0: 0, 100 * ms: 0, 200 * ms: 0, 700 * ms: 500 * ms, 2200 * ms: 2000 * ms, 9000 * ms: 2000 * ms,
	} {
		if got := steadyLength(r.plan, end); got != want {
			t.Errorf("published until %v: %v of steady state, want %v", end, got, want)
		}
	}
}

// The windows of the phases follow each other without a gap, and those of faults begin with
// their incidents.
func TestWindowsOfAPlan(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	plan := planOf(t, base, "phases.warmup=200ms", "phases.steady=[{name: a, for: 1s}, {name: b, for: 1s}]",
		"faults=[{name: F, at: 300ms, every: 400ms, for: 800ms, population: members, hit: 1, kind: rst}]")
	w := newWindows(plan)
	for i, want := range []struct {
		name     string
		from, to time.Duration
		steady   bool
	}{
		{"connect", w.Phases[0].From, 0, false}, {"warmup", 0, 200 * ms, false},
		{"a", 200 * ms, 1200 * ms, true}, {"b", 1200 * ms, 2200 * ms, true}, {"drain", 2200 * ms, w.Phases[4].To, false},
	} {
		if p := w.Phases[i]; p.Name != want.name || p.From != want.from || p.To != want.to || p.Steady != want.steady {
			t.Errorf("phase %d is %+v, want %+v", i, p, want)
		}
	}
	if w.Phases[0].From > -time.Hour || w.Phases[4].To < 1000*time.Hour {
		t.Error("connect and drain are not open")
	}
	var faults []time.Duration
	for _, f := range w.Faults {
		if faults = append(faults, f.From); f.Name != "F" {
			t.Errorf("an incident of %s", f.Name)
		}
	}
	if len(faults) != 2 || faults[0] != 500*ms || faults[1] != 900*ms {
		t.Errorf("incidents at %v, want 300 and 700 ms into steady state", faults)
	}
	r := &run{windows: w}
	w.Faults[0].Close(600 * ms)
	for at, want := range map[time.Duration]string{499 * ms: "", 500 * ms: w.Faults[0].ID, 600 * ms: "", 900 * ms: w.Faults[1].ID, time.Hour: w.Faults[1].ID} {
		if got := r.incidentAt(at); got != want {
			t.Errorf("at %v: %q, want %q", at, got, want)
		}
	}
}
