package metrics

import (
	"testing"
)

func TestDecide(t *testing.T) {
	reordered := CheckResult{ID: "R6", Result: CheckViolated, Violations: 3, Examples: []Example{
		{TS: 211.4, Group: "room-017", Incident: "F2"}, {TS: 212, Group: "room-017"}, {TS: 213, Group: "room-017"},
	}}
	lost := CheckResult{ID: "R4", Result: CheckViolated, Violations: 1, Examples: []Example{{TS: 300, Group: "room-001"}}}
	many := CheckResult{ID: "N2", Result: CheckViolated, Violations: 99, Examples: []Example{{TS: 1.04, Group: "a"}, {TS: 2, Group: "b"}}}
	untold := CheckResult{ID: "R2", Result: CheckViolated, Violations: 5}
	unknown := CheckResult{ID: "R4", Result: CheckUnknown, Reason: "12 copies undelivered: the drain was cut while messages still arrived"}
	ok := CheckResult{ID: "X1", Result: CheckOK}
	idle := CheckResult{ID: "R2", Result: CheckNotExercised}
	missed := ThresholdResult{
		Metric: "e2e_latency", Expr: "p(99)<50ms", Phase: "steady", Measured: new(61_300.0), Unit: "us", Result: ThresholdFail,
		Source: Source{File: "scenarios/x.yaml", Line: 41},
	}
	beyond := ThresholdResult{Metric: "outage_time", Expr: "max<5s", Phase: "F1", Population: "members", Unit: "us", Result: ThresholdFail}
	met := ThresholdResult{Metric: "ack_rtt", Expr: "p(99)<1s", Phase: "steady", Measured: new(2_000.0), Unit: "us", Result: ThresholdPass}
	empty := ThresholdResult{Metric: "recovery_time", Expr: "p(95)<5s", Phase: "steady", Unit: "us", Result: ThresholdNoSamples}
	builtIn := ThresholdResult{Metric: "failed_connects", Expr: "count==0", Measured: new(0.0), Unit: "count", Result: ThresholdPass, BuiltIn: true}
	builtInMissed := ThresholdResult{Metric: "failed_connects", Expr: "count==0", Phase: "run", Measured: new(7.0), Unit: "count", Result: ThresholdFail, BuiltIn: true}
	invalid := Health{Result: "invalid", BadWindows: 41, Windows: 240, Gates: []Gate{{ID: "schedule_lag", Result: "invalid"}, {ID: "cpu", Result: "warn"}}}

	for _, tt := range []struct {
		name       string
		status     string
		given      Verdict
		health     Health
		checks     []CheckResult
		thresholds []ThresholdResult
		result     string
		exit       int
		headline   string
		reasons    int
	}{
		{
			name: "no limits declared", checks: []CheckResult{ok, idle}, thresholds: []ThresholdResult{builtIn},
			result: "pass", exit: 0, headline: "PASSED: delivery only, no limits declared",
		},
		{
			name: "all met", checks: []CheckResult{ok}, thresholds: []ThresholdResult{builtIn, met},
			result: "pass", exit: 0, headline: "PASSED: 2 of 2 thresholds met, delivery checked",
		},
		{
			name: "violated", checks: []CheckResult{ok, reordered}, thresholds: []ThresholdResult{missed}, health: invalid,
			result: "violated", exit: 14, headline: "VIOLATED: 3 messages reordered in room-017 (first at t+211.4 s, 1.4 s after F2)", reasons: 2,
		},
		{
			name: "the one that broke first leads", checks: []CheckResult{lost, reordered},
			result: "violated", exit: 14,
			headline: "VIOLATED: 3 messages reordered in room-017 (first at t+211.4 s, 1.4 s after F2); 1 more check violated", reasons: 2,
		},
		{
			name: "one with an example leads", checks: []CheckResult{untold, lost},
			result: "violated", exit: 14, headline: "VIOLATED: 1 message lost in room-001 (first at t+300.0 s); 1 more check violated", reasons: 2,
		},
		{
			name: "three violated", checks: []CheckResult{untold, lost, reordered},
			result: "violated", exit: 14,
			headline: "VIOLATED: 3 messages reordered in room-017 (first at t+211.4 s, 1.4 s after F2); 2 more checks violated", reasons: 3,
		},
		{
			name: "one message", checks: []CheckResult{lost},
			result: "violated", exit: 14, headline: "VIOLATED: 1 message lost in room-001 (first at t+300.0 s)", reasons: 1,
		},
		{
			name: "several groups", checks: []CheckResult{many},
			result: "violated", exit: 14, headline: "VIOLATED: 99 messages duplicated (first in a at t+1.0 s)", reasons: 1,
		},
		{
			name: "violated and interrupted", status: RunInterrupted, checks: []CheckResult{lost}, thresholds: []ThresholdResult{missed},
			result: "violated", exit: 14, headline: "VIOLATED (interrupted at 12.3 s): 1 message lost in room-001 (first at t+300.0 s)", reasons: 1,
		},
		{
			name: "invalid", health: invalid, thresholds: []ThresholdResult{missed}, checks: []CheckResult{unknown},
			result: "invalid_run", exit: 12, headline: "INVALID RUN: generator was the bottleneck in 41 of 240 s (schedule lag)", reasons: 2,
		},
		{
			name: "degraded", given: Verdict{Result: ResultDegraded, Reasons: []Reason{{Code: "node_lost", Text: "1 of 4 workers was lost at 30 s"}}},
			thresholds: []ThresholdResult{missed},
			result:     "degraded", exit: 13, headline: "DEGRADED: 1 of 4 workers was lost at 30 s", reasons: 2,
		},
		{
			name: "threshold missed", thresholds: []ThresholdResult{met, missed}, checks: []CheckResult{unknown},
			result: "fail", exit: 10, headline: "FAILED: e2e_latency p(99)<50ms: 61.3 ms (scenarios/x.yaml:41)", reasons: 2,
		},
		{
			name: "two missed", thresholds: []ThresholdResult{beyond, missed},
			result: "fail", exit: 10, headline: "FAILED: outage_time max<5s during F1 for members: beyond what arrived; 1 more limit missed", reasons: 2,
		},
		{
			name: "built-in missed", thresholds: []ThresholdResult{builtInMissed},
			result: "fail", exit: 10, headline: "FAILED: failed_connects count==0: 7", reasons: 1,
		},
		{
			name: "check unknown", checks: []CheckResult{ok, unknown},
			result: "inconclusive", exit: 11,
			headline: "INCONCLUSIVE: R4 is unknown: 12 copies undelivered: the drain was cut while messages still arrived", reasons: 1,
		},
		{
			name: "no samples", thresholds: []ThresholdResult{empty, met},
			result: "inconclusive", exit: 11, headline: "INCONCLUSIVE: recovery_time p(95)<5s: no samples", reasons: 1,
		},
		{
			name: "interrupted", status: RunInterrupted, checks: []CheckResult{ok}, thresholds: []ThresholdResult{missed},
			result: "pass", exit: 130, headline: "PASSED (interrupted at 12.3 s): delivery held in the part that ran, thresholds not judged",
		},
		{
			name: "interrupted and invalid", status: RunInterrupted, health: invalid,
			result: "invalid_run", exit: 130,
			headline: "INVALID RUN (interrupted at 12.3 s): generator was the bottleneck in 41 of 240 s (schedule lag)", reasons: 1,
		},
		{
			name: "not run", given: Verdict{Result: ResultNotRun, Reasons: []Reason{{Code: "dial", Text: "tcp 127.0.0.1:1: connection refused"}}},
			result: "not_run", exit: 15, headline: "NOT RUN: tcp 127.0.0.1:1: connection refused", reasons: 1,
		},
		{
			name: "stopped before the load", status: RunInterrupted, given: Verdict{Result: ResultNotRun, Reasons: []Reason{{Code: "setup", Text: "nothing was measured"}}},
			result: "not_run", exit: 130, headline: "NOT RUN (interrupted at 12.3 s): nothing was measured", reasons: 1,
		},
		{name: "not run, no cause given", given: Verdict{Result: ResultNotRun}, result: "not_run", exit: 15, headline: "NOT RUN: set-up failed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := &Run{
				Info: RunInfo{Status: tt.status, DurationS: 12.34}, Verdict: tt.given, Health: tt.health, Checks: tt.checks,
				Totals:     Totals{Deliveries: Deliveries{Expected: 10, Delivered: 10}},
				Thresholds: append([]ThresholdResult(nil), tt.thresholds...), Incidents: []Incident{{ID: "F1", StartS: 100}, {ID: "F2", StartS: 210}},
			}
			Decide(r)
			v := r.Verdict
			if v.Result != tt.result || v.ExitCode != tt.exit || v.Headline != tt.headline || len(v.Reasons) != tt.reasons {
				t.Errorf("got  %s %d %q with %d reasons\nwant %s %d %q with %d",
					v.Result, v.ExitCode, v.Headline, len(v.Reasons), tt.result, tt.exit, tt.headline, tt.reasons)
			}
			for _, th := range r.Thresholds {
				if judged := tt.status != RunInterrupted && tt.health.Result != "invalid"; (th.Result == ThresholdNotJudged) == judged {
					t.Errorf("threshold %s: %s", th.Metric, th.Result)
				}
			}
		})
	}
}

