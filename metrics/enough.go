package metrics

import (
	"fmt"
	"math"
)

// Needs is how many seconds of steady state a percentile needs at the rate of a metric
// that was measured over that many: ok is false where the percentile is there, nothing
// came, or the metric is not one of steady state, so that a longer run need not help.
func (s *MetricSummary) Needs(key string, steady float64) (seconds float64, ok bool) {
	if s == nil || s.Percentiles[key] != nil || s.Phase != "steady" || steady <= 0 {
		return 0, false
	}
	n := s.Count + s.OutOfRange + s.Censored
	for _, p := range percentiles {
		if p.key == key && n > 0 && n < p.samples {
			return steady * float64(p.samples) / float64(n), true
		}
	}
	return 0, false
}

// SteadySeconds is how long steady state was.
func (r *Run) SteadySeconds() float64 {
	sum := 0.0
	for _, p := range r.Phases {
		if p.Steady {
			sum += p.EndS - p.StartS
		}
	}
	return sum
}

// RoughLength writes how long something must last, rounded up: 25 s, 8 min, 3 h.
func RoughLength(seconds float64) string {
	switch {
	case seconds <= 99:
		return fmt.Sprintf("%.0f s", math.Ceil(seconds))
	case seconds <= 99*60:
		return fmt.Sprintf("%.0f min", math.Ceil(seconds/60))
	}
	return fmt.Sprintf("%.0f h", math.Ceil(seconds/3600))
}
