package report

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/wpsbench/wpsbench/metrics"
)

// records are the runs that every output is tested with, by the name of their goldens.
var records = map[string]func(testing.TB) *metrics.Run{
	"passed":      passedRun,
	"failed":      failedRun,
	"violated":    violatedRun,
	"invalid":     invalidRun,
	"degraded":    degradedRun,
	"interrupted": interruptedRun,
	"empty":       emptyRun,
	"hostile":     hostileRun,
}

func ptr[T any](v T) *T { return &v }

// passedRun is a run of 75 s with two faults in which everything held. Its figures
// are consistent with each other.
func passedRun(t testing.TB) *metrics.Run {
	t.Helper()
	start := time.Date(2026, 3, 4, 10, 15, 2, 0, time.UTC)
	r := &metrics.Run{
		Kind: "wpsbench.run", SchemaVersion: metrics.SchemaVersion, Profile: "strict",
		Info: metrics.RunInfo{
			ID: "20260304T101502Z-4c1f", Name: "soak-fanout", Tags: map[string]string{"branch": "main", "runner": "ci-8"},
			StartedAt: start, EndedAt: start.Add(75 * time.Second), DurationS: 75, Status: "completed", Seed: 42,
			Command: []string{"wpsbench", "run", "scenarios/soak.yaml", "--out", "html=report.html"},
			Load: metrics.Load{Connections: 1000, Groups: 100, PublishesPerS: 1000, DeliveriesPerS: 10000, PayloadBytes: 300,
				DeliveredPerS: 9998.4, PublishedPerS: 1000, PeakMemoryBytes: 182_000_000, CPUSeconds: 31.5},
		},
		Thresholds: []metrics.ThresholdResult{
			{Metric: "e2e_latency", Expr: "p(99)<50ms", Phase: "steady", Measured: ptr(22725.0), Limit: 50000, Unit: "us", MarginRatio: ptr(-0.5455), Result: "pass", Source: metrics.Source{File: "scenarios/soak.yaml", Line: 41, Column: 18}},
			{Metric: "ack_rtt", Expr: "p(99)<25ms", Phase: "steady", Measured: ptr(10682.0), Limit: 25000, Unit: "us", MarginRatio: ptr(-0.5727), Result: "pass", Source: metrics.Source{File: "scenarios/soak.yaml", Line: 42, Column: 14}},
			{Metric: "recovery_time", Expr: "p(95)<5s", Phase: "steady", Measured: ptr(1_100_000.0), Limit: 5_000_000, Unit: "us", MarginRatio: ptr(-0.78), Result: "pass", Source: metrics.Source{File: "scenarios/soak.yaml", Line: 43, Column: 20}},
			{Metric: "failed_connects", Expr: "count==0", Phase: "run", Measured: ptr(0.0), Limit: 0, Unit: "count", Result: "pass", BuiltIn: true},
			{Metric: "uninjected_drops", Expr: "count==0", Phase: "run", Measured: ptr(0.0), Limit: 0, Unit: "count", Result: "pass", BuiltIn: true},
		},
		Checks: []metrics.CheckResult{
			{ID: "R1", Name: "sequence ids increase", Profile: "strict", Result: "ok", Checked: 650_000, CoverageRatio: 1},
			{ID: "R4", Name: "no loss", Profile: "strict", Result: "ok", Checked: 650_000, CoverageRatio: 1},
			{ID: "R5", Name: "exactly once", Profile: "strict", Result: "ok", Checked: 650_000, CoverageRatio: 1},
			{ID: "R6", Name: "order within a publisher", Profile: "strict", Result: "ok", Checked: 650_000, CoverageRatio: 1},
			{ID: "N3", Name: "no loss while connected", Profile: "strict", Result: "not_exercised", Reason: "no population without reliability"},
		},
		Totals: metrics.Totals{
			Publishes:  metrics.Publishes{Scheduled: 65_000, Sent: 65_000, OK: 64_959, Indeterminate: 41, Resent: 17, Duplicate: 12},
			Deliveries: metrics.Deliveries{Expected: 650_000, Delivered: 650_000, Recovered: 410, Replayed: 2140, RedundantReplay: 96},
			Outcomes:   metrics.Outcomes{AckedDelivered: 649_590, UnackedDelivered: 410},
			Bytes:      metrics.Bytes{Sent: 31_200_000, Received: 282_000_000, PayloadSent: 19_500_000, PayloadReceived: 195_000_000},
			Messages:   metrics.Messages{SequenceAcks: 10_400, Pings: 3000, Pongs: 3000},
		},
		Metrics: steadyMetrics(t),
		Incidents: []metrics.Incident{
			incident("F1", "rst", 29, 200, 0.72, 1.9),
			incident("F2", "close", 49, 200, 0.90, 3.4),
		},
		Injections: metrics.Injections{Count: 400, Log: []metrics.Injection{
			{TS: 29, Incident: "F1", Kind: "rst", Session: 17, Effect: "resumed", CloseSide: "us", CloseText: "reset by a fault", DetectMicros: ptr(int64(0)), OutageMicros: ptr(int64(702_000))},
		}},
		Connections: metrics.Connections{
			Funnel: metrics.Funnel{Planned: 1000, Attempted: 1000, Opened: 1000, Connected: 1000, Joined: 1000, AtEnd: 1000, Recovered: 400, Drops: 400},
			CloseReasons: []metrics.CloseReason{
				{Side: "us", Code: 0, Text: "reset by a fault", Count: 200},
				{Side: "us", Code: 1001, Text: "", Count: 200},
				{Side: "us", Code: 1000, Text: "end of run", Count: 1000},
			},
			Budget: &metrics.Budget{Peak: metrics.BudgetPeak{UnackedMessages: 166, UnackedBytes: 61_000, AcksInFlight: 4}, Limit: metrics.ServiceBudget},
		},
		Groups: metrics.Groups{Count: 100, ReachRatio: 1, Fanout: fanout()},
		Events: []metrics.RunEvent{
			{TS: 0, Kind: "phase", Text: "connect"}, {TS: 4, Kind: "phase", Text: "warm-up"}, {TS: 9, Kind: "phase", Text: "steady"},
			{TS: 29, Kind: "fault", Text: "F1 rst, 200 connections", Ref: "/incidents/0"}, {TS: 49, Kind: "fault", Text: "F2 close, 200 connections", Ref: "/incidents/1"},
			{TS: 69, Kind: "phase", Text: "drain"},
		},
		Health:      validHealth(),
		Environment: emulatorEnvironment(),
		Scenario: metrics.ScenarioText{File: "scenarios/soak.yaml", SHA256: strings.Repeat("5f", 32),
			Text:      "name: soak-fanout\ngroups:\n  room: {count: 100}\npopulations:\n  members:\n    connections: 1000\n    publish: {to: room, rate: 1/s, size: 300}\nthresholds:\n  e2e_latency: [\"p(99)<50ms\"]\n",
			Overrides: []string{"phases.steady=60s"}},
		Residue: []metrics.Residue{{Key: "target.kind", Value: "emulator"}, {Key: "seed", Value: "42"}},
	}
	r.Populations = []metrics.PopulationResult{{Name: "members", Subprotocol: "json.reliable.webpubsub.azure.v1", Connections: 1000, Totals: r.Totals, ReachRatio: 1}}
	e2e := func() map[string]*metrics.MetricSummary {
		m := *r.Metrics["e2e_latency"]
		m.CI95, m.Histogram = nil, nil
		return map[string]*metrics.MetricSummary{"e2e_latency": &m}
	}
	r.Phases = []metrics.PhaseResult{
		{Name: "connect", StartS: 0, EndS: 4}, {Name: "warmup", StartS: 4, EndS: 9, Metrics: e2e()},
		{Name: "steady", StartS: 9, EndS: 69, Steady: true, Metrics: e2e()}, {Name: "drain", StartS: 69, EndS: 75},
	}
	r.Phases[1].Metrics["e2e_latency"].Count = 50_000
	r.Series = series(75)
	return decided(r)
}

