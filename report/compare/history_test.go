package compare

import (
	"slices"
	"testing"

	"github.com/wpsbench/wpsbench/metrics"
)

func TestHistory(t *testing.T) {
	for _, row := range []struct {
		name     string
		edit     func(runs []*metrics.Run)
		header   []string
		first    []string
		rows     int
		excluded []Excluded
		missing  []string
	}{
		{
			name: "six runs, the last of them given first", edit: func(runs []*metrics.Run) { slices.Reverse(runs) },
			header: []string{"time", "commit", "run", "e2e_p99_us", "e2e_p50_us", "delivered_per_s"},
			first:  []string{"1970-01-01T00:00:00Z", "", "0 0", "10100", "1010", "10001"}, rows: 6,
		},
		{
			name: "no measurement, a commit, a tail too thin",
			edit: func(runs []*metrics.Run) {
				runs[0].Health.Result = "invalid"
				runs[1].Info.Tags = map[string]string{"commit": "1a2b3c"}
				runs[1].Environment.Tool.Commit = "of wpsbench"
				runs[2].Info.Status = "interrupted"
				runs[3].Metrics["e2e_latency"].Count = 5000
			},
			header: []string{"time", "commit", "run", "e2e_p50_us", "delivered_per_s"},
			first:  []string{"1970-01-01T00:02:00Z", "1a2b3c", "0 1", "988", "9998.8"}, rows: 4,
			excluded: []Excluded{{"0 0", "generator limited"}, {"0 2", "interrupted"}}, missing: []string{"e2e_p99_us"},
		},
		{
			name: "nothing is left", edit: func(runs []*metrics.Run) {
				for _, r := range runs[1:] {
					r.Verdict.Result = metrics.ResultNotRun
				}
				runs[0].Info.Load.DeliveredPerS, runs[0].Metrics = 0, nil
			},
			header: []string{"time", "commit", "run"}, first: []string{"1970-01-01T00:00:00Z", "", "0 0"}, rows: 1,
			excluded: []Excluded{{"0 1", "not run"}, {"0 2", "not run"}, {"0 3", "not run"}, {"0 4", "not run"}, {"0 5", "not run"}},
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			runs := side(0, 1000, 10_000)
			row.edit(runs)
			before := slices.Clone(runs)
			h := NewHistory(runs)
			if !slices.Equal(h.Header, row.header) || !slices.Equal(h.Missing, row.missing) || !slices.Equal(h.Excluded, row.excluded) {
				t.Errorf("got %v, %v missing, %v excluded, want %v, %v and %v", h.Header, h.Missing, h.Excluded, row.header, row.missing, row.excluded)
			}
			if len(h.Rows) != row.rows || !slices.Equal(h.Rows[0], row.first) {
				t.Errorf("got %d rows, the first %q, want %d and %q", len(h.Rows), h.Rows[0], row.rows, row.first)
			}
			if !slices.Equal(runs, before) {
				t.Error("the caller's runs were put into another order")
			}
		})
	}
}
