package runner

import (
	"slices"
	"sort"
	"time"

	"github.com/wpsbench/wpsbench/scenario"
	"github.com/wpsbench/wpsbench/wire"
)

// nemesis lets one fault strike the sessions of one worker, at the instants of the
// plan and in its order.
type nemesis struct {
	w          *worker
	fault      *scenario.Fault
	injections *scenario.Injections
	victims    []*member // the worker's sessions by id
	crowds     crowds    // of a fault that hits all of a user or a group; else nil
	timer      *wire.Timer

	next      scenario.Injection // the next one for a session of ours, or for a crowd
	more      bool               // there is one
	victim    *member            // whom it hits, if no crowd
	struck    int                // injections into crowds so far
	condemned map[int][]*member  // by each of them that is not over
	incident  int                // the earliest that may still get an injection from us
	end       int                // past the fault's last
}

// startNemeses sets the faults of the plan on this worker's sessions.
func (w *worker) startNemeses() {
	if len(w.run.plan.Scenario.Faults) == 0 {
		return
	}
	victims := slices.Clone(w.members)
	slices.SortFunc(victims, func(a, b *member) int { return a.id - b.id })
	for i := range w.run.plan.Scenario.Faults {
		n := &nemesis{w: w, fault: &w.run.plan.Scenario.Faults[i], injections: w.run.plan.Injections(i), victims: victims}
		n.incident, n.end = w.run.incidentsOf(i)
		n.crowds, n.condemned = newCrowds(w, n.fault), map[int][]*member{}
		w.nemeses = append(w.nemeses, n)
		n.timer = w.loop.NewTimer(n.strike)
		n.advance()
		n.await()
	}
}

// advance goes on to the next injection of ours, and tells of the incidents that are
// over with it.
func (n *nemesis) advance() {
	for n.more = false; !n.more; {
		in, ok := n.injections.Next()
		if !ok {
			in.Incident = n.end
		}
		for ; n.incident < in.Incident; n.incident++ {
			n.w.run.struckAll(n.incident)
		}
		if !ok {
			return
		}
		n.next, n.victim = in, n.memberOf(in.Connection)
		n.more = n.victim != nil || n.crowds != nil
	}
}

func (n *nemesis) memberOf(connection int) *member {
	i := sort.Search(len(n.victims), func(i int) bool { return n.victims[i].id >= connection })
	if i == len(n.victims) || n.victims[i].id != connection {
		return nil
	}
	return n.victims[i]
}

func (n *nemesis) await() {
	if n.more {
		n.timer.Set(n.w.t0 + n.next.At)
	}
}

// strike makes every injection that is due.
func (n *nemesis) strike(now time.Duration) {
	w := n.w
	if w.pacer.stopped {
		return
	}
	var closing []*member // by the service
	var closingAll []crowd
	for ; n.more && w.t0+n.next.At <= now; n.advance() {
		if n.crowds != nil {
			if c, last := n.strikeCrowd(now); last {
				closingAll = append(closingAll, c)
			}
			continue
		}
		m, i := n.victim, n.next.Incident
		w.incidents[i].begin(now)
		if m.strike(now, i, n.fault) {
			w.run.struck(i)
			if n.fault.Kind == scenario.FaultRESTClose {
				w.run.calling(i)
				closing = append(closing, m)
			}
		}
	}
	if len(closing) > 0 {
		w.closeByREST(closing)
	}
	if len(closingAll) > 0 {
		w.closeCrowds(closingAll)
	}
	n.await()
}
