package runner

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wpsbench/wpsbench/metrics"
)

// Each counter that a limit may name is the record's of that name; those that sum up several
// leave none out.
func TestCountersOfThresholds(t *testing.T) {
	t.Parallel()
	rec := &metrics.Run{}
	rec.Totals.Deliveries = metrics.Deliveries{
		Expected: 1, Delivered: 2, Lost: 3, Undelivered: 4, Duplicated: 5, Reordered: 6, Unexpected: 7, Foreign: 8, Corrupt: 9, Recovered: 10,
	}
	rec.Totals.Publishes = metrics.Publishes{Scheduled: 11, Sent: 12, OK: 13, Fail: 100, Indeterminate: 15, Errored: 200, Dropped: 400, Absent: 16}
	rec.Connections.Funnel = metrics.Funnel{Drops: 21, UninjectedDrops: 22, FailedDials: 1000, FailedJoins: 2000, ProtocolErrors: 23, RefusedRecovery: 24}
	want := map[string]uint64{
		"delivered": 2, "lost": 3, "undelivered": 4, "duplicated": 5, "reordered": 6, "unexpected": 7,
		"published": 12, "failed_publishes": 700, "failed_connects": 3000, "uninjected_drops": 22, "protocol_errors": 23,
	}
	if got := countersOf(rec); !maps.Equal(got, want) {
		t.Errorf("got %v\nwant %v", got, want)
	}
}

// A limit of the scenario's takes the place of the built-in one on the same counter, and a
// rate is over the whole run.
func TestBuiltInThresholds(t *testing.T) {
	t.Parallel()
	r := newRun(newFake(t, script{}).config(t, planOf(t, base+`thresholds:
  uninjected_drops: ["count<=5"]
  published: ["rate>=10"]
`)))
	rec := &metrics.Run{Metrics: map[string]*metrics.MetricSummary{}}
	rec.Info.DurationS = 10
	rec.Totals.Publishes.Sent = 120
	rec.Connections.Funnel.UninjectedDrops = 3
	rec.Connections.Funnel.ProtocolErrors = 1
	type line struct {
		metric, result string
		measured       float64
		builtIn        bool
	}
	var got []line
	for _, x := range r.judgeThresholds(rec) {
		got = append(got, line{x.Metric, x.Result, *x.Measured, x.BuiltIn})
	}
	slices.SortFunc(got[:2], func(a, b line) int { return len(b.metric) - len(a.metric) })
	want := []line{
		{"uninjected_drops", "pass", 3, false},
		{"published", "pass", 12, false},
		{"protocol_errors", "fail", 1, true},
		{"failed_publishes", "pass", 0, true},
		{"failed_connects", "pass", 0, true},
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}

// What ends a run at once is a missed limit that asks for it and cannot come true any more;
// each is held against its own window and population.
func TestMissedLimit(t *testing.T) {
	t.Parallel()
	// The members have latencies of 10 ms, the others have none.
	for _, row := range []struct{ name, thresholds, want string }{
		{"missed", `{e2e_latency: [{threshold: "p(99)<1ms", abort_on_fail: true}]}`, "e2e_latency p(99)<1ms is missed"},
		{"met", `{e2e_latency: [{threshold: "p(99)<1s", abort_on_fail: true}]}`, ""},
		{"judged at the end", `{e2e_latency: ["p(99)<1ms"]}`, ""},
		{"behind one that is judged at the end", `{e2e_latency: ["p(99)<1ms", {threshold: "max<=1ms", abort_on_fail: true}]}`, "e2e_latency max<=1ms is missed"},
		{"may still come true: above", `{e2e_latency: [{threshold: "count>1000", abort_on_fail: true}]}`, ""},
		{"may still come true: at least", `{e2e_latency: [{threshold: "count>=1000", abort_on_fail: true}]}`, ""},
		{"may still come true: exactly", `{e2e_latency: [{threshold: "count==1000", abort_on_fail: true}]}`, ""},
		{"too many already", `{e2e_latency: [{threshold: "count<50", abort_on_fail: true}]}`, "e2e_latency count<50 is missed"},
		{
			"of another population", `{e2e_latency: [{threshold: "max<1h", population: members}, {threshold: "max<1ms", population: others, abort_on_fail: true}]}`, "",
		},
		{
			"of this population", `{e2e_latency: [{threshold: "max<1h", population: others}, {threshold: "max<1ms", population: members, abort_on_fail: true}]}`,
			"e2e_latency max<1ms is missed",
		},
		{"what happens to a session, before the load", `{connect_time: [{threshold: "max<1ms", abort_on_fail: true}]}`, "connect_time max<1ms is missed"},
		{"what a message has, before steady state", `{ack_rtt: [{threshold: "max<1ms", abort_on_fail: true}]}`, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			r := newRun(newFake(t, script{}).config(t, planOf(t, strings.Replace(base, "phases:", "  others: {connections: 1, join: {room: 1}}\nphases:", 1), "thresholds="+row.thresholds)))
			recorder := metrics.NewRecorder(r.windows, r.views)
			members := populationIndex(r.plan, "members")
			for range 100 {
				recorder.Record(metrics.E2ELatency, r.plan.Scenario.Phases.Warmup, members, 10*time.Millisecond)
			}
			recorder.Record(metrics.AckRTT, r.plan.Scenario.Phases.Warmup-1, members, 10*time.Millisecond)
			recorder.Record(metrics.ConnectTime, -1, members, 10*time.Millisecond)
			r.collector.Add(0, recorder.Swap())
			if got := r.missedLimit(); got != row.want {
				t.Errorf("got %q, want %q", got, row.want)
			}
		})
	}
}