// decided is a record with the verdict that its own figures call for.
func decided(r *metrics.Run) *metrics.Run {
	metrics.Decide(r)
	return r
}

func steadyMetrics(t testing.TB) map[string]*metrics.MetricSummary {
	return map[string]*metrics.MetricSummary{
		"e2e_latency": {Unit: "us", Basis: "intended", Phase: "steady", Count: 600_000, Min: ptr[int64](1020), Mean: ptr(10409.4), Max: ptr[int64](912_785),
			Percentiles: percentiles(7913, 13689, 16048, 22725, 682_099), CI95: map[string][]int64{"p50": {7880, 7950}, "p99": {21_900, 24_100}}, Histogram: histogram(t, "response")},
		"e2e_service": {Unit: "us", Basis: "sent", Phase: "steady", Count: 600_000, Min: ptr[int64](1007), Mean: ptr(10110.7), Max: ptr[int64](912_261),
			Percentiles: percentiles(7811, 13_500, 15_819, 22_249, 650_117), Histogram: histogram(t, "service")},
		"ack_latency": {Unit: "us", Basis: "intended", Phase: "steady", Count: 60_000, Min: ptr[int64](441), Mean: ptr(4744.1), Max: ptr[int64](897_602),
			Percentiles: percentiles(3160, 6041, 7230, 10_911, 502_004), Histogram: histogram(t, "ack")},
		"ack_rtt": {Unit: "us", Basis: "sent", Phase: "steady", Count: 60_000, Min: ptr[int64](435), Mean: ptr(4683.1), Max: ptr[int64](897_581),
			Percentiles: percentiles(3109, 5980, 7156, 10_682, 501_481), CI95: map[string][]int64{"p99": {10_100, 11_600}}, Histogram: histogram(t, "ack")},
		"connect_time": {Unit: "us", Basis: "event", Phase: "run", Count: 20, Min: ptr[int64](900), Mean: ptr(2100.0), Max: ptr[int64](8100),
			Percentiles: map[string]*int64{"p50": ptr[int64](1900), "p90": ptr[int64](4100), "p95": ptr[int64](6000), "p99": ptr[int64](8100), "p99_9": nil}},
		"outage_time": {Unit: "us", Basis: "event", Phase: "run", Count: 400, Min: ptr[int64](310_000), Mean: ptr(760_000.0), Max: ptr[int64](1_900_000),
			Percentiles: map[string]*int64{"p50": ptr[int64](720_000), "p90": ptr[int64](1_050_000), "p95": ptr[int64](1_120_000), "p99": ptr[int64](1_700_000), "p99_9": nil}},
		"schedule_lag": {Unit: "us", Basis: "intended", Phase: "steady", Count: 60_000, Min: ptr[int64](2), Mean: ptr(61.0), Max: ptr[int64](4100),
			Percentiles: percentiles(48, 102, 160, 455, 1900)},
	}
}

