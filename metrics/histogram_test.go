package metrics

import (
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
	if a.count() != 0 || a.min != 0 || a.max != 0 || a.negative != 0 || a.censored != 0 || a.packed != nil || a.dense != nil {
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
	for _, n := range []int{1, 2, 100, 1000, manyValues - 1, manyValues, manyValues + 1, 100_000} {
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
			if d.count() != uint64(n) {
				t.Errorf("%d %s: %d counted", n, name, d.count())
			}
			for _, q := range []float64{0.001, 0.5, 0.9, 0.99, 0.999, 1} {
				got, _ := d.quantile(q)
				rank := float64(rankOf(q, uint64(n)))
				if want := min(max(oracle.ValueAtPercentile(rank/float64(n)*100), d.min), d.max); got != want {
					t.Errorf("%d %s: p%v is %d, want %d", n, name, q*100, got, want)
				}
			}
			if got, want := d.packed.Mean(), oracle.Mean(); got != want {
				t.Errorf("%d %s: mean %v, want %v", n, name, got, want)
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
				t.Errorf("%d %s: cells\n%v, want\n%v", n, name, got, want)
			}
			d.reset()
			d.record(7)
			if v, ok := d.quantile(1); !ok || v != 7 || d.count() != 1 {
				t.Errorf("%d %s: after a reset %d (%t), count %d", n, name, v, ok, d.count())
			}
		}
	}
}

// A fast second leaves the dense form to the next one, which takes it from the first value
// on; a slow one gives it back.
func TestDistributionKeepsDense(t *testing.T) {
	for _, first := range []int{manyValues - 1, manyValues, manyValues + 1} {
		for _, second := range []int{0, 1, 100, manyValues, manyValues + 1} {
			var d, merged distribution
			for range first {
				d.record(time.Minute)
			}
			d.reset()
			kept := d.dense != nil
			if kept != (first >= manyValues) {
				t.Fatalf("after %d values dense is kept: %t", first, kept)
			}
			oracle := hdr.New(histogramLowest, histogramHighest, histogramDigits)
			for i := range second {
				v := int64(i+1) * int64(10*time.Microsecond)
				d.record(time.Duration(v))
				_ = oracle.RecordValue(v)
			}
			if kept && d.packed != nil {
				t.Fatalf("%d after %d: packed, though there is the dense form", second, first)
			}
			merged.add(&d)
			for name, each := range map[string]*distribution{"merged": &merged, "asked": &d} {
				if each.count() != uint64(oracle.TotalCount()) {
					t.Errorf("%d after %d, %s: %d counted", second, first, name, each.count())
				}
				for _, q := range []float64{0.5, 0.99, 1} {
					rank := float64(rankOf(q, uint64(second)))
					want := min(max(oracle.ValueAtPercentile(rank/float64(second)*100), each.min), each.max)
					if got, ok := each.quantile(q); ok != (second > 0) || ok && got != want {
						t.Errorf("%d after %d, %s: p%v is %d (%t), want %d", second, first, name, q*100, got, ok, want)
					}
				}
			}
			if d.reset(); d != (distribution{}) {
				t.Errorf("%d after %d: %+v after it was asked and emptied", second, first, d)
			}
		}
	}
}

// What a fast second has kept, a slow one gives back, unless it was only merged and is
// fast again.
func TestDistributionGivesDenseBack(t *testing.T) {
	var d, merged distribution
	for i, row := range []struct {
		values int
		kept   bool
	}{{manyValues, true}, {manyValues, true}, {manyValues - 1, false}, {1, false}, {manyValues + 1, true}, {0, false}} {
		for range row.values {
			d.record(time.Millisecond)
		}
		merged.add(&d)
		d.reset()
		if kept := d.dense != nil; kept != row.kept || d.packed != nil || d.count() != 0 {
			t.Errorf("second %d, of %d values: left with %+v, want dense kept: %t", i, row.values, d, row.kept)
		}
	}
	if want := uint64(4*manyValues + 1); merged.count() != want || merged.packed.TotalCount() != int64(want) {
		t.Errorf("merged %d, want %d", merged.count(), want)
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
