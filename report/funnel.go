package report

import (
	"fmt"
	"html/template"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/report/svg"
)

// funnel draws how many connections came how far, and where the others were lost.
func funnel(r *metrics.Run) *figure {
	f := &r.Connections.Funnel
	stages := []struct {
		name string
		n    int
		why  string // what happened in the run that can have kept them from coming this far
	}{
		{"planned", f.Planned, ""}, {"attempted", f.Attempted, "the run ended before"}, {"opened", f.Opened, failures(f.FailedDials, "failed dial in all, redials included", "failed dials in all, redials included")},
		{"connected", f.Connected, ""}, {"joined", f.Joined, failures(f.FailedJoins, "failed join in all, rejoins included", "failed joins in all, rejoins included")}, {"at the end", f.AtEnd, lostAtEnd(r)},
	}
	t := &table{Caption: "How far connections came", Head: heads("stage", ">count", ">of planned", ">lost here")}
	fig := &figure{ID: "funnel", Title: t.Caption, Table: t,
		Finding: fmt.Sprintf("%s of %s were open at the end.", htmlNumbers.float(float64(f.AtEnd)), htmlNumbers.counted(uint64(max(f.Planned, 0)), "connection", "connections"))}
	const row = 16.0
	const left, right = plotLeft + 20, plotRight - 150
	doc := svg.New("svg-"+fig.ID, chartWidth, int(row*float64(len(stages))+12), fig.Title, fig.Finding)
	x := svg.Linear(0, float64(max(f.Planned, 1)), left, right)
	before := f.Planned
	var areas []svg.Area
	for i, stage := range stages {
		share, lost := dash, cell{Text: dash, Num: true}
		if f.Planned > 0 {
			share = percent(float64(stage.n) / float64(f.Planned))
		}
		top := 6 + row*float64(i)
		doc.Text(left-8, top+row/2+4, svg.End, svg.Muted, stage.name)
		doc.Rect(left, top+2, x.At(float64(stage.n))-left, row-4, svg.Fill(svg.Open))
		label := htmlNumbers.float(float64(stage.n))
		if stage.n < before {
			lost = intCell(before - stage.n)
			doc.Rect(x.At(float64(stage.n)), top+2, x.At(float64(before))-x.At(float64(stage.n)), row-4, svg.Fill(svg.Fail).Faint(0.35))
			label += ", " + lost.Text + " lost"
			lost.Sub = stage.why
		}
		doc.Text(right+10, top+row/2+4, svg.Start, svg.Ink, label)
		hover := fmt.Sprintf("%s: %s, %s of planned", stage.name, label, share)
		if stage.n < before && stage.why != "" {
			hover += "; " + stage.why
		}
		areas = append(areas, svg.Area{Box: svg.Box{X: left, Y: top, W: right - left, H: row}, Text: hover})
		t.add(textCell(stage.name), intCell(stage.n), numCell(share), lost)
		before = stage.n
	}
	doc.Hover(areas)
	fig.SVG = template.HTML(doc.String()) //nolint:gosec // written by package svg, which escapes every text
	return fig
}

func failures(n uint64, singular, plural string) string {
	if n == 0 {
		return ""
	}
	return htmlNumbers.counted(n, singular, plural)
}

// lostAtEnd says what ended connections that were to last: the loss of a process of ours,
// or the most frequent close by the service that no fault was the cause of; empty when
// there was none.
func lostAtEnd(r *metrics.Run) string {
	if c := r.Totals.Coverage; c != nil && c.LostConnections > 0 {
		text := htmlNumbers.counted(uint64(c.LostConnections), "was", "were") + " in the lost process"
		if c.LostProcesses > 1 {
			text += "es"
		}
		return text
	}
	faults := map[metrics.CloseReason]uint64{}
	key := func(c metrics.CloseReason) metrics.CloseReason { c.Count = 0; return c }
	for _, in := range r.Incidents {
		for _, c := range in.Closes {
			faults[key(c)] += c.Count
		}
	}
	var top metrics.CloseReason
	for _, c := range r.Connections.CloseReasons {
		c.Count -= min(c.Count, faults[key(c)])
		if c.Side == "peer" && c.Count > top.Count {
			top = c
		}
	}
	if top.Count == 0 {
		return ""
	}
	top.Text = ellipsize(top.Text, 40, "…")
	return "most frequent close by the service, apart from faults: " + closeText(top, htmlNumbers)
}
