package report

import (
	"fmt"
	"html/template"
	"math"
	"slices"
	"sort"
	"strings"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/report/svg"
)

// The plot area shared by every chart, in units of the drawing. The right gutter
// holds the names of the lines, so that there is no legend to decode.
const (
	chartWidth = 1120
	plotLeft   = 64.0
	plotRight  = 1036.0
	headRoom   = 20.0 // above the plot: fault tags and offence markers
	nameRoom   = 18.0 // above that, in the first chart: the names of the phases
	footRoom   = 20.0 // below it: the axis
)

// figure is one chart on the page, with the same data as a table.
type figure struct {
	ID      string
	Title   string
	Finding string
	SVG     template.HTML
	// Columns tells the script what to read out: series column, name and kind, one
	// per entry as "column|name|kind". Empty: the chart has no cursor.
	Columns string
	Time    string // the ends of the time axis
	Cells   string // of a heatmap: its first row and the end of its rows
	Table   *table
}

// timeline draws the charts that share the axis of run time.
type timeline struct {
	run    *metrics.Run
	detail detail
	x      svg.Scale
	times  []float64 // middle of each interval
}

// newTimeline returns nil when the run is too short for a chart to say more than a
// table does.
func newTimeline(r *metrics.Run, d detail) *timeline {
	starts := column(r, "t_s")
	if r.Info.DurationS < 5 || len(starts) < 2 {
		return nil
	}
	tl := &timeline{run: r, detail: d, times: make([]float64, len(starts))}
	lo, hi := 0.0, r.Info.DurationS
	for i, t := range starts {
		tl.times[i] = t + r.Series.IntervalS/2
		if !math.IsNaN(t) {
			lo, hi = min(lo, t), max(hi, t+r.Series.IntervalS)
		}
	}
	for _, p := range r.Phases {
		lo, hi = min(lo, p.StartS), max(hi, p.EndS)
	}
	tl.x = svg.Linear(lo, hi, plotLeft, plotRight)
	return tl
}

// step is how wide an interval is drawn.
func (tl *timeline) step() float64 {
	last := len(tl.times) - 1
	return (tl.x.At(tl.times[last]) - tl.x.At(tl.times[0])) / float64(last)
}

// column returns a series column with NaN for intervals without samples, nil when
// the record has none of that name.
func column(r *metrics.Run, name string) []float64 {
	values, ok := r.Series.Columns[name]
	if !ok {
		return nil
	}
	out := make([]float64, len(values))
	for i, v := range values {
		out[i] = math.NaN()
		if v != nil {
			out[i] = *v
		}
	}
	return out
}

// charts returns every chart the record has data for.
func (tl *timeline) charts() []*figure {
	figures := []*figure{tl.rate(), tl.latency()}
	if f := tl.heatmap(); f != nil {
		figures = append(figures, f)
	}
	figures = append(figures, tl.connections())
	if f := tl.backlog(); f != nil {
		figures = append(figures, f)
	}
	if f := tl.generator(); f != nil {
		figures = append(figures, f)
	}
	x0, x1 := tl.x.Range()
	for _, f := range figures {
		f.Time = fmt.Sprintf("%g %g", x0, x1)
		f.Columns = tl.readout(f.Columns)
	}
	return figures
}

// curve is one line of a chart.
type curve struct {
	column, name string
	paint        svg.Paint
	values       []float64
}

// load fetches the columns and drops the curves without any sample.
func (tl *timeline) load(curves []curve) []curve {
	var loaded []curve
	for _, c := range curves {
		if c.values = column(tl.run, c.column); extent(c.values).ok {
			loaded = append(loaded, c)
		}
	}
	return loaded
}

func (tl *timeline) rate() *figure {
	curves := tl.load([]curve{
		{column: "expected_per_s", name: "expected", paint: svg.Stroke(svg.Expected, 1.5).Dashed("5 4")},
		{column: "delivered_per_s", name: "delivered", paint: svg.Stroke(svg.Delivered, 1.8)},
	})
	f := &figure{ID: "rate", Title: "Deliveries per second", Finding: tl.finding(curves, perSecond)}
	f.Columns = readout("expected_per_s|expected|rate", "delivered_per_s|delivered|rate", "published_per_s|published|rate")
	f.Table = tl.table(f.Title, curves, perSecond)
	c := tl.open(f, headRoom+nameRoom, 112)
	c.phaseNames()
	c.offences()
	c.lines(curves, svg.Linear(0, highest(curves)*1.05, c.bottom, c.top), axisRate)
	f.SVG = c.close()
	return f
}

