package metrics

import (
	"fmt"
	"math"
	"math/bits"
	"slices"
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

// fewValues is how many values a distribution keeps as they came before it counts them
// in a histogram. Merging, asking and emptying one of those costs its 25,000 counters
// however few are in use; values cost what they are. What is said of either is the same.
const fewValues = 512

// distribution is a histogram together with what does not fit into one.
type distribution struct {
	values   []int64        // all values in range, as long as they are few, in any order
	counts   *hdr.Histogram // all of them once they are not
	min, max int64          // exact, of the values in range
	overflow uint64         // above an hour
	negative uint64
	censored uint64 // never came: +∞
}

// record allocates only until there is a histogram.
func (d *distribution) record(v time.Duration) {
	switch {
	case v < 0:
		d.negative++
		return
	case int64(v) > histogramHighest:
		d.overflow++
		return
	}
	n := int64(v)
	if n < d.min || d.count() == 0 {
		d.min = n
	}
	d.max = max(d.max, n)
	d.put(n)
}

// put takes a value in range; min and max are the caller's.
func (d *distribution) put(n int64) {
	if d.counted() {
		_ = d.counts.RecordValue(n)
		return
	}
	if len(d.values) < fewValues {
		d.values = append(d.values, n)
		return
	}
	_ = d.histogram().RecordValue(n)
}

// counted says that the values are in the histogram.
func (d *distribution) counted() bool { return d.counts != nil && d.counts.TotalCount() > 0 }

// histogram moves the values into the histogram.
func (d *distribution) histogram() *hdr.Histogram {
	if d.counts == nil {
		d.counts = hdr.New(histogramLowest, histogramHighest, histogramDigits)
	}
	for _, n := range d.values {
		_ = d.counts.RecordValue(n) // in range: checked by record
	}
	d.values = d.values[:0]
	return d.counts
}

// add merges o, whose values may change places.
func (d *distribution) add(o *distribution) {
	d.overflow += o.overflow
	d.negative += o.negative
	d.censored += o.censored
	if o.count() == 0 {
		return
	}
	if d.count() == 0 || o.min < d.min {
		d.min = o.min
	}
	d.max = max(d.max, o.max)
	if o.counted() {
		d.histogram().Merge(o.counts)
		return
	}
	for _, n := range o.values {
		d.put(n)
	}
}

// reset empties d and keeps its memory.
func (d *distribution) reset() {
	if d.counted() {
		d.counts.Reset()
	}
	*d = distribution{values: d.values[:0], counts: d.counts}
}

// count is the number of values in range.
func (d *distribution) count() uint64 {
	if d.counts == nil {
		return uint64(len(d.values))
	}
	return uint64(len(d.values)) + uint64(d.counts.TotalCount())
}

// quantile is the one place where quantiles are made: the value of the ceiling
// rank ⌈q·n⌉ of n samples, the censored ones and those above an hour standing
// beyond all others. It is in nanoseconds; ok is false when the rank falls among
// those, or there are no samples.
func (d *distribution) quantile(q float64) (v int64, ok bool) {
	n := d.count() + d.overflow + d.censored
	rank := rankOf(q, n)
	if n == 0 || rank > d.count() {
		return 0, false
	}
	if d.counted() {
		// The library takes the nearest rank; a percentile of exactly rank/n makes both agree.
		v = d.counts.ValueAtPercentile(float64(rank) / float64(d.count()) * 100)
	} else {
		slices.Sort(d.values)
		_, v = cellOf(d.values[rank-1])
	}
	return min(max(v, d.min), d.max), true
}

// cells calls fn for the cells of the histogram that hold values, ascending: the values
// from and to, which it does not tell apart, and how many there are.
func (d *distribution) cells(fn func(from, to, count int64)) {
	if d.counted() {
		for _, bar := range d.counts.Distribution() {
			if bar.Count > 0 {
				fn(bar.From, bar.To, bar.Count)
			}
		}
		return
	}
	slices.Sort(d.values)
	for rest := d.values; len(rest) > 0; {
		from, to := cellOf(rest[0])
		n := 1
		for n < len(rest) && rest[n] <= to {
			n++
		}
		fn(from, to, int64(n))
		rest = rest[n:]
	}
}

// cellOf is the smallest and the largest value which the histograms do not tell apart
// from v: their cells are as wide as the unit, the largest power of two that is no
// more than histogramLowest, and double where 2,048 of them have passed.
func cellOf(v int64) (from, to int64) {
	const unit, cells = 9, 11 // as powers of two
	width := int64(1) << (bits.Len64(uint64(v)|(1<<(unit+cells)-1)) - cells)
	from = v &^ (width - 1)
	return from, from + width - 1
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
		Lowest: histogramLowest, Highest: histogramHighest, Data: encode(d.histogram()),
	}
}

// decode reads a histogram of a record.
func decode(e *EncodedHistogram) (*hdr.Histogram, error) {
	if e.Encoding != histogramEncoding || e.Unit != "ns" {
		return nil, fmt.Errorf("histogram has encoding %q in %q, not %q in ns", e.Encoding, e.Unit, histogramEncoding)
	}
	h, err := hdr.Decode([]byte(e.Data))
	if err != nil {
		return nil, fmt.Errorf("decode histogram: %w", err)
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
		if v, ok := d.quantile(p.q); ok && s.Count+d.overflow+d.censored >= p.samples {
			s.Percentiles[p.key] = new(micros(v))
		}
	}
	if s.Count > 0 {
		s.Min, s.Max = new(micros(d.min)), new(micros(d.max))
		s.Mean = new(math.Round(d.histogram().Mean()) / 1e3)
	}
	return s
}

// micros rounds nanoseconds to whole microseconds.
func micros(nanos int64) int64 { return (nanos + 500) / 1000 }
