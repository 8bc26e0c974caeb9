// Package svg writes the drawings of a report as text.
//
// A drawing is complete without style sheet or script: every mark carries its
// light colour as a presentation attribute. It also carries the class of its
// colour token, so that the page's style sheet can override the attribute and
// follow the reader's theme. Each mark has exactly one colour, either as fill
// (class f) or as stroke (class s); the token's class sets currentColor.
//
// Output is a pure function of the calls made. Coordinates are rounded to 0.1
// unit and kept finite, whatever is passed in; texts are escaped here and nowhere
// else.
package svg

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Doc is one drawing under construction. It is not safe for concurrent use.
type Doc struct {
	id            string
	width, height int
	title, desc   string
	plot          string          // the clip path, once Plot was called
	b             strings.Builder // the marks
	links         strings.Builder // marks that lead somewhere
}

// New starts a drawing of width × height units. id must be unique on the page and
// a valid XML name: title (what it is) and desc (what it shows) become the
// accessible name and description of the image.
func New(id string, width, height int, title, desc string) *Doc {
	return &Doc{id: id, width: width, height: height, title: title, desc: desc}
}

// String returns the drawing. An image has no parts for assistive technology, so
// links stand beside the image, in a group of the same name.
func (d *Doc) String() string {
	var out strings.Builder
	image := fmt.Sprintf(`role="img" aria-labelledby="%s-t" aria-describedby="%s-d"`, d.id, d.id)
	text := fmt.Sprintf(`<title id="%s-t">%s</title><desc id="%s-d">%s</desc>`, d.id, Escape(d.title), d.id, Escape(d.desc))
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" font-family="system-ui, sans-serif" font-size="12" `,
		d.width, d.height, d.width, d.height)
	if d.links.Len() == 0 {
		out.WriteString(image + ">" + text + d.plot + d.b.String() + "</svg>")
	} else {
		fmt.Fprintf(&out, `role="group" aria-labelledby="%s-t"><g %s>%s%s%s</g>%s</svg>`, d.id, image, text, d.plot, d.b.String(), d.links.String())
	}
	return out.String()
}

// Plot says where in the drawing the data lie.
func (d *Doc) Plot(x, y, w, h float64) {
	d.plot = fmt.Sprintf(`<clipPath id="%s-p"><rect x="%s" y="%s" width="%s" height="%s"/></clipPath>`, d.id, num(x), num(y), num(w), num(h))
}

// Within groups the marks that draw makes. They are cut off at the edge of the plot,
// and a script may stretch the group (class z) sideways to zoom.
func (d *Doc) Within(draw func()) {
	fmt.Fprintf(&d.b, `<g clip-path="url(#%s-p)"><g class="z">`, d.id)
	draw()
	d.b.WriteString("</g></g>")
}

// Axis groups the ticks that draw makes (class x): a script that zooms replaces them.
func (d *Doc) Axis(draw func()) {
	d.b.WriteString(`<g class="x">`)
	draw()
	d.b.WriteString("</g>")
}

// Paint is how a mark is coloured: filled, or stroked when Width is not 0.
type Paint struct {
	Token   Token
	Width   float64 // of the stroke, in units
	Dash    string  // stroke-dasharray; empty = solid
	Opacity float64 // 0 and 1 both mean opaque
}

// Fill paints an area in the colour of a token.
func Fill(t Token) Paint { return Paint{Token: t} }

// Stroke paints an outline of the given width in the colour of a token.
func Stroke(t Token, width float64) Paint { return Paint{Token: t, Width: width} }

// Dashed returns p with a dash pattern.
func (p Paint) Dashed(pattern string) Paint { p.Dash = pattern; return p }

// Faint returns p at an opacity between 0 and 1.
func (p Paint) Faint(opacity float64) Paint { p.Opacity = opacity; return p }