func TestReasonsPointIntoTheRecord(t *testing.T) {
	r := &Run{
		Checks:     []CheckResult{{ID: "R1", Result: CheckOK}, {ID: "R4", Result: CheckViolated, Violations: 2}},
		Thresholds: []ThresholdResult{{Result: ThresholdPass}, {Metric: "lost", Expr: "count==0", Result: ThresholdFail, Unit: "count", Measured: new(2.0)}},
		Health:     Health{Result: "valid"},
	}
	Decide(r)
	var refs []string
	for _, reason := range r.Verdict.Reasons {
		refs = append(refs, reason.Ref+" "+reason.Code+" "+reason.Severity)
	}
	want := []string{"/checks/1 violated fail", "/thresholds/1 threshold fail"}
	if len(refs) != 2 || refs[0] != want[0] || refs[1] != want[1] {
		t.Errorf("got %q, want %q", refs, want)
	}
}

func TestQuantities(t *testing.T) {
	for _, tt := range []struct {
		v    float64
		unit string
		want string
	}{
		{61_300, "us", "61.3 ms"}, {812_000, "us", "812 ms"}, {4_312_000, "us", "4.31 s"}, {7, "us", "7.00 µs"}, {999.6, "us", "1000 µs"},
		{3, "count", "3"}, {66.66, "per_s", "66.7/s"}, {0.5, "ratio", "50.00 %"},
	} {
		if got := quantity(tt.v, tt.unit); got != tt.want {
			t.Errorf("quantity(%v, %q) = %q, want %q", tt.v, tt.unit, got, tt.want)
		}
	}
}
