package runner

import (
	"context"
	"os"
	"sync"
	"time"

	"github.com/wpsbench/wpsbench/metrics"
)

// part is the share of a run that one process executes, as the controller sees it: the
// workers of this process, or those of another one. Its methods are called by the
// controller only, one after the other.
type part interface {
	// size is how many workers it has, sessions how many sessions of the plan.
	size() int
	sessions() int
	// connect lets the sessions open, at the plan's instants from start on.
	connect(start time.Duration)
	// standing is how far the workers were a moment ago.
	standing() standing
	// rest is called when every session is ready and gives back what connecting has cost.
	rest(ctx context.Context)
	begin(t0 time.Duration)
	// stopPublishing ends the schedule at an instant a moment ago: the same for all parts,
	// because what is due later is owed to nobody, whoever was to publish it.
	stopPublishing(end time.Duration)
	// beat brings standing up to date.
	beat()
	// incidentOver ends the window of an incident at an instant since T0. Like tally it
	// is called whenever something happens.
	incidentOver(i int, at time.Duration)
	tally(i int) tally
	// probe asks every session for a sign of life: until it has answered, or is dropped
	// because it has not, standing counts it.
	probe()
	// evidence is what the checkers have seen, valid until resume is closed.
	evidence(resume <-chan struct{}) []*metrics.Shard
	closeAll()
	// end takes the last intervals; nothing is recorded after it.
	end()
	// leavings are what the workers leave behind, once they have ended.
	leavings() []*leaving
	nodes() []node
	// pressures are what the machine did to the process, by tick.
	pressures() []pressure
}

// standing is how far workers are, summed up.
type standing struct {
	Ready, Open, Recovering, Away, Finished int64
	Probing                                 int64 // see part.probe
	Expected, Delivered                     uint64
	Outstanding, Backlog                    int64
	Violations                              uint64
	First                                   string // what the first violation is
}

func (s *standing) add(o standing) {
	s.Ready += o.Ready
	s.Open += o.Open
	s.Recovering += o.Recovering
	s.Away += o.Away
	s.Finished += o.Finished
	s.Probing += o.Probing
	s.Expected += o.Expected
	s.Delivered += o.Delivered
	s.Outstanding += o.Outstanding
	s.Backlog += o.Backlog
	s.Violations += o.Violations
	s.First = firstOf(s.First, o.First)
}

// leaving is what one worker leaves behind: the record is made of nothing else.
type leaving struct {
	shard      *metrics.Shard  // from the end of the drain on
	incidents  []incidentShard // one per incident of the plan, and one for drops that nobody injected
	closes     closeCounts
	injections injectionLog
	funnel     metrics.Funnel
	counts     counts
	sends      []sendWindow // by tick, of what came due in it
	// budgetPeak is that of all intervals, selfInflicted counts drops by it.
	budgetPeak    metrics.BudgetPeak
	selfInflicted uint64
	traffic       []metrics.Totals // by population: bytes, and messages without payload
	fanout        metrics.FanoutShard
}

// node is one process of the generator, as the record needs it.
type node struct {
	pid, connections int
	peakBytes        uint64
	cpuSeconds       float64
}

// each calls fn for every part, at once, and waits for all.
func (r *run) each(fn func(part)) {
	var all sync.WaitGroup
	for _, p := range r.parts {
		all.Go(func() { fn(p) })
	}
	all.Wait()
}

func (r *run) standing() standing {
	var sum standing
	for _, p := range r.parts {
		sum.add(p.standing())
	}
	return sum
}

// workerCount is that of the whole run.
func (r *run) workerCount() int {
	n := 0
	for _, p := range r.parts {
		n += p.size()
	}
	return n
}

// local is the part that this process executes itself.
type local struct{ *run }

func (l local) size() int { return len(l.workers) }

func (l local) sessions() int {
	n := 0
	for _, w := range l.workers {
		n += w.funnel.Planned
	}
	return n
}

func (l local) connect(time.Duration) {
	for _, w := range l.workers {
		w.loop.Do(w.connect)
	}
}

func (l local) standing() standing {
	var sum standing
	for _, w := range l.workers {
		p := &w.pulse
		sum.add(standing{
			Ready: p.ready.Load(), Open: p.open.Load(), Recovering: p.recovering.Load(), Away: p.away.Load(), Finished: p.finished.Load(),
			Expected: p.expected.Load(), Delivered: p.delivered.Load(), Outstanding: p.outstanding.Load(), Backlog: p.backlog.Load(),
			Probing: p.probing.Load(), Violations: p.violations.Load(), First: p.firstViolation(),
		})
	}
	return sum
}

func (l local) rest(context.Context) { l.driver.tidy(l.workers) }

func (l local) begin(t0 time.Duration) {
	l.t0 = t0
	for _, w := range l.workers {
		w.loop.Do(w.begin)
	}
}

func (l local) stopPublishing(end time.Duration) {
	l.onWorkers(func(w *worker, now time.Duration) { w.stopPublishing(now, end) })
}

func (l local) beat()     { l.onWorkers((*worker).beat) }
func (l local) probe()    { l.onWorkers((*worker).probe) }
func (l local) closeAll() { l.onWorkers((*worker).closeAll) }

func (l local) incidentOver(i int, at time.Duration) { l.windows.Faults[i].Close(at) }

func (l local) tally(i int) tally {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.states[i].tally
}

// evidence has the workers stand still until resume is closed.
func (l local) evidence(resume <-chan struct{}) []*metrics.Shard {
	l.driver.park(l.workers, resume)
	shards := make([]*metrics.Shard, len(l.workers))
	for i, w := range l.workers {
		shards[i] = w.checker.Peek()
	}
	return shards
}

func (l local) end() {
	l.onWorkers(func(w *worker, _ time.Duration) {
		for _, m := range w.members {
			m.finish()
		}
		w.handOver() // the last, shorter interval
	})
}

func (l local) leavings() []*leaving {
	out := make([]*leaving, len(l.workers))
	for i, w := range l.workers {
		w.traffic, w.fanout = w.countTraffic(), w.sampler.Shard()
		out[i] = &w.leaving
	}
	return out
}

func (l local) nodes() []node {
	n := node{pid: os.Getpid()}
	for _, w := range l.workers {
		n.connections += len(w.members) + w.sessionless
	}
	n.peakBytes, n.cpuSeconds = processUsage()
	return []node{n}
}

func (l local) pressures() []pressure { return l.seen }

// onWorkers runs fn on every worker's loop and waits for all of them.
func (l local) onWorkers(fn func(*worker, time.Duration)) { l.driver.each(l.workers, fn) }
