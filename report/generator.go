package report

import (
	"math"

	"github.com/wpsbench/wpsbench/report/svg"
)

// stripHeight and stripGap are those of the generator's small charts.
const (
	stripHeight = 34.0
	stripGap    = 12.0
)

// strip is one of the small charts of the generator: shares of 1, and the gate that
// judges the first of them.
type strip struct {
	gate   string
	curves []curve
}

// generator draws what the harness itself was doing, under the limits of its gates;
// nil when nothing of that was recorded.
func (tl *timeline) generator() *figure {
	strips := []strip{
		{"cpu_share", tl.load([]curve{{column: "cpu_ratio", name: "CPU", paint: svg.Stroke(svg.Delivered, 1.5)}})},
		{"schedule_lag_share", tl.lagShare()},
		{"run_queue_share", tl.load([]curve{
			{column: "run_queue_ratio", name: "run queue", paint: svg.Stroke(svg.Delivered, 1.5)},
			{column: "gc_ratio", name: "GC", paint: svg.Stroke(svg.Recovering, 1.5)}})},
	}
	var drawn []strip
	var all []curve
	for _, s := range strips {
		if len(s.curves) > 0 {
			drawn = append(drawn, s)
			all = append(all, s.curves...)
		}
	}
	if len(drawn) == 0 {
		return nil
	}
	f := &figure{ID: "generator", Title: "Generator: what the harness itself was doing", Finding: tl.finding(all, percent)}
	f.Columns = readout("cpu_ratio|CPU|pct", "lag_p99_us|schedule lag p99|us", "run_queue_ratio|run queue|pct", "gc_ratio|GC|pct")
	f.Table = tl.table(f.Title, all, percent)
	c := tl.open(f, headRoom, float64(len(drawn))*(stripHeight+stripGap)-stripGap)
	c.timeAxis()
	for i, s := range drawn {
		part := *c
		part.top += float64(i) * (stripHeight + stripGap)
		part.bottom = part.top + stripHeight
		part.strip(s)
	}
	f.SVG = c.close()
	return f
}

// lagShare is the schedule lag of each interval as a share of its end-to-end latency.
func (tl *timeline) lagShare() []curve {
	lag, e2e := column(tl.run, "lag_p99_us"), column(tl.run, "e2e_p99_us")
	share := make([]float64, min(len(lag), len(e2e)))
	for i := range share {
		share[i] = math.NaN()
		if e2e[i] > 0 {
			share[i] = lag[i] / e2e[i]
		}
	}
	if !extent(share).ok {
		return nil
	}
	return []curve{{name: "lag ÷ e2e", paint: svg.Stroke(svg.Delivered, 1.5), values: share}}
}

// strip draws the curves of one strip and where its gate warns and fails.
func (c *canvas) strip(s strip) {
	hi := highest(s.curves)
	var warn, invalid float64
	for _, g := range c.tl.run.Health.Gates {
		if g.ID == s.gate {
			warn, invalid = g.Warn, g.Invalid
			hi = max(hi, invalid*1.1)
		}
	}
	y := svg.Linear(0, hi, c.bottom, c.top)
	for _, limit := range []struct {
		at    float64
		token svg.Token
	}{{warn, svg.Warn}, {invalid, svg.Invalid}} {
		if at := y.At(limit.at); limit.at > 0 {
			c.doc.Line(plotLeft, at, plotRight, at, svg.Stroke(limit.token, 1).Dashed("6 3"))
		}
	}
	c.valueAxis(y, percent)
	c.curves(s.curves, y)
}
