package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/wpsbench/wpsbench/metrics"
)

// timelineSection answers: when did it happen?
type timelineSection struct {
	Why    string // there are no charts
	Charts []*figure
	Phases *table
	Events *table
}

func newTimelineSection(r *metrics.Run, d detail) *timelineSection {
	s := &timelineSection{Phases: phaseTable(r), Events: eventTable(r)}
	if tl := newTimeline(r, d); tl != nil {
		s.Charts = tl.charts()
	} else {
		s.Why = "The run is too short for charts."
	}
	return s
}

func phaseTable(r *metrics.Run) *table {
	if len(r.Phases) == 0 {
		return nil
	}
	t := &table{Caption: "Phases", Head: heads("phase", ">from", ">to", ">e2e p50", ">e2e p99", ">e2e max", ">n")}
	for _, p := range r.Phases {
		name := cell{Text: p.Name}
		if p.Steady && p.Name != "steady" {
			name.Sub = "steady state"
		}
		cells := []cell{name, numCell(instant(p.StartS)), numCell(instant(p.EndS))}
		m := p.Metrics["e2e_latency"]
		if m == nil {
			m = &metrics.MetricSummary{}
		}
		t.add(append(cells, numCell(percentileText(m, "p50")), numCell(percentileText(m, "p99")), microsCell(m.Max), countCell(m.Count))...)
	}
	return t
}

func eventTable(r *metrics.Run) *table {
	if len(r.Events) == 0 {
		return nil
	}
	t := &table{Caption: "Event log", Sortable: true, Head: heads(">time", "kind", "event")}
	for i, e := range r.Events {
		if i == maxEvents {
			t.Note = moreRows(len(r.Events) - i)
			break
		}
		t.add(cell{Text: instant(e.TS), Sort: fmt.Sprint(e.TS), Num: true}, textCell(e.Kind), textCell(e.Text))
	}
	return t
}

func moreRows(n int) string {
	return htmlNumbers.count(uint64(n)) + " more in the JSON record."
}

// latencySection answers: what does the tail look like?
type latencySection struct {
	Spectrum *figure
	Table    *table
	Notes    []string
}

func newLatencySection(r, baseline *metrics.Run) *latencySection {
	t := &table{Caption: "Latency: of messages in steady state, of sessions over the whole run",
		Head: heads("metric", "measured from", ">p50", ">p90", ">p95", ">p99", ">p99.9", ">max", ">n")}
	s := &latencySection{Spectrum: spectrum(r, baseline), Table: t}
	for _, name := range metricNames {
		m := r.Metrics[name.key]
		if m == nil {
			continue
		}
		cells := []cell{{Text: name.name}, textCell(basisText(m.Basis))}
		for _, key := range []string{"p50", "p90", "p95", "p99", "p99_9"} {
			c := microsCell(m.Percentiles[key])
			c.Text, c.Sub = percentileText(m, key), needs(r, name.key, key)
			cells = append(cells, c)
		}
		t.add(append(cells, microsCell(m.Max), countCell(m.Count))...)
		for _, odd := range []struct {
			n    uint64
			text string
		}{{m.Censored, "never delivered, counted as above every other value"}, {m.OutOfRange, "above one hour, counted as above every other value"}, {m.Negative, "negative, not in the percentiles"}} {
			if odd.n > 0 {
				s.Notes = append(s.Notes, fmt.Sprintf("%s: %s %s.", name.name, htmlNumbers.count(odd.n), odd.text))
			}
		}
	}
	if len(t.Rows) == 0 || r.Verdict.Result == "not_run" {
		return nil
	}
	return s
}

func basisText(basis string) string {
	switch basis {
	case "intended":
		return "intended send time"
	case "sent":
		return "actual send time"
	}
	return words(basis)
}

// recoverySection answers: how long did drops hurt?
type recoverySection struct {
	Bars      *figure
	CaughtUp  *figure
	Incidents *table
	Notes     []string // what the numbers of an incident do not say
	Stages    *table
}

