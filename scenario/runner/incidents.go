package runner

import (
	"slices"
	"time"

	"github.com/wpsbench/wpsbench/metrics"
)

// incidentResults merges the workers' shards of every fault that struck, and of
// the drops that nobody injected.
func (r *run) incidentResults() []metrics.Incident {
	out := []metrics.Incident{}
	for i := range r.plan.Scenario.Faults {
		if r.faults[i].reported == 0 {
			continue
		}
		f := &r.plan.Scenario.Faults[i]
		m := r.mergeIncident(i)
		m.hit = r.faults[i].hit
		out = append(out, r.incident(f.Name, f.Kind, m))
	}
	if m := r.mergeIncident(len(r.plan.Scenario.Faults)); m.hit > 0 {
		out = append(out, r.incident("drops", "not injected", m))
	}
	return out
}

func (r *run) mergeIncident(i int) incidentShard {
	var m incidentShard
	for _, w := range r.workers {
		s := &w.incidents[i]
		m.hit += s.hit
		if s.started != 0 && (m.started == 0 || s.started < m.started) {
			m.started = s.started
		}
		m.outcomes.Resumed += s.outcomes.Resumed
		m.outcomes.NewConnection += s.outcomes.NewConnection
		m.outcomes.GaveUp += s.outcomes.GaveUp
		m.outcomes.Overflow += s.outcomes.Overflow
		m.outcomes.Open += s.outcomes.Open
		m.replayed += s.replayed
		m.back = append(m.back, s.back...)
		for k := range s.stages {
			m.stages[k] = append(m.stages[k], s.stages[k]...)
		}
		for second, n := range s.opens {
			if m.opens == nil {
				m.opens = rateMeter{}
			}
			m.opens[second] += n
		}
	}
	slices.Sort(m.back)
	return m
}

func (r *run) incident(id, kind string, m incidentShard) metrics.Incident {
	out := metrics.Incident{
		ID:        id,
		Kind:      kind,
		Hit:       m.hit,
		StartS:    seconds(m.started - r.start),
		Outcomes:  m.outcomes,
		Stages:    map[string]*metrics.StageSummary{},
		CaughtUpS: map[string]*float64{},
		Replayed:  m.replayed,
	}
	for k, d := range m.stages {
		if len(d) > 0 {
			out.Stages[stageNames[k]] = metrics.SummarizeStage(d)
		}
	}
	// A share of the sessions that were hit, not of those that came back: a session
	// that never returns keeps the upper marks empty.
	for name, share := range map[string]int{"p50": 50, "p90": 90, "p99": 99, "p100": 100} {
		rank := (m.hit*share + 99) / 100
		out.CaughtUpS[name] = nil
		if rank > 0 && rank <= len(m.back) {
			s := seconds(m.back[rank-1] - m.started)
			out.CaughtUpS[name] = &s
		}
	}
	if m.hit > 0 && len(m.back) >= m.hit {
		end := seconds(m.back[len(m.back)-1] - r.start)
		out.EndS = &end
	}
	peak := 0
	for _, n := range m.opens {
		peak = max(peak, n)
	}
	out.PeakPerS = float64(peak) / time.Second.Seconds()
	return out
}
