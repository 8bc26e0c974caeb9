package runner

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/scenario"
	"github.com/wpsbench/wpsbench/wire"
	"github.com/wpsbench/wpsbench/wire/emulator"
)

// base is the scenario that the rows of the tests change: 12 members in 3 rooms.
const base = `name: test
protocol: json.reliable.webpubsub.azure.v1
groups:
  room: {count: 3}
populations:
  members:
    connections: 12
    connect_rate: 1000/s
    join: {room: 1}
    publish: {to: room, rate: 10/s, size: 100}
phases:
  warmup: 200ms
  steady: 1s
  drain: 30s
`

func planOf(t testing.TB, text string, set ...string) *scenario.Plan {
	t.Helper()
	s, err := scenario.Parse("test.yaml", []byte(text), scenario.Options{Set: set})
	if err != nil {
		t.Fatal(err)
	}
	return s.Plan()
}

// execute runs a plan on two workers against an emulator of its own.
func execute(t *testing.T, plan *scenario.Plan, o emulator.Options) (*metrics.Run, emulator.Stats) {
	t.Helper()
	server, err := emulator.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = server.Close() }()
	rec, err := Run(t.Context(), t.Context(), configOf(t, plan, server.ConnectionString()))
	if err != nil {
		t.Fatal(err)
	}
	return rec, server.Stats()
}

func configOf(t *testing.T, plan *scenario.Plan, connectionString string) Config {
	t.Helper()
	cs, err := wire.ParseConnectionString(connectionString)
	if err != nil {
		t.Fatal(err)
	}
	const runID = 0x01020304
	return Config{
		Plan:    plan,
		Target:  ConnectionStringTarget(cs, "bench", GroupPrefix(runID), plan),
		Dialer:  &wire.Dialer{},
		Workers: 2,
		RunID:   runID,
		Profile: metrics.Strict,
	}
}

func wantAddsUp(t *testing.T, rec *metrics.Run) {
	t.Helper()
	check := func(name string, x metrics.Totals) {
		d, p := x.Deliveries, x.Publishes
		if d.Expected != d.Delivered+d.Lost+d.Undelivered+d.Excused.Total() {
			t.Errorf("%s: deliveries do not add up: %+v", name, d)
		}
		if p.Scheduled != p.Sent+p.Dropped || p.Sent != p.OK+p.Fail+p.Indeterminate {
			t.Errorf("%s: publishes do not add up: %+v", name, p)
		}
		o := x.Outcomes
		if o.AckedDelivered+o.AckedMissing+o.UnackedDelivered+o.UnackedMissing != d.Expected {
			t.Errorf("%s: outcomes %+v do not add up to %d", name, o, d.Expected)
		}
	}
	check("run", rec.Totals)
	var bytes metrics.Bytes
	for _, p := range rec.Populations {
		check(p.Name, p.Totals)
		bytes.Sent += p.Totals.Bytes.Sent
		bytes.Received += p.Totals.Bytes.Received
		bytes.PayloadSent += p.Totals.Bytes.PayloadSent
		bytes.PayloadReceived += p.Totals.Bytes.PayloadReceived
		if p.Subprotocol != scenario.ProtocolREST && p.Totals.Bytes.Received == 0 {
			t.Errorf("%s: received no bytes, not even `connected`", p.Name)
		}
	}
	if bytes != rec.Totals.Bytes {
		t.Errorf("populations have %+v, the run %+v", bytes, rec.Totals.Bytes)
	}
}

