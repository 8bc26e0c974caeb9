package metrics

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	hdr "github.com/HdrHistogram/hdrhistogram-go"
)

// TestQuantileIsCeilingRank: against the sorted samples, within the 0.1 % of three
// digits (and 1 µs below 1 ms), for small and odd counts too.
func TestQuantileIsCeilingRank(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{1, 2, 3, 7, 10, 99, 100, 101, 1000, 12345} {
		var d distribution
		samples := make([]int64, n)
		for i := range samples {
			samples[i] = int64(math.Exp(rnd.Float64()*16) * 1000)
			d.record(time.Duration(samples[i]))
		}
		slices.Sort(samples)
		for _, q := range []float64{0.001, 0.1, 0.25, 0.5, 0.9, 0.95, 0.99, 0.999, 0.9999} {
			want := samples[int(math.Ceil(q*float64(n)-1e-9))-1]
			got, ok := d.quantile(q)
			if !ok || math.Abs(float64(got-want)) > max(float64(want)/1000, 1024) {
				t.Errorf("n %d, q %v: got %d (%v), want %d", n, q, got, ok, want)
			}
		}
		if got, _ := d.quantile(0.99999999); n == 1 && got != samples[0] {
			t.Errorf("the only sample is %d, not %d", samples[0], got)
		}
		if d.min != samples[0] || d.max != samples[n-1] {
			t.Errorf("n %d: min %d and max %d, want %d and %d", n, d.min, d.max, samples[0], samples[n-1])
		}
	}
}

func TestQuantileCensored(t *testing.T) {
	var d distribution
	for i := range 98 {
		d.record(time.Duration(i+1) * time.Millisecond)
	}
	d.censored = 1
	d.record(2 * time.Hour) // out of range: beyond as well
	if v, ok := d.quantile(0.98); !ok || micros(v) != 98_000 {
		t.Errorf("p98: got %d, %v", v, ok)
	}
	if v, ok := d.quantile(0.99); ok {
		t.Errorf("p99 falls among the censored, got %d", v)
	}
	var none distribution
	none.censored = 3
	if _, ok := none.quantile(0.5); ok {
		t.Error("p50 of nothing that arrived")
	}
	none.censored = 0
	if _, ok := none.quantile(0.5); ok {
		t.Error("p50 of nothing at all")
	}
}

func TestSummary(t *testing.T) {
	var d distribution
	for i := range 999 {
		d.record(time.Duration(i+1) * time.Microsecond)
	}
	d.record(-1)
	d.record(time.Hour + 1)
	s := d.summary(E2ELatency, "steady")
	if s.Unit != "us" || s.Basis != "intended" || s.Phase != "steady" || s.Count != 999 || s.Negative != 1 || s.OutOfRange != 1 {
		t.Errorf("got %+v", s)
	}
	if *s.Min != 1 || *s.Max != 999 || math.Abs(*s.Mean-500) > 1 {
		t.Errorf("min %d, mean %v, max %d", *s.Min, *s.Mean, *s.Max)
	}
	if p := s.Percentiles["p99"]; p == nil || *p != 990 {
		t.Errorf("p99: got %v", p)
	}
	if p := s.Percentiles["p99_9"]; p == nil || *p != 999 {
		t.Errorf("p99.9 of 1,000 samples: got %v", p)
	}

	h, err := hdr.Decode([]byte(s.Histogram.Data))
	if err != nil || h.TotalCount() != 999 || h.LowestTrackableValue() != s.Histogram.Lowest || h.HighestTrackableValue() != s.Histogram.Highest {
		t.Errorf("histogram: %v, %+v", err, s.Histogram)
	}

	var few distribution
	for range 999 {
		few.record(time.Millisecond)
	}
	s = few.summary(AckRTT, "drain")
	if p, ok := s.Percentiles["p99_9"]; p != nil || !ok {
		t.Errorf("p99.9 of 999 samples: got %v, present %v", p, ok)
	}
	if p := s.Percentiles["p99"]; p == nil || *p != 1000 {
		t.Errorf("p99 of equal samples: got %v", p)
	}

	s = new(distribution).summary(AckRTT, "drain")
	if s.Min != nil || s.Mean != nil || s.Max != nil || s.Histogram != nil || s.Percentiles["p50"] != nil || len(s.Percentiles) != 5 {
		t.Errorf("no samples: got %+v", s)
	}
}

func TestDistributionAddAndReset(t *testing.T) {
	var a, b distribution
	a.record(5 * time.Millisecond)
	b.record(3 * time.Millisecond)
	b.record(-1)
	b.censored = 2
	a.add(&b)
	if a.count() != 2 || a.min != 3e6 || a.max != 5e6 || a.negative != 1 || a.censored != 2 {
		t.Errorf("got %+v", a)
	}
	a.reset()
	if a.count() != 0 || a.min != 0 || a.max != 0 || a.negative != 0 || a.censored != 0 || a.packed != nil || a.batch != nil || a.dense != nil {
		t.Errorf("after reset: got %+v", a)
	}
	a.record(7 * time.Millisecond)
	if a.min != 7e6 {
		t.Errorf("min after reset: got %d", a.min)
	}
	var c distribution
	c.add(&b)
	if c.min != 3e6 {
		t.Errorf("min of a copy: got %d", c.min)
	}
}

