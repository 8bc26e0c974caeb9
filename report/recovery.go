package report

import (
	"fmt"
	"html/template"
	"maps"
	"slices"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/report/svg"
)

// maxRecoveries is how many incidents the charts of recovery draw.
const maxRecoveries = 12

// stageBands are the stages of a recovery in the order in which it goes through
// them, as the bars show them. Those from the open socket on all count from there: a
// band begins where those before it end.
var stageBands = []struct {
	name   string
	keys   []string
	within []string
	token  svg.Token
}{
	{"detect", []string{"detect"}, nil, svg.Delivered},
	{"back off", []string{"backoff"}, nil, svg.Recovering},
	{"connect", []string{"queued", "negotiate", "tcp", "tls", "upgrade", "rejoin"}, nil, svg.Open},
	{"first data", []string{"first_data"}, []string{"rejoin"}, svg.FirstData},
	{"catch up", []string{"catch_up"}, []string{"rejoin", "first_data"}, svg.Expected},
}

// firstRecoveries are the incidents of which there is something to draw, and how many
// of those are left out.
func firstRecoveries(r *metrics.Run, something func(*metrics.Incident) bool) (drawn []metrics.Incident, more int) {
	for _, inc := range r.Incidents {
		switch {
		case !something(&inc):
		case len(drawn) == maxRecoveries:
			more++
		default:
			drawn = append(drawn, inc)
		}
	}
	return drawn, more
}

// moreRecoveries ends the finding of a chart that leaves some out.
func moreRecoveries(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(" The first %d incidents; %s", maxRecoveries, moreRows(n))
}

// stageBars draws where the time of each incident's recoveries went; nil without
// incidents that have stages.
func stageBars(r *metrics.Run) *figure {
	drawn, more := firstRecoveries(r, func(inc *metrics.Incident) bool {
		whole := inc.Stages["outage"]
		return whole != nil && whole.P50 != nil
	})
	if len(drawn) == 0 {
		return nil
	}
	f := &figure{ID: "stages", Title: "Where the time of a recovery goes",
		Finding: "Medians of the stages, laid end to end. At the right the median of the whole outage, at the end of the thin line its 95th percentile." + moreRecoveries(more)}
	longest := 0.0
	for _, inc := range drawn {
		total := 0.0
		for _, band := range stageBands {
			total += bandMicros(inc, band.keys, band.within)
		}
		longest = max(longest, total, orZero(inc.Stages["outage"].P95))
	}
	const row = 28.0
	c := &canvas{top: 30, bottom: 30 + row*float64(len(drawn))}
	c.doc = svg.New("svg-"+f.ID, chartWidth, int(c.bottom+footRoom), f.Title, f.Finding)
	x := svg.Linear(0, longest*1.02, plotLeft, plotRight)
	c.ticks(x, axisMicros)
	at := plotLeft
	for _, band := range stageBands {
		c.doc.Rect(at, 6, 10, 10, svg.Fill(band.token))
		c.doc.Text(at+15, 15, svg.Start, svg.Muted, band.name)
		at += 100
	}
	bars := make([][]svg.Box, len(stageBands))
	for i, inc := range drawn {
		middle := c.top + row*(float64(i)+0.5)
		c.doc.Text(plotLeft-6, middle+4, svg.End, svg.Muted, ellipsize(inc.ID, 8, "…"))
		from := 0.0
		for k, band := range stageBands {
			to := from + bandMicros(inc, band.keys, band.within)
			bars[k] = append(bars[k], svg.Box{X: x.At(from), Y: middle - 8, W: x.At(to) - x.At(from), H: 16})
			from = to
		}
		if p95 := orZero(inc.Stages["outage"].P95); p95 > 0 {
			c.doc.Line(plotLeft, middle+11, x.At(p95), middle+11, svg.Stroke(svg.Muted, 1))
			c.doc.Line(x.At(p95), middle-9, x.At(p95), middle+12, svg.Stroke(svg.Ink, 1.5))
		}
		c.doc.Text(plotRight+6, middle+4, svg.Start, svg.Ink, microsOf(inc.Stages["outage"].P50))
	}
	for k, band := range stageBands {
		c.doc.Boxes(bars[k], svg.Fill(band.token))
	}
	f.SVG = template.HTML(c.doc.String()) //nolint:gosec // written by package svg, which escapes every text
	return f
}

