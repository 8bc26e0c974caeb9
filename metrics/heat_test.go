package metrics

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// The rows are those of the logarithm, edges included.
func TestHeatRow(t *testing.T) {
	for v, want := range map[time.Duration]int{
		0: 0, 999: 0, time.Microsecond: 0, 1189: 0, 1190: 1, 1414: 1, 1415: 2, 1681: 2, 1682: 3, 1999: 3,
		2 * time.Microsecond: 4, 1024 * time.Microsecond: 40, 1024*time.Microsecond - 1: 39, time.Hour: 126,
	} {
		if got := heatRow(v); got != want {
			t.Errorf("%v is in row %d, want %d", v, got, want)
		}
	}
	chance := rand.New(rand.NewPCG(1, 2))
	for range 100_000 {
		v := time.Duration(math.Exp(chance.Float64() * math.Log(float64(time.Hour))))
		exact := math.Log2(float64(v)/1e3) * rowsPerOctave
		if got, want := heatRow(v), max(0, int(math.Floor(exact))); got != want && math.Abs(exact-math.Round(exact)) > 1e-9 {
			t.Fatalf("%v is in row %d, want %d", v, got, want)
		}
	}
}

// What no histogram takes is in no row.
func TestHeatColumnRange(t *testing.T) {
	var h heatColumn
	for _, v := range []time.Duration{-1, time.Hour + 1, 0, time.Hour} {
		h.record(v)
	}
	want := [][]int64{{7, 0, 1}, {7, 126, 1}}
	if got := heatmap(h.appendTo(nil, 7)); !slices.EqualFunc(got.Cells, want, slices.Equal) {
		t.Errorf("%v; want one value in row 0, one in row 126", got.Cells)
	}
	if got := heatmap(nil); got != nil {
		t.Errorf("%v without a value, want none", got)
	}
}

// Neighbours of a column stand in one run, in order, and what came late for a cell is
// added to it.
func TestHeatmapJoinsNeighbours(t *testing.T) {
	got := heatmap([]heatCell{{2, 41, 5}, {1, 40, 1}, {2, 40, 3}, {2, 43, 7}, {1, 41, 2}, {2, 40, 4}})
	want := [][]int64{{1, 40, 1, 2}, {2, 40, 7, 5}, {2, 43, 7}}
	if !slices.EqualFunc(got.Cells, want, slices.Equal) {
		t.Errorf("got %v, want %v", got.Cells, want)
	}
	var cells [][3]int64
	got.Each(func(column, row, count int64) { cells = append(cells, [3]int64{column, row, count}) })
	if want := [][3]int64{{1, 40, 1}, {1, 41, 2}, {2, 40, 7}, {2, 41, 5}, {2, 43, 7}}; !slices.Equal(cells, want) {
		t.Errorf("got the cells %v, want %v", cells, want)
	}
}
