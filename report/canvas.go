package report

import (
	"fmt"
	"html/template"
	"math"
	"sort"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/report/svg"
)

// canvas is one chart of the timeline while it is drawn, back to front.
type canvas struct {
	tl          *timeline
	doc         *svg.Doc
	top, bottom float64
}

// open starts a drawing whose plot is height units high below head units of room, and
// lays the bands of phases and faults under it.
func (tl *timeline) open(f *figure, head, height float64) *canvas {
	c := &canvas{tl: tl, top: head, bottom: head + height}
	c.doc = svg.New("svg-"+f.ID, chartWidth, int(head+height+footRoom), f.Title, f.Finding)
	c.doc.Plot(plotLeft, c.top, plotRight-plotLeft, height)
	c.doc.Within(func() {
		var phases bands
		for i, p := range tl.run.Phases {
			if i%2 == 0 {
				phases.add(c, p.StartS, p.EndS)
			}
		}
		c.doc.Boxes(phases, svg.Fill(svg.Muted).Faint(0.08))
		c.faults()
	})
	c.faultTags()
	return c
}

func (c *canvas) close() template.HTML {
	if len(c.tl.run.Health.Untrusted) > 0 {
		c.doc.Within(c.hatch)
	}
	return template.HTML(c.doc.String()) //nolint:gosec // written by package svg, which escapes every text
}

// bands are stretches of time, as high as a plot.
type bands []svg.Box

func (b *bands) add(c *canvas, from, to float64) {
	if x, x2 := c.tl.x.At(from), c.tl.x.At(to); x2 > x {
		*b = append(*b, svg.Box{X: x, Y: c.top, W: max(x2-x, 1.5), H: c.bottom - c.top})
	}
}

// faults lays two bands per incident: until half of the connections hit had caught
// up, and from there until nearly all had.
func (c *canvas) faults() {
	_, end := c.tl.x.Range()
	var hurt, recovering bands
	var starts []svg.Segment
	for i, inc := range c.tl.run.Incidents {
		if i == maxIncidents {
			break
		}
		half, most := end, end
		if inc.EndS != nil {
			half, most = *inc.EndS, *inc.EndS
		}
		if at, ok := caughtUpAt(&inc, "p99"); ok {
			half, most = at, at
		}
		if at, ok := caughtUpAt(&inc, "p50"); ok {
			half = at
		}
		hurt.add(c, inc.StartS, half)
		recovering.add(c, half, most)
		x := c.tl.x.At(inc.StartS)
		starts = append(starts, svg.Segment{X1: x, Y1: c.top, X2: x, Y2: c.bottom})
	}
	c.doc.Boxes(hurt, svg.Fill(svg.Fail).Faint(0.13))
	c.doc.Boxes(recovering, svg.Fill(svg.Warn).Faint(0.16))
	c.doc.Lines(starts, svg.Stroke(svg.Fail, 1).Dashed("3 3"))
}

// caughtUpAt is when so many of the connections hit had caught up. Each of them counts
// from its own drop, which may come long after the incident began: spread over time, or
// when the service had enough of a client that misbehaves. Only of the last one the clock
// is known.
func caughtUpAt(inc *metrics.Incident, share string) (at float64, ok bool) {
	took, all := inc.CaughtUpS[share], inc.CaughtUpS["p100"]
	if took == nil {
		return 0, false
	}
	from := inc.StartS
	if inc.EndS != nil && all != nil {
		from = max(from, *inc.EndS-*all)
	}
	return from + *took, true
}

// faultTags names the incidents above the plot, where a tag has room.
func (c *canvas) faultTags() {
	last := math.Inf(-1)
	for i, inc := range c.tl.run.Incidents {
		if x := c.tl.x.At(inc.StartS); i < maxIncidents && x-last > 26 {
			// It ends at the edge: what a fault leads to comes after it.
			c.doc.Tag(x, x+4, c.top-5, svg.End, svg.Fail, ellipsize(inc.ID, 12, "…"))
			last = x
		}
	}
}

// phaseNames names the phases at the top of the drawing, where there is room.
func (c *canvas) phaseNames() {
	for _, p := range c.tl.run.Phases {
		x, x2 := c.tl.x.At(p.StartS), c.tl.x.At(p.EndS)
		name := ellipsize(p.Name, 24, "…")
		if x2-x > float64(7*columns(name)+8) {
			c.doc.Tag((x+x2)/2, (x+x2)/2, 14, svg.Middle, svg.Muted, name)
		}
	}
}