func validHealth() metrics.Health {
	return metrics.Health{
		Result: "valid", Windows: 60, Clock: metrics.Clock{BoundMicros: 1}, MaxLagMicros: 4100,
		Gates: []metrics.Gate{
			{ID: "sent_ratio", Value: ptr(1.0), Unit: "ratio", Warn: 0.999, Invalid: 0.995, Below: true, Result: "ok", Meaning: "publishes sent in time"},
			{ID: "schedule_lag_share", Value: ptr(0.02), Unit: "ratio", Warn: 0.1, Invalid: 0.2, Result: "ok"},
			{ID: "cpu_share", Value: ptr(0.41), Unit: "ratio", Warn: 0.8, Invalid: 0.95, Result: "ok"},
			{ID: "run_queue_share", Value: ptr(0.3), Unit: "ratio", Warn: 0.25, Invalid: 0.5, Result: "warn", BadWindows: 1, Bad: []metrics.Span{{FromS: 31, ToS: 32}}},
			{ID: "swap_in", Value: ptr(0.0), Unit: "count", Result: "ok"},
			{ID: "steal", Unit: "ratio", Warn: 0.02, Invalid: 0.1, Result: "not_measured"},
		},
	}
}

func emulatorEnvironment() metrics.Environment {
	return metrics.Environment{
		Tool: metrics.Tool{Version: "0.4.0", Commit: "1a2b3c4", Go: "go1.26.8"},
		Host: metrics.Host{OS: "linux", Arch: "amd64", Kernel: "6.1.0-21", CPU: "AMD EPYC 7763", Cores: 8, QuotaCores: ptr(4.0),
			MemoryBytes: 16_700_000_000, GOMAXPROCS: 4, GOGC: "400", GOMEMLIMIT: "off", Transport: "loop"},
		Target: metrics.Target{Kind: "emulator", Endpoint: "ws://127.0.0.1:41873/client/hubs/bench", Subprotocol: "json.reliable.webpubsub.azure.v1", Hub: "bench"},
		Nodes:  []metrics.Node{{PID: 4711, Connections: 1000, PeakMemoryBytes: 182_000_000}},
	}
}

