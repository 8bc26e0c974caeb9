package report

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/wpsbench/wpsbench/metrics"
)

func renderHTML(t testing.TB, r *metrics.Run) string {
	t.Helper()
	var b bytes.Buffer
	must(t, WriteHTML(&b, r))
	return b.String()
}

// Every < on a page is ours: those of foreign text are escaped, in content and in
// attributes. So this expression finds each tag there is.
var (
	tagPattern  = regexp.MustCompile(`<(/?)([a-zA-Z!][a-zA-Z0-9]*)((?:[^<>"]|"[^"]*")*)>`)
	attrPattern = regexp.MustCompile(`\s([a-zA-Z][-a-zA-Z0-9]*)(?:="([^"]*)")?`)
)

// markup returns a page without the contents of its style and script elements.
func markup(page string) string {
	page = regexp.MustCompile(`(?s)<style>.*?</style>`).ReplaceAllString(page, "<style></style>")
	return regexp.MustCompile(`(?s)(<script[^>]*>).*?</script>`).ReplaceAllString(page, "$1</script>")
}

var (
	allowedTags = strings.Fields(`!doctype html head meta title style body a header div h1 h2 h3 strong span ul li p nav main section footer
		table caption thead tbody tr th td code pre small details summary figure figcaption dl dt dd script svg g path rect text desc clipPath symbol use`)
	allowedAttributes = strings.Fields(`html lang charset http-equiv content name class href id tabindex role type
		aria-label aria-labelledby aria-describedby aria-hidden
		data-v data-columns data-x data-cells
		xmlns width height viewBox font-family font-size x y d fill fill-opacity stroke stroke-width stroke-opacity stroke-dasharray
		stroke-linejoin stroke-linecap text-anchor clip-path pointer-events color transform shape-rendering vector-effect`)
	allowedLink = regexp.MustCompile(`^#[a-z]+(-[0-9]+)?$`)
)

func TestPageHoldsOnlyOurMarkup(t *testing.T) {
	for name, build := range records {
		t.Run(name, func(t *testing.T) {
			page := renderHTML(t, build(t))
			onlyOurMarkup(t, page)
			if scripts := strings.Count(markup(page), "<script"); scripts != 2 { // the record and the script
				t.Errorf("%d script elements, want 2", scripts)
			}
		})
	}
}

func onlyOurMarkup(t *testing.T, page string) {
	t.Helper()
	page = markup(page)
	if rest := tagPattern.ReplaceAllString(page, ""); strings.ContainsAny(rest, "<") {
		i := strings.IndexByte(rest, '<')
		t.Errorf("a stray < in the page: %.80q", rest[i:])
	}
	for _, m := range tagPattern.FindAllStringSubmatch(page, -1) {
		if !slices.Contains(allowedTags, m[2]) {
			t.Errorf("element %s is not one of ours: %.120q", m[2], m[0])
		}
		for _, a := range attrPattern.FindAllStringSubmatch(m[3], -1) {
			if !slices.Contains(allowedAttributes, a[1]) {
				t.Errorf("attribute %s is not one of ours: %.120q", a[1], m[0])
			}
			if a[1] == "href" && !allowedLink.MatchString(a[2]) {
				t.Errorf("link to %q leaves the page", a[2])
			}
		}
	}
}

func TestPageShowsNoHiddenCharacters(t *testing.T) {
	page := renderHTML(t, hostileRun(t))
	for i, r := range page {
		if r != '\n' && r != '\t' && (unicode.Is(unicode.C, r) || r == '\u2028' || r == '\u2029' || r == unicode.ReplacementChar) {
			t.Fatalf("character %U in the page: %.60q", r, page[max(0, i-30):])
		}
	}
	for _, want := range []string{`\u202e`, `\x1b[31m`, `\x00`, `\u2028`, `\xff`, "…"} {
		if !strings.Contains(page, want) {
			t.Errorf("%s is not shown", want)
		}
	}
}

