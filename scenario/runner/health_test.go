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

// What the gates read over a run: means and sums are of the seconds in which something was
// measured, the share of sends is of steady state alone, and what is counted is counted over
// all workers and all of the run.
func TestWholeReadings(t *testing.T) {
	windows := make([]metrics.GateReadings, 3)
	for i, cpu := range []float64{0.4, 0.8, math.NaN()} { // the last second was cut short
		windows[i][metrics.GateCPU] = metrics.Read(cpu)
		windows[i][metrics.GateRunQueue] = metrics.Read(cpu / 4)
		windows[i][metrics.GateSteal] = metrics.Read(cpu / 8)
		windows[i][metrics.GateScheduler] = metrics.Read(1000 * cpu)
		windows[i][metrics.GateThrottled] = metrics.Read(10 * cpu)
		windows[i][metrics.GateSwapIn] = metrics.Read(5 * cpu)
	}
	for i, share := range []float64{0.3, 0.3, 0.6} {
		windows[i][metrics.GateCeiling] = metrics.Read(share)
	}
	windows[1][metrics.GateScheduler] = metrics.Read(100) // not the largest one
	sends := []sendWindow{
		{due: 100, late: 100}, // warm-up
		{due: 100, late: 6},
		{due: 100, away: 20, pushed: 40},
		{due: 100, late: 8},
		{due: 100, late: 100}, // what came due behind the last whole second
	}
	rec := &metrics.Run{Metrics: map[string]*metrics.MetricSummary{
		"e2e_latency":   {Percentiles: map[string]*int64{"p99": new(int64(10_000))}},
		"schedule_lag":  {Percentiles: map[string]*int64{"p99": new(int64(3000))}},
		"receive_delay": {Percentiles: map[string]*int64{"p99": new(int64(500))}},
	}}
	r := &run{left: []*leaving{{counts: counts{unsent: 2, exhausted: 1}}, {counts: counts{unsent: 3, exhausted: 7}}}}
	got := r.wholeReadings(rec, windows, sends, 1, 0)
	for gate, want := range map[metrics.GateID]metrics.Reading{
		metrics.GateCPU:       metrics.Read(0.6),
		metrics.GateRunQueue:  metrics.Read(0.15),
		metrics.GateSteal:     metrics.Read(0.075),
		metrics.GateCeiling:   metrics.Read(0.4),
		metrics.GateScheduler: metrics.Read(400),
		metrics.GateThrottled: metrics.Read(12),
		metrics.GateSwapIn:    metrics.Read(6),
		metrics.GateSent:      metrics.Read(1 - 14.0/240),
		metrics.GateLag:       metrics.Read(0.3),
		metrics.GateReceive:   {Value: 0.05, Measured: true, Harmless: true},
		metrics.GateOverflow:  metrics.Read(5),
		metrics.GateExhausted: metrics.Read(8),
	} {
		g := got[gate]
		if math.Abs(g.Value-want.Value) > 1e-9 || g.Measured != want.Measured || g.Harmless != want.Harmless {
			t.Errorf("%s: %+v, want %+v", gate, g, want)
		}
	}
}

// Where nothing was measured there is no mean.
func TestMeanOfNothing(t *testing.T) {
	if got := mean(make([]metrics.GateReadings, 2), metrics.GateCPU); got != (metrics.Reading{}) {
		t.Errorf("%+v", got)
	}
}

// The seconds that are judged are those that begin in steady state and before publishing
// has ended.
func TestSteadyTicks(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	for _, row := range []struct {
		name     string
		t0, end  time.Duration // T0 since the start; the end of publishing since T0
		first, n int
	}{
		// The warm-up takes 1 s, steady state 3 s.
		{"on the second", 1000 * ms, 4000 * ms, 2, 3},
		{"just behind it", 1001 * ms, 4000 * ms, 3, 3},
		{"just before it", 999 * ms, 4000 * ms, 2, 3},
		{"stopped on a second", 1000 * ms, 2000 * ms, 2, 1},
		{"stopped just behind it", 1000 * ms, 2001 * ms, 2, 2},
		{"stopped within its first second", 1500 * ms, 1400 * ms, 3, 0},
		{"stopped in the warm-up", 1000 * ms, 900 * ms, 0, 0},
	} {
		r := &run{plan: planOf(t, base, "phases.warmup=1s", "phases.steady=3s"), start: time.Hour}
		r.t0, r.publishEnd = r.start+row.t0, row.end
		if first, n := r.steadyTicks(); first != row.first || n != row.n {
			t.Errorf("%s: %d from second %d on, want %d from %d", row.name, n, first, row.n, row.first)
		}
	}
}