func percentiles(p50, p90, p95, p99, p999 int64) map[string]*int64 {
	return map[string]*int64{"p50": &p50, "p90": &p90, "p95": &p95, "p99": &p99, "p99_9": &p999}
}

// histogram reads one encoded by hdrhistogram-go: some 100,000 log-normal samples with a
// thin tail. Stored, because compression may differ between Go versions.
func histogram(t testing.TB, name string) *metrics.EncodedHistogram {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name + ".hdr")
	if err != nil {
		t.Fatal(err)
	}
	return &metrics.EncodedHistogram{Encoding: "hdr-v2-deflate-base64", Unit: "ns", Digits: 3, Lowest: 1000, Highest: 3_600_000_000_000, Data: string(data)}
}

func incident(id, kind string, at float64, hit int, median, all float64) metrics.Incident {
	stage := func(factor float64) *metrics.StageSummary {
		us := func(s float64) *int64 { return ptr(int64(math.Round(s * factor * 1e6))) }
		return &metrics.StageSummary{P50: us(median), P95: us(median * 1.5), P99: us(all * 0.95), Max: us(all), N: uint64(hit)}
	}
	return metrics.Incident{
		ID: id, Kind: kind, Hit: hit, StartS: at, EndS: ptr(at + all), Outcomes: metrics.IncidentOutcomes{Resumed: hit},
		Stages: map[string]*metrics.StageSummary{"detect": stage(0.01), "backoff": stage(0.7), "tcp": stage(0.02), "upgrade": stage(0.03),
			"first_data": stage(0.05), "catch_up": stage(0.1), "recovery": stage(1), "outage": stage(1.02)},
		CaughtUpS: map[string]*float64{"p50": ptr(median), "p90": ptr(median * 1.4), "p99": ptr(all * 0.97), "p100": ptr(all)},
		Attempts:  uint64(hit), Replayed: 1070, Redundant: 12, PeakPerS: 180,
		Closes: []metrics.CloseReason{{Side: "us", Text: kind + " by a fault", Count: uint64(hit)}},
	}
}

// fanout is of 40 groups of three sizes.
func fanout() *metrics.Fanout {
	stage := func(p50, p95, p99, most int64) metrics.StageSummary {
		return metrics.StageSummary{P50: &p50, P95: &p95, P99: &p99, Max: &most, N: 9286}
	}
	f := &metrics.Fanout{OneIn: 7, Publishes: 9286, First: stage(5100, 9800, 14_200, 402_000), Median: stage(7900, 15_900, 22_400, 688_000), Last: stage(11_300, 21_600, 34_800, 912_785), GroupCount: 100}
	for i := range 40 {
		f.Groups = append(f.Groups, metrics.GroupFanout{Name: fmt.Sprintf("room-%03d", i), Members: 5 * (1 + i%3), Publishes: 93, LastP99: int64(34_800 - 500*i)})
	}
	return f
}