func TestPagePolicyMatchesItsContent(t *testing.T) {
	page := renderHTML(t, violatedRun(t))
	policy := regexp.MustCompile(`http-equiv="Content-Security-Policy" content="([^"]*)"`).FindStringSubmatch(page)
	if policy == nil {
		t.Fatal("the page has no policy")
	}
	style := regexp.MustCompile(`(?s)<style>(.*?)</style>`).FindStringSubmatch(page)[1]
	script := regexp.MustCompile(`(?s)<script>(.*?)</script>`).FindStringSubmatch(page)[1]
	want := "default-src 'none'; script-src 'sha256-" + sourceHash(script) + "'; style-src 'sha256-" + sourceHash(style) + "'; base-uri 'none'; form-action 'none'"
	got := strings.NewReplacer("&#39;", "'", "&#43;", "+").Replace(policy[1])
	if got != want {
		t.Errorf("policy\n got %s\nwant %s", got, want)
	}
}

func TestPageStructure(t *testing.T) {
	for name, build := range records {
		t.Run(name, func(t *testing.T) {
			wellLinked(t, renderHTML(t, build(t)))
		})
	}
}

// wellLinked says that a page has its landmarks once, and that what is referred to exists.
func wellLinked(t *testing.T, page string) {
	t.Helper()
	page = markup(page)
	for element, want := range map[string]int{"<h1>": 1, "<main>": 1, `<header id="top">`: 1, "<nav ": 1, "<footer>": 1, `<html lang="en">`: 1, `class="skip" href="#verdict"`: 1} {
		if got := strings.Count(page, element); got != want {
			t.Errorf("%d of %s, want %d", got, element, want)
		}
	}
	seen := map[string]bool{}
	for _, m := range regexp.MustCompile(` id="([^"]*)"`).FindAllStringSubmatch(page, -1) {
		if seen[m[1]] {
			t.Errorf("id %q is there twice", m[1])
		}
		seen[m[1]] = true
	}
	for _, m := range regexp.MustCompile(` (?:href="#|aria-labelledby="|aria-describedby=")([^"]*)"`).FindAllStringSubmatch(page, -1) {
		if !seen[m[1]] {
			t.Errorf("nothing has the id %q that is referred to", m[1])
		}
	}
	if strings.Count(page, "<table") != strings.Count(page, "<caption>") {
		t.Error("a table has no caption")
	}
}

func TestDrawingsAreWellFormed(t *testing.T) {
	for name, build := range records {
		wellDrawn(t, name, renderHTML(t, build(t)))
	}
}

func wellDrawn(t *testing.T, name, page string) {
	t.Helper()
	for _, drawing := range regexp.MustCompile(`(?s)<svg.*?</svg>`).FindAllString(page, -1) {
		d := xml.NewDecoder(strings.NewReader(drawing))
		for {
			if _, err := d.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%s: %v in %.200s", name, err, drawing)
			}
		}
		if strings.Contains(drawing, "NaN") || strings.Contains(drawing, "Inf") {
			t.Errorf("%s: a coordinate is no number: %.200s", name, drawing)
		}
		image := strings.Contains(drawing, `role="img"`) && strings.Contains(drawing, "<title") && strings.Contains(drawing, "<desc")
		if !image && !strings.Contains(drawing, `aria-hidden="true"`) {
			t.Errorf("%s: a drawing is neither described nor hidden: %.200s", name, drawing)
		}
	}
}

