package runner

import (
	"math"
	"testing"

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
