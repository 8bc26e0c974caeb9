package runner

import (
	"fmt"
	"slices"
	"time"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/scenario"
)

// incidentResults merges the workers' shards of every incident that began, and of the
// drops that nobody injected.
func (r *run) incidentResults() []metrics.Incident {
	out := []metrics.Incident{}
	for i, in := range r.incidents {
		if m := r.mergeIncident(i); m.started != 0 {
			m.hit = r.tally(i).hit
			out = append(out, r.incident(in.ID, r.plan.Scenario.Faults[in.Fault].Kind, m))
		}
	}
	if m := r.mergeIncident(len(r.incidents)); m.hit > 0 {
		out = append(out, r.incident("drops", "not injected", m))
	}
	return out
}

// mergedIncident is what all workers saw of one incident.
type mergedIncident struct {
	incidentShard // but for its stages
	parts         [stages][]*metrics.Stage
}

func (r *run) mergeIncident(i int) *mergedIncident {
	m := &mergedIncident{}
	m.opens = rateMeter{}
	for _, w := range r.left {
		s := &w.incidents[i]
		m.hit += s.hit
		m.missed += s.missed
		if s.started != 0 && (m.started == 0 || s.started < m.started) {
			m.started = s.started
		}
		m.last = max(m.last, s.last)
		for k, n := range s.outcomes {
			m.outcomes[k] += n
		}
		m.attempts += s.attempts
		m.replayed += s.replayed
		m.redundant += s.redundant
		for k := range s.stages {
			m.parts[k] = append(m.parts[k], &s.stages[k])
		}
		for second, n := range s.opens {
			m.opens[second] += n
		}
		m.closes.merge(s.closes)
	}
	return m
}

func (r *run) incident(id, kind string, m *mergedIncident) metrics.Incident {
	out := metrics.Incident{
		ID:     id,
		Kind:   kind,
		Hit:    m.hit,
		Missed: m.missed,
		StartS: seconds(m.started - r.start),
		Outcomes: metrics.IncidentOutcomes{
			Resumed:       m.outcomes[outcomeResumed],
			NewConnection: m.outcomes[outcomeNewConnection],
			GaveUp:        m.outcomes[outcomeGaveUp],
			Overflow:      m.outcomes[outcomeOverflow],
			Held:          m.outcomes[outcomeHeld],
			HitAgain:      m.outcomes[outcomeHitAgain],
			Open:          m.outcomes[outcomeOpen],
		},
		Stages:    map[string]*metrics.StageSummary{},
		CaughtUpS: metrics.CaughtUp(m.hit-m.outcomes[outcomeHeld], m.parts[stageOutage]...),
		Attempts:  m.attempts,
		Replayed:  m.replayed,
		Redundant: m.redundant,
		Closes:    m.closes.reasons(),
	}
	for k, parts := range m.parts {
		if s := metrics.SummarizeStage(parts...); s != nil {
			out.Stages[stageNames[k]] = s
		}
	}
	if o := out.Outcomes; m.hit > 0 && o.Total() == m.hit && o.HitAgain+o.Open == 0 {
		out.EndS = new(seconds(m.last - r.start))
	}
	peak := 0
	for _, n := range m.opens {
		peak = max(peak, n)
	}
	out.PeakPerS = float64(peak) / time.Second.Seconds()
	return out
}

// incidentState is what the workers of this process have seen of one incident of the
// plan, and what the controller has said of it.
type incidentState struct {
	tally
	told    bool
	settled bool
}

// tally counts the sessions of one incident.
type tally struct {
	through int // workers that make no more injections
	calls   int // to the service, under way
	hit     int
	back    int           // caught up
	again   int           // hit again before that
	last    time.Duration // when the last of them came back
}

func (t *tally) add(o tally) {
	t.through += o.through
	t.calls += o.calls
	t.hit += o.hit
	t.back += o.back
	t.again += o.again
	t.last = max(t.last, o.last)
}

// incidentsOf is the range of the incidents of a fault.
func (r *run) incidentsOf(fault int) (from, to int) {
	from, _ = slices.BinarySearchFunc(r.incidents, fault, func(in scenario.Incident, fault int) int { return in.Fault - fault })
	to, _ = slices.BinarySearchFunc(r.incidents, fault+1, func(in scenario.Incident, fault int) int { return in.Fault - fault })
	return from, to
}

// struck tells of a session hit, by a call that is under way if calling follows.
func (r *run) struck(i int) { r.update(i, func(s *tally) { s.hit++ }) }

func (r *run) calling(i int) { r.update(i, func(s *tally) { s.calls++ }) }

// called ends what calling began; spared says that it hit nobody.
func (r *run) called(i int, spared bool) {
	r.update(i, func(s *tally) {
		s.calls--
		if spared {
			s.hit--
		}
	})
}

// struckAll is called by each worker once there is nothing more to come from it.
func (r *run) struckAll(i int) { r.update(i, func(s *tally) { s.through++ }) }

// returned is called when a session that was hit has caught up.
func (r *run) returned(i int, now time.Duration) {
	r.update(i, func(s *tally) {
		s.back++
		s.last = max(s.last, now)
	})
}

// hitAgain is called when a session that was hit will never catch up, because another
// fault came first.
func (r *run) hitAgain(i int, now time.Duration) {
	r.update(i, func(s *tally) {
		s.again++
		s.last = max(s.last, now)
	})
}

// update changes what this process has seen of incident i. Drops that nobody injected
// have no state.
func (r *run) update(i int, change func(*tally)) {
	if i >= len(r.states) {
		return
	}
	r.mu.Lock()
	change(&r.states[i].tally)
	r.mu.Unlock()
	r.settle(i)
}

// tally is what all processes have seen of incident i.
func (r *run) tally(i int) tally {
	var sum tally
	for _, p := range r.parts {
		sum.add(p.tally(i))
	}
	return sum
}

// settle says what there is to say of incident i, and closes its window once nobody it
// hit is out any more.
func (r *run) settle(i int) {
	now := r.tally(i)
	if len(r.parts) == 0 || now.through < r.workerCount() || now.calls > 0 {
		return
	}
	r.mu.Lock()
	s := &r.states[i]
	tell, settle := !s.told, !s.settled && now.back+now.again >= now.hit
	s.told, s.settled = true, s.settled || settle
	r.mu.Unlock()
	in := r.incidents[i]
	fault := &r.plan.Scenario.Faults[in.Fault]
	if tell {
		whom := " of " + firstOf(fault.Population, "all populations")
		if fault.By != "" {
			whom = ", by " + fault.By // whoever they are
		}
		r.note("fault", fmt.Sprintf("%s %s hit %d sessions%s", in.ID, fault.Kind, now.hit, whom))
	}
	if settle {
		at := max(now.last-r.t0, r.windows.Faults[i].From)
		for _, p := range r.parts {
			p.incidentOver(i, at)
		}
		text := fmt.Sprintf("%s all %d sessions caught up", in.ID, now.hit)
		if now.again > 0 {
			text = fmt.Sprintf("%s %d of %d sessions caught up, the others were hit again before", in.ID, now.back, now.hit)
		}
		r.note("fault", text)
	}
}