// What a reader looks for is on the page of the run that has it.
func TestPageSays(t *testing.T) {
	tests := map[string][]string{
		"passed": {"PASSED", ">EMULATOR<", "22.7 ms", "limit p(99)&lt;50ms", "F1", `id="recovery"`, "Latency by percentile", "65\u202f000"},
		"failed": {"FAILED", "&#43;14 %", "calm, members", "watchers", "wss://bench.webpubsub.azure.com"},
		"violated": {"VIOLATED", "R6", `href="#offence-1"`, `id="offence-3"`, "50.401 s  data 31/89 sequence 9041",
			"The emulator misbehaved on purpose: swap × 3."},
		"invalid":     {"INVALID RUN", "Diagnostics", "not judged", "&gt; ", "excused: disconnect", "messages still arrived when the drain was cut", `id="fanout"`, "room-003"},
		"interrupted": {"PASSED, interrupted", "The run was interrupted after 12 s"},
		"empty":       {"NOT RUN", "no samples", "no drops were injected", "No limits were declared.", "too short for charts"},
		"hostile":     {"&lt;img src=x onerror=alert(1)&gt;", "&lt;/script&gt;&lt;script&gt;alert(1)"},
	}
	for name, build := range records {
		page := markup(renderHTML(t, build(t)))
		for _, want := range tests[name] {
			if !strings.Contains(page, want) {
				t.Errorf("%s: %q is not on the page", name, want)
			}
		}
		if emulator := name != "failed" && name != "empty"; strings.Contains(page, ">EMULATOR<") != emulator {
			t.Errorf("%s: the EMULATOR chip is there: %v, want %v", name, !emulator, emulator)
		}
		if strings.Contains(page, "do not add up") {
			t.Errorf("%s: the page says that its totals do not add up", name)
		}
	}
}

func TestPageSaysWhenTotalsDoNotAddUp(t *testing.T) {
	r := shortRun(t)
	r.Totals.Deliveries.Delivered--
	if !strings.Contains(renderHTML(t, r), "do not add up") {
		t.Error("one copy is missing from the sum, and the page does not say so")
	}
}

func TestPageSize(t *testing.T) {
	if size := len(pageCSS) + len(pageJS); size > 16_000 {
		t.Errorf("style and script weigh %d bytes, want at most 16 kB", size)
	}
	if len(pageJS) > 8_000 {
		t.Errorf("the script weighs %d bytes, want at most 8 kB", len(pageJS))
	}
	for _, test := range []struct {
		name    string
		seconds int
		limit   int
	}{{"5 minutes", 300, 250_000}, {"30 minutes", 1800, 400_000}, {"4 hours", 14_400, maxPageBytes}} {
		t.Run(test.name, func(t *testing.T) {
			r := passedRun(t)
			r.Series, r.Info.DurationS = series(test.seconds), float64(test.seconds)
			if got := len(renderHTML(t, r)); got > test.limit {
				t.Errorf("the page weighs %d bytes, want at most %d", got, test.limit)
			}
		})
	}
}

// A page that is drawn coarsely says so, and none is where that is no help.
func TestCoarsePageSaysSo(t *testing.T) {
	const note = "drawn with half of the points"
	dense := func(seconds int) *metrics.Run {
		r := passedRun(t)
		r.Series, r.Info.DurationS = noisySeries(rand.New(rand.NewPCG(3, 5)), seconds), float64(seconds)
		return r
	}
	heavy := dense(1800)
	heavy.Info.Note = noise(500 << 10)
	for _, test := range []struct {
		name string
		run  *metrics.Run
		want bool
	}{{"small", passedRun(t), false}, {"large, coarsely within its budget", longRun(t, 1800), true}, {"beyond its budget, however it is drawn", heavy, false}} {
		t.Run(test.name, func(t *testing.T) {
			page := renderHTML(t, test.run)
			over := len(page) > pageBudget(test.run.Info.DurationS)
			if over != (test.run == heavy) {
				t.Fatalf("the page weighs %d bytes: no test of this", len(page))
			}
			if got := strings.Contains(page, note); got != test.want {
				t.Errorf("the page of %d bytes says that it is coarse: %v, want %v", len(page), got, test.want)
			}
		})
	}
}

