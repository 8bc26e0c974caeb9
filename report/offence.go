package report

import (
	"cmp"
	"fmt"
	"html/template"
	"slices"
	"strconv"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/report/svg"
)

// firstOffence draws the messages around the offence that came first: numbers in the
// order they were sent above, in the order they came below. Nil when nothing was
// violated, or nothing is known of what came.
func firstOffence(r *metrics.Run) *figure {
	all := offencesOf(r)
	all = slices.DeleteFunc(all, func(o offence) bool { return len(o.example.Arrivals) == 0 })
	if len(all) == 0 {
		return nil
	}
	first := slices.MinFunc(all, func(a, b offence) int { return cmp.Compare(a.example.TS, b.example.TS) })
	e := first.example
	f := &figure{ID: "first-offence", Title: "First offence: " + first.check.ID + " " + first.check.Name}
	f.Finding = fmt.Sprintf("Publisher %d in %s, as connection %d got it at %s%s: %s. Below is the order of arrival; what came out of order, again or never is red.",
		e.Publisher, e.Group, e.Subscriber, instant(e.TS), afterIncident(r, e), offenceText(e))
	lanes := newLanes(e)
	f.SVG = lanes.draw(f)
	f.Table = lanes.table(e)
	return f
}

// earliestOffence is the example that came first of all; nil when there is none.
func earliestOffence(r *metrics.Run) *metrics.Example {
	all := offencesOf(r)
	if len(all) == 0 {
		return nil
	}
	return slices.MinFunc(all, func(a, b offence) int { return cmp.Compare(a.example.TS, b.example.TS) }).example
}

// afterIncident is how long after its incident an offence came, if after one.
func afterIncident(r *metrics.Run, e *metrics.Example) string {
	for _, inc := range r.Incidents {
		if inc.ID == e.Incident && e.Incident != "" {
			return ", " + seconds(e.TS-inc.StartS) + " after " + inc.ID
		}
	}
	return ""
}

func offenceText(e *metrics.Example) string {
	switch {
	case e.GotMessage == 0:
		return fmt.Sprintf("message %d never came", e.ExpectedMessage)
	case e.ExpectedMessage == 0:
		return fmt.Sprintf("message %d came", e.GotMessage)
	case e.GotMessage == e.ExpectedMessage-1:
		return fmt.Sprintf("message %d came again", e.GotMessage)
	case e.GotMessage < e.ExpectedMessage:
		return fmt.Sprintf("message %d came after message %d", e.GotMessage, e.ExpectedMessage-1)
	}
	return fmt.Sprintf("message %d was due, message %d came", e.ExpectedMessage, e.GotMessage)
}

// lanes are the two orders of the same messages.
type lanes struct {
	sent    []uint64 // ascending, each once
	came    []metrics.Arrival
	answers []string // of each arrival; empty = as it should be
}

// drawnArrivals is how many arrivals the drawing has room for, those after the offence first.
const drawnArrivals = 12

func newLanes(e *metrics.Example) *lanes {
	l := &lanes{came: e.Arrivals, answers: make([]string, len(e.Arrivals))}
	highest := uint64(0)
	seen := map[uint64]bool{}
	for i, a := range l.came {
		switch {
		case seen[a.Message] && a.Replayed: // by right, after a recovery
		case seen[a.Message]:
			l.answers[i] = "again"
		case a.Message < highest:
			l.answers[i] = "out of order"
		}
		seen[a.Message] = true
		highest = max(highest, a.Message)
	}
	before := max(0, len(l.came)-drawnArrivals)
	l.came, l.answers = l.came[before:], l.answers[before:]
	for _, a := range l.came {
		l.sent = append(l.sent, a.Message)
	}
	if due := e.ExpectedMessage; due > 0 && !seen[due] && due < highest {
		l.sent = append(l.sent, due)
	}
	slices.Sort(l.sent)
	l.sent = slices.Compact(l.sent)
	return l
}

func (l *lanes) draw(f *figure) template.HTML {
	const above, below, height = 36.0, 126.0, 160
	d := svg.New("svg-"+f.ID, chartWidth, height, f.Title, f.Finding)
	place := func(i, n int) float64 { return plotLeft + 40 + (float64(i)+0.5)*(plotRight-plotLeft-40)/float64(n) }
	for _, lane := range []struct {
		name string
		y    float64
	}{{"sent", above}, {"received", below}} {
		d.Text(plotLeft-6, lane.y+4, svg.End, svg.Muted, lane.name)
		d.Line(plotLeft, lane.y, plotRight, lane.y, svg.Stroke(svg.Grid, 1))
	}
	came := map[uint64]bool{}
	for i, a := range l.came {
		came[a.Message] = true
		paint := svg.Stroke(svg.Delivered, 1.5)
		if l.answers[i] != "" {
			paint = svg.Stroke(svg.Fail, 2.5)
		}
		from, _ := slices.BinarySearch(l.sent, a.Message)
		x, x2 := place(from, len(l.sent)), place(i, len(l.came))
		d.Line(x, above, x2, below, paint)
		d.Path(svg.Dot(x2, below, 3.5), svg.Fill(paint.Token))
		label := svg.Ink
		if l.answers[i] != "" {
			label = svg.Fail
		}
		d.Text(x2, below+18, svg.Middle, label, strconv.FormatUint(a.Message, 10))
	}
	for i, m := range l.sent {
		x, token := place(i, len(l.sent)), svg.Ink
		if !came[m] {
			token = svg.Fail
			d.Line(x, above, x, above+26, svg.Stroke(svg.Fail, 2.5).Dashed("4 3"))
			d.Text(x, above+40, svg.Middle, svg.Fail, "never came")
		}
		d.Path(svg.Dot(x, above, 3.5), svg.Fill(token))
		d.Text(x, above-10, svg.Middle, token, strconv.FormatUint(m, 10))
	}
	return template.HTML(d.String()) //nolint:gosec // written by package svg, which escapes every text
}

func (l *lanes) table(e *metrics.Example) *table {
	t := &table{Caption: "Messages in the order in which they came", Head: heads(">time", ">message", ">sequence id", "how")}
	for i, a := range l.came {
		how := l.answers[i]
		switch {
		case how == "" && a.Replayed:
			how = "replayed"
		case how == "":
			how = "in order"
		}
		t.add(numCell(fmt.Sprintf("%.6f s", a.TS)), countCell(a.Message), orDash(countCell(a.SequenceID)), textCell(how))
	}
	if !slices.ContainsFunc(l.came, func(a metrics.Arrival) bool { return a.Message == e.ExpectedMessage }) && slices.Contains(l.sent, e.ExpectedMessage) {
		t.add(numCell(dash), countCell(e.ExpectedMessage), numCell(dash), textCell("never came"))
	}
	return t
}