// offences marks each example of a violation at the top edge, linked to its row.
func (c *canvas) offences() {
	for i, o := range offencesOf(c.tl.run) {
		if i == maxMarkers {
			break
		}
		c.doc.Marker(c.tl.x.At(o.example.TS), c.top, svg.Fill(svg.Fail), o.anchor(), fmt.Sprintf("%s at %s", o.check.Name, instant(o.example.TS)))
	}
}

// hatch covers the seconds in which the generator cannot be believed.
func (c *canvas) hatch() {
	var seconds bands
	for _, u := range c.tl.run.Health.Untrusted {
		seconds.add(c, u.FromS, max(u.ToS, u.FromS))
	}
	c.doc.Hatch(seconds, 7, svg.Stroke(svg.Invalid, 1).Faint(0.6))
}

// lines draws both axes and the curves.
func (c *canvas) lines(curves []curve, y svg.Scale, write func(float64) string) {
	c.timeAxis()
	if len(curves) == 0 {
		c.doc.Text((plotLeft+plotRight)/2, (c.top+c.bottom)/2+4, svg.Middle, svg.Muted, "no samples")
		return
	}
	c.valueAxis(y, write)
	c.curves(curves, y)
}

// curves draws lines over the time of the run, each named at its right end.
func (c *canvas) curves(curves []curve, y svg.Scale) {
	var ends []lineEnd
	c.doc.Within(func() {
		for _, cv := range curves {
			n := min(len(c.tl.times), len(cv.values))
			at, ys := make([]float64, n), make([]float64, n)
			for i := range n {
				at[i], ys[i] = float64(i), y.At(cv.values[i])
			}
			at, ys = svg.Thin(at, ys, c.tl.detail.points)
			c.doc.Curve(at, ys, c.tl.x.At(c.tl.times[0]), c.tl.step(), cv.paint)
			ends = append(ends, lineEnd{cv.name, cv.paint, lastNumber(ys)})
		}
	})
	c.names(ends)
}

type lineEnd struct {
	name  string
	paint svg.Paint
	y     float64
}

// names writes the name of each line in the right gutter, near where it ends, behind a
// piece of the line.
func (c *canvas) names(ends []lineEnd) {
	sort.SliceStable(ends, func(i, j int) bool { return ends[i].y < ends[j].y })
	ys := make([]float64, len(ends))
	for i, e := range ends {
		ys[i] = e.y
	}
	svg.Spread(ys, 13, c.top+4, c.bottom)
	for i, e := range ends {
		c.doc.Line(plotRight+2, ys[i], plotRight+13, ys[i], svg.Stroke(e.paint.Token, 3).Dashed(e.paint.Dash))
		c.doc.Text(plotRight+16, ys[i]+4, svg.Start, svg.Ink, e.name)
	}
}

func lastNumber(ys []float64) float64 {
	for i := len(ys) - 1; i >= 0; i-- {
		if !math.IsNaN(ys[i]) {
			return ys[i]
		}
	}
	return 0
}

func (c *canvas) valueAxis(y svg.Scale, write func(float64) string) {
	ticks := y.Ticks(max(2, int((c.bottom-c.top)/19)))
	lines, labels := make([]svg.Segment, len(ticks)), make([]svg.Label, len(ticks))
	for i, v := range ticks {
		lines[i] = svg.Segment{X1: plotLeft, Y1: y.At(v), X2: plotRight, Y2: y.At(v)}
		labels[i] = svg.Label{X: plotLeft - 6, Y: y.At(v) + 4, Text: write(v)}
	}
	c.doc.Lines(lines, svg.Stroke(svg.Grid, 1))
	c.doc.Labels(labels, svg.End, svg.Muted)
}

func (c *canvas) timeAxis() {
	c.doc.Line(plotLeft, c.bottom, plotRight, c.bottom, svg.Stroke(svg.Border, 1))
	ticks := c.tl.x.TimeTicks(12)
	lines, labels := make([]svg.Segment, len(ticks)), make([]svg.Label, len(ticks))
	for i, t := range ticks {
		lines[i] = svg.Segment{X1: c.tl.x.At(t), Y1: c.bottom, X2: c.tl.x.At(t), Y2: c.bottom + 4}
		labels[i] = svg.Label{X: c.tl.x.At(t), Y: c.bottom + 16, Text: clock(t)}
	}
	c.doc.Axis(func() {
		c.doc.Lines(lines, svg.Stroke(svg.Border, 1))
		c.doc.Labels(labels, svg.Middle, svg.Muted)
	})
}