func newRecoverySection(r *metrics.Run) *recoverySection {
	if len(r.Incidents) == 0 {
		return nil
	}
	s := &recoverySection{Bars: stageBars(r), CaughtUp: caughtUp(r), Stages: stageTable(r), Incidents: &table{Caption: "Incidents: what became of the connections hit", Head: heads(
		"incident", ">at", ">hit", ">resumed", ">new connection", ">gave up", ">still out",
		">outage p50", ">outage p95", ">50 % caught up", ">99 % caught up", ">steady again", ">replayed", ">peak connects/s")}}
	for i, inc := range r.Incidents {
		if i == maxIncidents {
			s.Incidents.Note = moreRows(len(r.Incidents) - i)
			break
		}
		outage := inc.Stages["outage"]
		if outage == nil {
			outage = &metrics.StageSummary{}
		}
		if text := incidentNote(&inc, htmlNumbers); text != "" {
			s.Notes = append(s.Notes, inc.ID+": "+text)
		}
		s.Incidents.add(cell{Text: inc.ID, Sub: inc.Kind}, numCell(instant(inc.StartS)), intCell(inc.Hit),
			intCell(inc.Outcomes.Resumed), intCell(inc.Outcomes.NewConnection),
			intCell(inc.Outcomes.GaveUp), intCell(inc.Outcomes.Open), microsCell(outage.P50), microsCell(outage.P95),
			numCell(secondsOf(inc.CaughtUpS["p50"])), numCell(secondsOf(inc.CaughtUpS["p99"])), numCell(steadyAgain(&inc)), countCell(inc.Replayed),
			numCell(htmlNumbers.float(inc.PeakPerS))).ID = fmt.Sprintf("incident-%d", i+1)
	}
	return s
}

// steadyAgain is how long after the fault latencies were as before.
func steadyAgain(inc *metrics.Incident) string {
	if inc.SteadyS == nil {
		return dash
	}
	return secondsOf(new(*inc.SteadyS - inc.StartS))
}

// stageOrder is the order in which a recovery goes through its stages; the last two
// are the whole.
var stageOrder = []string{"detect", "backoff", "queued", "negotiate", "tcp", "tls", "upgrade", "connected", "rejoin", "first_data", "catch_up", "recovery", "outage"}

// stageTable has the figures behind the bars; nil when no incident has any.
func stageTable(r *metrics.Run) *table {
	drawn, more := firstRecoveries(r, func(inc *metrics.Incident) bool { return len(inc.Stages) > 0 })
	t := &table{Caption: "Stages of the recoveries", Head: heads("incident", "stage", ">p50", ">p95", ">max", ">n")}
	for _, inc := range drawn {
		for _, name := range stageOrder {
			if st := inc.Stages[name]; st != nil && st.N > 0 {
				t.add(textCell(inc.ID), textCell(words(name)), microsCell(st.P50), microsCell(st.P95), microsCell(st.Max), countCell(st.N))
			}
		}
	}
	if len(t.Rows) == 0 {
		return nil
	}
	if more > 0 {
		t.Note = moreRows(more)
	}
	return t
}

// connectionsSection answers: who got in, who fell out, why?
type connectionsSection struct {
	Funnel *figure
	Ends   *table
	Counts []string
}

func newConnectionsSection(r *metrics.Run) *connectionsSection {
	f := r.Connections.Funnel
	s := &connectionsSection{Funnel: funnel(r)}
	s.Counts = append(s.Counts, churnCounts(htmlNumbers, &f)...)
	for _, c := range []struct {
		n                uint64
		singular, plural string
	}{
		{f.Drops, "drop", "drops"}, {selfInflicted(r), "drop of our own doing: our sequenceAcks came too late", "drops of our own doing: our sequenceAcks came too late"},
		{f.UninjectedDrops, "drop that nobody injected", "drops that nobody injected"},
		{f.Recovered, "recovery", "recoveries"}, {f.NewConnections, "new connection after a drop", "new connections after a drop"},
		{f.RefusedRecovery, "refused recovery", "refused recoveries"}, {f.RecoveryTimeouts, "recovery timeout", "recovery timeouts"},
		{f.FailedDials, "failed dial", "failed dials"}, {f.FailedJoins, "failed join", "failed joins"}, {f.ProtocolErrors, "protocol error", "protocol errors"},
	} {
		if c.n > 0 {
			s.Counts = append(s.Counts, htmlNumbers.counted(c.n, c.singular, c.plural))
		}
	}
	if len(r.Connections.CloseReasons) > 0 {
		s.Ends = &table{Caption: "How connections ended", Sortable: true, Head: heads("closed by", "code", "reason", ">count")}
	}
	for i, c := range r.Connections.CloseReasons {
		if i == maxRows {
			s.Ends.Note = moreRows(len(r.Connections.CloseReasons) - i)
			break
		}
		code := "no close frame"
		if c.Code != 0 {
			code = fmt.Sprint(c.Code)
		}
		s.Ends.add(textCell(c.Side), textCell(code), textCell(c.Text), countCell(c.Count))
	}
	return s
}

// measurementSection answers: why believe it?
type measurementSection struct {
	Line  string
	Facts []string
	Gates *table
}

