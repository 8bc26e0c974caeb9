package report

import (
	"fmt"
	"html/template"
	"math"
	"strings"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/report/compare"
	"github.com/wpsbench/wpsbench/report/svg"
)

// aligned draws p50 and p99 of both runs on the time of B, A moved so that steady state
// starts at the same place; nil when B is too short for charts.
func aligned(c *compare.Result, how detail) *figure {
	tl := newTimeline(c.B.Run, how)
	if tl == nil {
		return nil
	}
	curves := append(tl.load([]curve{
		{column: "e2e_p50_us", name: "B p50", paint: svg.Stroke(svg.P50, 1.5)},
		{column: "e2e_p99_us", name: "B p99", paint: svg.Stroke(svg.P99, 1.8)},
	}), tl.baseline(c.A.Run, []curve{
		{column: "e2e_p50_us", name: "A p50", paint: svg.Stroke(svg.Expected, 1.3).Dashed("5 4")},
		{column: "e2e_p99_us", name: "A p99", paint: svg.Stroke(svg.Expected, 1.3).Dashed("5 4")},
	})...)
	f := &figure{ID: "aligned", Title: "End-to-end latency of both runs, aligned at the start of steady state", Finding: tl.finding(curves, micros)}
	f.Table = tl.table(f.Title, curves, micros)
	x0, x1 := tl.x.Range()
	f.Time = fmt.Sprintf("%g %g", x0, x1)
	f.Columns = tl.readout(readout("e2e_p50_us|B p50|us", "e2e_p99_us|B p99|us"))
	d := tl.open(f, headRoom+nameRoom, 172)
	d.phaseNames()
	scale := svg.Log(lowest(curves), highest(curves), d.bottom, d.top)
	d.lines(curves, scale, axisMicros)
	d.doc.Within(func() { d.hovers(curves) })
	f.SVG = d.close()
	return f
}

// baseline fetches columns of another run, resampled to the intervals of this timeline:
// what both did equally long after the start of their steady states.
func (tl *timeline) baseline(other *metrics.Run, curves []curve) []curve {
	theirs := newTimeline(other, tl.detail)
	if theirs == nil || other.Series.IntervalS <= 0 {
		return nil
	}
	from, _ := tl.steady()
	theirFrom, _ := theirs.steady()
	var loaded []curve
	for _, c := range theirs.load(curves) {
		values := make([]float64, len(tl.times))
		for i, t := range tl.times {
			values[i] = math.NaN()
			at := math.Round((t - from + theirFrom - theirs.times[0]) / other.Series.IntervalS)
			if at >= 0 && at < float64(min(len(c.values), len(theirs.times))) {
				values[i] = c.values[int(at)]
			}
		}
		if c.values = values; extent(values).ok {
			loaded = append(loaded, c)
		}
	}
	return loaded
}

// maxHovers is how many areas of a chart show their values to a pointer without script.
const maxHovers = 120

// hovers says what every curve shows, for each interval or some of them.
func (c *canvas) hovers(curves []curve) {
	n := len(c.tl.times)
	step := max(1, (n+maxHovers-1)/maxHovers)
	half := c.tl.run.Series.IntervalS / 2
	var areas []svg.Area
	for i := 0; i < n; i += step {
		text := ""
		for _, cv := range curves {
			if i < len(cv.values) && !math.IsNaN(cv.values[i]) {
				text += " · " + cv.name + " " + micros(cv.values[i])
			}
		}
		if from, to := c.tl.times[i]-half, c.tl.times[min(i+step, n)-1]+half; text != "" && !math.IsNaN(from+to) {
			x := c.tl.x.At(from)
			areas = append(areas, svg.Area{Box: svg.Box{X: x, Y: c.top, W: c.tl.x.At(to) - x, H: c.bottom - c.top}, Text: clock(from) + text})
		}
	}
	c.doc.Hover(areas)
}

// difference draws by how much each quantile of B differs from A's.
func difference(c *compare.Result) *figure {
	f := &figure{ID: "difference", Title: "End-to-end latency, B against A by percentile", Finding: differenceFinding(c), Table: differenceTable(c)}
	const height = 190.0
	d := &canvas{top: 10, bottom: 10 + height}
	d.doc = svg.New("svg-"+f.ID, chartWidth, int(d.bottom+footRoom), f.Title, f.Finding)
	_, margin := latencyMargin(c)
	lo, hi := differenceRange(c, margin)
	x, y := svg.Linear(0, maxNines, plotLeft, plotRight), svg.Linear(lo, hi, d.bottom, d.top)
	d.doc.Rect(plotLeft, y.At(margin), plotRight-plotLeft, y.At(1/(1+margin)-1)-y.At(margin), svg.Fill(svg.Muted).Faint(0.12))
	d.valueAxis(y, axisChange)
	d.ninesAxis(x)
	d.doc.Line(plotLeft, y.At(0), plotRight, y.At(0), svg.Stroke(svg.Expected, 1.2))
	if len(c.Quantiles) == 0 {
		d.doc.Text((plotLeft+plotRight)/2, (d.top+d.bottom)/2-8, svg.Middle, svg.Muted, "no distribution to compare")
	}
	var xs, ys []float64
	for _, q := range c.Quantiles {
		if q.Nines <= maxNines {
			xs, ys = append(xs, x.At(q.Nines)), append(ys, y.At(q.ChangeRatio))
		}
	}
	d.intervals(c.Quantiles[:len(xs)], x, y)
	d.doc.Path(svg.Polyline(xs, ys), svg.Stroke(svg.Delivered, 1.8))
	var areas []svg.Area
	for i := 0; i < len(xs); i += hoverStep {
		width := x.At(hoverStep/10.0) - x.At(0)
		areas = append(areas, svg.Area{Box: svg.Box{X: xs[i] - width/2, Y: d.top, W: width, H: height}, Text: differenceText(c.Quantiles[i])})
	}
	d.doc.Hover(areas)
	f.SVG = template.HTML(d.doc.String()) //nolint:gosec // written by package svg, which escapes every text
	return f
}

