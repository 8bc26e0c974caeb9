package runner

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/wire"
	"github.com/wpsbench/wpsbench/wire/emulator"
)

// simulateStopped runs a scenario on two workers against a target in a world of its own and
// stops it when its schedule is that far, or soon after.
func simulateStopped(t *testing.T, text string, o emulator.Options, at time.Duration) *metrics.Run {
	t.Helper()
	cfg, server := configIn(t, planOf(t, text), wire.Link{Delay: 5 * time.Millisecond}, 1, o)
	defer func() { _ = server.Close() }()
	stop, end := context.WithCancel(t.Context())
	defer end()
	cfg.Workers = 2
	cfg.Progress = func(p Progress) {
		if p.Schedule >= at {
			end()
		}
	}
	rec, err := Run(stop, t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

// What a stop keeps from being published is owed to nobody: who was on the way back then
// has caught up with all that was, and the run ends as soon as it has.
func TestStopWhileRecovering(t *testing.T) {
	t.Parallel()
	for _, arrival := range []string{"constant", "poisson"} {
		t.Run(arrival, func(t *testing.T) {
			t.Parallel()
			refused := 0
			o := emulator.Options{RefuseRecovery: func(string) int { // so that it takes three seconds
				if refused++; refused <= 3 {
					return http.StatusServiceUnavailable
				}
				return 0
			}}
			rec := simulateStopped(t, `name: stopped
groups:
  room: {count: 1}
populations:
  members:
    connections: 6
    connect_rate: 100/s
    join: {room: 1}
    publish: {to: room, rate: 20/s, arrival: `+arrival+`, size: 80}
    client: {recovery: {window: 20s, pause: 3s}}
phases: {warmup: 1s, steady: 60s, drain: 30s}
faults:
  - {name: F1, at: 7500ms, population: members, hit: 3, kind: rst}
  - {name: F2, at: 9500ms, population: members, hit: 100%, kind: rst} # after the stop: it hits nobody
`, o, 9*time.Second)
			wantVerdict(t, rec, metrics.ExitInterrupted, nil)
			wantOutcomes(t, rec, metrics.IncidentOutcomes{Resumed: 3})
			if in := rec.Incidents[0]; in.EndS == nil || rec.Metrics["outage_time"].Count != 3 {
				t.Errorf("%d outages, over at %v; want 3, and an end", rec.Metrics["outage_time"].Count, in.EndS)
			}
			if d := rec.Totals.Deliveries; d.Delivered != d.Expected {
				t.Errorf("deliveries %+v, want all", d)
			}
		})
	}
}

// A promise that was broken outranks the stop.
func TestStopOfALiar(t *testing.T) {
	t.Parallel()
	o := emulator.Options{}
	o.Lies[emulator.LieDuplicate] = emulator.Share{N: 1, Of: 10}
	rec := simulateStopped(t, strings.Replace(base, "steady: 1s", "steady: 1h", 1), o, 3*time.Second)
	wantVerdict(t, rec, metrics.ExitViolated, map[string]string{"R5": metrics.CheckViolated})
	if rec.Info.Status != metrics.RunInterrupted {
		t.Errorf("the run is %s", rec.Info.Status)
	}
}
