package report

import (
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/wpsbench/wpsbench/metrics"
)

// benchPercentiles are the figures of a metric in the Go benchmark format, in
// nanoseconds, which benchstat reads as seconds.
var benchPercentiles = []struct{ key, unit string }{
	{"p50", "p50-ns"}, {"p90", "p90-ns"}, {"p99", "p99-ns"}, {"p99_9", "p99.9-ns"},
}

// WriteBenchfmt writes the run in the Go benchmark format (golang.org/design/14313),
// for benchstat: what the run must share with others as configuration, one line per
// metric. Files of several runs may be concatenated.
func WriteBenchfmt(w io.Writer, r *metrics.Run) error {
	r = plain{commands: true}.copyRun(r)
	var b strings.Builder
	for _, unit := range []string{"msg/s better=higher", "p50-ns better=lower", "p90-ns better=lower", "p99-ns better=lower", "p99.9-ns better=lower"} {
		b.WriteString("Unit " + unit + "\n")
	}
	configure := func(key, value string) {
		if key = benchWord(strings.ToLower(key)); value != "" && key[0] >= 'a' && key[0] <= 'z' {
			fmt.Fprintf(&b, "%s: %s\n", key, value)
		}
	}
	configure("verdict", r.Verdict.Result)
	configure("commit", r.Environment.Tool.Commit)
	configure("target", r.Environment.Target.Kind)
	for _, x := range r.Residue {
		configure(x.Key, x.Value)
	}
	name := "BenchmarkRun/" + benchWord(r.Info.Name)
	if n := r.Totals.Deliveries.Delivered; n > 0 {
		fmt.Fprintf(&b, "%s/delivered %d %g msg/s\n", name, n, r.Info.Load.DeliveredPerS)
	}
	for _, m := range metricNames {
		s := r.Metrics[m.key]
		if s == nil || s.Count == 0 {
			continue
		}
		line := fmt.Sprintf("%s/%s %d", name, m.key, s.Count)
		values := ""
		for _, p := range benchPercentiles {
			if v := s.Percentiles[p.key]; v != nil {
				values += fmt.Sprintf(" %d %s", *v*1000, p.unit)
			}
		}
		if values != "" {
			b.WriteString(line + values + "\n")
		}
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write benchmark format: %w", err)
	}
	return nil
}

// benchWord makes a text one word that is neither split by the format nor taken for a
// setting of GOMAXPROCS at its end.
func benchWord(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r), strings.ContainsRune(":/-#", r):
			return '_'
		case unicode.IsPrint(r):
			return r
		}
		return -1
	}, s)
	if s == "" {
		return "run"
	}
	return s
}
