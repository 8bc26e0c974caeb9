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

// Icon returns a decorative drawing (hidden from assistive technology: the word
// stands beside it) of size × size units.
func Icon(s Shape, t Token, size int) string {
	d := &Doc{}
	fmt.Fprintf(&d.b, `<svg xmlns="http://www.w3.org/2000/svg" class="icon" width="%d" height="%d" viewBox="0 0 16 16" aria-hidden="true" focusable="false">`, size, size)
	switch s {
	case Disc:
		d.Path("M8 1a7 7 0 1 0 .01 0z", Fill(t))
		d.Path("M4.8 8.3l2.2 2.2 4.2-4.6", Stroke(Background, 1.8))
	case Octagon:
		d.Path(octagon(8, 8, 7.4), Fill(t))
		d.Path("M5.4 5.4l5.2 5.2M10.6 5.4l-5.2 5.2", Stroke(Background, 1.8))
	case Triangle:
		d.Path("M8 1.2l7.2 13.3h-14.4z", Fill(t))
		d.Path("M8 5.8v4.4M8 12.2v.1", Stroke(Background, 1.8))
	case HalfDisc:
		d.Path("M8 2a6 6 0 1 0 .01 0z", Stroke(t, 2))
		d.Path("M8 2a6 6 0 0 0 0 12z", Fill(t))
	case Ring:
		d.Path("M8 2.2a5.8 5.8 0 1 0 .01 0z", Stroke(t, 2.4))
	case Dash:
		d.Path("M3 8h10", Stroke(t, 2))
	}
	return d.b.String() + "</svg>"
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
