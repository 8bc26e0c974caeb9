package main

import (
	_ "embed" // the topic is a page of its own
	"fmt"
	"strings"

	"github.com/wpsbench/wpsbench/scenario"
)

// helpCI is also what the README links to.
//
//go:embed ci.md
var helpCI string

func (a *app) helpMetrics() {
	_, _ = fmt.Fprint(a.stdout, "What thresholds can limit, and the aggregates of each:\n\n")
	for _, m := range scenario.Metrics() {
		_, _ = fmt.Fprintf(a.stdout, "  %-18s%s\n      %s\n", m.Name, strings.Join(m.Aggregates, ", "), m.Text)
	}
	_, _ = fmt.Fprint(a.stdout, "\nTimes have a limit with a unit, e2e_latency: [\"p(99)<250ms\"]; counts a plain number, lost: [\"count==0\"].\n")
}
