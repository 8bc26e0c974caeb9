package runner

import (
	"math"
	"time"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/scenario"
)

// Names of the phases that every run has; the stages of steady state lie between warm-up and drain.
const (
	phaseConnect = "connect"
	phaseWarmup  = "warmup"
	phaseDrain   = "drain"
)

// newWindows lays the phases out in the plan's time, since T0. What happens before
// T0 belongs to connect.
func newWindows(plan *scenario.Plan) *metrics.Windows {
	phases := plan.Scenario.Phases
	at := phases.Warmup
	w := &metrics.Windows{Phases: []metrics.Window{
		{Name: phaseConnect, From: math.MinInt64, To: 0},
		{Name: phaseWarmup, From: 0, To: at},
	}}
	for _, s := range phases.Stages {
		w.Phases = append(w.Phases, metrics.Window{Name: s.Name, From: at, To: at + s.For, Steady: true})
		at += s.For
	}
	w.Phases = append(w.Phases, metrics.Window{Name: phaseDrain, From: at, To: math.MaxInt64})
	for _, in := range plan.Incidents() {
		name := plan.Scenario.Faults[in.Fault].Name
		w.Faults = append(w.Faults, &metrics.FaultWindow{Name: name, ID: in.ID, From: in.At})
	}
	return w
}

// newViews lists the slices of a metric that thresholds ask for beside the phases.
func newViews(plan *scenario.Plan) []metrics.View {
	var views []metrics.View
	for _, t := range plan.Scenario.Thresholds {
		m, ok := metrics.ParseMetric(t.Metric)
		if ok && (t.During != "" || t.Population != "") {
			views = append(views, viewOf(plan, m, t))
		}
	}
	return views
}

func viewOf(plan *scenario.Plan, m metrics.Metric, t scenario.Threshold) metrics.View {
	if t.During == "steady" {
		t.During = "" // all of its stages, whatever they are called
	}
	return metrics.View{Metric: m, During: t.During, Population: populationIndex(plan, t.Population)}
}

// populationIndex is -1 for all.
func populationIndex(plan *scenario.Plan, name string) int {
	for i, p := range plan.Scenario.Populations {
		if p.Name == name {
			return i
		}
	}
	return -1
}

// steadyLength is how much of steady state a run that published until end has seen.
func steadyLength(plan *scenario.Plan, end time.Duration) time.Duration {
	return max(0, min(end, plan.PublishEnd())-plan.Scenario.Phases.Warmup)
}

// steady says whether a planned instant lies in steady state.
func (r *run) steady(due time.Duration) bool {
	return due >= r.plan.Scenario.Phases.Warmup && due < r.plan.PublishEnd()
}
