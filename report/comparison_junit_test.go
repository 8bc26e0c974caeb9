package report

import (
	"bytes"
	"encoding/xml"
	"maps"
	"slices"
	"testing"

	"github.com/wpsbench/wpsbench/metrics"
)

// A pipeline sees the exit status in the report: red with it, and by what is at fault.
func TestComparisonJUnitIsRedWithTheExitStatus(t *testing.T) {
	type counted struct{ failed, errors, skipped int }
	want := map[string]counted{ // of 4 primary metrics and what else there is
		"regressed": {2, 0, 2}, "violated": {1, 0, 2}, "inconclusive": {0, 3, 2}, "single": {0, 4, 2},
		"invalid": {0, 1, 6}, "idle": {0, 1, 1}, "empty": {0, 1, 0},
	}
	for _, name := range slices.Sorted(maps.Keys(comparisons)) {
		t.Run(name, func(t *testing.T) {
			c := comparison(t, name)
			var b bytes.Buffer
			must(t, WriteComparisonJUnit(&b, c))
			var doc struct {
				Failures int `xml:"failures,attr"`
				Errors   int `xml:"errors,attr"`
				Suite    struct {
					Skipped int `xml:"skipped,attr"`
				} `xml:"testsuite"`
			}
			must(t, xml.Unmarshal(b.Bytes(), &doc))
			if red := doc.Failures+doc.Errors > 0; red != (c.Verdict.ExitCode != metrics.ExitPass) {
				t.Errorf("%d failures and %d errors at exit status %d", doc.Failures, doc.Errors, c.Verdict.ExitCode)
			}
			got := counted{doc.Failures, doc.Errors, doc.Suite.Skipped}
			if w, ok := want[name]; ok && got != w {
				t.Errorf("got %+v, want %+v", got, w)
			}
		})
	}
}
