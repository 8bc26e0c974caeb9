package svg

import (
	"fmt"
	"math"
	"strconv"
)

// Polyline returns path data through the points, in relative steps of 0.1 unit; a
// level stretch is one step. A NaN breaks the line; a point alone between two breaks
// stays visible as a dot.
func Polyline(xs, ys []float64) string { return polyline(xs, ys, tenths, tenths, appendTenths) }

// polyline writes coordinates as write does; xUnit and yUnit make whole numbers of them.
func polyline(xs, ys []float64, xUnit, yUnit func(float64) int, write func([]byte, int) []byte) string {
	var b []byte
	var px, py, level int // the path has come to px, py, and goes on level to px+level
	open, drawn := false, false
	step := func(dx, dy int) {
		b = appendStep(b, dx, dy, !drawn, write)
		drawn = true
	}
	end := func() {
		switch {
		case open && level != 0:
			step(level, 0)
		case open && !drawn:
			b = append(b, "h0"...)
		}
		open, level = false, 0
	}
	for i := range min(len(xs), len(ys)) {
		if math.IsNaN(ys[i]) || math.IsNaN(xs[i]) {
			end()
			continue
		}
		x, y := xUnit(xs[i]), yUnit(ys[i])
		switch {
		case !open:
			b = appendPair(append(b, 'M'), x, y, write)
			px, py, open, drawn = x, y, true, false
		case y == py && x >= px+level:
			level = x - px
		default:
			if level != 0 {
				step(level, 0)
			}
			step(x-px-level, y-py)
			px, py, level = x, y, 0
		}
	}
	end()
	return string(b)
}

// appendStep writes a relative line; a minus sign separates by itself.
func appendStep(b []byte, dx, dy int, first bool, write func([]byte, int) []byte) []byte {
	switch {
	case first:
		b = append(b, 'l')
	case dx >= 0:
		b = append(b, ' ')
	}
	return appendPair(b, dx, dy, write)
}

func appendPair(b []byte, x, y int, write func([]byte, int) []byte) []byte {
	b = write(b, x)
	if y >= 0 {
		b = append(b, ' ')
	}
	return write(b, y)
}

func appendInt(b []byte, v int) []byte { return strconv.AppendInt(b, int64(v), 10) }

// Curve draws a line of values at even steps: at[i] says which step, the first at x and
// each step units wide, and ys[i] is its height in the drawing. As Polyline does it breaks
// at NaN. Coordinates are steps and quarters of a unit, which take half of what units with a
// decimal do, and on a screen of two pixels to the unit half of one is the most they are off;
// the transform makes them units.
func (d *Doc) Curve(at, ys []float64, x, step float64, p Paint) {
	data := polyline(at, ys, func(v float64) int { return int(math.Round(bounded(v))) }, func(v float64) int { return int(math.Round(bounded(v) * 4)) }, appendInt)
	if data != "" {
		fmt.Fprintf(&d.b, `<path d="%s"%s%s transform="matrix(%s 0 0 .25 %s 0)" vector-effect="non-scaling-stroke"/>`,
			data, p.attributes(), round, exact(step), exact(x))
	}
}

// Thin cuts a line to about n points, keeping the smallest and the largest of
// each bucket and a break (NaN) where a bucket has one. It returns its arguments
// when they are short enough already.
func Thin(xs, ys []float64, n int) (txs, tys []float64) {
	size := min(len(xs), len(ys))
	if size <= n || n < 3 {
		return xs[:size], ys[:size]
	}
	buckets := n / 3
	for i := range buckets {
		from, to := i*size/buckets, (i+1)*size/buckets
		low, high, gap := -1, -1, -1
		for j := from; j < to; j++ {
			switch {
			case math.IsNaN(ys[j]):
				gap = j
				continue
			case low < 0:
				low, high = j, j
			}
			if ys[j] < ys[low] {
				low = j
			}
			if ys[j] > ys[high] {
				high = j
			}
		}
		for _, j := range inOrder(low, high, gap) {
			txs, tys = append(txs, xs[j]), append(tys, ys[j])
		}
	}
	return txs, tys
}

// inOrder returns the indices that are set, ascending and without repeats.
func inOrder(low, high, gap int) []int {
	if low > high {
		low, high = high, low
	}
	var order []int
	for _, j := range [...]int{low, high} {
		if j >= 0 && (len(order) == 0 || order[len(order)-1] != j) {
			order = append(order, j)
		}
	}
	if gap < 0 {
		return order
	}
	at := 0
	for at < len(order) && order[at] < gap {
		at++
	}
	return append(order[:at], append([]int{gap}, order[at:]...)...)
}

// Dots returns path data of points that a stroke, with its round ends, makes discs.
func Dots(xs, ys []float64) string {
	var b []byte
	for i := range min(len(xs), len(ys)) {
		b = appendPair(append(b, 'M'), tenths(xs[i]), tenths(ys[i]), appendTenths)
		b = append(b, "h0"...)
	}
	return string(b)
}

// Dot returns path data of a disc.
func Dot(x, y, r float64) string {
	d := num(r)
	return "M" + num(x-r) + " " + num(y) + "a" + d + " " + d + " 0 1 1 0 .1z"
}

// Spread moves label positions apart so that neighbours are at least gap apart
// and all stay within lo…hi where they fit. ys must ascend; it is changed in place.
func Spread(ys []float64, gap, lo, hi float64) {
	for i := range ys {
		floor := lo
		if i > 0 {
			floor = ys[i-1] + gap
		}
		ys[i] = max(ys[i], floor)
	}
	ceiling := hi
	for i := len(ys) - 1; i >= 0; i-- {
		ys[i] = min(ys[i], ceiling)
		ceiling = ys[i] - gap
	}
}
