package svg

import "fmt"

// Cell is one cell of a heatmap: column, row from the bottom, and level 0…7.
type Cell struct{ Col, Row, Level int }

// Cells draws a heatmap whose columns are w and rows h units wide, row 0 of column 0
// standing on left, bottom. Cells must come ordered by column, then row; those of a
// level outside 0…7 are left out.
//
// Each level is one path, which also covers the levels above it and lies beneath them,
// and neighbours in a column are one stroke of it: latencies of one second lie close
// together, those of two seconds seldom do. Coordinates are columns and rows, so that a
// stroke takes about six bytes; the transform makes them units.
func (d *Doc) Cells(cells []Cell, left, bottom, w, h float64) {
	fmt.Fprintf(&d.b, `<g class="cells" shape-rendering="crispEdges" transform="matrix(%s 0 0 %s %s %s)">`,
		exact(w), exact(-h), exact(left+w/2), exact(bottom))
	for level, t := range Heat {
		d.mark(strokes(cells, level), Stroke(t, 1))
	}
	d.b.WriteString("</g>")
}

// strokes returns path data of upright lines, one column wide, through the cells of a
// level or a higher one.
func strokes(cells []Cell, level int) string {
	var b []byte
	shown := func(c Cell) bool { return c.Level >= level && c.Level < len(Heat) }
	x, y := 0, 0
	for i := 0; i < len(cells); i++ {
		from := cells[i]
		if !shown(from) {
			continue
		}
		for i+1 < len(cells) && shown(cells[i+1]) && cells[i+1].Col == from.Col && cells[i+1].Row == cells[i].Row+1 {
			i++
		}
		top := cells[i].Row + 1
		b = appendPair(append(b, 'm'), from.Col-x, from.Row-y, appendInt)
		b = appendInt(append(b, 'v'), top-from.Row)
		x, y = from.Col, top
	}
	return string(b)
}
