package metrics

import (
	"math"
	"time"
)

// Results of a threshold, as ThresholdResult.Result.
const (
	ThresholdPass      = "pass"
	ThresholdFail      = "fail"
	ThresholdNoSamples = "no_samples" // makes the run inconclusive
	ThresholdNotJudged = "not_judged" // the run was interrupted or is invalid
)

// Threshold is one declared limit.
type Threshold struct {
	Metric     string
	Aggregate  string  // avg min med max p count rate
	Quantile   float64 // of p: 0 < Quantile < 1
	Op         string  // < <= > >= == !=
	Limit      float64 // microseconds for times, else a plain number or one per second
	During     string  // as in View
	Population string  // empty = all
	Expr       string  // as written

	AbortOnFail bool
	BuiltIn     bool
	Source      Source
}

// EvaluateMetric judges the threshold over a metric's summary, its histogram
// included, as a run's or as a record's. Copies that never came count as +∞: where
// the aggregate falls among them nothing is measured, < and <= fail and > and >=
// hold. nil or no samples at all is no_samples; the count of samples is judged even so.
func (t *Threshold) EvaluateMetric(s *MetricSummary) ThresholdResult {
	if t.Aggregate == "count" && s != nil {
		r := t.result("count", "steady")
		t.measure(&r, float64(s.Count))
		t.judge(&r, float64(s.Count))
		return r
	}
	r := t.result("us", "steady")
	if s != nil && t.During == "" {
		r.Phase = s.Phase
	}
	if s == nil || s.Count+s.OutOfRange+s.Censored == 0 {
		r.Result = ThresholdNoSamples
		return r
	}
	v := t.aggregate(s)
	if !math.IsInf(v, 1) {
		t.measure(&r, v)
	}
	t.judge(&r, v)
	return r
}

// EvaluateCounter judges the threshold over a counter and the time it covers.
func (t *Threshold) EvaluateCounter(count uint64, over time.Duration) ThresholdResult {
	v := float64(count)
	r := t.result("count", "run")
	if t.Aggregate == "rate" {
		r.Unit = "per_s"
		if over <= 0 {
			r.Result = ThresholdNoSamples
			return r
		}
		v /= over.Seconds()
	}
	t.measure(&r, v)
	t.judge(&r, v)
	return r
}

// result is the part that is known beforehand; phase is the usual window.
func (t *Threshold) result(unit, phase string) ThresholdResult {
	if t.During != "" {
		phase = t.During
	}
	return ThresholdResult{
		Metric: t.Metric, Expr: t.Expr, Phase: phase, Population: t.Population,
		Limit: t.Limit, Unit: unit, Source: t.Source, BuiltIn: t.BuiltIn,
	}
}

// aggregate is the value to compare, in microseconds.
func (t *Threshold) aggregate(s *MetricSummary) float64 {
	beyond := s.OutOfRange + s.Censored
	switch t.Aggregate {
	case "min":
		if s.Min != nil {
			return float64(*s.Min)
		}
	case "avg":
		if beyond == 0 && s.Mean != nil {
			return *s.Mean
		}
	case "max":
		if beyond == 0 && s.Max != nil {
			return float64(*s.Max)
		}
	case "med":
		return summaryQuantile(s, 0.5)
	case "p":
		return summaryQuantile(s, t.Quantile)
	}
	return math.Inf(1)
}

// summaryQuantile is a quantile of a written summary, +∞ among the censored part.
func summaryQuantile(s *MetricSummary, q float64) float64 {
	if s.Histogram == nil {
		return math.Inf(1)
	}
	h, err := decode(s.Histogram)
	if err != nil {
		return math.NaN() // a damaged record: compares as false
	}
	d := distribution{packed: h, total: uint64(h.TotalCount()), overflow: s.OutOfRange, censored: s.Censored, max: math.MaxInt64}
	defer d.reset()
	if s.Min != nil && s.Max != nil {
		// The summary rounds them to whole microseconds; never clamp by that rounding.
		d.min, d.max = *s.Min*1000-500, *s.Max*1000+499
	}
	v, ok := d.quantile(q)
	if !ok {
		return math.Inf(1)
	}
	return float64(v) / 1e3
}

func (t *Threshold) measure(r *ThresholdResult, v float64) {
	if math.IsNaN(v) {
		return
	}
	r.Measured = new(v)
	if t.Limit != 0 {
		r.MarginRatio = new((v - t.Limit) / t.Limit)
	}
}

func (t *Threshold) judge(r *ThresholdResult, v float64) {
	r.Result = ThresholdFail
	if compare(v, t.Op, t.Limit) {
		r.Result = ThresholdPass
	}
}

func compare(v float64, op string, limit float64) bool {
	switch op {
	case "<":
		return v < limit
	case "<=":
		return v <= limit
	case ">":
		return v > limit
	case ">=":
		return v >= limit
	case "==":
		return v == limit
	case "!=":
		return v != limit
	}
	return false
}
