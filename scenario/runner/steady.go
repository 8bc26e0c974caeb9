package runner

import (
	"slices"

	"github.com/wpsbench/wpsbench/metrics"
)

const (
	// steadyFactor is how much the p99 of a second may exceed that from before an
	// incident for the second to count as steady (design.md 7.7, t9).
	steadyFactor = 1.5
	// beforeWindows is how many seconds before an incident say what was usual: the
	// median of their p99s.
	beforeWindows = 10
)

// steadyAgain is the start of the first second from the end of an incident on in which
// latencies are as they were before it; nil if there is none, or nothing to hold it
// against. t0 is that of the schedule; all are in seconds since the start of the run.
func steadyAgain(columns map[string][]*float64, t0 float64, in *metrics.Incident) *float64 {
	if in.EndS == nil {
		return nil
	}
	starts, p99s := columns["t_s"], columns["e2e_p99_us"]
	var before []float64
	for i, at := range starts {
		if p99s[i] != nil && *at >= t0 && *at+tickEvery.Seconds() <= in.StartS {
			before = append(before, *p99s[i])
		}
	}
	if len(before) == 0 {
		return nil
	}
	before = before[max(0, len(before)-beforeWindows):]
	slices.Sort(before)
	usual := before[len(before)/2]
	for i, at := range starts {
		if p99s[i] != nil && *at >= *in.EndS && *p99s[i] <= steadyFactor*usual {
			return at
		}
	}
	return nil
}
