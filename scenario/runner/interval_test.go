package runner

import (
	"testing"
	"time"

	"github.com/wpsbench/wpsbench/wire"
)

// The record holds the intervals of what is of every second of steady state: of deliveries
// and of acks, each about its percentile. A link whose delay is drawn evenly leaves little
// doubt.
func TestRecordHoldsIntervals(t *testing.T) {
	const text = `name: intervals
groups: {room: {count: 2}}
populations:
  members:
    connections: 4
    join: {room: 1}
    publish: {to: room, rate: 5/s, ack: true, size: 128}
phases: {warmup: 1s, steady: 60s, drain: 30s}
`
	_, rec := simulateRun(t, text, wire.Link{Delay: 10 * time.Millisecond, Jitter: 10 * time.Millisecond})
	for _, name := range []string{"e2e_latency", "e2e_service", "ack_latency", "ack_rtt"} {
		m := rec.Metrics[name]
		ci := m.CI95["p50"]
		if len(ci) != 2 {
			t.Fatalf("%s has no interval: %v", name, m.CI95)
		}
		if v := *m.Percentiles["p50"]; ci[0] > v || v > ci[1] || ci[0] == ci[1] || ci[1]-ci[0] > 5000 {
			t.Errorf("%s p50 is %d µs, its interval %v", name, v, ci)
		}
	}
	if ci := rec.Metrics["connect_time"].CI95; len(ci) > 0 {
		t.Errorf("an interval of what happens once a session: %v", ci)
	}
}