func (p Paint) attributes() string {
	var b strings.Builder
	kind, attr := "f", "fill"
	if p.Width != 0 {
		kind, attr = "s", "stroke"
	}
	fmt.Fprintf(&b, ` class="%s %s" %s="%s"`, kind, p.Token, attr, p.Token.Light())
	if p.Width != 0 {
		fmt.Fprintf(&b, ` fill="none" stroke-width="%s"`, num(p.Width))
	}
	if p.Dash != "" {
		fmt.Fprintf(&b, ` stroke-dasharray="%s"`, Escape(p.Dash))
	}
	if p.Opacity != 0 && p.Opacity != 1 {
		fmt.Fprintf(&b, ` %s-opacity="%s"`, attr, strconv.FormatFloat(p.Opacity, 'g', 3, 64))
	}
	return b.String()
}

// Box is a rectangle by its upper left corner and its size.
type Box struct{ X, Y, W, H float64 }

// Boxes draws rectangles as one mark: where translucent ones overlap they are no
// darker. None are drawn of a width or height below 0.
func (d *Doc) Boxes(boxes []Box, p Paint) { d.mark(boxPath(boxes), p) }

func boxPath(boxes []Box) string {
	var b []byte
	for _, r := range boxes {
		if r.W < 0 || r.H < 0 {
			continue
		}
		w := tenths(r.W)
		b = appendTenths(append(b, 'M'), tenths(r.X))
		b = appendTenths(append(b, ' '), tenths(r.Y))
		b = appendTenths(append(b, 'h'), w)
		b = appendTenths(append(b, 'v'), tenths(r.H))
		b = appendTenths(append(b, 'h'), -w)
		b = append(b, 'z')
	}
	return string(b)
}

// Segment is a straight line between two points.
type Segment struct{ X1, Y1, X2, Y2 float64 }

// Lines draws straight lines as one mark.
func (d *Doc) Lines(lines []Segment, p Paint) {
	var b []byte
	for _, l := range lines {
		x, y := tenths(l.X1), tenths(l.Y1)
		b = appendTenths(append(b, 'M'), x)
		b = appendTenths(append(b, ' '), y)
		switch dx, dy := tenths(l.X2)-x, tenths(l.Y2)-y; {
		case dy == 0:
			b = appendTenths(append(b, 'h'), dx)
		case dx == 0:
			b = appendTenths(append(b, 'v'), dy)
		default:
			b = appendStep(b, dx, dy, true, appendTenths)
		}
	}
	d.mark(string(b), p)
}

func (d *Doc) mark(data string, p Paint) { d.path(data, p.attributes()) }

func (d *Doc) path(data, attributes string) {
	if data != "" {
		fmt.Fprintf(&d.b, `<path d="%s"%s/>`, data, attributes)
	}
}

// Rect draws a rectangle; a width or height below 0 draws nothing.
func (d *Doc) Rect(x, y, w, h float64, p Paint) {
	if w < 0 || h < 0 {
		return
	}
	fmt.Fprintf(&d.b, `<rect x="%s" y="%s" width="%s" height="%s"`, num(x), num(y), num(w), num(h))
	d.b.WriteString(p.attributes() + "/>")
}

// Line draws a straight line.
func (d *Doc) Line(x1, y1, x2, y2 float64, p Paint) {
	d.Lines([]Segment{{x1, y1, x2, y2}}, p)
}

// Area is a rectangle that shows nothing but a text when a pointer rests on it.
type Area struct {
	Box
	Text string
}

// Hover lays areas over what is drawn.
func (d *Doc) Hover(areas []Area) {
	d.b.WriteString(`<g fill="none" pointer-events="all">`)
	for _, a := range areas {
		fmt.Fprintf(&d.b, `<path d="%s"><title>%s</title></path>`, boxPath([]Box{a.Box}), Escape(a.Text))
	}
	d.b.WriteString("</g>")
}

// Path draws path data, as Polyline writes it; empty data draws nothing.
func (d *Doc) Path(data string, p Paint) {
	attributes := p.attributes()
	if p.Width != 0 {
		attributes += round
	}
	d.path(data, attributes)
}

