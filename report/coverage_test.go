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

// What JUnit skips it skips for a reason, and none of them is a dash.
func TestJUnitSaysWhyItSkips(t *testing.T) {
	for _, row := range []struct {
		name   string
		record func(r *metrics.Run)
		want   string
	}{
		{"a gate", func(r *metrics.Run) { r.Health.Gates[5].Result, r.Health.Gates[5].Value = "not_measured", nil },
			`<skipped message="not measured here: this system does not tell it, or there was nothing to measure">`},
		{"the ceiling", func(r *metrics.Run) {
			r.Health.CeilingPerS = nil
			r.Health.Gates = append(r.Health.Gates, metrics.Gate{ID: "ceiling_share", Unit: "ratio", Result: "not_measured", Advice: "a larger machine"})
		}, `<skipped message="not measured here: this machine is not calibrated (wpsbench calibrate)">`},
		{"a limit", func(r *metrics.Run) {
			r.Verdict.Headline = "INTERRUPTED at t+5 s"
			r.Thresholds[0].Result, r.Thresholds[0].Measured = "not_judged", nil
		}, `<skipped message="not judged: INTERRUPTED at t+5 s, limit at scenarios/soak.yaml:41">`},
		{"no samples", func(r *metrics.Run) { r.Thresholds[0].Result, r.Thresholds[0].Measured = "no_samples", nil },
			`<error message="no samples, limit at scenarios/soak.yaml:41" type="no_samples">`},
	} {
		t.Run(row.name, func(t *testing.T) {
			r := passedRun(t)
			row.record(r)
			var b bytes.Buffer
			must(t, WriteJUnit(&b, r))
			if !strings.Contains(b.String(), row.want) || strings.Contains(b.String(), "–") {
				t.Errorf("no %s, or a dash, in:\n%s", row.want, &b)
			}
		})
	}
}
