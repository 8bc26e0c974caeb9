package runner

import (
	"testing"
	"time"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/wire"
)

// The record of more than an hour has intervals of two seconds, and they still add up.
func TestSeriesOfALongRun(t *testing.T) {
	const text = `name: long
groups: {room: {count: 1}}
populations:
  members:
    connections: 2
    join: {room: 1}
    publish: {to: room, rate: 1/10s, size: 128}
phases: {steady: 62m, drain: 30s}
`
	_, rec := simulateRun(t, text, wire.Link{Delay: time.Millisecond})
	s := rec.Series
	if n := len(s.Columns["t_s"]); s.IntervalS != 2 || n > metrics.SeriesPoints || n < 62*60/2 {
		t.Errorf("%d intervals of %g s", n, s.IntervalS)
	}
	var delivered float64
	for i, v := range s.Columns["delivered_per_s"] {
		if want := 2 * float64(i); *s.Columns["t_s"][i] != want {
			t.Fatalf("interval %d begins at %g s, want %g", i, *s.Columns["t_s"][i], want)
		}
		if v != nil {
			delivered += *v * s.IntervalS
		}
	}
	if want := float64(rec.Totals.Deliveries.Delivered); want == 0 || delivered != want {
		t.Errorf("the intervals hold %g deliveries, the run %g", delivered, want)
	}
	// The gates still judge second by second.
	if want := 62 * 60; rec.Health.Windows != want {
		t.Errorf("%d seconds judged, want %d", rec.Health.Windows, want)
	}
}
