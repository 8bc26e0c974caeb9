package svg

import (
	"math"
	"slices"
	"strings"
	"testing"
)

var nan = math.NaN()

func TestPolyline(t *testing.T) {
	tests := []struct {
		name   string
		xs, ys []float64
		want   string
	}{
		{"nothing", nil, nil, ""},
		{"a line", []float64{64, 67.2, 70.44}, []float64{30.2, 29.1, 29.1}, "M64 30.2l3.2-1.1 3.2 0"},
		{"backwards", []float64{10, 5, 7}, []float64{10, 10.5, 3}, "M10 10l-5 .5 2-7.5"},
		{"a gap", []float64{0, 1, 2, 3, 4}, []float64{5, 6, nan, 7, 8}, "M0 5l1 1M3 7l1 1"},
		{"a point alone", []float64{0, 1, 2}, []float64{nan, 6, nan}, "M1 6h0"},
		{"the last point alone", []float64{0, 1, 2}, []float64{1, nan, 2}, "M0 1h0M2 2h0"},
		{"no error adds up", []float64{0, 0.04, 0.08, 0.12, 0.16}, []float64{0, 1, 0, 1, 0}, "M0 0l0 1 .1-1 0 1 .1-1"},
		{"level", []float64{0, 3, 6, 9, 12, 15}, []float64{5, 5, 5, 7, 7, 7}, "M0 5l6 0 3 2 6 0"},
		{"level and back", []float64{0, 3, 1, 1}, []float64{5, 5, 5, 5}, "M0 5l3 0-2 0"},
		{"level up to a gap", []float64{0, 3, 6, 9}, []float64{5, 5, nan, 5}, "M0 5l3 0M9 5h0"},
		{"one place twice", []float64{4, 4}, []float64{5, 5}, "M4 5h0"},
		{"infinite", []float64{0, 1}, []float64{math.Inf(1), math.Inf(-1)}, "M0 1000000l1-2000000"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := Polyline(test.xs, test.ys); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestThinKeepsExtremesAndGaps(t *testing.T) {
	const n = 10_000
	xs, ys := make([]float64, n), make([]float64, n)
	for i := range n {
		xs[i], ys[i] = float64(i), math.Sin(float64(i)/500)
	}
	ys[1234], ys[7777], ys[5000] = 50, -50, nan
	txs, tys := Thin(xs, ys, 600)
	if len(txs) > 600 || len(txs) < 300 || len(txs) != len(tys) {
		t.Fatalf("%d and %d points, want at most 600", len(txs), len(tys))
	}
	if !slices.IsSorted(txs) {
		t.Error("the points are out of order")
	}
	if !slices.Contains(tys, 50) || !slices.Contains(tys, -50) {
		t.Error("an extreme was lost")
	}
	if !slices.ContainsFunc(tys, math.IsNaN) {
		t.Error("the gap was lost")
	}
	if txs, _ := Thin(xs[:600], ys[:600], 600); len(txs) != 600 {
		t.Errorf("a short line was cut to %d points", len(txs))
	}
}

func TestScales(t *testing.T) {
	tests := []struct {
		name    string
		s       Scale
		v, want float64
	}{
		{"linear start", Linear(0, 10, 100, 200), 0, 100},
		{"linear middle", Linear(0, 10, 100, 200), 5, 150},
		{"linear falling", Linear(0, 10, 200, 100), 10, 100},
		{"clamped", Linear(0, 10, 100, 200), 99, 200},
		{"empty range", Linear(5, 5, 0, 10), 5, 0},
		{"huge range", Linear(-1e308, 1e308, 0, 10), 0, 5},
		{"log middle", LogExact(1, 100, 0, 2), 10, 1},
		{"log widened", Log(3, 70, 0, math.Log10(50)), 20, 1},
		{"log of nothing", Log(math.Inf(1), 0, 0, 10), 1e300, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := test.s.At(test.v); math.Abs(got-test.want) > 1e-9 {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
	if !math.IsNaN(Linear(0, 1, 0, 1).At(nan)) {
		t.Error("NaN did not stay NaN")
	}
}

func TestTicks(t *testing.T) {
	tests := []struct {
		name      string
		got, want []float64
	}{
		{"linear", Linear(0, 10_500, 0, 1).Ticks(5), []float64{0, 5000, 10_000}},
		{"linear small", Linear(0, 1, 0, 1).Ticks(5), []float64{0, 0.2, 0.4, 0.6, 0.8, 1}},
		{"log 1-2-5", LogExact(5000, 100_000, 0, 1).Ticks(8), []float64{5000, 10_000, 20_000, 50_000, 100_000}},
		{"log by decade", LogExact(1, 1e6, 0, 1).Ticks(8), []float64{1, 10, 100, 1000, 1e4, 1e5, 1e6}},
		{"log by many decades", LogExact(1, 1e12, 0, 1).Ticks(4), []float64{1, 1e4, 1e8, 1e12}},
		{"seconds", Linear(0, 75, 0, 1).TimeTicks(12), []float64{0, 10, 20, 30, 40, 50, 60, 70}},
		{"minutes", Linear(0, 3600, 0, 1).TimeTicks(12), []float64{0, 300, 600, 900, 1200, 1500, 1800, 2100, 2400, 2700, 3000, 3300, 3600}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			same := slices.EqualFunc(test.got, test.want, func(a, b float64) bool { return math.Abs(a-b) < 1e-9*max(1, b) })
			if !same {
				t.Errorf("got %v, want %v", test.got, test.want)
			}
		})
	}
	for _, s := range []Scale{{}, Linear(-1e308, 1e308, 0, 1), Linear(1e300, 1e300, 0, 1), Log(1e290, 1e300, 0, 1), Linear(nan, nan, 0, 1)} {
		if n := len(s.Ticks(6)); n > 30 {
			t.Errorf("%d ticks on the scale %+v", n, s)
		}
	}
}

// Columns are 5 wide and rows 4 high from 10, 100 on. In column 0 the rows 0, 1 and 3 are
// taken, in column 2 row 1; level 3 lies on top of level 2, and 99 is none.
func TestCells(t *testing.T) {
	d := New("x", 100, 100, "", "")
	d.Cells([]Cell{{0, 0, 2}, {0, 1, 3}, {0, 3, 2}, {1, 0, 99}, {2, 1, 3}}, 10, 100, 5, 4)
	got := d.String()
	for _, want := range []string{
		`<g class="cells" shape-rendering="crispEdges" transform="matrix(5 0 0 -4 12.5 100)">`,
		`<path d="m0 0v2m0 1v1m2-3v1" class="s h3"`,
		`<path d="m0 1v1m2-1v1" class="s h4"`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%s is not in\n%s", want, got)
		}
	}
	if strings.Index(got, `"s h3"`) > strings.Index(got, `"s h4"`) {
		t.Error("a lower level lies over a higher one")
	}
	if strings.Count(got, "<path") != 4 { // levels 0 to 3
		t.Errorf("want four levels in\n%s", got)
	}
}

func TestHatch(t *testing.T) {
	d := New("x", 100, 100, "", "")
	d.Hatch([]Box{{10, 20, 2, 8}, {40, 20, 3, 8}}, 7, Stroke(Invalid, 1))
	// At the height y a leaning line stands y to the left of where it is drawn.
	want := `<clipPath id="x-h"><path d="M10 20h2v8h-2zM40 20h3v8h-3z"/></clipPath><g class="cells" clip-path="url(#x-h)">` +
		`<path d="M30 24H71" transform="skewX(-45)" class="s invalid" stroke="#5c00b0" fill="none" stroke-width="8" stroke-dasharray="1.4 5.6"/></g>`
	if got := d.String(); !strings.Contains(got, want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	d = New("x", 100, 100, "", "")
	d.Hatch(nil, 7, Stroke(Invalid, 1))
	if strings.Contains(d.String(), "path") {
		t.Error("nothing is hatched")
	}
}

func TestOneMarkForMany(t *testing.T) {
	d := New("x", 100, 100, "", "")
	d.Lines([]Segment{{64, 150, 1036, 150}, {64, 20, 64, 24.5}, {1, 2, 4, 0}}, Stroke(Grid, 1))
	d.Boxes([]Box{{64, 38, 1.8, 112}, {70, 38, -1, 5}, {80, 38, 2, 112}}, Fill(Muted))
	d.Lines(nil, Stroke(Grid, 1))
	d.Boxes(nil, Fill(Muted))
	got := d.String()
	for _, want := range []string{`<path d="M64 150h972M64 20v4.5M1 2l3-2" class="s grid"`, `<path d="M64 38h1.8v112h-1.8zM80 38h2v112h-2z" class="f mut"`} {
		if !strings.Contains(got, want) {
			t.Errorf("%s is not in\n%s", want, got)
		}
	}
	if strings.Count(got, "<path") != 2 {
		t.Errorf("a mark without anything to draw in\n%s", got)
	}
}

func TestSpread(t *testing.T) {
	tests := []struct {
		name     string
		ys, want []float64
	}{
		{"far apart", []float64{10, 50}, []float64{10, 50}},
		{"crowded at the top", []float64{0, 1, 2}, []float64{5, 18, 31}},
		{"crowded at the bottom", []float64{98, 99, 100}, []float64{74, 87, 100}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			Spread(test.ys, 13, 5, 100)
			if !slices.Equal(test.ys, test.want) {
				t.Errorf("got %v, want %v", test.ys, test.want)
			}
		})
	}
}

func TestEscape(t *testing.T) {
	got := Escape("</text><script>\"'&\x00\x1b\x7f\uffff\t")
	want := "&lt;/text&gt;&lt;script&gt;&#34;&#39;&amp;\uFFFD\uFFFD\uFFFD\uFFFD\t"
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestDocEscapesEveryText(t *testing.T) {
	const evil = `"><script>`
	d := New("x", 10, 10, evil, evil)
	d.Text(1, 2, End, Ink, evil)
	d.Marker(1, 9, Fill(Fail), evil, evil)
	d.Line(0, 0, 1, 1, Stroke(Grid, 1).Dashed(evil))
	if got := d.String(); strings.Contains(got, "<script>") {
		t.Errorf("a text broke out: %s", got)
	}
}

func TestMarksCarryColourTwice(t *testing.T) {
	d := New("x", 10, 10, "t", "d")
	d.Rect(0, 0, 1, 1, Fill(Fail).Faint(0.13))
	d.Path("M0 0h1", Stroke(P50, 1.5))
	d.Rect(0, 0, -1, 1, Fill(Ink))
	want := `<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10" viewBox="0 0 10 10" font-family="system-ui, sans-serif" font-size="12" ` +
		`role="img" aria-labelledby="x-t" aria-describedby="x-d"><title id="x-t">t</title><desc id="x-d">d</desc>` +
		`<rect x="0" y="0" width="1" height="1" class="f fail" fill="#8c090b" fill-opacity="0.13"/>` +
		`<path d="M0 0h1" class="s p1" stroke="#4f93d6" fill="none" stroke-width="1.5" stroke-linejoin="round" stroke-linecap="round"/></svg>`
	if got := d.String(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestUnknownTokenStaysVisible(t *testing.T) {
	if got := Token("nope").Light(); got != "#1f2328" {
		t.Errorf("got %s, want the colour of text", got)
	}
}
