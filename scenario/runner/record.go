package runner

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/wpsbench/wpsbench/metrics"
)

// record judges the shards of all workers and writes down everything there is to
// say. The workers have stopped.
func (r *run) record(setupErr error) *metrics.Run {
	r.collect()
	end := r.driver.now()
	begun := r.t0 != 0
	if !begun {
		r.t0, r.publishEnd = end, 0 // nothing was ever scheduled
	}
	judgement := r.judge()
	rec := &metrics.Run{
		Kind:          "wpsbench.run",
		SchemaVersion: metrics.SchemaVersion,
		Info:          r.info(end, setupErr),
		Checks:        judgement.Checks,
		Totals:        judgement.Totals,
		Metrics:       map[string]*metrics.MetricSummary{},
		Populations:   judgement.Populations,
		Groups:        judgement.Groups,
		Incidents:     r.incidentResults(),
		Injections:    r.injectionLogs(),
		Connections:   r.connectionResults(),
		Environment:   environment(r.cfg.Transport),
		Profile:       r.cfg.Profile.String(),
	}
	for _, m := range metrics.Metrics() {
		summary := r.usual(m)
		summary.CI95 = r.collector.Intervals(m, summary, r.plan.Scenario.Seed)
		rec.Metrics[m.String()] = summary
	}
	r.complete(rec)
	rec.Groups.Fanout = r.fanout()
	rec.Phases = r.phaseResults()
	r.expectedRate()
	r.pressed = r.pressures()
	r.pressureSeries()
	rec.Series = r.collector.Series(0, tickEvery)
	for i := range rec.Incidents {
		in := &rec.Incidents[i]
		in.SteadyS = steadyAgain(rec.Series.Columns, seconds(r.t0-r.start), in)
	}
	rec.Health = r.health(rec)
	r.events = append(r.events, gateEvents(&rec.Health)...)
	rec.Events = r.sortedEvents()
	rec.Thresholds = r.judgeThresholds(rec)
	rec.Scenario = r.scenarioText()
	rec.Residue = residue(rec)
	if setupErr == nil && !begun {
		setupErr = errors.New("stopped before the load began, nothing was measured")
	}
	if setupErr != nil {
		rec.Verdict.Result = metrics.ResultNotRun
		rec.Verdict.Reasons = []metrics.Reason{{Code: "setup", Severity: "fail", Text: setupErr.Error(), Ref: "/connections"}}
	}
	rec.Series = rec.Series.Coalesced(metrics.SeriesPoints) // all that goes by the second has been judged
	metrics.Decide(rec)
	return rec
}

// usual is a metric over the window it is reported for: steady state for what
// every message has, the whole run for what happens to a session now and then.
func (r *run) usual(m metrics.Metric) *metrics.MetricSummary {
	if m.PerSession() {
		return r.collector.Total(m)
	}
	return r.collector.Steady(m)
}

func (r *run) judge() *metrics.Judgement {
	shards := make([]*metrics.Shard, len(r.left))
	for i, w := range r.left {
		shards[i] = w.shard
	}
	return metrics.Judge(r.topology, metrics.JudgeOptions{
		Profile:  r.cfg.Profile,
		DrainCut: r.drainCut,
		T0:       r.t0,
		Start:    r.start,
		OnMissing: func(intended time.Duration, population int, why metrics.Missing) {
			if intended == metrics.UnknownInstant { // where it weighs most
				intended = r.plan.Scenario.Phases.Warmup
			}
			switch why {
			case metrics.MissingLost, metrics.MissingUndelivered:
				r.collector.Censor(intended, population, 1)
			case metrics.MissingExcused:
				r.collector.Excuse(int((r.t0+intended-r.start)/tickEvery), 1)
			case metrics.MissingRejected: // taken back when the service refused it
			}
		},
		Incident: r.incidentAt,
	}, shards...)
}

// incidentAt names the fault whose window holds an instant since T0.
func (r *run) incidentAt(at time.Duration) string {
	for _, f := range r.windows.Faults {
		if f.Contains(at) {
			return f.ID
		}
	}
	return ""
}

func (r *run) info(end time.Duration, setupErr error) metrics.RunInfo {
	s := r.plan.Scenario
	status := "completed"
	switch {
	case r.interrupted:
		status = "interrupted"
	case setupErr != nil, r.aborted != "":
		status = "aborted"
	}
	return metrics.RunInfo{
		ID:        fmt.Sprintf("%08x", r.cfg.RunID),
		Name:      s.Name,
		Note:      s.Note,
		Tags:      s.Tags,
		StartedAt: r.startedAt.UTC().Truncate(time.Millisecond),
		EndedAt:   r.startedAt.Add(end - r.start).UTC().Truncate(time.Millisecond),
		DurationS: seconds(end - r.start),
		Status:    status,
		Seed:      s.Seed,
	}
}