// series has one interval per second: a ramp of 9 s, 60 s of steady state with dips at
// 29 s and 49 s, and a drain without publishes.
func series(n int) metrics.Series {
	names := []string{"t_s", "expected_per_s", "delivered_per_s", "published_per_s", "acked_per_s", "e2e_p50_us", "e2e_p90_us", "e2e_p99_us", "e2e_p99_9_us", "ack_p50_us", "open", "recovering", "gone", "undelivered", "unacked_messages", "lag_p99_us", "cpu_ratio", "run_queue_ratio", "gc_ratio"}
	s := metrics.Series{IntervalS: 1, Columns: map[string][]*float64{}, Heatmap: &metrics.Heatmap{RowsPerOctave: 4}}
	chance := rand.New(rand.NewPCG(7, 11))
	for i := range n {
		row := map[string]float64{"t_s": float64(i), "open": min(float64(i)*250, 1000), "recovering": 0, "gone": 0, "undelivered": 0, "unacked_messages": 0, "lag_p99_us": math.Round(380 + 150*chance.Float64())}
		row["cpu_ratio"], row["run_queue_ratio"], row["gc_ratio"] = 0.35+0.01*float64(i%9), 0.02*float64(i%4), 0.001*float64(i%5)
		if i >= 4 && i < 69 {
			hurt := 1.0
			for _, at := range []int{29, 49} {
				if age := i - at; age >= 0 && age < 3 {
					hurt = []float64{38, 14, 4}[age]
					row["recovering"] = []float64{200, 90, 10}[age]
				}
			}
			row["open"] = 1000 - row["recovering"]
			row["undelivered"], row["unacked_messages"] = float64(60+i%7)+10*row["recovering"], float64(5+i%3)+0.8*row["recovering"]
			row["expected_per_s"], row["published_per_s"], row["acked_per_s"] = 10_000, 1000, 1000
			row["delivered_per_s"] = math.Round(10_000 - 10*row["recovering"] + 40*chance.Float64())
			p50 := math.Round(7600 + 500*chance.Float64())
			row["ack_p50_us"] = math.Round(p50 * 0.4)
			row["e2e_p50_us"], row["e2e_p90_us"] = p50, math.Round(p50*1.7*math.Sqrt(hurt))
			row["e2e_p99_us"], row["e2e_p99_9_us"] = math.Round(p50*2.7*hurt), math.Round(p50*3.9*hurt*1.2)
			if hurt > 1 {
				row["e2e_p99_9_us"] = math.Round(p50 * 3 * hurt)
			}
			s.Heatmap.Cells = append(s.Heatmap.Cells, heatColumn(i, hurt)...)
		}
		for _, name := range names {
			var v *float64
			if x, ok := row[name]; ok {
				v = &x
			}
			s.Columns[name] = append(s.Columns[name], v)
		}
	}
	return s
}

// heatColumn is a bell of counts around 7.9 ms (row 52 at 4 rows per octave), stretched
// upwards when the interval was hurt.
func heatColumn(i int, hurt float64) [][]int64 {
	run := []int64{int64(i)}
	for row := range int64(80) {
		distance := float64(row-52) / 2
		n := int64(4000 * math.Exp(-distance*distance/2))
		if hurt > 1 && row > 52 && float64(row) < 52+4*math.Log2(hurt*3) {
			n += 60
		}
		if n > 0 && len(run) == 1 {
			run = append(run, row)
		}
		if n > 0 { // without a gap: the tail begins within the bell
			run = append(run, n)
		}
	}
	return [][]int64{run}
}

// shortRun cuts the passed run to what the smaller goldens need.
func shortRun(t testing.TB) *metrics.Run {
	r := passedRun(t)
	r.Series = series(12)
	r.Info.DurationS = 12
	r.Phases = []metrics.PhaseResult{{Name: "connect", StartS: 0, EndS: 4}, {Name: "steady", StartS: 4, EndS: 12, Steady: true, Metrics: r.Phases[2].Metrics}}
	r.Incidents = nil
	r.Events = r.Events[:1]
	for _, m := range r.Metrics {
		m.Histogram = nil
	}
	return r
}

func failedRun(t testing.TB) *metrics.Run {
	r := shortRun(t)
	th := &r.Thresholds[0]
	th.Expr, th.Limit, th.MarginRatio, th.Result = "p(99)<20ms", 20_000, ptr(0.136), "fail"
	r.Thresholds[1].Phase, r.Thresholds[1].Population = "calm", "members"
	r.Environment.Target.Kind, r.Environment.Target.Endpoint = "remote", "wss://bench.webpubsub.azure.com/client/hubs/bench"
	r.Populations = append(r.Populations, metrics.PopulationResult{Name: "watchers", Subprotocol: "json.webpubsub.azure.v1", Connections: 10, ReachRatio: 1})
	return decided(r)
}

