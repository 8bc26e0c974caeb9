package runner

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/wpsbench/wpsbench/metrics"
)

// checkpointEvery is how much of a run is lost to whoever kills it.
const checkpointEvery = time.Minute

// checkpoint hands over, now and then, what a record of the run would hold if it ended
// here. The sessions go on meanwhile: it is made of what the controller has anyway, and
// what only the workers and the judge could say is said to be unknown.
func (r *run) checkpoint(latest metrics.Latest) {
	now := r.driver.now()
	if r.cfg.Checkpoint == nil || r.t0 == 0 || now < max(r.t0, r.checkpointed)+cmp.Or(r.cfg.CheckpointEvery, checkpointEvery) {
		return
	}
	r.checkpointed = now
	rec := r.soFar(now, latest, "this is a checkpoint of a run that did not end, its deliveries were not judged")
	rec.Info.Status = metrics.RunInterrupted
	metrics.Decide(rec)
	r.cfg.Checkpoint(rec)
	r.driver.tidy(r.workers) // until the next one it is garbage, and its code is not needed
}

// soFar is the record of what has been measured, without a verdict; why says what kept
// the deliveries from being judged. Who of the populations sent what only the workers know.
func (r *run) soFar(now time.Duration, latest metrics.Latest, why string) *metrics.Run {
	s := r.standing()
	if s.Violations > 0 {
		why += fmt.Sprintf("; %d violations were seen so far, %s", s.Violations, s.First)
	}
	planned := r.publishEnd
	r.publishEnd = max(0, min(planned, now-r.t0))
	defer func() { r.publishEnd = planned }()
	rec := &metrics.Run{
		Kind:          "wpsbench.run",
		SchemaVersion: metrics.SchemaVersion,
		Info:          r.info(now, nil),
		Checks:        metrics.Unjudged(r.cfg.Profile, why),
		Totals:        totalsSoFar(&s, &latest.Total),
		Metrics:       map[string]*metrics.MetricSummary{},
		Environment:   environment(r.cfg.Transport),
		Profile:       r.cfg.Profile.String(),
		Scenario:      r.scenarioText(),
	}
	for _, m := range metrics.Metrics() {
		rec.Metrics[m.String()] = r.usual(m)
	}
	rec.Groups.Count = r.plan.Groups
	rec.Connections.Funnel = metrics.Funnel{
		Planned: r.plan.Connections, Attempted: r.plan.Connections, Opened: int(s.Ready), Connected: int(s.Ready), Joined: int(s.Ready), AtEnd: int(s.Open),
	}
	r.plannedLoad(&rec.Info.Load)
	if steady := steadyLength(r.plan, r.publishEnd); steady > 0 {
		rec.Info.Load.DeliveredPerS = float64(rec.Metrics["e2e_latency"].Count) / steady.Seconds()
	}
	rec.Phases = slices.Clone(r.phaseResults())
	rec.Phases[len(rec.Phases)-1].EndS = seconds(now - r.start)
	r.pressed = r.pressures()
	r.pressureSeries()
	rec.Series = r.collector.SeriesSoFar(0, tickEvery)
	rec.Info.Load.PublishedPerS = steadyMean(rec, "published_per_s")
	rec.Health = r.health(rec)
	r.mu.Lock()
	rec.Events = append(slices.Clone(r.events), gateEvents(&rec.Health)...)
	r.mu.Unlock()
	rec.Thresholds = r.judgeThresholds(rec)
	rec.Residue = residue(rec)
	rec.Series = rec.Series.Coalesced(metrics.SeriesPoints)
	return rec
}

// steadyMean is the mean of a column over the intervals that lie in steady state; 0 when
// there is none yet.
func steadyMean(rec *metrics.Run, column string) float64 {
	const rounding = 1e-6
	sum, n := 0.0, 0
	values := rec.Series.Columns[column]
	for i, start := range rec.Series.Columns["t_s"] {
		steady := slices.ContainsFunc(rec.Phases, func(p metrics.PhaseResult) bool {
			return p.Steady && *start >= p.StartS-rounding && *start+rec.Series.IntervalS <= p.EndS+rounding
		})
		if steady && values[i] != nil {
			sum += *values[i]
			n++
		}
	}
	return sum / float64(max(n, 1))
}

// totalsSoFar counts what has come back; what has not is under way.
func totalsSoFar(s *standing, t *metrics.Traffic) metrics.Totals {
	var out metrics.Totals
	acked := min(t.Acked, t.Sent)
	out.Publishes = metrics.Publishes{Scheduled: t.Sent, Sent: t.Sent, OK: acked, Indeterminate: t.Sent - acked}
	out.Deliveries.Expected = max(s.Expected, s.Delivered)
	out.Deliveries.Delivered = s.Delivered
	out.Deliveries.Undelivered = out.Deliveries.Expected - s.Delivered
	out.Bytes.Sent, out.Bytes.Received = t.BytesSent, t.BytesReceived
	return out
}
