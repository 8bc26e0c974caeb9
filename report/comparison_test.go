package report

import (
	"bytes"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	hdr "github.com/HdrHistogram/hdrhistogram-go"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/report/compare"
)

// repetition says how the runs of a side differ from the passed run.
type repetition struct {
	p50, p99 float64 // factors
	noise    float64 // of the run-to-run variation; 1 = some percent
	minute   int     // of the first start; further ones every two minutes
}

// variation is a fixed run-to-run one with mean zero.
var variation = []float64{0.01, -0.012, 0.004, 0.009, -0.006, -0.005, 0.008, -0.008}

func repetitions(t testing.TB, n int, o repetition) []*metrics.Run {
	t.Helper()
	var runs []*metrics.Run
	for i := range n {
		r := passedRun(t)
		f := 1 + o.noise*variation[i%len(variation)]
		r.Info.ID = fmt.Sprintf("%08x", o.minute<<8+i)
		r.Info.StartedAt = r.Info.StartedAt.Add(time.Duration(o.minute+2*i) * time.Minute)
		r.Info.EndedAt = r.Info.StartedAt.Add(75 * time.Second)
		r.Info.Load.DeliveredPerS *= 1 + (f-1)/100
		for _, name := range []string{"e2e_latency", "ack_rtt"} {
			scaleMetric(r.Metrics[name], o.p50*f, o.p99*f)
		}
		if o.minute >= noiseMinute {
			r.Metrics["e2e_latency"].Histogram = nil
		} else {
			logNormal(t, r.Metrics["e2e_latency"])
		}
		for column, by := range map[string]float64{"e2e_p50_us": o.p50 * f, "e2e_p99_us": o.p99 * f} {
			for _, v := range r.Series.Columns[column] {
				if v != nil {
					*v = math.Round(*v * by)
				}
			}
		}
		runs = append(runs, r)
	}
	return runs
}

func scaleMetric(m *metrics.MetricSummary, p50, p99 float64) {
	for key, v := range m.Percentiles {
		by := p99
		if key == "p50" {
			by = p50
		}
		m.Percentiles[key] = ptr(int64(math.Round(float64(*v) * by)))
	}
}

// logNormal gives a metric a histogram that fits its p50 and p99.
func logNormal(t testing.TB, m *metrics.MetricSummary) {
	t.Helper()
	h := hdr.New(1000, 3_600_000_000_000, 3)
	median, sigma := float64(*m.Percentiles["p50"])*1e3, math.Log(float64(*m.Percentiles["p99"])/float64(*m.Percentiles["p50"]))/2.3263
	const steps = 500
	for i := range steps {
		q := (float64(i) + 0.5) / steps
		must(t, h.RecordValues(int64(median*math.Exp(sigma*math.Sqrt2*math.Erfinv(2*q-1))), int64(m.Count/steps)))
	}
	data, err := h.Encode(hdr.V2CompressedEncodingCookieBase)
	must(t, err)
	m.Histogram.Data = string(data)
}

// comparisons are those that every output is tested with, by the name of their goldens.
var comparisons = map[string]func(testing.TB) *compare.Result{
	"regressed": func(t testing.TB) *compare.Result {
		return compared(t, turns(t, 6, 1, 1), turns(t, 6, 1, 1.16, 1), quiet(t))
	},
	"improved": func(t testing.TB) *compare.Result {
		return compared(t, turns(t, 6, 1, 1), turns(t, 6, 0.9, 0.8, 1), quiet(t))
	},
	"equivalent": func(t testing.TB) *compare.Result { return compared(t, turns(t, 6, 1, 1), turns(t, 6, 1, 1, 1), nil) },
	"inconclusive": func(t testing.TB) *compare.Result {
		noisy := repetitions(t, 6, repetition{p50: 1, p99: 1.1, noise: 12, minute: 1})
		return compared(t, turns(t, 6, 1, 1), noisy, quiet(t))
	},
	"unpaired": func(t testing.TB) *compare.Result {
		return compared(t, turns(t, 6, 1, 1), repetitions(t, 7, repetition{p50: 1.01, p99: 1.16, noise: 1, minute: 51}), quiet(t))
	},
	"excluded": func(t testing.TB) *compare.Result {
		a, b := turns(t, 7, 1, 1), turns(t, 7, 1, 1, 1)
		a[2].Health.Result, b[2].Info.Status = "invalid", metrics.RunInterrupted
		return compared(t, a, b, quiet(t))
	},
	"invalid": func(t testing.TB) *compare.Result {
		a, b := turns(t, 8, 1, 1), turns(t, 8, 1, 1, 1)
		for i := range 3 {
			a[i].Health.Result = "invalid"
		}
		return compared(t, a, b, quiet(t))
	},
	"violated": func(t testing.TB) *compare.Result {
		a, b := turns(t, 6, 1, 1), turns(t, 6, 1, 1, 1)
		b[3].Verdict.Result = metrics.ResultViolated
		return compared(t, a, b, quiet(t))
	},
	"single": func(t testing.TB) *compare.Result {
		a, b := turns(t, 1, 1, 1), turns(t, 1, 1, 1.16, 1)
		b[0].Metrics["ack_rtt"].Count = 4000
		return compared(t, a, b, nil)
	},
	"differs": func(t testing.TB) *compare.Result {
		a, b := turns(t, 6, 1, 1), turns(t, 6, 1, 1, 1)
		for i, r := range b {
			r.Residue = []metrics.Residue{{Key: "target.kind", Value: "emulator"}, {Key: "seed", Value: fmt.Sprint(42 + i%2)}, {Key: "kernel" + bidi, Value: image + breakout}}
			r.Info.ID, r.Environment.Target.Lies = command+image, nil
		}
		b[0].Verdict.Result = metrics.ResultDegraded
		r, err := compare.Compare(breakout+image, a, control+bidi, b, compare.Options{Noise: quiet(t)})
		must(t, err)
		return r
	},
	"idle": func(t testing.TB) *compare.Result { // connections only: nothing is published
		a, b := turns(t, 6, 1, 1), turns(t, 6, 1, 1, 1)
		for _, r := range slices.Concat(a, b) {
			r.Metrics = map[string]*metrics.MetricSummary{"connect_time": r.Metrics["connect_time"]}
			r.Info.Load.DeliveredPerS = 0
		}
		return compared(t, a, b, quiet(t))
	},
	"empty": func(t testing.TB) *compare.Result {
		return compared(t, []*metrics.Run{emptyRun(t)}, []*metrics.Run{emptyRun(t)}, nil)
	},
}