// Whatever the plan asks for, an honest target delivers it, and the totals agree
// with the target's own count.
func TestCleanRuns(t *testing.T) {
	const plain = "protocol=json.webpubsub.azure.v1"
	const members = "populations.members."
	for _, row := range []struct {
		name     string
		set      []string
		publish  uint64 // scheduled
		expected uint64 // copies
	}{
		{"reliable", nil, 144, 576},
		{"plain", []string{plain}, 144, 576},
		{"protobuf, reliable", []string{"protocol=protobuf.reliable.webpubsub.azure.v1"}, 144, 576},
		{"protobuf, plain", []string{"protocol=protobuf.webpubsub.azure.v1"}, 144, 576},
		{"protobuf, json payload", []string{"protocol=protobuf.reliable.webpubsub.azure.v1", members + "publish.data_type=json"}, 144, 576},
		{"protobuf, binary payload", []string{"protocol=protobuf.webpubsub.azure.v1", members + "publish.data_type=binary"}, 144, 576},
		{"protobuf, large payload", []string{"protocol=protobuf.webpubsub.azure.v1", members + "publish.data_type=binary", members + "publish.size=100KiB"}, 144, 576},
		{"no warm-up", []string{"phases.warmup=0s"}, 120, 480},
		{"json payload", []string{members + "publish.data_type=json"}, 144, 576},
		{"binary payload", []string{members + "publish.data_type=binary"}, 144, 576},
		{"no echo", []string{members + "publish.no_echo=true"}, 144, 432},
		{"no ack", []string{members + "publish.ack=false"}, 144, 576},
		{"two groups each", []string{members + "join.room=2"}, 144, 1152},
		{"some senders", []string{members + "publish.senders=25%"}, 36, 144},
		{"total rate", []string{members + "publish={to: room, total_rate: 60/s, size: 64}"}, 72, 288},
		{"bursts", []string{members + "publish.arrival={burst: 5, within: 100ms}", "phases.steady=1800ms"}, 240, 960},
		{"stages", []string{"phases.steady=[{name: normal, for: 500ms}, {name: rush, for: 500ms, rate: x3}]"}, 264, 1056},
		{"own roles", []string{members + `roles=["webpubsub.joinLeaveGroups.room-*", webpubsub.sendToGroup.room-000, webpubsub.sendToGroup.room-001, webpubsub.sendToGroup.room-002]`}, 144, 576},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			plan := planOf(t, base, row.set...)
			rec, stats := execute(t, plan, emulator.Options{})
			wantAddsUp(t, rec)
			p, d := rec.Totals.Publishes, rec.Totals.Deliveries
			if p.Scheduled != row.publish || p.Sent != row.publish {
				t.Errorf("scheduled %d, sent %d; want %d", p.Scheduled, p.Sent, row.publish)
			}
			if d.Expected != row.expected || d.Delivered != row.expected {
				t.Errorf("expected %d, delivered %d; want %d", d.Expected, d.Delivered, row.expected)
			}
			if stats.Publishes != p.Sent || stats.Deliveries != d.Delivered {
				t.Errorf("the target counts %d publishes and %d deliveries; the record says %d and %d",
					stats.Publishes, stats.Deliveries, p.Sent, d.Delivered)
			}
			if e := plan.Estimate(); e.Publishes != row.publish || e.Deliveries != row.expected {
				t.Errorf("the plan estimates %d publishes and %d deliveries", e.Publishes, e.Deliveries)
			}
			for _, c := range rec.Checks {
				if c.Result == metrics.CheckViolated || c.Result == metrics.CheckUnknown {
					t.Errorf("check %s is %s: %s", c.ID, c.Result, c.Reason)
				}
			}
			if stats.Sessions != 0 {
				t.Errorf("%d sessions linger on the target", stats.Sessions)
			}
			if n := rec.Metrics["e2e_latency"].Count + phaseCount(rec, "warmup"); n != d.Delivered {
				t.Errorf("%d latencies for %d deliveries", n, d.Delivered)
			}
		})
	}
}

// withCallers adds callers of the REST API, who publish to what the members have joined.
var withCallers = strings.Replace(base, "phases:", `  callers:
    protocol: rest
    connections: 3
    publish: {to: room, rate: 20/s, size: 100, data_type: text}
phases:`, 1)

