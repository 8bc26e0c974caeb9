package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/report/svg"
)

const maxHeatRows = 200 // 50 octaves at 4 rows each: far beyond an hour

// heatmap draws how many deliveries had which latency when; nil without cells.
func (tl *timeline) heatmap() *figure {
	heat := tl.run.Series.Heatmap
	if heat == nil || heat.RowsPerOctave < 1 {
		return nil
	}
	counts, group := tl.heatCounts(heat)
	if len(counts) == 0 {
		return nil
	}
	lowRow, highRow, most := math.MaxInt, 0, int64(0)
	for at, n := range counts {
		lowRow, highRow, most = min(lowRow, at.row), max(highRow, at.row), max(most, n)
	}
	edge := func(row int) float64 { return math.Exp2(float64(row) / float64(heat.RowsPerOctave)) }

	f := &figure{ID: "heat", Title: "Latency distribution over time"}
	f.Finding = fmt.Sprintf("Deliveries lie between %s and %s; at most %s in one cell.",
		micros(edge(lowRow)), micros(edge(highRow+1)), htmlNumbers.count(uint64(most)))
	f.Columns = readout("delivered_per_s|delivered|rate", "e2e_p50_us|p50|us", "e2e_p99_us|p99|us")
	f.Cells = fmt.Sprint(lowRow, highRow+1)
	c := tl.open(f, headRoom, 150)
	c.timeAxis()
	c.valueAxis(svg.LogExact(edge(lowRow), edge(highRow+1), c.bottom, c.top), axisMicros)

	cells := make([]svg.Cell, 0, len(counts))
	for at, n := range counts {
		cells = append(cells, svg.Cell{Col: at.col, Row: at.row - lowRow, Level: level(n, most)})
	}
	slices.SortFunc(cells, func(a, b svg.Cell) int { return cmp.Or(a.Col-b.Col, a.Row-b.Row) })
	left, width := tl.x.At(tl.times[0])-tl.step()/2, tl.step()*float64(group)
	height := (c.bottom - c.top) / float64(highRow-lowRow+1)
	c.doc.Within(func() { c.doc.Cells(cells, left, c.bottom, width, height) })
	c.heatScale(most)
	f.SVG = c.close()
	return f
}

type heatCell struct{ col, row int }

// heatCounts adds up neighbouring intervals until they are few enough to be drawn, group
// intervals to a column; the readout tells every interval. Cells outside the series are
// left out.
func (tl *timeline) heatCounts(heat *metrics.Heatmap) (counts map[heatCell]int64, group int) {
	group = (len(tl.times) + tl.detail.columns - 1) / tl.detail.columns
	counts = make(map[heatCell]int64)
	heat.Each(func(column, row, count int64) {
		if column >= 0 && column < int64(len(tl.times)) && row >= 0 && row < maxHeatRows && count > 0 {
			counts[heatCell{int(column) / group, int(row)}] += min(count, math.MaxInt32)
		}
	})
	return counts, group
}

// level is logarithmic, so that one message stays visible beside a million.
func level(n, most int64) int {
	if most <= 1 {
		return len(svg.Heat) - 1
	}
	share := math.Log(float64(n)) / math.Log(float64(most))
	return min(int(share*float64(len(svg.Heat))), len(svg.Heat)-1)
}

// heatScale explains the colours in the right gutter.
func (c *canvas) heatScale(most int64) {
	step := (c.bottom - c.top - 30) / float64(len(svg.Heat))
	for i, t := range svg.Heat {
		c.doc.Rect(plotRight+6, c.bottom-15-step*float64(i+1), 10, step, svg.Fill(t))
	}
	c.doc.Text(plotRight+20, c.bottom-15, svg.Start, svg.Muted, "1")
	c.doc.Text(plotRight+20, c.top+23, svg.Start, svg.Muted, axisCount(float64(most)))
}
