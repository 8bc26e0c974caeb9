package runner

import (
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/scenario"
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
			plan := planOf(t, base, backSoon, "seed=2", "faults=[{name: F, at: 100ms, population: members, "+row.fault+"}]")
			rec, stats := execute(t, plan, emulator.Options{})
			wantAddsUp(t, rec)
			wantDeliveries(t, rec, metrics.Deliveries{Expected: 576, Delivered: 576})
			var got []metrics.IncidentOutcomes
			for _, in := range rec.Incidents {
				got = append(got, in.Outcomes)
				if in.EndS == nil || in.CaughtUpS["p100"] == nil || in.Attempts < uint64(in.Hit) {
					t.Errorf("%s: over at %v, all caught up after %v, %d attempts", in.ID, in.EndS, in.CaughtUpS["p100"], in.Attempts)
				}
				for _, name := range []string{"detect", "backoff", "queued", "tcp", "upgrade", "catch_up", "recovery", "outage"} {
					if st := in.Stages[name]; st == nil || st.N != uint64(in.Hit) || st.Histogram == nil {
						t.Errorf("%s: stage %s is %+v, want one of %d sessions", in.ID, name, st, in.Hit)
					}
				}
			}
			wantInjections(t, plan, rec)
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
			if stats.Publishes != 144 || stats.Deliveries != 576 {
				t.Errorf("the emulator counts %d publishes and %d deliveries, want 144 and 576", stats.Publishes, stats.Deliveries)
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

// wantInjections: the log has every injection of the plan, at its place in time, with
// what came of it.
func wantInjections(t *testing.T, plan *scenario.Plan, rec *metrics.Run) {
	t.Helper()
	var want []string
	for i := range plan.Scenario.Faults {
		x := plan.Injections(i)
		for in, ok := x.Next(); ok; in, ok = x.Next() {
			want = append(want, fmt.Sprint(plan.Incidents()[in.Incident].ID, " ", plan.Scenario.Faults[i].Kind, " ", in.Connection))
		}
	}
	var got []string
	for i, in := range rec.Injections.Log {
		got = append(got, fmt.Sprint(in.Incident, " ", in.Kind, " ", in.Session))
		if in.Effect != "resumed" || in.CloseSide != "us" || in.CloseText == "" || in.DetectMicros == nil || in.OutageMicros == nil || *in.OutageMicros <= 0 {
			t.Errorf("injection %+v; want one that the client saw, and resumed", in)
		}
		if i > 0 && in.TS < rec.Injections.Log[i-1].TS {
			t.Errorf("injection %d comes before the one above it", i)
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) || rec.Injections.Count != uint64(len(want)) {
		t.Errorf("%d injections, logged %v; want %v", rec.Injections.Count, got, want)
	}
}

// A client that misbehaves is dropped by the service, and that is no drop of its own
// accord; or it is not, and then it was never out.
func TestMisbehaviour(t *testing.T) {
	t.Parallel()
	// Each member gets 40 messages/s: who acknowledges may be late by two seconds, who
	// does not for four is dropped.
	small := emulator.Options{ReplayMessages: 100}
	for _, row := range []struct {
		name, fault string
		options     emulator.Options
		want        metrics.IncidentOutcomes
	}{
		{"stop acking, and be dropped", "kind: stop-acking, lasts: 4s", small, metrics.IncidentOutcomes{Overflow: 2}},
		{"stop acking", "kind: stop-acking, lasts: 200ms", emulator.Options{}, metrics.IncidentOutcomes{Held: 2}},
		{"read nothing, and be dropped", "kind: slow-reader, lasts: 4s", small, metrics.IncidentOutcomes{Overflow: 2}},
		{"read nothing", "kind: slow-reader, lasts: 200ms", emulator.Options{}, metrics.IncidentOutcomes{Held: 2}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			plan := planOf(t, base, "populations.members.client={sequence_ack: {every_messages: 1}, reconnect: {base: 100ms, max: 1s, jitter: none}}",
				"phases.steady=5s", "faults=[{name: F, at: 100ms, population: members, hit: 2, "+row.fault+"}]")
			rec, stats := execute(t, plan, row.options)
			wantAddsUp(t, rec)
			wantOutcomes(t, rec, row.want)
			if stats.Overflows != uint64(row.want.Overflow) || rec.Connections.Funnel.UninjectedDrops != 0 {
				t.Errorf("the emulator ended %d clients as too slow; %d drops that nobody injected", stats.Overflows, rec.Connections.Funnel.UninjectedDrops)
			}
			d, outages := rec.Totals.Deliveries, rec.Metrics["outage_time"].Count
			if row.want.Held > 0 {
				wantDeliveries(t, rec, metrics.Deliveries{Expected: 2496, Delivered: 2496})
			} else if d.Lost != 0 || d.Excused.Overflow == 0 {
				t.Errorf("deliveries %+v; want nothing lost, some excused by overflow", d)
			}
			if outages != uint64(row.want.Overflow) {
				t.Errorf("%d outages", outages)
			}
			for _, in := range rec.Injections.Log {
				dropped := in.CloseSide == "peer" && in.CloseCode == 1008
				if dropped != (row.want.Overflow > 0) || (in.Effect == "held") != (row.want.Held > 0) {
					t.Errorf("injection %+v", in)
				}
			}
			if rec.Verdict.Result == metrics.ResultViolated {
				t.Errorf("the target is accused: %s", rec.Verdict.Headline)
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
	r.t0, r.parts = r.start, []part{local{r}}
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

// What keeps a session out is told for what it is, and nothing that it missed is
// called lost.
func TestOutages(t *testing.T) {
	t.Parallel()
	const client = "populations.members.client={recovery: {window: %s, pause: 50ms}, reconnect: {backoff: fixed, base: 100ms, jitter: none}}"
	// The recoveries of sessions are answered with 503, which is no verdict, until so
	// many attempts have been made.
	failing := func(attempts int64) func(string) int {
		var made atomic.Int64
		return func(string) int {
			if made.Add(1) <= attempts {
				return 503
			}
			return 0
		}
	}
	failingFor := func(long time.Duration) func(string) int {
		var first atomic.Int64
		return func(string) int {
			first.CompareAndSwap(0, int64(wire.Now()))
			if wire.Now() < time.Duration(first.Load())+long {
				return 503
			}
			return 0
		}
	}
	const never = 1 << 40
	for _, row := range []struct {
		name    string
		set     []string
		options emulator.Options
		want    metrics.IncidentOutcomes
		more    func(rec *metrics.Run, stats emulator.Stats) bool
	}{
		{
			name: "longer than the client tries", set: []string{fmt.Sprintf(client, "400ms")},
			options: emulator.Options{RefuseRecovery: failing(never)}, want: metrics.IncidentOutcomes{GaveUp: 3},
			more: func(rec *metrics.Run, _ emulator.Stats) bool {
				return rec.Connections.Funnel.RecoveryTimeouts == 3 && rec.Incidents[0].Attempts >= 6 // to recover, then anew
			},
		},
		{
			name: "longer than the service keeps it", set: []string{fmt.Sprintf(client, "20s")},
			options: emulator.Options{RecoveryWindow: 20 * time.Millisecond, RefuseRecovery: failing(9)}, want: metrics.IncidentOutcomes{NewConnection: 3},
			more: func(rec *metrics.Run, stats emulator.Stats) bool {
				return rec.Connections.Funnel.RefusedRecovery == 3 && stats.Expired == 3 && stats.RecoveriesRefused == 3
			},
		},
		{
			name: "more queued than the service keeps", set: []string{"groups.room.count=1", "phases.steady=6s",
				"populations={members: {connections: 3, join: {room: 1}, client: bench}, speakers: {connections: 2, publish: {to: room, rate: 250/s}}}",
				fmt.Sprintf(client, "20s")},
			// At 500 messages/s to each member a thousand have come in half of the time.
			options: emulator.Options{RefuseRecovery: failingFor(4 * time.Second)}, want: metrics.IncidentOutcomes{Overflow: 3},
			more: func(rec *metrics.Run, stats emulator.Stats) bool {
				return stats.Overflows == 3 && rec.Totals.Deliveries.Excused.Overflow > 0
			},
		},
		{
			name: "until the end of the drain", set: []string{fmt.Sprintf(client, "20s"), "phases.drain=1s"},
			options: emulator.Options{RefuseRecovery: failing(never)}, want: metrics.IncidentOutcomes{Open: 3},
			more: func(rec *metrics.Run, _ emulator.Stats) bool {
				in := rec.Incidents[0]
				return rec.Totals.Deliveries.Undelivered > 0 && in.EndS == nil && in.CaughtUpS["p50"] == nil && len(in.Stages) == 0 &&
					rec.Metrics["outage_time"].Count == 0 && slices.ContainsFunc(rec.Checks, func(c metrics.CheckResult) bool {
					return c.ID == "R4" && c.Result == metrics.CheckUnknown
				})
			},
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			rec, stats := execute(t, planOf(t, base, append(row.set, hitThree)...), row.options)
			wantAddsUp(t, rec)
			wantOutcomes(t, rec, row.want)
			if !row.more(rec, stats) {
				t.Errorf("funnel %+v, deliveries %+v, verdict %s, the emulator's %+v", rec.Connections.Funnel, rec.Totals.Deliveries, rec.Verdict.Headline, stats)
			}
			if rec.Totals.Deliveries.Lost != 0 || rec.Connections.Funnel.UninjectedDrops != 0 {
				t.Errorf("%d lost, %d drops that nobody injected", rec.Totals.Deliveries.Lost, rec.Connections.Funnel.UninjectedDrops)
			}
			for _, in := range rec.Injections.Log {
				if row.want.Open > 0 && (in.Effect != "open" || in.OutageMicros != nil) {
					t.Errorf("injection %+v; want one that is not over", in)
				}
			}
		})
	}
}
