package metrics

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// The geometry of the heat map: four rows per octave from 1 µs on, where what is
// shorter stands, too, up to the largest value of a histogram.
const (
	rowsPerOctave = 4
	heatRows      = 128
)

// heatColumn counts the values of one tick by row. It is filled as they are recorded:
// to make it of their histogram would take more memory, every second, than it has.
type heatColumn [heatRows]uint32

// rowEdges are where an octave, as a fraction from 0.5 on, passes from one row to the next.
var rowEdges = [rowsPerOctave - 1]float64{math.Exp2(-0.75), math.Exp2(-0.5), math.Exp2(-0.25)}

func heatRow(v time.Duration) int {
	us := float64(v) / 1e3
	if us <= 1 {
		return 0
	}
	fraction, exponent := math.Frexp(us) // us = fraction × 2^exponent, 0.5 ≤ fraction < 1
	row := (exponent - 1) * rowsPerOctave
	for _, edge := range rowEdges {
		if fraction >= edge {
			row++
		}
	}
	return row
}

func (h *heatColumn) record(v time.Duration) {
	if v >= 0 && int64(v) <= histogramHighest {
		h[heatRow(v)]++
	}
}

func (h *heatColumn) add(o *heatColumn) {
	for row, n := range o {
		h[row] += n
	}
}

// heatCell is how many values of a tick lie in a row.
type heatCell struct {
	tick, row, count uint32
}

// appendTo adds the rows of a tick that are not empty.
func (h *heatColumn) appendTo(cells []heatCell, tick int) []heatCell {
	for row, n := range h {
		if n > 0 {
			cells = append(cells, heatCell{uint32(tick), uint32(row), n})
		}
	}
	return cells
}

// heatmap sorts cells, adds up those of one place and joins neighbours; nil without any.
func heatmap(cells []heatCell) *Heatmap {
	if len(cells) == 0 {
		return nil
	}
	slices.SortFunc(cells, func(a, b heatCell) int { return cmp.Or(cmp.Compare(a.tick, b.tick), cmp.Compare(a.row, b.row)) })
	out := &Heatmap{RowsPerOctave: rowsPerOctave}
	var run []int64
	var last heatCell
	for _, c := range cells {
		switch {
		case run != nil && c.tick == last.tick && c.row == last.row:
			run[len(run)-1] += int64(c.count)
		case run != nil && c.tick == last.tick && c.row == last.row+1:
			run = append(run, int64(c.count))
		default:
			if run != nil {
				out.Cells = append(out.Cells, run)
			}
			run = []int64{int64(c.tick), int64(c.row), int64(c.count)}
		}
		last = c
	}
	out.Cells = append(out.Cells, run)
	return out
}
