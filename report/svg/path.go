package svg

import "math"

// Polyline returns path data through the points, in relative steps of 0.1 unit. A
// NaN breaks the line; a point alone between two breaks stays visible as a dot.
func Polyline(xs, ys []float64) string {
	var b []byte
	var px, py int
	open, drawn := false, false
	for i := range min(len(xs), len(ys)) {
		if math.IsNaN(ys[i]) || math.IsNaN(xs[i]) {
			b = dotIfAlone(b, open, drawn)
			open = false
			continue
		}
		x, y := tenths(xs[i]), tenths(ys[i])
		if !open {
			b = append(b, 'M')
			b = appendTenths(b, x)
			b = append(b, ' ')
			b = appendTenths(b, y)
			open, drawn = true, false
		} else {
			b = appendStep(b, x-px, y-py, !drawn)
			drawn = true
		}
		px, py = x, y
	}
	return string(dotIfAlone(b, open, drawn))
}

func dotIfAlone(b []byte, open, drawn bool) []byte {
	if open && !drawn {
		return append(b, "h0"...)
	}
	return b
}

// appendStep writes a relative line; a minus sign separates by itself.
func appendStep(b []byte, dx, dy int, first bool) []byte {
	switch {
	case first:
		b = append(b, 'l')
	case dx >= 0:
		b = append(b, ' ')
	}
	b = appendTenths(b, dx)
	if dy >= 0 {
		b = append(b, ' ')
	}
	return appendTenths(b, dy)
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

// Dot returns path data of a disc.
func Dot(x, y, r float64) string {
	d := num(r)
	return "M" + num(x-r) + " " + num(y) + "a" + d + " " + d + " 0 1 1 0 .1z"
}

// Hatch returns path data of lines rising at 45° through a rectangle, step units
// apart. Lines, because printers turn patterns into images.
func Hatch(x, y, w, h, step float64) string {
	var b []byte
	if w <= 0 || h <= 0 || step <= 0 {
		return ""
	}
	// A line leaves the bottom edge, extended to the left, at x+s.
	for s := step - h; s < w; s += step {
		from, to := max(s, 0), min(s+h, w)
		if from >= to {
			continue
		}
		px, py := tenths(x+from), tenths(y+h-(from-s))
		b = append(b, 'M')
		b = appendTenths(b, px)
		b = append(b, ' ')
		b = appendTenths(b, py)
		b = append(b, 'l')
		b = appendTenths(b, tenths(x+to)-px)
		if dy := tenths(y+h-(to-s)) - py; dy >= 0 {
			b = append(append(b, ' '), '0')
		} else {
			b = appendTenths(b, dy)
		}
	}
	return string(b)
}

// Cell is one cell of a heatmap: column, row from the bottom, and level 0…7.
type Cell struct{ Col, Row, Level int }

// Cells returns the path data of each level of a heatmap whose columns are w and
// rows h units wide, row 0 standing on bottom. Neighbours of equal level in a row
// are merged. Cells must come ordered by row, then column.
func Cells(cells []Cell, left, bottom, w, h float64) [len(Heat)]string {
	var paths [len(Heat)][]byte
	for i := 0; i < len(cells); {
		c := cells[i]
		run := 1
		for i+run < len(cells) && cells[i+run] == (Cell{c.Col + run, c.Row, c.Level}) {
			run++
		}
		i += run
		if c.Level < 0 || c.Level >= len(Heat) {
			continue
		}
		x, y := tenths(left+float64(c.Col)*w), tenths(bottom-float64(c.Row+1)*h)
		x2, y2 := tenths(left+float64(c.Col+run)*w), tenths(bottom-float64(c.Row)*h)
		b := append(paths[c.Level], 'M')
		b = appendTenths(b, x)
		b = append(b, ' ')
		b = appendTenths(b, y)
		b = appendTenths(append(b, 'h'), x2-x)
		b = appendTenths(append(b, 'v'), y2-y)
		b = appendTenths(append(b, 'h'), x-x2)
		paths[c.Level] = append(b, 'z')
	}
	var out [len(Heat)]string
	for i, p := range paths {
		out[i] = string(p)
	}
	return out
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
