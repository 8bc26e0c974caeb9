package runner

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/wpsbench/wpsbench/scenario"
	"github.com/wpsbench/wpsbench/wire"
)

// restarter makes the restarts of one fault. One worker of the whole run has it; whom they
// drop, each worker's nemesis awaits.
type restarter struct {
	w         *worker
	fault     *scenario.Fault
	timer     *wire.Timer
	next, end int // incidents
}

func (w *worker) startRestarts() {
	if w.index != 0 || w.run.cfg.Share.Index != 0 {
		return
	}
	for i := range w.run.plan.Scenario.Faults {
		f := &w.run.plan.Scenario.Faults[i]
		if f.Kind != scenario.FaultRestart {
			continue
		}
		r := &restarter{w: w, fault: f}
		r.next, r.end = w.run.incidentsOf(i)
		r.timer = w.loop.NewTimer(r.restart)
		r.await()
	}
}

func (r *restarter) await() {
	if r.next < r.end {
		r.timer.Set(r.w.t0 + r.w.run.incidents[r.next].At)
	}
}

// restart is due.
func (r *restarter) restart(time.Duration) {
	w, f, id := r.w, r.fault, r.w.run.incidents[r.next].ID
	r.next++
	r.await()
	if w.pacer.stopped {
		return
	}
	w.run.driver.beside(&w.calls, func() {
		ctx, cancel := context.WithTimeout(w.ctx, f.Lasts)
		defer cancel()
		begun := w.run.driver.now()
		said, err := w.run.cfg.Target.Restart(ctx, f)
		took := (w.run.driver.now() - begun).Round(time.Millisecond)
		if err != nil {
			w.run.note("fault", fmt.Sprintf("%s restart failed after %v: %v", id, took, err))
			return
		}
		w.run.note("fault", fmt.Sprintf("%s restart took %v: %s", id, took, said))
	})
}

// restarted tells whether a restart that may cost the target its sessions was made
// between two instants, or was still going on at the first.
func (w *worker) restarted(from, to time.Duration) bool {
	return w.t0 != 0 && slices.ContainsFunc(w.run.incidents, func(in scenario.Incident) bool {
		f := &w.run.plan.Scenario.Faults[in.Fault]
		at := w.t0 + in.At
		return f.Kind == scenario.FaultRestart && !f.KeepsSessions && at <= to && at+f.Lasts >= from
	})
}

// errNoRestart: nobody has said how.
var errNoRestart = errors.New("the fault restart needs a target that can be restarted (Target.Restart)")

func needsRestart(plan *scenario.Plan) bool {
	for i := range plan.Scenario.Faults {
		if plan.Scenario.Faults[i].Kind == scenario.FaultRestart {
			return true
		}
	}
	return false
}
