package report

import (
	"bytes"
	"strings"
	"testing"

	"github.com/wpsbench/wpsbench/metrics"
)

// Every output of a degraded run says beside its totals of which part of the generator
// they are; none of a whole run does.
func TestDegradedTotalsCarryTheirCoverage(t *testing.T) {
	const of = "of 3 of 4 processes (75 % of the connections)"
	outputs := map[string]func(*bytes.Buffer, *metrics.Run) error{
		"text":     func(b *bytes.Buffer, r *metrics.Run) error { return WriteText(b, r, TextOptions{UTF8: true}) },
		"html":     func(b *bytes.Buffer, r *metrics.Run) error { return WriteHTML(b, r) },
		"markdown": func(b *bytes.Buffer, r *metrics.Run) error { return WriteMarkdown(b, r) },
		"junit":    func(b *bytes.Buffer, r *metrics.Run) error { return WriteJUnit(b, r) },
	}
	// The cards of delivery, faults and connections, the line of the verdict, and a caption
	// and a label for each of four tables.
	for name, want := range map[string]int{"text": 1, "html": 3 + 1 + 2*4, "markdown": 1, "junit": 1} {
		for record, want := range map[string]int{"degraded": want, "failed": 0} {
			var b bytes.Buffer
			must(t, outputs[name](&b, records[record](t)))
			text := strings.ReplaceAll(b.String(), "\u202f", " ")
			if got := strings.Count(text, of); got != want {
				t.Errorf("%s of the record %s says %d times that it is %s, want %d", name, record, got, of, want)
			}
		}
	}
}

// A gate that is judged by the second alone has no value to show.
func TestWarningWithoutAValue(t *testing.T) {
	r := shortRun(t)
	g := &r.Health.Gates[3]
	g.Value, g.BadWindows = nil, 3
	if got, want := healthLine(htmlNumbers, r), "warns: run queue share bad in 3 of 60 s"; !strings.Contains(got, want) {
		t.Errorf("got %q, want %q in it", got, want)
	}
	var b bytes.Buffer
	must(t, WriteJUnit(&b, r))
	if want := "<system-out>warns: bad in 3 of 60 s</system-out>"; !strings.Contains(b.String(), want) {
		t.Errorf("the JUnit report does not say %q", want)
	}
}
