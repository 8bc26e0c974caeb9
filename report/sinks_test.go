package report

import (
	"bytes"
	"encoding/xml"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"

	hdr "github.com/HdrHistogram/hdrhistogram-go"

	"github.com/wpsbench/wpsbench/metrics"
)

// sinks are the forms beside HTML, JSON and text, by the ending of their goldens.
var sinks = map[string]func(*bytes.Buffer, *metrics.Run) error{
	"junit.xml":  func(b *bytes.Buffer, r *metrics.Run) error { return WriteJUnit(b, r) },
	"md":         func(b *bytes.Buffer, r *metrics.Run) error { return WriteMarkdown(b, r) },
	"bench":      func(b *bytes.Buffer, r *metrics.Run) error { return WriteBenchfmt(b, r) },
	"hlog":       func(b *bytes.Buffer, r *metrics.Run) error { return WriteHistogramLog(b, r) },
	"github.log": func(b *bytes.Buffer, r *metrics.Run) error { return WriteAnnotations(b, r, GitHub, false) },
	"azure.log":  func(b *bytes.Buffer, r *metrics.Run) error { return WriteAnnotations(b, r, Azure, false) },
}

func TestSinkGoldens(t *testing.T) {
	for ext, write := range sinks {
		names := []string{"failed", "hostile"}
		if ext == "hlog" {
			names = []string{"passed", "violated"} // those hold histograms
		}
		for _, name := range names {
			var b bytes.Buffer
			must(t, write(&b, records[name](t)))
			golden(t, name+"."+ext, b.Bytes())
		}
	}
}

// Whatever a record holds, a line of a log is a command only if we meant one.
func TestSinksDefuseForeignText(t *testing.T) {
	command := regexp.MustCompile(`^(##vso\[task\.logissue type=(error|warning);[^\]]*\]|::(error|warning) [^:]*::)`)
	for ext, write := range sinks {
		var b bytes.Buffer
		must(t, write(&b, hostileRun(t)))
		for i, r := range b.String() {
			if r != '\n' && (unicode.Is(unicode.Cc, r) || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029') {
				t.Fatalf("%s: character %U: %.60q", ext, r, b.String()[max(0, i-30):])
			}
		}
		for line := range strings.Lines(b.String()) {
			if strings.HasSuffix(ext, ".log") {
				if !command.MatchString(line) {
					t.Errorf("%s: a line that is no command of ours: %.100q", ext, line)
				}
				line = command.ReplaceAllString(line, "")
			}
			if strings.Contains(line, "##vso[") || strings.Contains(line, "##[") || strings.HasPrefix(strings.TrimSpace(line), "::") {
				t.Errorf("%s: a command in foreign text: %.100q", ext, line)
			}
		}
		if ext == "md" && regexp.MustCompile(`(?i)<(img|script)|[^\\]\]\(|javascript:`).MatchString(b.String()) {
			t.Error("markup of foreign text in the Markdown")
		}
	}
}