// violatedRun met an emulator that swaps messages on purpose.
func violatedRun(t testing.TB) *metrics.Run {
	r := passedRun(t)
	r.Totals.Deliveries.Reordered = 3
	r.Environment.Target.Lies = map[string]uint64{"swap": 3}
	c := &r.Checks[3]
	c.Result, c.Violations = "violated", 3
	for i := range 3 {
		c.Examples = append(c.Examples, metrics.Example{TS: 50.4 + float64(i), Group: "room-017", Publisher: 31, Subscriber: 317 + i, ExpectedMessage: uint64(90 + i), GotMessage: uint64(88 + i),
			SequenceID: uint64(9041 + i), Incident: "F2", Context: []string{"50.398 s  data 31/87 sequence 9040", "50.401 s  data 31/89 sequence 9041", "50.402 s  data 31/88 sequence 9042",
				metrics.OffenceMark, "50.403 s  data 31/90 sequence 9043"}})
	}
	for i, m := range []uint64{78, 79, 80, 81, 82, 83, 84, 85, 86, 87, 89, 88, 90, 91, 92, 93} {
		c.Examples[0].Arrivals = append(c.Examples[0].Arrivals, metrics.Arrival{TS: 50.4 - float64(11-i)/10, Message: m, SequenceID: uint64(8932 + 10*i)})
	}
	r.Thresholds = append([]metrics.ThresholdResult{{Metric: "reordered", Expr: "count==0", Phase: "run", Measured: ptr(3.0), Unit: "count", Result: "fail", Source: metrics.Source{File: "scenarios/soak.yaml", Line: 44, Column: 16}}}, r.Thresholds...)
	r.Events = append(r.Events, metrics.RunEvent{TS: 50.4, Kind: "violation", Text: "R6 in room-017", Ref: "/checks/3/examples/0"})
	return decided(r)
}

// invalidRun has a saturated generator and messages that never arrived.
func invalidRun(t testing.TB) *metrics.Run {
	r := shortRun(t)
	r.Health.Result, r.Health.BadWindows, r.Health.Windows = "invalid", 4, 8
	g := &r.Health.Gates[1]
	g.Value, g.Result, g.BadWindows, g.Advice = ptr(0.38), "invalid", 4, "more cores, or fewer connections"
	g.Bad = []metrics.Span{{FromS: 5, ToS: 9}}
	r.Health.Untrusted, r.Health.PushBack = g.Bad, metrics.PushBack{Windows: 2, Held: 1500}
	r.Events = append(r.Events, metrics.RunEvent{TS: 5, Kind: "gate", Text: "untrusted for 4 s: schedule lag p99 as a share of e2e p99"})
	d := &r.Totals.Deliveries
	d.Delivered, d.Undelivered, d.Excused.Disconnect, d.Excused.Unacknowledged = 640_000, 9_000, 600, 400
	r.Checks[1].Result, r.Checks[1].Reason, r.Checks[1].CoverageRatio = "unknown", "messages still arrived when the drain was cut", 0.98
	m := r.Metrics["e2e_latency"]
	m.Count, m.Censored, m.Percentiles["p99"], m.Percentiles["p99_9"] = 590_000, 9_000, nil, nil
	r.Groups.ReachRatio, r.Groups.Worst = 0.985, []metrics.GroupReach{{Name: "room-003", Members: 10, Expected: 6500, Delivered: 6100}}
	f := &r.Connections.Funnel
	f.Connected, f.Joined, f.AtEnd, f.UninjectedDrops = 999, 998, 990, 8
	r.Info.Load.PublishedPerS = 987.6
	return decided(r)
}

func interruptedRun(t testing.TB) *metrics.Run {
	r := shortRun(t)
	r.Info.Status = "interrupted"
	r.Series.Columns["e2e_p99_us"][7] = nil // a gap
	r.Series.Heatmap = nil
	for _, name := range []string{"e2e_latency", "e2e_service"} { // too few for a p99.9
		r.Metrics[name].Count, r.Metrics[name].Percentiles["p99_9"] = 800, nil
	}
	return decided(r)
}

