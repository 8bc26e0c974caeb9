package runner

import (
	"time"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/scenario"
)

// builtIn limits hold unless the scenario names the same metric (report-design.md 1).
// The first one missed heads the verdict: a breach of the protocol comes before the
// drop that it causes, and a drop before what follows from it.
var builtIn = []string{"protocol_errors", "uninjected_drops", "failed_publishes", "failed_connects"}

// judgeThresholds evaluates the scenario's limits, then the built-in ones.
func (r *run) judgeThresholds(rec *metrics.Run) []metrics.ThresholdResult {
	out := []metrics.ThresholdResult{}
	counters := countersOf(rec)
	elapsed := time.Duration(rec.Info.DurationS * float64(time.Second))
	declared := map[string]bool{}
	view := 0
	for _, t := range r.plan.Scenario.Thresholds {
		declared[t.Metric] = true
		limit := r.threshold(t)
		if m, ok := metrics.ParseMetric(t.Metric); ok {
			summary := rec.Metrics[m.String()]
			if t.During != "" || t.Population != "" {
				summary = r.collector.View(view)
				view++
			}
			out = append(out, limit.EvaluateMetric(summary))
			continue
		}
		out = append(out, limit.EvaluateCounter(counters[t.Metric], elapsed))
	}
	for _, name := range builtIn {
		if !declared[name] {
			limit := metrics.Threshold{Metric: name, Expr: "count==0", Aggregate: "count", Op: "==", BuiltIn: true}
			out = append(out, limit.EvaluateCounter(counters[name], elapsed))
		}
	}
	return out
}

// missedLimit names a missed limit on a latency that is to end the run at once,
// judged over what has been measured so far. Limits on delivery counts wait for
// the end: what is still under way is not lost.
func (r *run) missedLimit() string {
	view := 0
	for _, t := range r.plan.Scenario.Thresholds {
		m, ok := metrics.ParseMetric(t.Metric)
		if !ok {
			continue
		}
		summary := r.usual
		if t.During != "" || t.Population != "" {
			i := view
			summary = func(metrics.Metric) *metrics.MetricSummary { return r.collector.View(i) }
			view++
		}
		if !t.AbortOnFail || t.Op == ">" || t.Op == ">=" || t.Op == "==" {
			continue // may still come true
		}
		limit := r.threshold(t)
		if limit.EvaluateMetric(summary(m)).Result == metrics.ThresholdFail {
			return t.Metric + " " + t.Expr + " is missed"
		}
	}
	return ""
}

func (r *run) threshold(t scenario.Threshold) metrics.Threshold {
	return metrics.Threshold{
		Metric:      t.Metric,
		Aggregate:   t.Aggregate,
		Quantile:    t.Quantile,
		Op:          t.Op,
		Limit:       t.Limit,
		During:      t.During,
		Population:  t.Population,
		Expr:        t.Expr,
		AbortOnFail: t.AbortOnFail,
		Source:      metrics.Source{File: r.plan.Scenario.File, Line: t.Pos.Line, Column: t.Pos.Column},
	}
}

// countersOf names the record's totals that a threshold may limit.
func countersOf(rec *metrics.Run) map[string]uint64 {
	d, p, f := rec.Totals.Deliveries, rec.Totals.Publishes, rec.Connections.Funnel
	return map[string]uint64{
		"failed_connects":  f.FailedDials + f.FailedJoins,
		"failed_publishes": p.Fail + p.Errored + p.Dropped,
		"lost":             d.Lost,
		"duplicated":       d.Duplicated,
		"reordered":        d.Reordered,
		"unexpected":       d.Unexpected,
		"undelivered":      d.Undelivered,
		"uninjected_drops": f.UninjectedDrops,
		"protocol_errors":  f.ProtocolErrors,
		"published":        p.Sent,
		"delivered":        d.Delivered,
	}
}
