package runner

import (
	"time"

	"github.com/wpsbench/wpsbench/metrics"
)

// Limits of the validity gates (design.md 3.4).
const (
	sentWarn, sentInvalid = 0.999, 0.995
	lagWarn, lagInvalid   = 0.10, 0.20
	lagFloor              = time.Millisecond // a smaller lag never invalidates
)

// health says whether the generator kept its schedule: a run whose own lag could
// have decided a verdict is not a measurement of the target.
func (r *run) health(rec *metrics.Run) metrics.Health {
	h := metrics.Health{Result: "valid", Gates: []metrics.Gate{}}
	steady := steadyLength(r.plan, r.publishEnd)
	if steady <= 0 {
		return h
	}
	h.Windows = int((steady + time.Second - 1) / time.Second)
	if lag := rec.Metrics["schedule_lag"]; lag.Max != nil {
		h.MaxLagMicros = *lag.Max
	}
	h.Gates = append(h.Gates, r.sentGate(rec), r.lagGate(rec, h.Windows))
	for _, g := range h.Gates {
		h.BadWindows = max(h.BadWindows, g.BadWindows)
		switch {
		case g.Result == "invalid":
			h.Result = "invalid"
		case g.Result == "warn" && h.Result == "valid":
			h.Result = "warn"
		}
	}
	return h
}

// tolerated is how many bad seconds a run may have: two, or 2 % of a long one.
func tolerated(windows int) int { return max(2, windows/50) }

// sentGate compares what was sent with what the schedule wanted. Messages held back
// because their session was detached are the target's doing and are not counted
// against the generator: they are sent later, or skipped and reported as such.
func (r *run) sentGate(rec *metrics.Run) metrics.Gate {
	g := metrics.Gate{ID: "sent_of_intended", Unit: "ratio", Warn: sentWarn, Invalid: sentInvalid, Result: "not_measured"}
	p := rec.Totals.Publishes
	if p.Scheduled == 0 {
		return g
	}
	v := float64(p.Sent) / float64(p.Scheduled)
	g.Value, g.Result = &v, "ok"
	switch {
	case v < sentInvalid && len(rec.Incidents) == 0:
		g.Result = "invalid"
	case v < sentWarn:
		g.Result = "warn"
	}
	return g
}

// lagGate holds the schedule lag of each second of steady state against the
// latency it is part of. The share is of the larger of that second's e2e p99 and
// the tightest declared limit, so that a lag too small to change any verdict only
// warns; Value is the share of e2e p99 over the whole of steady state.
func (r *run) lagGate(rec *metrics.Run, windows int) metrics.Gate {
	g := metrics.Gate{ID: "schedule_lag_share", Unit: "ratio", Warn: lagWarn, Invalid: lagInvalid, Result: "not_measured"}
	lag, e2e := rec.Metrics["schedule_lag"].Percentiles["p99"], rec.Metrics["e2e_latency"].Percentiles["p99"]
	if lag == nil || e2e == nil {
		return g
	}
	v := float64(*lag) / float64(max(*e2e, 1))
	g.Value, g.Result = &v, "ok"
	g.BadWindows = r.badLagWindows(&rec.Series, windows)
	switch {
	case g.BadWindows > tolerated(windows):
		g.Result = "invalid"
	case g.BadWindows > 0, v > lagWarn && time.Duration(*lag)*time.Microsecond > lagFloor:
		g.Result = "warn"
	}
	return g
}

func (r *run) badLagWindows(series *metrics.Series, windows int) int {
	from := r.t0 - r.start + r.plan.Scenario.Phases.Warmup
	// A second that is partly warm-up is not judged.
	first, last := int((from+tickEvery-1)/tickEvery), int((from+steadyLength(r.plan, r.publishEnd)-1)/tickEvery)
	lags, e2es := series.Columns["lag_p99_us"], series.Columns["e2e_p99_us"]
	limit := float64(tightestLimit(r).Microseconds())
	bad := map[int]bool{}
	for i := first; i <= last && i < len(lags); i++ {
		if lags[i] == nil {
			continue
		}
		lag, e2e := *lags[i], 0.0
		if e2es[i] != nil {
			e2e = *e2es[i]
		}
		if lag <= lagInvalid*max(e2e, limit) || lag <= float64(lagFloor.Microseconds()) {
			continue
		}
		// A lag of seconds spoils as many before it, which sent nothing.
		for k := max(first, i-int(lag/1e6)); k <= i; k++ {
			bad[k] = true
		}
	}
	for i := range bad { // marked in the timeline: what is measured then may be ours
		r.events = append(r.events, metrics.RunEvent{
			TS: float64(i) * tickEvery.Seconds(), Kind: "gate", Text: "the schedule was late", Ref: "/health/gates",
		})
	}
	return min(len(bad), windows)
}

// tightestLimit is the smallest declared limit on end-to-end latency; 0 = none.
func tightestLimit(r *run) time.Duration {
	var tightest time.Duration
	for _, t := range r.plan.Scenario.Thresholds {
		if t.Metric != "e2e_latency" || t.Aggregate == "count" || (t.Op != "<" && t.Op != "<=") {
			continue
		}
		if limit := time.Duration(t.Limit) * time.Microsecond; tightest == 0 || limit < tightest {
			tightest = limit
		}
	}
	return tightest
}