func (tl *timeline) latency() *figure {
	curves := tl.load([]curve{
		{column: "e2e_p50_us", name: "p50", paint: svg.Stroke(svg.P50, 1.5)},
		{column: "e2e_p90_us", name: "p90", paint: svg.Stroke(svg.P90, 1.5)},
		{column: "e2e_p99_us", name: "p99", paint: svg.Stroke(svg.P99, 1.8)},
		{column: "e2e_p99_9_us", name: "p99.9", paint: svg.Stroke(svg.P999, 1.5).Dashed("1 4")},
	})
	f := &figure{ID: "lat", Title: "End-to-end latency, response time", Finding: tl.finding(curves, micros)}
	f.Columns = readout("e2e_p50_us|p50|us", "e2e_p90_us|p90|us", "e2e_p99_us|p99|us", "e2e_p99_9_us|p99.9|us")
	f.Table = tl.table(f.Title, curves, micros)
	c := tl.open(f, headRoom, 172)
	lo, hi := lowest(curves), highest(curves)
	limits := tl.limits(hi)
	for _, l := range limits {
		lo, hi = min(lo, l.Limit), max(hi, l.Limit)
	}
	scale := svg.Log(lo, hi, c.bottom, c.top)
	c.lines(curves, scale, axisMicros)
	c.limitLines(limits, scale)
	f.SVG = c.close()
	return f
}

// limitLines draws limits as lines, each named above its left end, or apart from its
// neighbours where limits lie close to each other.
func (c *canvas) limitLines(limits []metrics.ThresholdResult, scale svg.Scale) {
	sort.SliceStable(limits, func(i, j int) bool { return limits[i].Limit > limits[j].Limit })
	names := make([]float64, len(limits))
	for i, l := range limits {
		y := scale.At(l.Limit)
		c.doc.Line(plotLeft, y, plotRight, y, svg.Stroke(svg.Fail, 1.2).Dashed("6 3"))
		names[i] = y - 4
	}
	svg.Spread(names, 13, c.top+12, c.bottom-2)
	for i, l := range limits {
		c.doc.Text(plotLeft+6, names[i], svg.Start, svg.Fail, "limit "+ellipsize(limitText(l), 60, "…"))
	}
}

// limits returns the latency limits that lie near enough to the data to be drawn.
func (tl *timeline) limits(highest float64) []metrics.ThresholdResult {
	var near []metrics.ThresholdResult
	for _, t := range tl.run.Thresholds {
		if t.Metric == "e2e_latency" && t.Unit == "us" && t.Limit > 0 && t.Limit < highest*20 && len(near) < 4 {
			near = append(near, t)
		}
	}
	return near
}

func (tl *timeline) connections() *figure {
	curves := tl.load([]curve{
		{column: "open", name: "open", paint: svg.Stroke(svg.Open, 1.8)},
		{column: "recovering", name: "recovering", paint: svg.Stroke(svg.Recovering, 1.8)},
		{column: "gone", name: "gone", paint: svg.Stroke(svg.Fail, 1.8)},
	})
	curves = slices.DeleteFunc(curves, func(c curve) bool { return c.column == "gone" && extent(c.values).hi == 0 })
	f := &figure{ID: "conn", Title: "Connections", Finding: tl.finding(curves, htmlNumbers.float)}
	f.Columns = readout("open|open|count", "recovering|recovering|count", "gone|gone|count")
	f.Table = tl.table(f.Title, curves, htmlNumbers.float)
	c := tl.open(f, headRoom, 76)
	c.lines(curves, svg.Linear(0, highest(curves)*1.05, c.bottom, c.top), axisCount)
	f.SVG = c.close()
	return f
}

func readout(columns ...string) string { return strings.Join(columns, ";") }

// readout keeps of a chart's columns those that the record has.
func (tl *timeline) readout(columns string) string {
	return readout(slices.DeleteFunc(strings.Split(columns, ";"), func(c string) bool {
		name, _, _ := strings.Cut(c, "|")
		return tl.run.Series.Columns[name] == nil
	})...)
}

func perSecond(v float64) string { return htmlNumbers.float(v) + "/s" }

func axisRate(v float64) string { return axisCount(v) + "/s" }