// Publishers over REST are measured and judged like any other, on every kind of payload.
func TestRESTPublishers(t *testing.T) {
	for _, row := range []struct {
		name     string
		set      []string
		publish  uint64
		expected uint64
	}{
		{"reliable", nil, 216, 864},
		{"plain", []string{"protocol=json.webpubsub.azure.v1"}, 216, 864},
		{"protobuf", []string{"protocol=protobuf.reliable.webpubsub.azure.v1"}, 216, 864},
		{"json payload", []string{"populations.callers.publish.data_type=json"}, 216, 864},
		{"binary payload", []string{"populations.callers.publish.data_type=binary"}, 216, 864},
		{"with a drop", []string{"faults=[{name: F1, at: 300ms, kind: rst, population: members, hit: 50%}]"}, 216, 864},
	} {
		t.Run(row.name, func(t *testing.T) {
			plan := planOf(t, withCallers, row.set...)
			rec, _ := execute(t, plan, emulator.Options{})
			wantAddsUp(t, rec)
			p, d := rec.Totals.Publishes, rec.Totals.Deliveries
			if p.Sent != row.publish || p.OK != row.publish {
				t.Errorf("publishes %+v, want %d", p, row.publish)
			}
			if d.Expected != row.expected || d.Delivered != row.expected || d.Reordered+d.Duplicated+d.Unexpected != 0 {
				t.Errorf("deliveries %+v, want %d", d, row.expected)
			}
			for _, c := range rec.Checks {
				if c.Result == metrics.CheckViolated || c.Result == metrics.CheckUnknown {
					t.Errorf("check %s is %s", c.ID, c.Result)
				}
			}
			if f := rec.Connections.Funnel; f.Planned != 12 || f.Joined != 12 {
				t.Errorf("funnel %+v, want 12 sessions", f)
			}
			callers := rec.Populations[len(rec.Populations)-1]
			if callers.Name != "callers" || callers.Totals.Publishes.OK != 72 {
				t.Errorf("population %s has %+v, want 72 of the callers", callers.Name, callers.Totals.Publishes)
			}
		})
	}
}

// A run needs no session of its own.
func TestRESTPublishersAlone(t *testing.T) {
	plan := planOf(t, `name: alone
groups:
  room: {count: 1}
populations:
  callers: {protocol: rest, connections: 2, publish: {to: room, rate: 20/s, size: 100}}
phases: {steady: 500ms}
`)
	rec, stats := execute(t, plan, emulator.Options{})
	wantAddsUp(t, rec)
	if p := rec.Totals.Publishes; p.OK != 20 || stats.Publishes != 20 || rec.Verdict.ExitCode != metrics.ExitPass {
		t.Errorf("publishes %+v, the target has %d, exit %d: %s; want 20, 20, %d", p, stats.Publishes, rec.Verdict.ExitCode, rec.Verdict.Headline, metrics.ExitPass)
	}
}