// round is how lines through data turn and end.
const round = ` stroke-linejoin="round" stroke-linecap="round"`

// Anchor says which end of a text stands at its x.
type Anchor string

// Text anchors.
const (
	Start  Anchor = "start"
	Middle Anchor = "middle"
	End    Anchor = "end"
)

// Text writes one line with its baseline at y.
func (d *Doc) Text(x, y float64, a Anchor, t Token, text string) {
	d.text("", x, y, a, t, text)
}

// Label is a line of text with its baseline at Y.
type Label struct {
	X, Y float64
	Text string
}

// Labels writes many texts of one kind, such as those of an axis.
func (d *Doc) Labels(labels []Label, a Anchor, t Token) {
	fmt.Fprintf(&d.b, `<g text-anchor="%s"%s>`, a, Fill(t).attributes())
	for _, l := range labels {
		fmt.Fprintf(&d.b, `<text x="%s" y="%s">%s</text>`, num(l.X), num(l.Y), Escape(l.Text))
	}
	d.b.WriteString("</g>")
}

// Tag writes a text that belongs to the place at of the plot: a script that zooms
// moves it along.
func (d *Doc) Tag(at, x, y float64, a Anchor, t Token, text string) {
	d.text(fmt.Sprintf(` data-x="%s"`, num(at)), x, y, a, t, text)
}

func (d *Doc) text(more string, x, y float64, a Anchor, t Token, text string) {
	fmt.Fprintf(&d.b, `<text x="%s" y="%s"%s`, num(x), num(y), more)
	if a != Start {
		fmt.Fprintf(&d.b, ` text-anchor="%s"`, a)
	}
	d.b.WriteString(Fill(t).attributes() + ">" + Escape(text) + "</text>")
}

// Marker draws a small triangle pointing down, its tip at x, y, that links to an
// element of the page. name says where it leads. Like a Tag it moves along.
func (d *Doc) Marker(x, y float64, p Paint, fragment, name string) {
	fmt.Fprintf(&d.links, `<a href="#%s" aria-label="%s" data-x="%s"><path d="%sz"%s/></a>`, Escape(fragment), Escape(name), num(x),
		Polyline([]float64{x, x - 5, x + 5}, []float64{y, y - 8, y - 8}), p.attributes())
}

// Escape makes text safe as XML content and as a double-quoted attribute value.
// Characters that XML does not allow become U+FFFD.
func Escape(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	for _, r := range s {
		switch {
		case r == '&':
			b.WriteString("&amp;")
		case r == '<':
			b.WriteString("&lt;")
		case r == '>':
			b.WriteString("&gt;")
		case r == '"':
			b.WriteString("&#34;")
		case r == '\'':
			b.WriteString("&#39;")
		case r < 0x20 && r != '\t' && r != '\n', r == 0x7f, r == 0xfffe, r == 0xffff:
			b.WriteRune('\uFFFD')
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// bounded keeps coordinates finite and of a sane size.
func bounded(v float64) float64 {
	const limit = 1e6
	if math.IsNaN(v) {
		return 0
	}
	return min(max(v, -limit), limit)
}

// tenths rounds to 0.1 unit.
func tenths(v float64) int { return int(math.Round(bounded(v) * 10)) }

// exact writes a number that many others are multiplied by.
func exact(v float64) string { return strconv.FormatFloat(bounded(v), 'g', 6, 64) }

func num(v float64) string { return string(appendTenths(nil, tenths(v))) }

func appendTenths(dst []byte, t int) []byte {
	if t < 0 {
		dst = append(dst, '-')
		t = -t
	}
	if t >= 10 || t == 0 {
		dst = strconv.AppendInt(dst, int64(t/10), 10)
	}
	if t%10 != 0 {
		dst = append(dst, '.', byte('0'+t%10))
	}
	return dst
}
