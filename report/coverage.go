package report

import (
	"fmt"

	"github.com/wpsbench/wpsbench/metrics"
)

// coverageOf says which part of the generator the totals of a degraded run are of; empty
// when they are of all of it. It stands beside every total.
func coverageOf(r *metrics.Run) string {
	c := r.Totals.Coverage
	if c == nil || c.Processes <= 0 || c.Connections <= 0 {
		return ""
	}
	return fmt.Sprintf("of %d of %d processes (%s of the connections)", c.Processes-c.LostProcesses, c.Processes,
		percent(float64(c.Connections-c.LostConnections)/float64(c.Connections)))
}

// covered appends the coverage to what names or explains a total.
func covered(text string, r *metrics.Run) string {
	of := coverageOf(r)
	switch {
	case of == "":
		return text
	case text == "":
		return of
	}
	return text + ", " + of
}
