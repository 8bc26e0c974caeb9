package runner

import (
	"testing"

	"github.com/wpsbench/wpsbench/metrics"
)

// Publishes, acks and deliveries of a second count against the ceiling; without one
// nothing is measured.
func TestCeilingGate(t *testing.T) {
	rec := &metrics.Run{Series: metrics.Series{Columns: map[string][]*float64{
		"published_per_s": {nil, new(100.0)}, "acked_per_s": {nil, new(100.0)}, "delivered_per_s": {nil, new(700.0)},
	}}}
	for ceiling, want := range map[float64]metrics.Reading{0: {}, 1000: metrics.Read(0.9)} {
		windows := make([]metrics.GateReadings, 1)
		(&run{cfg: Config{Ceiling: ceiling}}).readCeiling(rec, 1, windows)
		if got := windows[0][metrics.GateCeiling]; got != want {
			t.Errorf("ceiling %v: %+v, want %+v", ceiling, got, want)
		}
	}
}