// A reader of JUnit adds up what the attributes say.
func TestJUnitCountsItsCases(t *testing.T) {
	type suite struct {
		Tests    int `xml:"tests,attr"`
		Failures int `xml:"failures,attr"`
		Errors   int `xml:"errors,attr"`
		Skipped  int `xml:"skipped,attr"`
		Cases    []struct {
			Class   string    `xml:"classname,attr"`
			Name    string    `xml:"name,attr"`
			Failure *struct{} `xml:"failure"`
			Error   *struct{} `xml:"error"`
			Skipped *struct{} `xml:"skipped"`
		} `xml:"testcase"`
	}
	tests := []struct {
		name                           string
		cases, failures, errs, skipped int
	}{
		{"passed", 17, 0, 0, 2}, // 1 run, 5 thresholds, 5 checks, 6 gates; N3 and steal skipped
		{"violated", 18, -1, 0, -1},
		{"empty", 1, 0, 1, 0},
		{"invalid", 17, 0, 3, -1}, // the run, its gate, an unknown check
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var b bytes.Buffer
			must(t, WriteJUnit(&b, records[test.name](t)))
			var doc struct {
				XMLName  xml.Name `xml:"testsuites"`
				Tests    int      `xml:"tests,attr"`
				Failures int      `xml:"failures,attr"`
				Errors   int      `xml:"errors,attr"`
				Suites   []suite  `xml:"testsuite"`
			}
			must(t, xml.Unmarshal(b.Bytes(), &doc))
			var sum suite
			for _, s := range doc.Suites {
				var got suite
				for _, c := range s.Cases {
					got.Tests++
					if c.Name == "" || c.Class == "" {
						t.Error("a case without a name")
					}
					switch {
					case c.Failure != nil:
						got.Failures++
					case c.Error != nil:
						got.Errors++
					case c.Skipped != nil:
						got.Skipped++
					}
				}
				if got.Tests != s.Tests || got.Failures != s.Failures || got.Errors != s.Errors || got.Skipped != s.Skipped {
					t.Errorf("the suite says %d %d %d %d, its cases %d %d %d %d", s.Tests, s.Failures, s.Errors, s.Skipped, got.Tests, got.Failures, got.Errors, got.Skipped)
				}
				sum.Tests, sum.Failures, sum.Errors, sum.Skipped = sum.Tests+got.Tests, sum.Failures+got.Failures, sum.Errors+got.Errors, sum.Skipped+got.Skipped
			}
			if doc.Tests != sum.Tests || doc.Failures != sum.Failures || doc.Errors != sum.Errors {
				t.Errorf("the document says %d %d %d, its suites %+v", doc.Tests, doc.Failures, doc.Errors, sum)
			}
			for what, n := range map[string][2]int{"cases": {sum.Tests, test.cases}, "failures": {sum.Failures, test.failures}, "errors": {sum.Errors, test.errs}, "skipped": {sum.Skipped, test.skipped}} {
				if n[1] >= 0 && n[0] != n[1] {
					t.Errorf("%d %s, want %d", n[0], what, n[1])
				}
			}
			if test.name == "violated" && sum.Failures == 0 {
				t.Error("a broken promise is no failure")
			}
		})
	}
}

func TestMarkdownStaysSmall(t *testing.T) {
	r := passedRun(t)
	for range 5000 {
		r.Thresholds = append(r.Thresholds, r.Thresholds[0])
	}
	var b bytes.Buffer
	must(t, WriteMarkdown(&b, r))
	if b.Len() > maxMarkdownBytes || !strings.Contains(b.String(), "Cut off at 60 kB") {
		t.Errorf("%d bytes", b.Len())
	}
}

func TestSparkline(t *testing.T) {
	if got := sparkline([]*float64{ptr(1.0), nil, ptr(10.0), ptr(100.0)}, 60); got != "▁ ▅█" {
		t.Errorf("got %q", got)
	}
	if got := sparkline([]*float64{ptr(1.0), ptr(100.0), ptr(1.0), ptr(1.0)}, 2); got != "█▁" {
		t.Errorf("thinned: got %q", got)
	}
	if got := sparkline(nil, 10); got != "" {
		t.Errorf("without values: got %q", got)
	}
}

// The log's lines are read by the library's own reader.
func TestHistogramLogIsRead(t *testing.T) {
	var b bytes.Buffer
	must(t, WriteHistogramLog(&b, passedRun(t)))
	reader := hdr.NewHistogramLogReader(&b)
	counts := map[string]int64{}
	for {
		h, err := reader.NextIntervalHistogram()
		must(t, err)
		if h == nil {
			break
		}
		counts[h.Tag()] += h.TotalCount()
		if h.Tag() == "e2e_latency" && h.EndTimeMs()-h.StartTimeMs() != 60_000 {
			t.Errorf("the interval is %d ms long, want 60000", h.EndTimeMs()-h.StartTimeMs())
		}
	}
	want, err := os.ReadFile(filepath.Join("testdata", "response.hdr"))
	must(t, err)
	h, err := hdr.Decode(want)
	must(t, err)
	if counts["e2e_latency"] != h.TotalCount() || len(counts) != 4 {
		t.Errorf("read %v, want %d of e2e_latency", counts, h.TotalCount())
	}
}
