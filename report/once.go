package report

import "github.com/wpsbench/wpsbench/metrics"

// The record has the histograms of steady state twice, by metric and by phase, and of a
// long run they are most of its document: there each stands once.

// repeated says that a phase's summary describes the same samples as that of the run.
func repeated(phase, whole *metrics.MetricSummary) bool {
	return phase != nil && whole != nil && whole.Histogram != nil && phase.Count > 0 && phase.Count == whole.Count
}

// dropRepeats takes out of the phases the histograms that metrics has, too.
func dropRepeats(r *metrics.Run) {
	for _, p := range r.Phases {
		for name, s := range p.Metrics {
			if whole := r.Metrics[name]; repeated(s, whole) && s.Histogram != nil && *s.Histogram == *whole.Histogram {
				s.Histogram = nil
			}
		}
	}
}

// restoreRepeats puts back what dropRepeats took out.
func restoreRepeats(r *metrics.Run) {
	for _, p := range r.Phases {
		for name, s := range p.Metrics {
			if whole := r.Metrics[name]; repeated(s, whole) && s.Histogram == nil {
				s.Histogram = whole.Histogram
			}
		}
	}
}
