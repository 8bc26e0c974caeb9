package report

import (
	"slices"

	"github.com/wpsbench/wpsbench/report/svg"
)

// backlog draws what was on its way: copies that had not arrived, and how far the
// session that was furthest behind lagged with its sequenceAcks; nil when the record
// tells neither.
func (tl *timeline) backlog() *figure {
	curves := tl.load([]curve{
		{column: "undelivered", name: "on the way", paint: svg.Stroke(svg.Delivered, 1.8)},
		{column: "unacked_messages", name: "unacked", paint: svg.Stroke(svg.FirstData, 1.8)},
	})
	// Without reliability nothing is acknowledged.
	curves = slices.DeleteFunc(curves, func(c curve) bool { return c.column == "unacked_messages" && extent(c.values).hi == 0 })
	if len(curves) == 0 {
		return nil
	}
	f := &figure{ID: "backlog", Title: "Backlog: messages on their way", Finding: tl.finding(curves, htmlNumbers.float)}
	f.Columns = readout("undelivered|on the way|count", "unacked_messages|unacked, most of one session|count")
	f.Table = tl.table(f.Title, curves, htmlNumbers.float)
	f.Finding += " On the way: copies sent that had not arrived at the end of the second, but for excused ones."
	hi, limit := highest(curves), 0.0
	if b := tl.run.Connections.Budget; b != nil && curves[len(curves)-1].column == "unacked_messages" {
		limit = float64(b.Limit.UnackedMessages)
		f.Finding += " Unacked: received by one session and not acknowledged, of which the service keeps " + htmlNumbers.float(limit) + "."
	}
	c := tl.open(f, headRoom, 76)
	y := svg.Log(1, max(hi, limit), c.bottom, c.top)
	c.lines(curves, y, axisCount)
	if limit > 0 {
		at := y.At(limit)
		c.doc.Line(plotLeft, at, plotRight, at, svg.Stroke(svg.Fail, 1.2).Dashed("6 3"))
		c.doc.Text(plotLeft+6, max(at-4, c.top+12), svg.Start, svg.Fail, "the service keeps "+htmlNumbers.float(limit)+" unacked messages of a session")
	}
	f.SVG = c.close()
	return f
}
