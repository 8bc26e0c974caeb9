package svg

import "fmt"

// Hatch covers boxes with lines that rise at 45°, step units apart and p.Width thick. It
// may be called once in a drawing.
//
// The lines are the dashes of one stroke as thick as the boxes are high, leaning, of
// which the boxes are cut out: a line of its own each would take as much as the rest of
// a chart where every other second is hatched, and printers turn patterns into images.
func (d *Doc) Hatch(boxes []Box, step float64, p Paint) {
	if len(boxes) == 0 {
		return
	}
	left, top, right, bottom := boxes[0].X, boxes[0].Y, boxes[0].X, boxes[0].Y
	for _, b := range boxes {
		left, top = min(left, b.X), min(top, b.Y)
		right, bottom = max(right, b.X+b.W), max(bottom, b.Y+b.H)
	}
	dash := p.Width * 1.4 // across, at 45°
	p.Dash = num(dash) + " " + num(step-dash)
	p.Width = bottom - top
	fmt.Fprintf(&d.b, `<clipPath id="%s-h"><path d="%s"/></clipPath><g class="cells" clip-path="url(#%s-h)"><path d="M%s %sH%s" transform="skewX(-45)"%s/></g>`,
		d.id, boxPath(boxes), d.id, num(left+top), num((top+bottom)/2), num(right+bottom), p.attributes())
}
