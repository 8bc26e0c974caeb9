package runner

import (
	"fmt"
	"testing"
	"time"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/wire"
	"github.com/wpsbench/wpsbench/wire/emulator"
)

// Whatever way a reliable session loses its transport, and on whatever schedule, it
// comes back and misses nothing, and the emulator has seen the same.
func TestFaultKinds(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name      string
		fault     string
		incidents []metrics.IncidentOutcomes
		takeovers uint64
		closes    map[string]uint64 // as the clients saw them
	}{
		{
			name: "fin", fault: "kind: fin, hit: 4",
			incidents: []metrics.IncidentOutcomes{{Resumed: 4}},
			closes:    map[string]uint64{"us 0 connection ended on purpose, without a close frame": 4},
		},
		{
			name: "zombie", fault: "kind: zombie, hit: 4",
			incidents: []metrics.IncidentOutcomes{{Resumed: 4}}, takeovers: 4,
			closes: map[string]uint64{"us 0 connection left open and silent on purpose": 4},
		},
		{
			name: "spread", fault: "kind: rst, hit: 100%, over: 600ms",
			incidents: []metrics.IncidentOutcomes{{Resumed: 12}},
			closes:    map[string]uint64{"us 0 connection reset on purpose": 12},
		},
		{
			name: "rolling", fault: "kind: rst, hit: 100%, over: 600ms, batches: 3",
			incidents: []metrics.IncidentOutcomes{{Resumed: 12}},
			closes:    map[string]uint64{"us 0 connection reset on purpose": 12},
		},
		{
			name: "repeated", fault: "kind: rst, hit: 1, every: 300ms, for: 800ms",
			incidents: []metrics.IncidentOutcomes{{Resumed: 1}, {Resumed: 1}, {Resumed: 1}},
			closes:    map[string]uint64{"us 0 connection reset on purpose": 3},
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			plan := planOf(t, base, backSoon, "faults=[{name: F, at: 100ms, population: members, "+row.fault+"}]")
			rec, stats := execute(t, plan, emulator.Options{})
			wantAddsUp(t, rec)
			wantDeliveries(t, rec, metrics.Deliveries{Expected: 576, Delivered: 576})
			var got []metrics.IncidentOutcomes
			for _, in := range rec.Incidents {
				got = append(got, in.Outcomes)
				if in.EndS == nil {
					t.Errorf("%s: not over", in.ID)
				}
			}
			if fmt.Sprint(got) != fmt.Sprint(row.incidents) {
				t.Errorf("outcomes %+v, want %+v", got, row.incidents)
			}
			closes := map[string]uint64{}
			for _, c := range rec.Connections.CloseReasons {
				if c.Code != 1000 { // the end of the run
					closes[fmt.Sprintf("%s %d %s", c.Side, c.Code, c.Text)] = c.Count
				}
			}
			if fmt.Sprint(closes) != fmt.Sprint(row.closes) {
				t.Errorf("closes %v, want %v", closes, row.closes)
			}
			resumed := 0
			for _, o := range row.incidents {
				resumed += o.Resumed
			}
			// A reset may be overtaken by the recovery, so others may be takeovers too.
			if stats.RecoveriesAccepted != uint64(resumed) || stats.RecoveriesRefused != 0 || stats.Takeovers < row.takeovers {
				t.Errorf("the emulator counts %d recoveries, %d refused, %d of a session still attached; want %d, 0 and at least %d",
					stats.RecoveriesAccepted, stats.RecoveriesRefused, stats.Takeovers, resumed, row.takeovers)
			}
			if rec.Verdict.ExitCode != metrics.ExitPass {
				t.Errorf("verdict %s: %s", rec.Verdict.Result, rec.Verdict.Headline)
			}
		})
	}
}

// A session that is hit again before it has caught up has not recovered: it is told
// apart, and the window of the first incident ends all the same.
func TestHitAgain(t *testing.T) {
	t.Parallel()
	cs := "Endpoint=http://127.0.0.1:1;AccessKey=" + wire.EmulatorKey + ";Version=1.0;"
	r := newRun(configOf(t, planOf(t, base, hitThree), cs))
	r.t0 = r.start
	at := r.t0 + time.Second
	for range 3 {
		r.struck(0)
	}
	r.returned(0, at)
	for range r.workers {
		r.struckAll(0)
	}
	r.hitAgain(0, at+time.Second)
	if !r.windows.Faults[0].Contains(time.Hour) {
		t.Error("the window is over while a session is out")
	}
	r.hitAgain(0, at+2*time.Second)
	if w := r.windows.Faults[0]; w.Contains(3*time.Second) || !w.Contains(3*time.Second-1) {
		t.Error("the window does not end with the last of the sessions")
	}
	if got := r.events[len(r.events)-1].Text; got != "F1 1 of 3 sessions caught up, the others were hit again before" {
		t.Errorf("told %q", got)
	}
}
