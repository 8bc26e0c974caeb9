package metrics

import "testing"

func TestNeeds(t *testing.T) {
	summary := func(count, censored uint64, phase string, there ...string) *MetricSummary {
		s := &MetricSummary{Count: count, Censored: censored, Phase: phase, Percentiles: map[string]*int64{"p99": nil, "p99_9": nil}}
		for _, key := range there {
			s.Percentiles[key] = new(int64)
		}
		return s
	}
	for _, row := range []struct {
		name   string
		s      *MetricSummary
		key    string
		steady float64
		want   float64
		ok     bool
	}{
		{"a tenth of what p99.9 takes", summary(100, 0, "steady", "p99"), "p99_9", 60, 600, true},
		{"half of what p99 takes", summary(50, 0, "steady"), "p99", 60, 120, true},
		{"messages that never came count", summary(400, 100, "steady", "p99"), "p99_9", 60, 120, true},
		{"it is there", summary(5000, 0, "steady", "p99_9"), "p99_9", 60, 0, false},
		{"beyond what arrived", summary(900, 200, "steady"), "p99_9", 60, 0, false},
		{"nothing came", summary(0, 0, "steady"), "p99_9", 60, 0, false},
		{"of sessions, over the whole run", summary(20, 0, "run"), "p99", 60, 0, false},
		{"no steady state", summary(20, 0, "steady"), "p99", 0, 0, false},
		{"no metric", nil, "p99", 60, 0, false},
	} {
		if got, ok := row.s.Needs(row.key, row.steady); got != row.want || ok != row.ok {
			t.Errorf("%s: %g, %v; want %g, %v", row.name, got, ok, row.want, row.ok)
		}
	}
}

func TestRoughLength(t *testing.T) {
	for seconds, want := range map[float64]string{0.2: "1 s", 24.1: "25 s", 99: "99 s", 99.5: "2 min", 480: "8 min", 481: "9 min", 5940: "99 min", 5941: "2 h", 72000: "20 h"} {
		if got := RoughLength(seconds); got != want {
			t.Errorf("%g s: %s, want %s", seconds, got, want)
		}
	}
}