// What the service refuses is a failed publish and not delivered; the run goes on.
func TestRESTPublishersRefused(t *testing.T) {
	server, err := emulator.Start(emulator.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = server.Close() }()
	cfg := configOf(t, planOf(t, withCallers), server.ConnectionString())
	cfg.Target.REST.Service.AccessKey = strings.Repeat("x", 40)
	rec, err := Run(t.Context(), t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	wantAddsUp(t, rec)
	if p, d := rec.Totals.Publishes, rec.Totals.Deliveries; p.OK != 144 || p.Fail != 72 || d.Delivered != 576 || d.Lost+d.Undelivered != 0 {
		t.Errorf("publishes %+v, deliveries %+v; want 144 ok, 72 failed, 576 delivered", p, d)
	}
}

func phaseCount(rec *metrics.Run, phase string) uint64 {
	for _, p := range rec.Phases {
		if m := p.Metrics["e2e_latency"]; p.Name == phase && m != nil {
			return m.Count
		}
	}
	return 0
}

// Poisson arrivals come from the seed: the same seed, the same number of messages.
func TestPoissonRun(t *testing.T) {
	plan := planOf(t, base, "populations.members.publish.arrival=poisson", "seed=7")
	rec, _ := execute(t, plan, emulator.Options{})
	wantAddsUp(t, rec)
	var want uint64
	for p := range plan.Publishers {
		want += plan.Schedule(p).Count()
	}
	if d := rec.Totals.Deliveries; rec.Totals.Publishes.Sent != want || d.Delivered != d.Expected {
		t.Errorf("sent %d of %d, delivered %d of %d", rec.Totals.Publishes.Sent, want, d.Delivered, d.Expected)
	}
}

// Each fault on each subprotocol has its own outcome, and none is an accusation.
func TestFaults(t *testing.T) {
	for _, row := range []struct {
		name, protocol, fault string
		resumed, fresh        int
		missing               string // class that may be missing; "" = nothing may
	}{
		{"reset, reliable", "json.reliable.webpubsub.azure.v1", "kind: rst", 6, 0, ""},
		{"reset, plain", "json.webpubsub.azure.v1", "kind: rst", 0, 6, "disconnect"},
		{"close 1000, reliable", "json.reliable.webpubsub.azure.v1", "kind: close", 0, 6, "session_ended"},
		{"close 1001, reliable", "json.reliable.webpubsub.azure.v1", "kind: close, code: 1001", 6, 0, ""},
		{"close, plain", "json.webpubsub.azure.v1", "kind: close", 0, 6, "disconnect"},
		{"reset, protobuf reliable", "protobuf.reliable.webpubsub.azure.v1", "kind: rst", 6, 0, ""},
		{"reset, protobuf", "protobuf.webpubsub.azure.v1", "kind: rst", 0, 6, "disconnect"},
		{"REST close, reliable", "json.reliable.webpubsub.azure.v1", "kind: rest-close", 0, 6, "session_ended"},
		{"REST close, plain", "json.webpubsub.azure.v1", "kind: rest-close", 0, 6, "disconnect"},
	} {
		t.Run(row.name, func(t *testing.T) {
			plan := planOf(t, base, "protocol="+row.protocol,
				"populations.members.client={reconnect: {base: 100ms, max: 1s}}",
				"faults=[{name: F1, at: 300ms, population: members, hit: 50%, "+row.fault+"}]")
			rec, _ := execute(t, plan, emulator.Options{})
			wantAddsUp(t, rec)
			if len(rec.Incidents) != 1 {
				t.Fatalf("%d incidents, want 1: %+v", len(rec.Incidents), rec.Incidents)
			}
			i := rec.Incidents[0]
			if i.Hit != 6 || i.Outcomes.Resumed != row.resumed || i.Outcomes.NewConnection != row.fresh || i.EndS == nil {
				t.Errorf("incident %+v, end %v; want 6 hit, %d resumed, %d new, ended", i.Outcomes, i.EndS, row.resumed, row.fresh)
			}
			for _, m := range []string{"recovery_time", "outage_time"} {
				if n := rec.Metrics[m].Count; n != 6 {
					t.Errorf("%d samples of %s, want 6", n, m)
				}
			}
			d := rec.Totals.Deliveries
			excused := map[string]uint64{"": 0, "disconnect": d.Excused.Disconnect, "session_ended": d.Excused.SessionEnded}[row.missing]
			if d.Lost+d.Undelivered+d.Duplicated+d.Reordered+d.Unexpected != 0 || d.Expected-d.Delivered != excused {
				t.Errorf("deliveries %+v; only excused.%s may be missing", d, row.missing)
			}
			if rec.Connections.Funnel.UninjectedDrops != 0 {
				t.Errorf("%d drops are said not to be injected", rec.Connections.Funnel.UninjectedDrops)
			}
		})
	}
}

// A lie is found exactly as often as it was told, on either subprotocol.
func TestSwapIsFound(t *testing.T) {
	for _, row := range []struct{ protocol, check string }{
		{"json.reliable.webpubsub.azure.v1", "R6"},
		{"json.webpubsub.azure.v1", "N1"},
		{"protobuf.reliable.webpubsub.azure.v1", "R6"},
	} {
		t.Run(row.check, func(t *testing.T) {
			t.Parallel()
			rec, stats := execute(t, planOf(t, base, "protocol="+row.protocol, "populations.members.publish.rate=40/s"),
				emulator.Options{Lies: emulator.Lies{emulator.LieSwap: {N: 1, Of: 25}}})
			told := stats.Lies["swap"]
			if told == 0 || rec.Totals.Deliveries.Reordered != told {
				t.Errorf("told %d, found %d", told, rec.Totals.Deliveries.Reordered)
			}
			for _, c := range rec.Checks {
				if (c.Result == metrics.CheckViolated) != (c.ID == row.check) {
					t.Errorf("check %s is %s", c.ID, c.Result)
				}
			}
			if rec.Verdict.ExitCode != metrics.ExitViolated {
				t.Errorf("exit %d, want %d: %s", rec.Verdict.ExitCode, metrics.ExitViolated, rec.Verdict.Headline)
			}
		})
	}
}

func TestThresholds(t *testing.T) {
	plan := planOf(t, base+`faults:
  - {name: F1, at: 300ms, kind: rst, population: members, hit: 6}
thresholds:
  e2e_latency: ["p(99)<1us", "count==480", {threshold: "max<1h", during: calm}, {threshold: "count>0", during: F1}]
  published: ["count==144"]
  ack_rtt: [{threshold: "med<1h", population: members}]
`)
	rec, _ := execute(t, plan, emulator.Options{})
	want := []string{"fail", "pass", "pass", "pass", "pass", "pass"}
	for i, result := range want {
		if got := rec.Thresholds[i]; got.Result != result {
			t.Errorf("%s %s during %s is %s, want %s (measured %v)", got.Metric, got.Expr, got.Phase, got.Result, result, got.Measured)
		}
	}
	if rec.Verdict.ExitCode != metrics.ExitFail || !strings.Contains(rec.Verdict.Headline, "test.yaml:") {
		t.Errorf("exit %d, headline %q; want %d and the place of the limit", rec.Verdict.ExitCode, rec.Verdict.Headline, metrics.ExitFail)
	}
}

// Limits during steady hold all of its stages, whatever they are called, and those on
// connecting see what was over before.
func TestSteadyIsEveryStage(t *testing.T) {
	t.Parallel()
	plan := planOf(t, base+`thresholds:
  e2e_latency: [{threshold: "count==480", during: steady}]
  connect_time: ["count==12"]
`, "phases.steady=[{name: a, for: 500ms}, {name: b, for: 500ms}]")
	rec, _ := execute(t, plan, emulator.Options{})
	for _, x := range rec.Thresholds {
		if x.Result != metrics.ThresholdPass {
			t.Errorf("%s %s during %s is %s, measured %v", x.Metric, x.Expr, x.Phase, x.Result, x.Measured)
		}
	}
}

// The first failure of the first session ends the run: there is no record then.
func TestSetupErrors(t *testing.T) {
	server, err := emulator.Start(emulator.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = server.Close() }()
	wrongKey := fmt.Sprintf("Endpoint=%s;AccessKey=%s", server.URL(), strings.Repeat("x", 40))
	for _, row := range []struct {
		name, target string
		set          []string
		want         string
		record       bool
	}{
		{"wrong key", wrongKey, nil, "401", false},
		{"refused", "Endpoint=http://127.0.0.1:1;AccessKey=" + wire.EmulatorKey, nil, "refused", false},
	} {
		t.Run(row.name, func(t *testing.T) {
			rec, err := Run(t.Context(), t.Context(), configOf(t, planOf(t, base, row.set...), row.target))
			var setup *SetupError
			if !errors.As(err, &setup) || !strings.Contains(err.Error(), row.want) {
				t.Errorf("error %v, want a SetupError with %q", err, row.want)
			}
			if (rec != nil) != row.record {
				t.Errorf("record is %v", rec)
			}
		})
	}
}

// A REST close that the service refuses hits nobody, and the run goes on.
func TestRESTCloseRefused(t *testing.T) {
	server, err := emulator.Start(emulator.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = server.Close() }()
	cfg := configOf(t, planOf(t, base, "faults=[{name: F1, at: 300ms, population: members, hit: 3, kind: rest-close}]"), server.ConnectionString())
	cfg.Target.REST.Service.AccessKey = strings.Repeat("x", 40)
	rec, err := Run(t.Context(), t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	wantAddsUp(t, rec)
	if len(rec.Incidents) != 1 || rec.Incidents[0].Hit != 0 || rec.Totals.Deliveries.Delivered != 576 {
		t.Errorf("incidents %+v, delivered %d; want one that hit nobody, 576", rec.Incidents, rec.Totals.Deliveries.Delivered)
	}
	notes := 0
	for _, ev := range rec.Events {
		if strings.Contains(ev.Text, "was not closed: close connection: ") && strings.Contains(ev.Text, "401") {
			notes++
		}
	}
	if notes != 3 {
		t.Errorf("%d notes of refused calls, want 3: %+v", notes, rec.Events)
	}
}

func TestRESTCloseNeedsTheKey(t *testing.T) {
	target, err := URLTarget("ws://127.0.0.1:1/client/hubs/bench", "")
	if err != nil {
		t.Fatal(err)
	}
	plan := planOf(t, base, "faults=[{name: F1, at: 300ms, population: members, hit: 3, kind: rest-close}]")
	_, err = Run(t.Context(), t.Context(), Config{Plan: plan, Target: target, Dialer: &wire.Dialer{}})
	var setup *SetupError
	if !errors.As(err, &setup) || !strings.Contains(err.Error(), "need a connection string") {
		t.Errorf("error %v, want a SetupError", err)
	}
}

// A join that the target refuses leaves a record that says so.
func TestRefusedJoin(t *testing.T) {
	server, err := emulator.Start(emulator.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = server.Close() }()
	cfg := configOf(t, planOf(t, base), server.ConnectionString())
	cs, err := wire.ParseConnectionString(server.ConnectionString())
	if err != nil {
		t.Fatal(err)
	}
	token, err := wire.ClientToken{Audience: cs.ClientAudience("bench"), ExpiresAt: time.Now().Add(time.Hour)}.Sign(cs.AccessKey)
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Target, err = URLTarget(cs.ClientURL("bench")+"?access_token="+token, ""); err != nil {
		t.Fatal(err)
	}
	rec, err := Run(t.Context(), t.Context(), cfg)
	var setup *SetupError
	if !errors.As(err, &setup) || !strings.Contains(err.Error(), "Forbidden") || strings.Contains(err.Error(), token) {
		t.Errorf("error %v, want a refused join without the token", err)
	}
	if rec == nil || rec.Verdict.Result != metrics.ResultNotRun || rec.Verdict.ExitCode != metrics.ExitNotRun {
		t.Fatalf("record %+v, want not_run", rec)
	}
}

// stop ends the schedule and leaves a whole record.
func TestStop(t *testing.T) {
	server, err := emulator.Start(emulator.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = server.Close() }()
	cfg := configOf(t, planOf(t, base, "phases.steady=1h"), server.ConnectionString())
	stop, end := context.WithCancel(t.Context())
	defer end()
	cfg.Progress = func(p Progress) {
		if p.Phase == "steady" && p.DeliveredPerSec > 0 {
			end()
		}
	}
	rec, err := Run(stop, t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	wantAddsUp(t, rec)
	if d := rec.Totals.Deliveries; rec.Info.Status != "interrupted" || d.Expected == 0 || d.Delivered != d.Expected {
		t.Errorf("status %s, delivered %d of %d", rec.Info.Status, d.Delivered, d.Expected)
	}
	if rec.Verdict.ExitCode != metrics.ExitInterrupted {
		t.Errorf("exit %d, want %d", rec.Verdict.ExitCode, metrics.ExitInterrupted)
	}
}

// A target that dies in the middle is told apart from one that loses messages.
func TestTargetDies(t *testing.T) {
	server, err := emulator.Start(emulator.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = server.Close() }()
	cfg := configOf(t, planOf(t, base, "phases.steady=3s", "phases.drain=1s"), server.ConnectionString())
	closed := false
	cfg.Progress = func(p Progress) {
		if p.Phase == "steady" && p.DeliveredPerSec > 0 && !closed {
			closed = true
			_ = server.Close()
		}
	}
	rec, err := Run(t.Context(), t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	wantAddsUp(t, rec)
	d := rec.Totals.Deliveries
	if d.Lost != 0 || rec.Totals.Publishes.Dropped == 0 {
		t.Errorf("deliveries %+v, publishes %+v: detached sessions lose nothing, they never sent", d, rec.Totals.Publishes)
	}
	if rec.Verdict.ExitCode == 0 || rec.Connections.Funnel.UninjectedDrops != 12 {
		t.Errorf("exit %d, %d uninjected drops; want a failure and 12", rec.Verdict.ExitCode, rec.Connections.Funnel.UninjectedDrops)
	}
}

// A limit that is to end the run does so, and the record says which.
func TestAbortOnFail(t *testing.T) {
	plan := planOf(t, base+`thresholds:
  e2e_latency: [{threshold: "p(99)<1us", abort_on_fail: true}]
`, "phases.steady=1h")
	rec, _ := execute(t, plan, emulator.Options{})
	wantAddsUp(t, rec)
	if rec.Info.Status != "aborted" || rec.Verdict.ExitCode != metrics.ExitFail {
		t.Errorf("status %s, exit %d; want aborted, %d", rec.Info.Status, rec.Verdict.ExitCode, metrics.ExitFail)
	}
}