// degradedRun lost one of its four processes, and the connections in it, and was ended
// there: it has what a runner then has, and judges nothing.
func degradedRun(t testing.TB) *metrics.Run {
	r := shortRun(t)
	r.Info.Status, r.Info.DurationS, r.Info.EndedAt = "aborted", 8.2, r.Info.StartedAt.Add(8200*time.Millisecond)
	r.Series, r.Phases[1].EndS = series(9), 8.2
	r.Checks = metrics.Unjudged(metrics.Strict, "part of the generator was lost, and what it had sent and received with it")
	for i := range r.Thresholds {
		r.Thresholds[i].Result = metrics.ThresholdNotJudged
	}
	r.Thresholds[2].Measured, r.Thresholds[2].MarginRatio = nil, nil // no fault came
	r.Health = metrics.JudgeGates(0, nil, &metrics.GateReadings{})
	r.Environment.Nodes = nil
	for i := range 4 {
		r.Environment.Nodes = append(r.Environment.Nodes, metrics.Node{PID: 4711 + i, Connections: 250, PeakMemoryBytes: 45_500_000})
	}
	r.Populations, r.Injections, r.Groups = nil, metrics.Injections{}, metrics.Groups{Count: 100}
	r.Connections = metrics.Connections{Funnel: metrics.Funnel{Planned: 1000, Attempted: 1000, Opened: 1000, Connected: 1000, Joined: 1000, AtEnd: 750}}
	r.Totals = metrics.Totals{
		Publishes:  metrics.Publishes{Scheduled: 4200, Sent: 4200, OK: 4190, Indeterminate: 10},
		Deliveries: metrics.Deliveries{Expected: 42_000, Delivered: 41_850, Undelivered: 150},
		Bytes:      metrics.Bytes{Sent: 2_016_000, Received: 18_160_000},
		Coverage:   &metrics.Coverage{Processes: 4, LostProcesses: 1, Connections: 1000, LostConnections: 250},
	}
	for name, count := range map[string]uint64{"e2e_latency": 41_850, "e2e_service": 41_850, "ack_latency": 4190, "ack_rtt": 4190, "schedule_lag": 4200} {
		r.Metrics[name].Count = count
	}
	r.Phases[1].Metrics["e2e_latency"].Count = 41_850
	delete(r.Metrics, "outage_time")
	r.Series.Columns["open"][8], r.Series.Columns["gone"][8], r.Series.Columns["delivered_per_s"][8] = ptr(750.0), ptr(250.0), ptr(7500.0)
	r.Verdict = metrics.Verdict{Result: metrics.ResultDegraded, Reasons: []metrics.Reason{{Code: "node_lost", Severity: "warn", Ref: "/connections/funnel",
		Text: "process 2 of 4 of the generator (pid 4712) was lost: it ended before its time; it had 250 of 1000 connections"}}}
	return decided(r)
}

// emptyRun never reached its target: no samples of anything.
func emptyRun(testing.TB) *metrics.Run {
	start := time.Date(2026, 3, 4, 10, 15, 2, 0, time.UTC)
	return decided(&metrics.Run{
		Kind: "wpsbench.run", SchemaVersion: metrics.SchemaVersion, Profile: "spec",
		Info:        metrics.RunInfo{ID: "20260304T101502Z-9d02", Name: "quickstart", StartedAt: start, EndedAt: start.Add(1200 * time.Millisecond), DurationS: 1.2, Status: "aborted", Seed: 1},
		Verdict:     metrics.Verdict{Result: "not_run", Reasons: []metrics.Reason{{Code: "target", Severity: "fail", Text: "dial ws://127.0.0.1:9: connection refused", Ref: "/connections"}}},
		Metrics:     map[string]*metrics.MetricSummary{"e2e_latency": {Unit: "us", Basis: "intended", Phase: "steady"}},
		Connections: metrics.Connections{Funnel: metrics.Funnel{Planned: 10, Attempted: 3, FailedDials: 3}},
		Health:      metrics.Health{Result: "valid"},
		Environment: metrics.Environment{Target: metrics.Target{Kind: "loopback", Endpoint: "ws://127.0.0.1:9/client/hubs/bench", Subprotocol: "json.webpubsub.azure.v1"}},
	})
}