func newMeasurementSection(r *metrics.Run) *measurementSection {
	h := r.Health
	s := &measurementSection{Line: healthLine(htmlNumbers, r)}
	s.Facts = append(s.Facts, "clock error of one latency at most "+micros(float64(h.Clock.BoundMicros)), "largest schedule lag "+micros(float64(h.MaxLagMicros)))
	if h.CeilingPerS != nil {
		s.Facts = append(s.Facts, "calibrated ceiling "+perSecond(*h.CeilingPerS))
	} else {
		s.Facts = append(s.Facts, "ceiling not calibrated")
	}
	if len(h.Gates) == 0 {
		return s
	}
	s.Gates = &table{Caption: "Gates: conditions of a trustworthy measurement", Head: heads("gate", "answer", ">value", ">warns", ">invalid", ">bad seconds")}
	for _, g := range h.Gates {
		warn, invalid := gateLimits(g)
		s.Gates.add(cell{Text: words(g.ID), Sub: g.Meaning}, answerCell(g.Result), valueCell(g.Value, g.Unit),
			numCell(warn), numCell(invalid), intCell(g.BadWindows))
	}
	return s
}

// gateLimits writes from where a gate warns and from where a second is bad.
func gateLimits(g metrics.Gate) (warn, invalid string) {
	side := "> "
	if g.Below {
		side = "< "
	}
	if g.Unit == "count" && g.Invalid == 0 {
		return dash, "any"
	}
	return side + htmlNumbers.measured(g.Warn, g.Unit), side + htmlNumbers.measured(g.Invalid, g.Unit)
}

// provenanceSection answers: can I repeat it?
type provenanceSection struct {
	Facts    []fact
	Command  string
	Scenario metrics.ScenarioText
	Residue  *table
}

type fact struct{ Name, Value string }

func newProvenanceSection(r *metrics.Run) *provenanceSection {
	e := r.Environment
	s := &provenanceSection{Command: strings.Join(r.Info.Command, " "), Scenario: r.Scenario}
	add := func(name, format string, args ...any) {
		if v := strings.TrimSpace(fmt.Sprintf(format, args...)); v != "" {
			s.Facts = append(s.Facts, fact{name, v})
		}
	}
	dirty := ""
	if e.Tool.Dirty {
		dirty = " with local changes"
	}
	add("run id", "%s", r.Info.ID)
	add("wpsbench", "%s%s, %s", strings.TrimSpace(e.Tool.Version+" "+e.Tool.Commit), dirty, e.Tool.Go)
	add("target", "%s %s hub %s", e.Target.Kind, e.Target.Endpoint, e.Target.Hub)
	add("subprotocol", "%s", e.Target.Subprotocol)
	add("delivery profile", "%s", r.Profile)
	add("host", "%s %s, %s", e.Host.OS, e.Host.Arch, e.Host.Kernel)
	quota := ""
	if e.Host.QuotaCores != nil {
		quota = ", quota " + htmlNumbers.float(*e.Host.QuotaCores) + " cores"
	}
	add("processor", "%s, %d cores%s", e.Host.CPU, e.Host.Cores, quota)
	add("memory", "%s", bytesText(e.Host.MemoryBytes))
	limit := ""
	if e.Host.GOMEMLIMIT != "" {
		limit = " GOMEMLIMIT=" + e.Host.GOMEMLIMIT
	}
	add("Go runtime", "GOMAXPROCS=%d GOGC=%s%s", e.Host.GOMAXPROCS, e.Host.GOGC, limit)
	if e.Host.Transport != "" {
		add("transport", "%s", e.Host.Transport)
	}
	add("harness used", "%s peak memory, %s of processor time", bytesText(r.Info.Load.PeakMemoryBytes), seconds(r.Info.Load.CPUSeconds))
	for _, n := range e.Nodes {
		add(fmt.Sprintf("process %d", n.PID), "%s, %s peak memory", htmlNumbers.counted(uint64(max(n.Connections, 0)), "connection", "connections"), bytesText(n.PeakMemoryBytes))
	}
	for _, k := range slices.Sorted(maps.Keys(e.Target.Lies)) {
		add("emulator, on purpose", "%s × %d", words(k), e.Target.Lies[k])
	}
	for _, o := range r.Scenario.Overrides {
		add("overridden", "%s", o)
	}
	add("scenario", "%s, SHA-256 %s", r.Scenario.File, r.Scenario.SHA256)
	if len(r.Residue) > 0 {
		s.Residue = &table{Caption: "What another run must share to be compared", Head: heads("key", "value")}
		for _, x := range r.Residue {
			s.Residue.add(textCell(x.Key), codeCell(x.Value))
		}
	}
	return s
}