// axisMicros writes a tick without the zeros that a measured value keeps: 10 ms.
func axisMicros(us float64) string {
	if us == 0 {
		return "0 s"
	}
	value, unit, _ := strings.Cut(micros(us), " ")
	return trimZeros(value) + " " + unit
}

// axisCount writes a tick in few digits: 500, 20 k, 1.5 M.
func axisCount(v float64) string {
	switch a := math.Abs(v); {
	case a >= 1e15:
		return htmlNumbers.float(v)
	case a >= 1e9:
		return htmlNumbers.float(v/1e9) + " G"
	case a >= 1e6:
		return htmlNumbers.float(v/1e6) + " M"
	case a >= 1e4:
		return htmlNumbers.float(v/1e3) + " k"
	}
	return htmlNumbers.float(v)
}

// finding says in one sentence what a chart shows.
func (tl *timeline) finding(curves []curve, write func(float64) string) string {
	if len(curves) == 0 {
		return "No samples."
	}
	from, to := tl.steady()
	var parts []string
	for _, c := range curves {
		e := tl.within(c.values, from, to)
		switch {
		case !e.ok:
		case write(e.lo) == write(e.hi):
			parts = append(parts, c.name+" "+write(e.hi)+" throughout")
		default:
			parts = append(parts, fmt.Sprintf("%s %s (at %s) to %s (at %s)", c.name, write(e.lo), tl.startOf(e.loAt), write(e.hi), tl.startOf(e.hiAt)))
		}
	}
	if len(parts) == 0 {
		return "No samples in steady state."
	}
	return "In steady state: " + strings.Join(parts, "; ") + "."
}

// startOf writes when an interval starts.
func (tl *timeline) startOf(interval int) string {
	return clock(tl.times[interval] - tl.run.Series.IntervalS/2)
}

// steady returns the bounds of steady state; of the whole run when no phase is
// marked as such.
func (tl *timeline) steady() (from, to float64) {
	from, to = math.Inf(1), math.Inf(-1)
	for _, p := range tl.run.Phases {
		if p.Steady {
			from, to = min(from, p.StartS), max(to, p.EndS)
		}
	}
	if from > to {
		return tl.x.Range()
	}
	return from, to
}

// span is the range of the samples of a column.
type span struct {
	lo, hi, mean float64
	loAt, hiAt   int // indices
	ok           bool
}

func extent(values []float64) span {
	var s span
	n := 0.0
	for i, v := range values {
		if math.IsNaN(v) {
			continue
		}
		if !s.ok || v > s.hi {
			s.hi, s.hiAt = v, i
		}
		if !s.ok || v < s.lo {
			s.lo, s.loAt = v, i
		}
		s.ok = true
		n++
		s.mean += (v - s.mean) / n
	}
	return s
}

// within is the extent of the samples whose interval has its middle in from…to.
func (tl *timeline) within(values []float64, from, to float64) span {
	// An interval that a phase ends in shows half a rate; less room than one has no other.
	half := tl.run.Series.IntervalS / 2
	for _, margin := range []float64{half - 1e-6, 0} {
		masked := make([]float64, min(len(values), len(tl.times)))
		for i := range masked {
			masked[i] = math.NaN()
			if t := tl.times[i]; t-margin >= from && t+margin < to {
				masked[i] = values[i]
			}
		}
		if s := extent(masked); s.ok {
			return s
		}
	}
	return span{}
}

func highest(curves []curve) float64 {
	hi := 0.0
	for _, c := range curves {
		hi = max(hi, extent(c.values).hi)
	}
	return hi
}

func lowest(curves []curve) float64 {
	lo := math.Inf(1)
	for _, c := range curves {
		lo = min(lo, extent(c.values).lo)
	}
	return lo
}

// table repeats a chart's data by phase: smallest, mean and largest of each curve.
func (tl *timeline) table(title string, curves []curve, write func(float64) string) *table {
	if len(curves) == 0 {
		return nil
	}
	t := &table{Caption: title + " by phase: smallest, mean, largest", Head: []head{{Name: "phase"}}}
	for _, c := range curves {
		t.Head = append(t.Head, head{Name: c.name, Num: true})
	}
	for _, p := range tl.run.Phases {
		row := []cell{{Text: p.Name}}
		for _, c := range curves {
			text := dash
			if e := tl.within(c.values, p.StartS, p.EndS); e.ok {
				text = write(e.lo) + " · " + write(e.mean) + " · " + write(e.hi)
			}
			row = append(row, cell{Text: text, Num: true})
		}
		t.add(row...)
	}
	return t
}