// The texts a hostile scenario, server or close frame could hold.
const (
	breakout = `</script><script>alert(1)</script>`
	image    = `"><img src=x onerror=alert(1)>`
	bidi     = "abc\u202egnp.exe\u2066\u200f"
	control  = "a\x1b[31mb\x00c\r\nd\u2028e\u2029f\xff"
	command  = "::error::x ##vso[task.setvariable]y ##[section]z"
	block    = `<script type="application/gzip" id="wpsbench-run">AAAA</script>`
)

// hostileRun puts such a text into every string of the record, a different one into each
// so that keys stay apart.
func hostileRun(t testing.TB) *metrics.Run {
	r := violatedRun(t)
	r.Series, r.Info.DurationS = series(12), 12
	long := strings.Repeat("name-שלום-", 40)
	texts := []string{breakout, image, bidi, control, command, block, long}
	n := 0
	next := func() string { n++; return texts[n%len(texts)] + fmt.Sprint(n) }
	r.Info.ID, r.Info.Name, r.Info.Note = next(), next(), next()
	r.Info.Tags = map[string]string{breakout: next(), image: next()}
	r.Info.Command = []string{next(), next(), next()}
	r.Verdict.Headline = "VIOLATED: " + image + control
	for i := range r.Verdict.Reasons {
		r.Verdict.Reasons[i].Text, r.Verdict.Reasons[i].Ref = next(), "javascript:alert(1)"
	}
	for i := range r.Thresholds {
		th := &r.Thresholds[i]
		th.Metric, th.Expr, th.Phase, th.Population, th.Source.File = next(), next(), next(), next(), next()
	}
	r.Thresholds[1].Metric, r.Thresholds[1].Expr = "e2e_latency", "p(99)<50ms"+image
	for i := range r.Checks {
		c := &r.Checks[i]
		c.ID, c.Name, c.Profile, c.Reason = next(), next(), next(), next()
		for j := range c.Examples {
			e := &c.Examples[j]
			e.Group, e.Incident, e.Context = next(), next(), []string{next(), next()}
		}
	}
	for i := range r.Phases {
		r.Phases[i].Name = next()
	}
	for i := range r.Incidents {
		r.Incidents[i].ID, r.Incidents[i].Kind, r.Incidents[i].StartS = texts[(i+4)%len(texts)], next(), float64(5+2*i)
		r.Incidents[i].EndS = ptr(r.Incidents[i].StartS + *r.Incidents[i].CaughtUpS["p100"])
	}
	for i := range r.Connections.CloseReasons {
		r.Connections.CloseReasons[i].Text = next()
	}
	for i := range r.Events {
		r.Events[i].Text, r.Events[i].Ref = next(), next()
	}
	for i := range r.Health.Gates {
		r.Health.Gates[i].ID, r.Health.Gates[i].Unit = next(), next()
		r.Health.Gates[i].Meaning, r.Health.Gates[i].Advice = next(), next()
	}
	r.Populations = append(r.Populations, r.Populations[0])
	for i := range r.Populations {
		r.Populations[i].Name, r.Populations[i].Subprotocol = next(), next()
	}
	r.Groups.Fanout.Groups[0].Name, r.Groups.Fanout.Groups[1].Name = next(), next()
	r.Groups.Worst = []metrics.GroupReach{{Name: next()}, {Name: strings.Repeat("name-שלום-", 1000)}, {Name: next()}}
	e := &r.Environment
	e.Tool.Version, e.Tool.Commit, e.Tool.Go = next(), next(), next()
	e.Host.OS, e.Host.Arch, e.Host.Kernel, e.Host.CPU, e.Host.GOGC, e.Host.GOMEMLIMIT, e.Host.Transport = next(), next(), next(), next(), next(), next(), next()
	e.Target.Endpoint, e.Target.Subprotocol, e.Target.Hub = next(), next(), next()
	e.Target.Lies = map[string]uint64{image: 1, control: 2}
	r.Scenario = metrics.ScenarioText{File: next(), SHA256: next(), Text: "name: x\n\tkey: " + breakout + bidi + control, Overrides: []string{next(), next()}}
	r.Profile = next()
	r.Residue = []metrics.Residue{{Key: next(), Value: next()}, {Key: next(), Value: next()}}
	return r
}
