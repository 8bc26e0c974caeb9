package runner

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/wpsbench/wpsbench/scenario"
	"github.com/wpsbench/wpsbench/wire"
)

// A restart explains the end of a session that was out at some instant of it, or since
// before it, and no other; one that keeps the sessions explains none.
func TestRestarted(t *testing.T) {
	t.Parallel()
	const s = time.Second
	const forgets, keeps = "kind: restart, lasts: 3s", "kind: restart, lasts: 3s, keeps_sessions: true"
	for _, row := range []struct {
		name, fault string
		from, to    time.Duration // since T0; the restart is from 2 s to 5 s
		want        bool
	}{
		{"out after it", forgets, 5*s + 1, 9 * s, false},
		{"out as it ends", forgets, 5 * s, 9 * s, true},
		{"out during it", forgets, 3 * s, 4 * s, true},
		{"out since before it", forgets, 1 * s, 3 * s, true},
		{"ended as it begins", forgets, 1 * s, 2 * s, true},
		{"ended before it", forgets, 1 * s, 2*s - 1, false},
		{"it keeps the sessions", keeps, 1 * s, 3 * s, false},
		{"no restart at all", "kind: rst, population: members, hit: 1", 1 * s, 3 * s, false},
	} {
		r := newRun(newFake(t, script{}).config(t, planOf(t, base, "phases.warmup=0s", "phases.steady=9s", "faults=[{name: F, at: 2s, "+row.fault+"}]")))
		w := r.workers[0]
		w.t0 = time.Hour
		if got := w.restarted(w.t0+row.from, w.t0+row.to); got != row.want {
			t.Errorf("%s: %t, want %t", row.name, got, row.want)
		}
		if w.t0 = 0; w.restarted(row.from, row.to) {
			t.Errorf("%s: a restart before the schedule began", row.name)
		}
	}
}

// A restart is made once, however many workers and processes there are; none is made once
// publishing has stopped.
func TestRestartsAreMadeOnce(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name    string
		share   Share
		stopped bool
		want    []string
	}{
		{"alone", Share{}, false, []string{"F1 restart", "F2 restart"}},
		{"the first process", Share{Index: 0, Of: 2}, false, []string{"F1 restart", "F2 restart"}},
		{"another process", Share{Index: 1, Of: 2}, false, nil},
		{"stopped", Share{}, true, nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			cfg := newFake(t, script{}).config(t, planOf(t, base, "phases.steady=9s",
				"faults=[{name: F1, at: 2s, kind: restart, lasts: 1s}, {name: F2, at: 5s, kind: restart, lasts: 1s}]"))
			sim := wire.NewSimulation(wire.Link{}, 1)
			cfg.Dialer, cfg.Share = &wire.Dialer{Simulation: sim}, row.share
			var made []string
			cfg.Target.Restart = func(_ context.Context, f *scenario.Fault) (string, error) {
				made = append(made, f.Name+" "+f.Kind)
				return "", nil
			}
			r := newRun(cfg)
			for _, w := range r.workers {
				w.ctx, w.t0 = t.Context(), sim.Now()
				w.startRestarts()
				if row.stopped {
					w.pacer.stop()
				}
			}
			if sim.Run(sim.Now()+9*time.Second, func() bool { return false }); !slices.Equal(made, row.want) || len(r.workers) != 2 {
				t.Errorf("%d workers made %q, want two and %q", len(r.workers), made, row.want)
			}
		})
	}
}