// built holds each comparison once it was made: nothing that renders one changes it.
var built sync.Map

func comparison(t testing.TB, name string) *compare.Result {
	t.Helper()
	build := sync.OnceValue(func() *compare.Result { return comparisons[name](t) })
	once, _ := built.LoadOrStore(name, build)
	return once.(func() *compare.Result)()
}

// turns are repetitions that start by turns with those of the other side: B's come with
// an offset in minutes.
func turns(t testing.TB, n int, p50, p99 float64, offset ...int) []*metrics.Run {
	o := repetition{p50: p50, p99: p99, noise: 1}
	for _, minute := range offset {
		o.minute, o.noise = minute, -1
	}
	return repetitions(t, n, o)
}

// noiseMinute is when the repetitions start that tell the noise.
const noiseMinute = 200

func quiet(t testing.TB) []*metrics.Run {
	return repetitions(t, 6, repetition{p50: 1, p99: 1, noise: 1, minute: noiseMinute})
}

func compared(t testing.TB, a, b, noise []*metrics.Run) *compare.Result {
	t.Helper()
	r, err := compare.Compare("main@1a2b3c", a, "pr-218@9f8e7d", b, compare.Options{Noise: noise})
	must(t, err)
	return r
}

func TestComparisonGoldens(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(comparisons)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := comparison(t, name)
			for ext, write := range map[string]func(*bytes.Buffer) error{
				"json":      func(b *bytes.Buffer) error { return WriteComparisonJSON(b, c) },
				"md":        func(b *bytes.Buffer) error { return WriteComparisonMarkdown(b, c) },
				"junit.xml": func(b *bytes.Buffer) error { return WriteComparisonJUnit(b, c) },
				"txt":       func(b *bytes.Buffer) error { return WriteComparisonText(b, c, TextOptions{Width: 80, UTF8: true}) },
				"ascii.txt": func(b *bytes.Buffer) error { return WriteComparisonText(b, c, TextOptions{Width: 80}) },
			} {
				var got bytes.Buffer
				must(t, write(&got))
				golden(t, filepath.Join("compare", name+"."+ext), got.Bytes())
			}
		})
	}
}

// sectionOfPage is one section; the others have goldens of their own.
func sectionOfPage(t *testing.T, page, id string) []byte {
	t.Helper()
	section := regexp.MustCompile(`(?s)<section id="` + id + `".*?</section>\n`).FindString(markup(page))
	if section == "" {
		t.Fatalf("the page has no section %s", id)
	}
	return []byte(section)
}

// The rules for pages hold with a comparison in them, and the record of B comes back.
func TestComparisonPages(t *testing.T) {
	for name := range comparisons {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := comparison(t, name)
			var b bytes.Buffer
			must(t, WriteComparisonHTML(&b, c))
			page := b.String()
			section := sectionOfPage(t, page, "compare")
			onlyOurMarkup(t, string(section))
			wellLinked(t, page)
			wellDrawn(t, name, string(section))
			golden(t, filepath.Join("compare", name+".html"), section)
			for _, text := range sectionSays[name] {
				if !strings.Contains(strings.ReplaceAll(string(section), "\u202f", " "), text) {
					t.Errorf("the section does not say %q", text)
				}
			}
			back, err := ReadRun(&b)
			must(t, err)
			if back.Info.ID != strings.ToValidUTF8(c.B.RunID, "\uFFFD") {
				t.Errorf("the page holds run %q, want %q", back.Info.ID, c.B.RunID)
			}
		})
	}
}

