package runner

import (
	"errors"
	"fmt"

	"github.com/wpsbench/wpsbench/metrics"
)

// degraded is the record of a run that lost one of its processes and was ended there: what
// all of them had handed over until then. What the lost one had sent and received is gone
// with it, so nothing is judged; nil when the schedule had not begun.
func (r *run) degraded(err error) *metrics.Run {
	var lost *LostError
	if !errors.As(err, &lost) || r.t0 == 0 {
		return nil
	}
	r.collect()
	rec := r.soFar(r.driver.now(), r.lastLatest(), "part of the generator was lost, and what it had sent and received with it")
	rec.Info.Status = "aborted"
	for i := range rec.Thresholds {
		rec.Thresholds[i].Result = metrics.ThresholdNotJudged
	}
	rec.Health = metrics.JudgeGates(0, nil, &metrics.GateReadings{}) // nobody knows how the lost part did
	rec.Connections.Funnel.AtEnd = max(0, r.plan.Connections-lost.Connections)
	rec.Totals.Coverage = &metrics.Coverage{
		Processes: len(r.cfg.Processes), LostProcesses: 1, Connections: r.plan.Connections, LostConnections: lost.Connections,
	}
	rec.Verdict.Result = metrics.ResultDegraded
	rec.Verdict.Reasons = []metrics.Reason{{
		Code: "node_lost", Severity: "warn", Ref: "/connections/funnel",
		Text: fmt.Sprintf("%v; it had %d of %d connections", lost, lost.Connections, r.plan.Connections),
	}}
	metrics.Decide(rec)
	return rec
}
