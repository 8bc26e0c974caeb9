package svg

import (
	"fmt"
	"math"
)

// Shape is the outline that says a verdict without colour.
type Shape uint8

// The shapes of the verdicts.
const (
	Disc Shape = iota
	Octagon
	Triangle
	HalfDisc
	Ring
	Dash
)

var shapeIDs = [...]string{Disc: "disc", Octagon: "octagon", Triangle: "triangle", HalfDisc: "half", Ring: "ring", Dash: "dash"}

// Icon returns a decorative drawing (hidden from assistive technology: the word
// stands beside it) of size × size units, of a shape that Shapes has defined.
func Icon(s Shape, t Token, size int) string {
	return fmt.Sprintf(`<svg class="icon" width="%d" height="%d" aria-hidden="true"><use class="%s" color="%s" href="#%s"/></svg>`,
		size, size, t, t.Light(), shapeIDs[s])
}

// Shapes returns what the icons of a page refer to, once for all of them: many a table
// has one in every row.
func Shapes() string {
	d := &Doc{}
	d.b.WriteString(`<svg width="0" height="0" aria-hidden="true">`)
	for s, id := range shapeIDs {
		fmt.Fprintf(&d.b, `<symbol id="%s" viewBox="0 0 16 16">`, id)
		d.shape(Shape(s))
		d.b.WriteString("</symbol>")
	}
	return d.b.String() + "</svg>"
}

// shape draws in the colour of whoever uses it.
func (d *Doc) shape(s Shape) {
	fill := func(path string) { fmt.Fprintf(&d.b, `<path d="%s" fill="currentColor"/>`, path) }
	stroke := func(path string, width float64) {
		fmt.Fprintf(&d.b, `<path d="%s" fill="none" stroke="currentColor" stroke-width="%s"/>`, path, num(width))
	}
	switch s {
	case Disc:
		fill("M8 1a7 7 0 1 0 .01 0z")
		d.Path("M4.8 8.3l2.2 2.2 4.2-4.6", Stroke(Background, 1.8))
	case Octagon:
		fill(octagon(8, 8, 7.4))
		d.Path("M5.4 5.4l5.2 5.2M10.6 5.4l-5.2 5.2", Stroke(Background, 1.8))
	case Triangle:
		fill("M8 1.2l7.2 13.3h-14.4z")
		d.Path("M8 5.8v4.4M8 12.2v.1", Stroke(Background, 1.8))
	case HalfDisc:
		stroke("M8 2a6 6 0 1 0 .01 0z", 2)
		fill("M8 2a6 6 0 0 0 0 12z")
	case Ring:
		stroke("M8 2.2a5.8 5.8 0 1 0 .01 0z", 2.4)
	case Dash:
		stroke("M3 8h10", 2)
	}
}

func octagon(cx, cy, r float64) string {
	var b []byte
	for i := range 8 {
		a := math.Pi/8 + float64(i)*math.Pi/4
		b = append(b, "ML"[min(i, 1)])
		b = appendTenths(b, tenths(cx+r*math.Cos(a)))
		b = append(b, ' ')
		b = appendTenths(b, tenths(cy+r*math.Sin(a)))
	}
	return string(append(b, 'z'))
}
