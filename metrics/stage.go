package metrics

import (
	"slices"
	"time"
)

// SummarizeStage describes the few values of one stage of a recovery. It sorts d.
// Quantiles are of the ceiling rank, as everywhere; nil without values.
func SummarizeStage(d []time.Duration) *StageSummary {
	if len(d) == 0 {
		return nil
	}
	slices.Sort(d)
	at := func(q float64) *int64 {
		return new(micros(int64(d[rankOf(q, uint64(len(d)))-1])))
	}
	return &StageSummary{P50: at(0.5), P95: at(0.95), P99: at(0.99), Max: at(1), N: uint64(len(d))}
}