func axisChange(ratio float64) string {
	if ratio == 0 {
		return "0 %"
	}
	return change(ratio)
}

// intervals fills the space between both ends of the intervals.
func (c *canvas) intervals(all []compare.Quantile, x, y svg.Scale) {
	var xs, ys []float64
	for _, q := range all {
		if len(q.Interval) == 2 {
			xs, ys = append(xs, x.At(q.Nines)), append(ys, y.At(q.Interval[1]))
		}
	}
	for i := len(all) - 1; i >= 0; i-- {
		if q := all[i]; len(q.Interval) == 2 {
			xs, ys = append(xs, x.At(q.Nines)), append(ys, y.At(q.Interval[0]))
		}
	}
	c.doc.Path(svg.Polyline(xs, ys), svg.Fill(svg.Delivered).Faint(0.22))
}

// differenceRange holds every change and the margin, and of intervals as much as does not
// make those too small to see.
func differenceRange(c *compare.Result, margin float64) (lo, hi float64) {
	lo, hi = -margin, margin
	for _, q := range c.Quantiles {
		lo, hi = min(lo, q.ChangeRatio), max(hi, q.ChangeRatio)
	}
	far := max(-lo, hi) * 2
	wide := [2]float64{lo, hi}
	for _, q := range c.Quantiles {
		if len(q.Interval) == 2 {
			wide[0], wide[1] = min(wide[0], max(q.Interval[0], -far)), max(wide[1], min(q.Interval[1], far))
		}
	}
	room := (wide[1] - wide[0]) * 0.06
	return wide[0] - room, wide[1] + room
}

// latencyMargin is that of the first metric of end-to-end latency, and its name.
func latencyMargin(c *compare.Result) (name string, margin float64) {
	for _, m := range c.Metrics {
		if strings.HasPrefix(m.Name, "e2e ") {
			return m.Name, m.MarginRatio
		}
	}
	return "latency", compare.DefaultMargin
}

func differenceFinding(c *compare.Result) string {
	name, margin := latencyMargin(c)
	text := "Shaded: the margin of " + name + ", " + marginText(margin)
	if len(c.Quantiles) == 0 {
		return "A run keeps no histogram, or has fewer than ten samples. " + text + "."
	}
	least, most := c.Quantiles[0], c.Quantiles[0]
	for _, q := range c.Quantiles {
		if q.ChangeRatio < least.ChangeRatio {
			least = q
		}
		if q.ChangeRatio > most.ChangeRatio {
			most = q
		}
	}
	band := "no band: one run a side tells nothing of the noise"
	if len(c.Quantiles[0].Interval) == 2 {
		band = "band: the " + percent(c.Confidence) + " interval"
	}
	return fmt.Sprintf("From %s (%s) to %s (%s). %s; %s. Drawn, not judged, as far as every run has ten samples above.",
		tenths(least.ChangeRatio), ninesText(least.Nines), tenths(most.ChangeRatio), ninesText(most.Nines), text, band)
}

func ninesText(nines float64) string { return quantileText(int(math.Round(nines * 10))) }

func differenceText(q compare.Quantile) string {
	text := fmt.Sprintf("%s: A %s · B %s · %s", ninesText(q.Nines), micros(q.A), micros(q.B), tenths(q.ChangeRatio))
	if len(q.Interval) == 2 {
		text += " " + changeInterval(q.Interval) + " %"
	}
	return text
}

func differenceTable(c *compare.Result) *table {
	t := &table{Caption: "Latency by percentile, both sides", Head: heads(">percentile", ">A", ">B", ">change", ">"+percent(c.Confidence)+" interval")}
	for i, q := range c.Quantiles {
		if i%5 == 0 || i == len(c.Quantiles)-1 {
			t.add(numCell(ninesText(q.Nines)), numCell(micros(q.A)), numCell(micros(q.B)), numCell(tenths(q.ChangeRatio)), numCell(changeInterval(q.Interval)))
		}
	}
	if len(t.Rows) == 0 {
		return nil
	}
	return t
}