// noise is a text of n letters that does not compress, and is shown only in part.
func noise(n int) string {
	text := make([]byte, 0, n)
	for i := range uint32(n) {
		i = (i + 1) * 2654435761
		text = append(text, 'a'+byte((i^i>>15)*2246822519>>27)%26)
	}
	return string(text)
}

func TestPageTooLargeForItsRecord(t *testing.T) {
	r := shortRun(t)
	r.Info.Note = noise(1600 << 10)
	page := renderHTML(t, r)
	if len(page) > maxPageBytes || !strings.Contains(page, "The page would have exceeded 1 MB") {
		t.Errorf("the page weighs %d bytes and says nothing about it", len(page))
	}
	if _, err := ReadRun(strings.NewReader(page)); !errors.Is(err, ErrNotRun) {
		t.Errorf("reading a page without its record: %v, want ErrNotRun", err)
	}
}

// The bar is 20 ms for the page of five minutes (report-design.md 7).
func BenchmarkWriteHTML(b *testing.B) {
	calm := passedRun(b)
	calm.Series, calm.Info.DurationS = series(300), 300
	for name, r := range map[string]*metrics.Run{"calm": calm, "noisy": longRun(b, 330)} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				must(b, WriteHTML(io.Discard, r))
			}
		})
	}
}

// Steady state rarely ends with a second: the one it ends in shows half a rate, which is no
// finding. A phase that has no second of its own says what there is.
func TestFindingLeavesOutHalfSeconds(t *testing.T) {
	tl := newTimeline(passedRun(t), fine)
	rates := make([]float64, len(tl.times))
	for i := range rates {
		rates[i] = 1000
	}
	rates[9], rates[20] = 400, 600
	for _, test := range []struct {
		name             string
		from, to, lo, hi float64
	}{
		{"from a whole second to another", 9, 20, 400, 1000},
		{"from within one to within another", 9.3, 20.7, 1000, 1000},
		{"within one", 20.2, 20.8, 600, 600},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := tl.within(rates, test.from, test.to); got.lo != test.lo || got.hi != test.hi {
				t.Errorf("%g to %g, want %g to %g", got.lo, got.hi, test.lo, test.hi)
			}
		})
	}
}

// The share that a gate tells is not told twice in the line.
func TestHealthLineSaysTheLagOnce(t *testing.T) {
	r := passedRun(t)
	for result, want := range map[string]string{
		"ok":   "valid · 0 of 60 bad seconds · lag p99 2 % of e2e p99 · warns: run queue share 30 %",
		"warn": "valid · 0 of 60 bad seconds · lag p99 455 µs · warns: schedule lag share 12 % · warns: run queue share 30 %",
	} {
		r.Health.Gates[1].Result, r.Health.Gates[1].Value = result, ptr(0.12)
		if got := healthLine(textNumbers, r); got != want {
			t.Errorf("%s: %q, want %q", result, got, want)
		}
	}
}

// Hovering over the spectrum and its folded table tell the same as the metric's own
// percentiles; where messages never arrived the line ends in an arrow.
func TestSpectrumCanBeRead(t *testing.T) {
	r := passedRun(t)
	f := spectrum(r, nil)
	for _, want := range []string{"<title>99 %: response 22.", "<title>0 %: response 1.0 ms", " · ack "} {
		if !strings.Contains(string(f.SVG), want) {
			t.Errorf("%q is not in the drawing", want)
		}
	}
	if len(f.Table.Rows) < 5 || f.Table.Rows[2].Cells[0].Text != "99 %" || !strings.HasPrefix(f.Table.Rows[2].Cells[1].Text, "22.") {
		t.Errorf("table %+v", f.Table.Rows)
	}
	if strings.Contains(string(f.SVG), "never arrived") {
		t.Error("everything arrived")
	}
	r.Metrics["e2e_latency"].Censored = 2000
	if !strings.Contains(string(spectrum(r, nil).SVG), "response: the rest never arrived") {
		t.Error("messages never arrived, and the line does not say so")
	}
}
