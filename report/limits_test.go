package report

import (
	"math"
	"regexp"
	"strconv"
	"testing"

	"github.com/wpsbench/wpsbench/metrics"
)

// Limits that lie close to each other keep names that can be read.
func TestNamesOfLimitsStayApart(t *testing.T) {
	tests := []struct {
		name   string
		limits []float64
	}{
		{"close to each other", []float64{20_000, 21_000, 22_000}},
		{"the same", []float64{20_000, 20_000}},
		{"at the top", []float64{4_900_000, 5_000_000}},
		{"at the bottom", []float64{1, 2, 2, 3}},
	}
	position := regexp.MustCompile(`<text x="70" y="([0-9.]+)"[^>]*>limit `)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := passedRun(t)
			r.Thresholds = nil
			for _, l := range test.limits {
				r.Thresholds = append(r.Thresholds, metrics.ThresholdResult{Metric: "e2e_latency", Expr: "p(99)<x", Phase: "steady", Limit: l, Unit: "us", Result: "pass"})
			}
			var ys []float64
			for _, m := range position.FindAllStringSubmatch(string(newTimeline(r, fine).latency().SVG), -1) {
				y, err := strconv.ParseFloat(m[1], 64)
				must(t, err)
				ys = append(ys, y)
			}
			if len(ys) != len(test.limits) {
				t.Fatalf("%d names, want %d", len(ys), len(test.limits))
			}
			for i, y := range ys {
				if y < headRoom+8 || y > headRoom+172 {
					t.Errorf("a name stands at %g, outside the plot", y)
				}
				for _, other := range ys[:i] {
					if math.Abs(y-other) < 12 {
						t.Errorf("names stand at %g and %g, one over the other", other, y)
					}
				}
			}
		})
	}
}