// What came due in a second adds up over the workers, however long each of them ran.
func TestSendsOfAllWorkers(t *testing.T) {
	r := &run{left: []*leaving{
		{sends: []sendWindow{{due: 1, late: 2, away: 3, pushed: 4}}},
		{sends: []sendWindow{{due: 10, late: 20, away: 30, pushed: 40}, {due: 5, late: 6, away: 7, pushed: 8}}},
	}}
	want := []sendWindow{{due: 11, late: 22, away: 33, pushed: 44}, {due: 5, late: 6, away: 7, pushed: 8}}
	if got := r.sendWindows(); !slices.Equal(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// The tightest limit is the smallest upper one on the latency of a delivery.
func TestTightestLimit(t *testing.T) {
	t.Parallel()
	for limits, want := range map[string]time.Duration{
		`{}`: 0,
		`{e2e_latency: ["p(99)<50ms", "p(99)<=20ms", "max<1s"]}`: 20 * time.Millisecond,
		`{e2e_latency: ["p(99)<50ms", "min>1ms"]}`:               50 * time.Millisecond, // no upper one
		`{e2e_latency: ["count<7", "max<1s"]}`:                   time.Second,           // no latency
		`{ack_rtt: ["p(99)<1ms"], e2e_latency: ["max<=1s"]}`:     time.Second,           // of an ack
	} {
		r := &run{plan: planOf(t, base, "thresholds="+limits)}
		if got := tightestLimit(r); got != want {
			t.Errorf("%s: %v, want %v", limits, got, want)
		}
	}
}

// A delay of ours is read in the second in which something arrived after it, and spoils as
// many before as it took; it never makes a worse reading better.
func TestReadDelay(t *testing.T) {
	t.Parallel()
	const none = -1
	column := func(values ...float64) []*float64 {
		out := make([]*float64, len(values))
		for i, v := range values {
			if v != none {
				out[i] = new(v)
			}
		}
		return out
	}
	for _, row := range []struct {
		name       string
		delay, e2e []*float64 // µs, by second of the run; steady state begins with the second one
		want       []float64  // by second of steady state
	}{
		{"its share", column(9e3, 1e3, 2e3), column(9e3, 10e3, 8e3), []float64{0.1, 0.25}},
		{"where nothing arrived", column(9e3, 1e3, 2e3), column(9e3, none, 8e3), []float64{none, 0.25}},
		{"where nothing was sent", column(9e3, none, 2e3), column(9e3, 1e3, 8e3), []float64{none, 0.25}},
		{"less than a microsecond end to end", column(none, 1), column(none, 0), []float64{1}},
		{"two seconds spoil two", column(none, 1e3, none, none, 2.5e6), column(none, 10e3, none, none, 5e6), []float64{0.1, 0.5, 0.5, 0.5}},
		{"worse ones stay", column(none, none, 9e3, 2.5e6), column(none, none, 10e3, 5e6), []float64{0.5, 0.9, 0.5}},
		{"not beyond the first second", column(none, none, 9.9e6), column(none, none, 9.9e6), []float64{1, 1}},
	} {
		rec := &metrics.Run{Series: metrics.Series{Columns: map[string][]*float64{"lag_p99_us": row.delay, "e2e_p99_us": row.e2e}}}
		windows := make([]metrics.GateReadings, len(row.want))
		(&run{}).readDelay(rec, metrics.GateLag, "lag_p99_us", 0, 1, windows)
		for i, want := range row.want {
			got := windows[i][metrics.GateLag]
			if got.Measured != (want != none) || got.Measured && math.Abs(got.Value-want) > 1e-9 {
				t.Errorf("%s: second %d reads %+v, want %v", row.name, i, got, want)
			}
		}
	}
}

// The column of what cannot be trusted has a value for each second that was judged: half
// open, like the spans.
func TestMarkUntrusted(t *testing.T) {
	const none = -1
	s := metrics.Series{Columns: map[string][]*float64{}}
	for i := range 7 {
		s.Columns["t_s"] = append(s.Columns["t_s"], new(float64(i)))
	}
	markUntrusted(&s, &metrics.Health{FromS: 1, Windows: 5, Untrusted: []metrics.Span{{FromS: 2, ToS: 3}, {FromS: 4, ToS: 6}}})
	for i, want := range []float64{none, 0, 1, 0, 1, 1, none} {
		if got := s.Columns["untrusted"][i]; (got == nil) != (want == none) || got != nil && *got != want {
			t.Errorf("second %d: %v, want %v", i, got, want)
		}
	}
}

// What each second's gates read is of that second of the run, and shows in the record: in the
// gates, in the column of the series and in the log.
func TestHealthOfARun(t *testing.T) {
	t.Parallel()
	cfg := newFake(t, script{}).config(t, planOf(t, base, "phases.warmup=1s", "phases.steady=8s"))
	cfg.Ceiling = 1000
	r := newRun(cfg)
	r.t0 = r.start + time.Second // steady state is from 2 s to 10 s
	rec := &metrics.Run{
		Metrics: map[string]*metrics.MetricSummary{"e2e_latency": {}, "schedule_lag": {Max: new(int64(77))}},
		Series:  metrics.Series{Columns: map[string][]*float64{}},
	}
	sends := make([]sendWindow, 12)
	for i := range 12 {
		rec.Series.Columns["t_s"] = append(rec.Series.Columns["t_s"], new(float64(i)))
		for name, v := range map[string]float64{
			"e2e_p99_us": 10_000, "lag_p99_us": 2000, "receive_delay_p99_us": 1500, "published_per_s": 100, "acked_per_s": 100, "delivered_per_s": 200,
		} {
			rec.Series.Columns[name] = append(rec.Series.Columns[name], new(v))
		}
		r.pressed = append(r.pressed, pressure{
			cpu: 0.5, runQueue: 0.1, steal: 0.01, throttled: 0, swapIns: 0, scheduler: 100, gcPause: 9999, gc: 0.9,
		})
		sends[i] = sendWindow{due: 100, pushed: 1}
	}
	// One second each is bad by another gate; those of the warm-up and the drain are nobody's.
	for i := range 4 {
		r.pressed[8*(i/2)+i].cpu = 1 // 0, 1, 10, 11
	}
	r.pressed[2].cpu, r.pressed[3].runQueue, r.pressed[4].steal = 0.99, 0.9, 0.5
	r.pressed[5].throttled, r.pressed[6].scheduler = 1, 6000
	rec.Series.Columns["lag_p99_us"][7] = new(9000.0)
	rec.Series.Columns["receive_delay_p99_us"][8] = new(9000.0)
	sends[9].late = 50
	rec.Series.Columns["delivered_per_s"][9] = new(900.0)
	r.left = []*leaving{{sends: sends}}
	h := r.health(rec)
	if h.Windows != 8 || h.FromS != 2 || h.BadWindows != 8 || h.Result != "invalid" || h.MaxLagMicros != 77 || h.CeilingPerS == nil || *h.CeilingPerS != 1000 {
		t.Errorf("%d of %d windows bad from %g s on: %s, lag up to %d, ceiling %v", h.BadWindows, h.Windows, h.FromS, h.Result, h.MaxLagMicros, h.CeilingPerS)
	}
	if want := (metrics.PushBack{Windows: 12, Held: 12}); h.PushBack != want {
		t.Errorf("push back %+v, want %+v", h.PushBack, want)
	}
	bad := map[string][]metrics.Span{}
	var log []string
	for _, g := range h.Gates {
		if len(g.Bad) > 0 {
			bad[g.ID] = g.Bad
		}
	}
	at := func(s float64) []metrics.Span { return []metrics.Span{{FromS: s, ToS: s + 1}} }
	want := map[string][]metrics.Span{
		"cpu_share": at(2), "run_queue_share": at(3), "steal_share": at(4), "throttled": at(5), "scheduler_latency_p99": at(6),
		"schedule_lag_share": at(7), "receive_delay_share": at(8), "sent_of_intended": at(9), "ceiling_share": at(9),
	}
	if !reflect.DeepEqual(bad, want) {
		t.Errorf("bad seconds %v\nwant %v", bad, want)
	}
	for i, v := range rec.Series.Columns["untrusted"] {
		if steady := i >= 2 && i < 10; (v != nil) != steady || steady && *v != 1 {
			t.Errorf("second %d is marked %v", i, v)
		}
	}
	for _, e := range gateEvents(&h) {
		log = append(log, fmt.Sprint(e.TS, " ", e.Kind, " ", e.Ref, " ", e.Text[:18]))
	}
	slices.Sort(log)
	if len(log) != 9 || log[0] != "2 gate /health/gates/3 untrusted for 1 s:" {
		t.Errorf("log %q, want nine lines, the first of the gate of the processor", log)
	}
}
