package compare

import (
	"math"
	"strconv"

	hdr "github.com/HdrHistogram/hdrhistogram-go"

	"github.com/wpsbench/wpsbench/metrics"
)

// Quantile is one point of the shift function: how much the quantile of B differs.
type Quantile struct {
	Nines       float64   `json:"nines"` // log10(1/(1-q))
	A           float64   `json:"a_us"`
	B           float64   `json:"b_us"`
	ChangeRatio float64   `json:"change_ratio"`
	Interval    []float64 `json:"interval_ratio"` // null with one run a side
}

// shift compares the end-to-end latency of both sides at ten quantiles per nine, as far
// as every run has ten samples above. It is drawn, and never judged.
func shift(d design) []Quantile {
	a, b := histograms(d.a), histograms(d.b)
	out := []Quantile{}
	if len(a) == 0 || len(b) == 0 || len(a) != len(d.a) || len(b) != len(d.b) {
		return out
	}
	for i := 0; ; i++ {
		x := float64(i) / 10
		q := 1 - math.Pow(10, -x)
		la, okA := logQuantiles(a, q)
		lb, okB := logQuantiles(b, q)
		if !okA || !okB {
			return out
		}
		var e estimate
		var known bool
		if d.paired {
			diff := make([]float64, len(la))
			for k := range la {
				diff[k] = lb[k] - la[k]
			}
			e, known = paired(diff)
		} else {
			e, known = unpaired(la, lb)
		}
		ma, mb := average(la), average(lb)
		p := Quantile{Nines: x, A: significant(math.Exp(ma)), B: significant(math.Exp(mb)), ChangeRatio: significant(math.Expm1(mb - ma))}
		if known {
			p.Interval = ratios(e)
		}
		out = append(out, p)
	}
}

// ratios is the interval of an estimate as changes: B/A - 1.
func ratios(e estimate) []float64 {
	lo, hi := e.interval(Confidence)
	return []float64{significant(math.Expm1(lo)), significant(math.Expm1(hi))}
}

// significant keeps six digits: a result is no more precise, and must not differ between
// machines whose last bits do.
func significant(v float64) float64 {
	text := strconv.FormatFloat(v, 'g', 6, 64)
	if rounded, err := strconv.ParseFloat(text, 64); err == nil && math.Abs(v) > 1e-12 {
		return rounded
	}
	return 0
}

func average(l []float64) float64 {
	sum := 0.0
	for _, v := range l {
		sum += v
	}
	return sum / float64(len(l))
}

// packed is a histogram of a run, with what stands above all of its values.
type packed struct {
	counts *hdr.PackedHistogram
	beyond float64
}

// histograms are those of all runs; fewer where one cannot be read.
func histograms(runs []*metrics.Run) []packed {
	var out []packed
	for _, r := range runs {
		s := r.Metrics["e2e_latency"]
		if s == nil || s.Histogram == nil {
			continue
		}
		h, err := hdr.DecodePacked([]byte(s.Histogram.Data))
		if err != nil || h.TotalCount() == 0 {
			continue
		}
		out = append(out, packed{h, float64(s.Censored) + float64(s.OutOfRange)})
	}
	return out
}

// logQuantiles are the logarithms of a quantile, in microseconds, one per run; ok is
// false where one has fewer than ten samples above it.
func logQuantiles(all []packed, q float64) (l []float64, ok bool) {
	for _, p := range all {
		n := float64(p.counts.TotalCount())
		if (1-q)*(n+p.beyond) < 10 || q*(n+p.beyond) > n {
			return nil, false
		}
		v := float64(p.counts.ValueAtPercentile(q*(n+p.beyond)/n*100)) / 1e3
		l = append(l, math.Log(max(v, 1e-3)))
	}
	return l, true
}