// Whether values were recorded here or merged, they are told as the library tells them.
func TestDistributionAsLibrary(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	for _, n := range []int{1, 2, 100, 1000, batchValues - 1, batchValues, batchValues + 1, 3*batchValues + 1, 100_000} {
		var whole, merged distribution
		parts := make([]distribution, 3)
		oracle := hdr.New(histogramLowest, histogramHighest, histogramDigits)
		for i := range n {
			v := int64(math.Exp(rnd.Float64() * math.Log(float64(histogramHighest))))
			if i%10 == 0 {
				v = int64(1)<<rnd.IntN(42) - rnd.Int64N(2) // the edges of the cells
			}
			v = min(v, histogramHighest)
			_ = oracle.RecordValue(v)
			whole.record(time.Duration(v))
			parts[rnd.IntN(3)].record(time.Duration(v))
		}
		for i := range parts {
			merged.add(&parts[i])
		}
		for name, d := range map[string]*distribution{"recorded": &whole, "merged": &merged} {
			wantAsLibrary(t, fmt.Sprintf("%d %s", n, name), d, oracle)
			d.reset()
			d.record(7)
			if v, ok := d.quantile(1); !ok || v != 7 || d.count() != 1 {
				t.Errorf("%d %s: after a reset %d (%t), count %d", n, name, v, ok, d.count())
			}
		}
	}
}

// In which form values are, on the one side or the other, changes nothing.
func TestDistributionAddsForms(t *testing.T) {
	sizes := []int{0, 1, 100, batchValues/2 + 1, batchValues - 1, batchValues, batchValues + 1}
	for _, first := range sizes {
		for _, second := range sizes {
			for name, packed := range map[string]bool{"as recorded": false, "packed": true} {
				var d, o distribution
				oracle := hdr.New(histogramLowest, histogramHighest, histogramDigits)
				for i := range first {
					v := int64(i) * int64(10*time.Microsecond)
					d.record(time.Duration(v))
					_ = oracle.RecordValue(v)
				}
				for i := range second {
					v := int64(i%7) * int64(9*time.Minute)
					o.record(time.Duration(v))
					_ = oracle.RecordValue(v)
				}
				if packed {
					o.pack()
				}
				d.add(&o)
				d.add(&o)
				d.record(0)
				_ = oracle.RecordValue(0)
				for i := range second {
					_ = oracle.RecordValue(int64(i%7) * int64(9*time.Minute))
				}
				if d.batch != nil && len(d.batch.cells) > batchValues {
					t.Errorf("%d and twice %d %s: %d values wait, want %d at most", first, second, name, len(d.batch.cells), batchValues)
				}
				if n := o.count(); n != uint64(second) {
					t.Errorf("%d and twice %d %s: %d are left of what was merged", first, second, name, n)
				}
				wantAsLibrary(t, fmt.Sprintf("%d and twice %d %s", first, second, name), &d, oracle)
				d.reset()
				o.reset()
			}
		}
	}
}

// wantAsLibrary compares counts, quantiles and cells.
func wantAsLibrary(t *testing.T, name string, d *distribution, oracle *hdr.Histogram) {
	t.Helper()
	n := uint64(oracle.TotalCount())
	if d.count() != n {
		t.Errorf("%s: %d counted, want %d", name, d.count(), n)
	}
	for _, q := range []float64{0.001, 0.5, 0.9, 0.99, 0.999, 1} {
		got, _ := d.quantile(q)
		rank := float64(rankOf(q, n))
		if want := min(max(oracle.ValueAtPercentile(rank/float64(n)*100), d.min), d.max); got != want {
			t.Errorf("%s: p%v is %d, want %d", name, q*100, got, want)
		}
	}
	if got, want := d.packed.Mean(), oracle.Mean(); got != want {
		t.Errorf("%s: mean %v, want %v", name, got, want)
	}
	var got, want []hdr.Bar
	for v, count := range d.cells() {
		got = append(got, hdr.Bar{From: v, To: v + cellWidth(v) - 1, Count: count})
	}
	for _, bar := range oracle.Distribution() {
		if bar.Count > 0 {
			want = append(want, bar)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s: cells\n%v, want\n%v", name, got, want)
	}
}

// What a record says of a histogram is what was counted; one that counts otherwise is
// refused.
func TestDecode(t *testing.T) {
	var d distribution
	for i := range 3000 {
		d.record(time.Duration(i*i) * time.Microsecond)
	}
	e := d.encode()
	h, err := decode(e)
	if err != nil {
		t.Fatal(err)
	}
	if !maps.Equal(maps.Collect(h.ForEachBucket), maps.Collect(d.cells())) {
		t.Error("decoded differs from encoded")
	}
	other := hdr.New(1, histogramHighest, histogramDigits)
	_ = other.RecordValue(1)
	data, err := other.Encode(hdr.V2CompressedEncodingCookieBase)
	if err != nil {
		t.Fatal(err)
	}
	e.Data = string(data)
	if _, err := decode(e); err == nil || !strings.Contains(err.Error(), "with 3 digits, not from 1000") {
		t.Errorf("of another geometry: %v", err)
	}
}

func TestMetricNames(t *testing.T) {
	for _, m := range Metrics() {
		if got, ok := ParseMetric(m.String()); !ok || got != m {
			t.Errorf("%v does not parse back", m)
		}
	}
	if _, ok := ParseMetric("lost"); ok {
		t.Error("lost is a counter, not a metric")
	}
}
