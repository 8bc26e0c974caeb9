package metrics

import (
	"fmt"
	"iter"
	"math"
	"time"

	hdr "github.com/HdrHistogram/hdrhistogram-go"
)

// The geometry of every histogram, version 1 (design.md 4.1). Values are recorded
// in nanoseconds; below 1 µs nothing is told apart. Change it only together with
// SchemaVersion: records of different geometries cannot be merged.
const (
	histogramLowest  = int64(time.Microsecond)
	histogramHighest = int64(time.Hour)
	histogramDigits  = 3
)

const histogramEncoding = "hdr-v2-deflate-base64"

// cells are the cells of the histogram that hold values, ascending: the smallest value of
// each, and how many it holds.
func (d *distribution) cells() iter.Seq2[int64, int64] {
	if d.count() == 0 {
		return func(func(int64, int64) bool) {}
	}
	d.pack()
	return d.packed.ForEachBucket
}

// quantile is the one place where quantiles are made: the value of the ceiling
// rank ⌈q·n⌉ of n samples, the censored ones and those above an hour standing
// beyond all others. It is in nanoseconds; ok is false when the rank falls among
// those, or there are no samples.
func (d *distribution) quantile(q float64) (v int64, ok bool) {
	n := d.ranks()
	rank := rankOf(q, n)
	if n == 0 || rank > d.count() {
		return 0, false
	}
	d.pack()
	// The library takes the nearest rank; a percentile of exactly rank/n makes both agree.
	v = d.packed.ValueAtPercentile(float64(rank) / float64(d.count()) * 100)
	return min(max(v, d.min), d.max), true
}

// rankOf is ⌈q·n⌉ within 1…n. q·n is rounded to 1e-9 first: 0.99 × 100 is 99, not
// 99.00000000000001.
func rankOf(q float64, n uint64) uint64 {
	r := math.Ceil(math.Round(q*float64(n)*1e9) / 1e9)
	return uint64(min(max(r, 1), float64(n)))
}

// encode is the record's form of the histogram, nil when it is empty.
func (d *distribution) encode() *EncodedHistogram {
	if d.count() == 0 {
		return nil
	}
	return &EncodedHistogram{
		Encoding: histogramEncoding, Unit: "ns", Digits: histogramDigits,
		Lowest: histogramLowest, Highest: histogramHighest, Data: encode(d.cells()),
	}
}

// decode reads a histogram of a record.
func decode(e *EncodedHistogram) (*hdr.PackedHistogram, error) {
	if e.Encoding != histogramEncoding || e.Unit != "ns" {
		return nil, fmt.Errorf("histogram has encoding %q in %q, not %q in ns", e.Encoding, e.Unit, histogramEncoding)
	}
	h, err := hdr.DecodePacked([]byte(e.Data))
	if err != nil {
		return nil, fmt.Errorf("decode histogram: %w", err)
	}
	if h.LowestTrackableValue() != histogramLowest || h.HighestTrackableValue() != histogramHighest || h.SignificantFigures() != histogramDigits {
		return nil, fmt.Errorf("histogram reaches from %d to %d with %d digits, not from %d to %d with %d",
			h.LowestTrackableValue(), h.HighestTrackableValue(), h.SignificantFigures(), histogramLowest, histogramHighest, histogramDigits)
	}
	return h, nil
}

// percentiles of a MetricSummary, and the samples each needs to be printed: a p99 of
// fewer than 100 samples, a p99.9 of fewer than 1,000, is their maximum by another name.
var percentiles = []struct {
	key     string
	q       float64
	samples uint64
}{{"p50", 0.5, 1}, {"p90", 0.9, 10}, {"p95", 0.95, 20}, {"p99", 0.99, 100}, {"p99_9", 0.999, 1000}}

// summary writes a distribution down, in whole microseconds. Min, mean and max
// are those of the measured values.
func (d *distribution) summary(m Metric, phase string) *MetricSummary {
	s := &MetricSummary{
		Unit: "us", Basis: m.Basis(), Phase: phase, Count: d.count(), Percentiles: make(map[string]*int64, len(percentiles)),
		Censored: d.censored, OutOfRange: d.overflow, Negative: d.negative, Histogram: d.encode(),
	}
	for _, p := range percentiles {
		s.Percentiles[p.key] = nil
		if v, ok := d.quantile(p.q); ok && d.ranks() >= p.samples {
			s.Percentiles[p.key] = new(micros(v))
		}
	}
	if s.Count > 0 {
		s.Min, s.Max = new(micros(d.min)), new(micros(d.max))
		s.Mean = new(math.Round(d.packed.Mean()) / 1e3)
	}
	return s
}

// micros rounds nanoseconds to whole microseconds.
func micros(nanos int64) int64 { return (nanos + 500) / 1000 }
