package main

import (
	"fmt"

	"github.com/wpsbench/wpsbench/scenario"
)

// maxFaultLines is how many incidents of a fault are shown.
const maxFaultLines = 5

// faultLines says when the faults of a plan strike, and how many sessions. Instants are
// since the load begins, warm-up included.
func faultLines(plan *scenario.Plan) (lines []string) {
	incidents := plan.Incidents()
	for i := range plan.Scenario.Faults {
		f := &plan.Scenario.Faults[i]
		var own []scenario.Incident
		for _, in := range incidents {
			if in.Fault == i {
				own = append(own, in)
			}
		}
		about, whom := "", ""
		if f.Rate > 0 {
			about = "about "
		}
		if f.Population != "" {
			whom = "into " + f.Population + " "
		}
		kind := f.Kind
		if f.By != "" {
			kind += " by " + f.By
		}
		each := plan.Injections(i).Expected() / float64(len(own))
		for k, in := range own {
			if k == maxFaultLines {
				lines = append(lines, fmt.Sprintf("%s: %d more, the last at %s", f.Name, len(own)-k, own[len(own)-1].At))
				break
			}
			when := "at " + in.At.String()
			if in.Until > in.At {
				when = fmt.Sprintf("from %s to %s", in.At, in.Until)
			}
			lines = append(lines, fmt.Sprintf("%s: %s, %s%.0f injections %s%s", in.ID, kind, about, each, whom, when))
		}
	}
	return lines
}
