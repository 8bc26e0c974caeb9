package report

import (
	"html/template"
	"math"
	"strconv"
	"strings"

	hdr "github.com/HdrHistogram/hdrhistogram-go"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/report/svg"
)

// maxNines is the right end of the spectrum's axis: 99.9999 %.
const maxNines = 6

// spectrumLine is one distribution over quantiles that stand evenly in nines,
// log10(1/(1-q)), so that the tail takes its share of the axis.
type spectrumLine struct {
	name  string
	paint svg.Paint
	nines []float64
	us    []float64
	sure  int  // points with at least ten samples above them
	cut   bool // the line ends where messages begin that never arrived
}

// spectrum draws the whole latency distributions of steady state, beside that of a
// baseline if there is one; nil without an encoded histogram that can be read.
func spectrum(r, baseline *metrics.Run) *figure {
	var lines []spectrumLine
	add := func(name string, m *metrics.MetricSummary, paint svg.Paint) {
		if nines, us, sure := quantiles(m); len(us) > 0 {
			lines = append(lines, spectrumLine{name, paint, nines, us, sure, m.Censored > 0})
		}
	}
	if baseline != nil {
		add("baseline", baseline.Metrics["e2e_latency"], svg.Stroke(svg.Expected, 1.3).Dashed("5 4"))
	}
	add("response", r.Metrics["e2e_latency"], svg.Stroke(svg.Delivered, 1.8))
	add("service", r.Metrics["e2e_service"], svg.Stroke(svg.Delivered, 1.2).Dashed("4 3"))
	add("ack", r.Metrics["ack_rtt"], svg.Stroke(svg.Open, 1.8))
	if len(lines) == 0 {
		return nil
	}
	f := &figure{ID: "spectrum", Title: "Latency by percentile, steady state"}
	f.Finding = "From the smallest sample to the largest; dotted where fewer than ten samples lie above."
	f.Table = spectrumTable(lines)
	f.SVG = drawSpectrum(f, lines)
	return f
}

// quantiles reads the distribution of a metric, ten points per nine, up to the
// largest sample. Censored samples stand above all others: the line ends where they
// begin.
func quantiles(m *metrics.MetricSummary) (nines, us []float64, sure int) {
	if m == nil || m.Histogram == nil {
		return nil, nil, 0
	}
	// The packed form: its size follows the samples, not the geometry that the
	// document claims.
	h, err := hdr.DecodePacked([]byte(m.Histogram.Data))
	if err != nil || h.TotalCount() == 0 {
		return nil, nil, 0
	}
	var percentiles []float64
	n, all := float64(h.TotalCount()), float64(h.TotalCount())+float64(m.Censored)
	for i := range maxNines*10 + 1 {
		x := float64(i) / 10
		q := 1 - math.Pow(10, -x)
		above := (1 - q) * all
		if q*all > n || (i > 0 && above < 0.5) {
			break
		}
		nines, percentiles = append(nines, x), append(percentiles, q*all/n*100)
		if above >= 10 {
			sure = len(nines)
		}
	}
	for _, ns := range h.ValueAtPercentilesSlice(percentiles) {
		us = append(us, float64(ns)/1e3)
	}
	return nines, us, sure
}

func drawSpectrum(f *figure, lines []spectrumLine) template.HTML {
	const height = 210.0
	c := &canvas{top: 10, bottom: 10 + height}
	c.doc = svg.New("svg-"+f.ID, chartWidth, int(c.bottom+footRoom), f.Title, f.Finding)
	lo, hi := math.Inf(1), 0.0
	for _, l := range lines {
		e := extent(l.us)
		lo, hi = min(lo, e.lo), max(hi, e.hi)
	}
	x, y := svg.Linear(0, maxNines, plotLeft, plotRight), svg.Log(lo, hi, c.bottom, c.top)
	c.valueAxis(y, axisMicros)
	c.ninesAxis(x)
	var ends []lineEnd
	for _, l := range lines {
		xs, ys := make([]float64, len(l.us)), make([]float64, len(l.us))
		for i := range l.us {
			xs[i], ys[i] = x.At(l.nines[i]), y.At(l.us[i])
		}
		c.doc.Path(svg.Polyline(xs[:l.sure], ys[:l.sure]), l.paint)
		if from := max(l.sure-1, 0); from < len(xs)-1 {
			c.doc.Path(svg.Polyline(xs[from:], ys[from:]), l.paint.Dashed("1 4"))
		}
		if last := len(xs) - 1; l.cut {
			c.doc.Line(xs[last], ys[last], xs[last], c.top+2, svg.Stroke(svg.Fail, 1.5).Dashed("3 3"))
			c.doc.Path(svg.Polyline([]float64{xs[last] - 4, xs[last], xs[last] + 4}, []float64{c.top + 8, c.top + 1, c.top + 8}), svg.Stroke(svg.Fail, 1.5))
			c.doc.Text(xs[last]+8, c.top+12, svg.Start, svg.Fail, l.name+": the rest never arrived")
		}
		ends = append(ends, lineEnd{l.name, l.paint, lastNumber(ys)})
	}
	c.names(ends)
	var areas []svg.Area
	for i := 0; i <= maxNines*10; i += hoverStep {
		if text := at(lines, i); text != "" {
			middle, width := x.At(float64(i)/10), x.At(hoverStep/10.0)-x.At(0)
			areas = append(areas, svg.Area{Box: svg.Box{X: middle - width/2, Y: c.top, W: width, H: height}, Text: text})
		}
	}
	c.doc.Hover(areas)
	return template.HTML(c.doc.String()) //nolint:gosec // written by package svg, which escapes every text
}

// ninesAxis marks the quantiles that end in another nine.
func (c *canvas) ninesAxis(x svg.Scale) {
	names := []string{"0 %", "90 %", "99 %", "99.9 %", "99.99 %", "99.999 %", "99.9999 %"}
	xs := make([]float64, len(names))
	for i := range xs {
		xs[i] = x.At(float64(i))
	}
	c.footAxis(xs, names)
}

// hoverStep is how many points of a line share one area to hover over.
const hoverStep = 2

// quantileText writes the quantile of the i-th point: 99.9 %.
func quantileText(i int) string {
	q := 100 * (1 - math.Pow(10, -float64(i)/10))
	return trimZeros(strconv.FormatFloat(q, 'f', max(1, i/10), 64)) + " %"
}

// at says what every line that reaches the i-th point shows there.
func at(lines []spectrumLine, i int) string {
	var parts []string
	for _, l := range lines {
		if i < len(l.us) {
			parts = append(parts, l.name+" "+micros(l.us[i]))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return quantileText(i) + ": " + strings.Join(parts, " · ")
}

// spectrumTable repeats the lines at every nine.
func spectrumTable(lines []spectrumLine) *table {
	t := &table{Caption: "Latency by percentile", Head: []head{{Name: "percentile", Num: true}}}
	for _, l := range lines {
		t.Head = append(t.Head, head{Name: l.name, Num: true})
	}
	for i := 0; i <= maxNines*10 && at(lines, i) != ""; i += 10 {
		row := []cell{numCell(quantileText(i))}
		for _, l := range lines {
			text := dash
			if i < len(l.us) {
				text = micros(l.us[i])
			}
			row = append(row, numCell(text))
		}
		t.add(row...)
	}
	return t
}
