package metrics

import "time"

// Stage is how long one part of the recoveries of an incident took: an HDR histogram
// of the usual geometry that grows with what is in it (design.md 4.2). The zero value
// is empty.
type Stage struct{ took distribution }

// Record adds one duration, which is not negative.
func (s *Stage) Record(d time.Duration) { s.took.record(d) }

// merged is what all of the stages hold together; whoever has it resets it.
func merged(stages []*Stage) *distribution {
	d := new(distribution)
	for _, s := range stages {
		d.add(&s.took)
	}
	return d
}

// SummarizeStage describes what the workers have recorded of one stage. Quantiles are
// of the ceiling rank, as everywhere; nil without values.
func SummarizeStage(stages ...*Stage) *StageSummary {
	d := merged(stages)
	defer d.reset()
	n := d.count() + d.overflow
	if n == 0 {
		return nil
	}
	at := func(q float64) *int64 {
		v, ok := d.quantile(q)
		if !ok {
			return nil
		}
		return new(micros(v))
	}
	return &StageSummary{P50: at(0.5), P95: at(0.95), P99: at(0.99), Max: at(1), N: n, Histogram: d.encode()}
}

// CaughtUp tells after how many seconds 50, 90, 99 and 100 % of so many sessions had
// caught up, by "p50" to "p100", of the stages that hold how long each took. Those that
// did not catch up stand beyond all others: a mark that falls among them is nil.
func CaughtUp(hit int, stages ...*Stage) map[string]*float64 {
	d := merged(stages)
	defer d.reset()
	d.censored = uint64(max(0, hit)) - min(uint64(max(0, hit)), d.count()+d.overflow)
	marks := make(map[string]*float64, 4)
	for _, m := range [...]struct {
		key   string
		share float64
	}{{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p100", 1}} {
		marks[m.key] = nil
		if v, ok := d.quantile(m.share); ok {
			marks[m.key] = new(time.Duration(v).Round(time.Microsecond).Seconds())
		}
	}
	return marks
}