// complete fills in what only the workers know, beside the judgement.
func (r *run) complete(rec *metrics.Run) {
	t := &rec.Totals
	for _, w := range r.left {
		t.Publishes.Duplicate += w.counts.duplicate
		t.Publishes.Resent += w.counts.resent
	}
	for i := range rec.Populations {
		p := &rec.Populations[i]
		p.Subprotocol = r.plan.Scenario.Populations[i].Protocol
		p.Connections = r.plan.Populations[i].Count
		for _, w := range r.left {
			p.Totals.Publishes.Absentees(w.counts.absent[i])
			t.Publishes.Absentees(w.counts.absent[i])
			p.Totals.Add(&w.traffic[i])
			t.Add(&w.traffic[i])
		}
	}
	load := &rec.Info.Load
	r.plannedLoad(load)
	if steady := steadyLength(r.plan, r.publishEnd); steady > 0 {
		var sent uint64
		for _, w := range r.left {
			sent += w.counts.steadySent
		}
		load.PublishedPerS = float64(sent) / steady.Seconds()
		load.DeliveredPerS = float64(rec.Metrics["e2e_latency"].Count) / steady.Seconds()
	}
	for _, p := range r.parts {
		for _, n := range p.nodes() {
			rec.Environment.Nodes = append(rec.Environment.Nodes, metrics.Node{PID: n.pid, Connections: n.connections, PeakMemoryBytes: n.peakBytes})
			load.PeakMemoryBytes += n.peakBytes
			load.CPUSeconds += n.cpuSeconds
		}
	}
}

// plannedLoad fills in what the plan asks for.
func (r *run) plannedLoad(load *metrics.Load) {
	e := r.plan.Estimate()
	load.Connections, load.Groups = r.plan.Connections, r.plan.Groups
	load.PublishesPerS, load.DeliveriesPerS = e.Steady.Publishes, e.Steady.Deliveries
	for _, p := range r.plan.Scenario.Populations {
		if p.Publish != nil {
			load.PayloadBytes = max(load.PayloadBytes, p.Publish.Size)
		}
	}
}

// sortedEvents is the run's log in the order of time, whoever wrote it when.
func (r *run) sortedEvents() []metrics.RunEvent {
	slices.SortStableFunc(r.events, func(a, b metrics.RunEvent) int { return cmp.Compare(a.TS, b.TS) })
	return r.events
}

func (r *run) phaseResults() []metrics.PhaseResult {
	for i := range r.phases {
		p := &r.phases[i]
		p.Metrics = map[string]*metrics.MetricSummary{}
		for _, m := range metrics.Metrics() {
			if s := r.collector.Summary(m, p.Name); s != nil && s.Count > 0 {
				p.Metrics[m.String()] = s
			}
		}
		p.Steady = slices.ContainsFunc(r.windows.Phases, func(w metrics.Window) bool { return w.Name == p.Name && w.Steady })
	}
	return r.phases
}

func (r *run) connectionResults() metrics.Connections {
	var c metrics.Connections
	var closes closeCounts
	c.Budget = &metrics.Budget{Limit: metrics.ServiceBudget}
	for _, w := range r.left {
		c.Budget.Peak.Raise(w.budgetPeak)
		c.Budget.Duplicates += w.counts.duplicate
		c.Budget.SelfInflicted += w.selfInflicted
		addFunnel(&c.Funnel, &w.funnel)
		closes.merge(w.closes)
	}
	c.CloseReasons = closes.reasons()
	return c
}

func addFunnel(sum, f *metrics.Funnel) {
	sum.Planned += f.Planned
	sum.Attempted += f.Attempted
	sum.Opened += f.Opened
	sum.Connected += f.Connected
	sum.Joined += f.Joined
	sum.AtEnd += f.AtEnd
	sum.FailedDials += f.FailedDials
	sum.Recovered += f.Recovered
	sum.NewConnections += f.NewConnections
	sum.SessionsLeft += f.SessionsLeft
	sum.SessionsReturned += f.SessionsReturned
	sum.GroupsLeft += f.GroupsLeft
	sum.GroupsRejoined += f.GroupsRejoined
	sum.GroupsSwitched += f.GroupsSwitched
	sum.Drops += f.Drops
	sum.UninjectedDrops += f.UninjectedDrops
	sum.FailedJoins += f.FailedJoins
	sum.ProtocolErrors += f.ProtocolErrors
	sum.RefusedRecovery += f.RefusedRecovery
	sum.RecoveryTimeouts += f.RecoveryTimeouts
}

func (r *run) scenarioText() metrics.ScenarioText {
	s := r.plan.Scenario
	sum := sha256.Sum256(s.Text)
	return metrics.ScenarioText{
		File:      s.File,
		SHA256:    hex.EncodeToString(sum[:]),
		Text:      string(s.Text),
		Overrides: s.Overrides,
	}
}

// residue lists what two runs must share before their figures may be compared.
func residue(rec *metrics.Run) []metrics.Residue {
	h := rec.Environment.Host
	return []metrics.Residue{
		{Key: "scenario", Value: rec.Scenario.SHA256},
		{Key: "overrides", Value: fmt.Sprint(rec.Scenario.Overrides)},
		{Key: "seed", Value: strconv.FormatUint(rec.Info.Seed, 10)},
		{Key: "profile", Value: rec.Profile},
		{Key: "os", Value: h.OS + "/" + h.Arch},
		{Key: "kernel", Value: h.Kernel},
		{Key: "cpu", Value: h.CPU},
		{Key: "cores", Value: strconv.Itoa(h.Cores)},
		{Key: "gomaxprocs", Value: strconv.Itoa(h.GOMAXPROCS)},
		{Key: "transport", Value: h.Transport},
	}
}