// bandMicros is how long the stages take, less the longest of those that they contain.
func bandMicros(inc metrics.Incident, keys, within []string) float64 {
	median := func(key string) float64 {
		if st := inc.Stages[key]; st != nil {
			return max(0, orZero(st.P50))
		}
		return 0
	}
	sum, before := 0.0, 0.0
	for _, key := range keys {
		sum += median(key)
	}
	for _, key := range within {
		before = max(before, median(key))
	}
	return max(0, sum-before)
}

func orZero(us *int64) float64 {
	if us == nil {
		return 0
	}
	return float64(*us)
}

// caughtUpSteps are where the lines of caughtUp rise.
var caughtUpSteps = []struct {
	key   string
	share float64
}{{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p100", 1}}

// caughtUp draws which share of the connections an incident hit had caught up when;
// nil when none did.
func caughtUp(r *metrics.Run) *figure {
	drawn, more := firstRecoveries(r, func(inc *metrics.Incident) bool {
		return slices.ContainsFunc(slices.Collect(maps.Values(inc.CaughtUpS)), func(s *float64) bool { return s != nil })
	})
	if len(drawn) == 0 {
		return nil
	}
	times, shares := make([][]float64, len(drawn)), make([][]float64, len(drawn))
	longest := 0.0
	for i, inc := range drawn {
		ts, ss := []float64{0}, []float64{0}
		for _, step := range caughtUpSteps {
			if s := inc.CaughtUpS[step.key]; s != nil {
				ts, ss = append(ts, *s, *s), append(ss, ss[len(ss)-1], step.share)
				longest = max(longest, *s)
			}
		}
		times[i], shares[i] = ts, ss
	}
	f := &figure{ID: "caught-up", Title: "Connections that had caught up, since the drop"}
	f.Finding = fmt.Sprintf("Steps at 50, 90, 99 and 100 %% of the connections hit; the last of all after %s.", seconds(longest)) + moreRecoveries(more)
	c := &canvas{top: 12, bottom: 12 + 132} // room for the names of 90 and 100 %
	c.doc = svg.New("svg-"+f.ID, chartWidth, int(c.bottom+footRoom), f.Title, f.Finding)
	x, y := svg.Linear(0, longest*1.02, plotLeft, plotRight), svg.Linear(0, 1, c.bottom, c.top)
	c.ticks(x, func(s float64) string { return axisMicros(s * 1e6) })
	for _, share := range []float64{0, 0.5, 0.9, 1} {
		c.doc.Line(plotLeft, y.At(share), plotRight, y.At(share), svg.Stroke(svg.Grid, 1))
		c.doc.Text(plotLeft-6, y.At(share)+4, svg.End, svg.Muted, percent(share))
	}
	tokens := []svg.Token{svg.Delivered, svg.Recovering, svg.Open, svg.FirstData, svg.Expected}
	var ends []lineEnd
	for i, inc := range drawn {
		xs, ys := make([]float64, len(times[i])), make([]float64, len(times[i]))
		for k := range xs {
			xs[k], ys[k] = x.At(times[i][k]), y.At(shares[i][k])
		}
		paint := svg.Stroke(tokens[i%len(tokens)], 1.8)
		c.doc.Path(svg.Polyline(xs, ys), paint)
		ends = append(ends, lineEnd{ellipsize(inc.ID, 8, "…"), paint, lastNumber(ys)})
	}
	c.names(ends)
	f.SVG = template.HTML(c.doc.String()) //nolint:gosec // written by package svg, which escapes every text
	return f
}

// ticks draws an axis at the foot that is not the time of the run.
func (c *canvas) ticks(x svg.Scale, write func(float64) string) {
	ticks := x.Ticks(8)
	names := make([]string, len(ticks))
	for i, v := range ticks {
		ticks[i], names[i] = x.At(v), write(v)
	}
	c.footAxis(ticks, names)
}

// footAxis names places from the left to the right, each with a line of its own.
func (c *canvas) footAxis(xs []float64, names []string) {
	lines, labels := make([]svg.Segment, len(xs)), make([]svg.Label, len(xs))
	for i, x := range xs {
		lines[i] = svg.Segment{X1: x, Y1: c.top, X2: x, Y2: c.bottom}
		labels[i] = svg.Label{X: x, Y: c.bottom + 16, Text: names[i]}
	}
	c.doc.Lines(lines, svg.Stroke(svg.Grid, 1))
	c.doc.Labels(labels, svg.Middle, svg.Muted)
}