// The page of a comparison is headed by what the command says, unless the run on it is
// worse: nobody may read PASSED above a regression.
func TestComparisonHeadsItsPage(t *testing.T) {
	failed := comparison(t, "improved")
	run := *failed.B.Run
	run.Verdict = metrics.Verdict{Result: metrics.ResultFail, Headline: "FAILED: e2e_latency p(99)<20ms: 22.7 ms"}
	failed.B.Run = &run
	for _, test := range []struct {
		name       string
		c          *compare.Result
		head, line string
	}{
		{"regressed", comparison(t, "regressed"), "FAILED — 2 of 4 primary metrics regressed", "The run shown: PASSED: 5 of 5 thresholds met, delivery checked"},
		{"violated", comparison(t, "violated"), "VIOLATED — ", "The run shown: PASSED: "},
		{"equivalent", comparison(t, "equivalent"), "PASSED — ", "The run shown: PASSED: "},
		{"the run is worse", failed, "FAILED — e2e_latency p(99)<20ms: 22.7 ms", "Comparison: PASSED: "},
	} {
		t.Run(test.name, func(t *testing.T) {
			var b bytes.Buffer
			must(t, WriteComparisonHTML(&b, test.c))
			screen := firstScreen(b.String())
			for _, want := range []string{test.head, test.line} {
				if !strings.Contains(screen, want) {
					t.Errorf("%q is not in the first screen:\n%s", want, screen)
				}
			}
			word, _, _ := strings.Cut(test.head, " ")
			if !strings.Contains(b.String(), "<title>"+word+": ") {
				t.Errorf("the title is not headed by %s", word)
			}
		})
	}
}

// sectionSays is what each section must show, by what it is about.
var sectionSays = map[string][]string{
	"regressed":    {"2 of 4 primary metrics regressed", ">REGRESSED<", "6 pairs", `id="aligned"`, `id="difference"`, "98 % interval", ">A p99<", ">B p99<"},
	"improved":     {">IMPROVED<"},
	"equivalent":   {">EQUIVALENT<", "not known (--noise)"},
	"inconclusive": {"INCONCLUSIVE<td>"},
	"unpaired":     {"6 and 7 runs, unpaired: drift not controlled"},
	"excluded":     {"1 pair excluded", "generator limited"},
	"invalid":      {"6 of 16 runs cannot be compared"},
	"violated":     {"delivery promises were broken in 1 of the runs of B"},
	"single":       {"not enough samples (needs 3 min at this rate)", "one run a side tells nothing of the noise"},
	"differs":      {"differs: seed 42 → (several)"},
	"idle":         {"no primary metric was measured, nothing is judged"},
	"empty":        {"no distribution to compare"},
}

// A's lines stand where A was as long after the start of its steady state as B.
func TestBaselineIsAligned(t *testing.T) {
	a, b := passedRun(t), passedRun(t)
	for i := range a.Phases { // A connected for four seconds less
		a.Phases[i].StartS, a.Phases[i].EndS = max(0, a.Phases[i].StartS-4), a.Phases[i].EndS-4
	}
	for name, column := range a.Series.Columns {
		if name != "t_s" {
			a.Series.Columns[name] = column[4:]
		}
	}
	curves := newTimeline(b, fine).baseline(a, []curve{{column: "e2e_p99_us", name: "A p99"}})
	if len(curves) != 1 {
		t.Fatal("there is no baseline")
	}
	for i, want := range column(b, "e2e_p99_us")[4:70] {
		if got := curves[0].values[i+4]; got != want && !(math.IsNaN(got) && math.IsNaN(want)) {
			t.Fatalf("at %d s: %g, want %g", i+4, got, want)
		}
	}
}

func TestComparisonsFollowTheSchema(t *testing.T) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(CompareSchema()))
	must(t, err)
	compiler := jsonschema.NewCompiler()
	must(t, compiler.AddResource("compare.json", doc))
	schema, err := compiler.Compile("compare.json")
	must(t, err)
	files, err := filepath.Glob("testdata/compare/*.json")
	must(t, err)
	if len(files) != len(comparisons) {
		t.Errorf("%d goldens of %d comparisons", len(files), len(comparisons))
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		must(t, err)
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		must(t, err)
		if err := schema.Validate(doc); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
	root := parseSchema(t, CompareSchema())
	compareKeys(t, "", reflect.TypeFor[compare.Result](), root, root)
}
