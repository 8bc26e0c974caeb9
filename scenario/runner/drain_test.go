package runner

import (
	"context"
	"testing"
	"time"

	"github.com/wpsbench/wpsbench/metrics"
)

// stepping is a driver whose time passes while the controller sleeps, and not otherwise.
type stepping struct {
	driver
	at time.Duration
}

func (s *stepping) now() time.Duration { return s.at }

func (s *stepping) sleep(_ <-chan struct{}, d time.Duration) { s.at += d }

// draining is a part of a run that drains as a test has it.
type draining struct {
	part
	clock  *stepping
	began  time.Duration
	at     func(since time.Duration, probed bool) standing
	shards []*metrics.Shard
	probes []time.Duration // when it was asked to, since the drain began
	asked  []time.Duration
}

func (d *draining) since() time.Duration { return d.clock.at - d.began }

func (d *draining) beat()              {}
func (d *draining) size() int          { return 1 }
func (d *draining) standing() standing { return d.at(d.since(), len(d.probes) > 0) }
func (d *draining) probe()             { d.probes = append(d.probes, d.since()) }
func (d *draining) evidence(<-chan struct{}) []*metrics.Shard {
	d.asked = append(d.asked, d.since())
	return d.shards
}

// lostOne is the evidence of a copy that was acknowledged and has not come.
func lostOne(t *testing.T, r *run) []*metrics.Shard {
	t.Helper()
	w := r.workers[0]
	m := w.members[0]
	w.checker.Opened(r.t0-2, m.id, false)
	w.checker.Joining(m.id)
	w.checker.Joined(r.t0-1, m.id)
	w.checker.Sent(m.publisher.id, 0, 1, 0)
	w.checker.Outcome(m.publisher.id, 0, 1, metrics.OutcomeOK)
	return []*metrics.Shard{w.checker.Peek()}
}

// The drain ends when all has come, or when nothing that is owed may still come; what keeps it
// from ending, when it asks whom, and when it is cut short: to the length of a poll.
func TestDrain(t *testing.T) {
	t.Parallel()
	const s, ms = time.Second, time.Millisecond
	const never = 1 << 62
	all := standing{Expected: 10, Delivered: 10}
	some := standing{Expected: 10, Delivered: 9}
	still := func(x standing) func(time.Duration, bool) standing {
		return func(time.Duration, bool) standing { return x }
	}
	// until is x with what change does to it, up to an instant.
	until := func(end time.Duration, x standing, change func(*standing)) func(time.Duration, bool) standing {
		changed := x
		change(&changed)
		return func(since time.Duration, _ bool) standing {
			if since < end {
				return changed
			}
			return x
		}
	}
	away := func(x *standing) { x.Away = 1 }
	recovering := func(x *standing) { x.Recovering = 1 }
	outstanding := func(x *standing) { x.Outstanding = 1 }
	backlog := func(x *standing) { x.Backlog = 1 }
	// answered is x where probes are answered after so long.
	answered := func(x standing, after time.Duration) func(time.Duration, bool) standing {
		return func(since time.Duration, probed bool) standing {
			y := x
			if probed && since < after {
				y.Probing = 3
			}
			return y
		}
	}
	trickling := func(since time.Duration, _ bool) standing {
		return standing{Expected: 1000, Delivered: uint64(since / (400 * ms))}
	}
	for _, row := range []struct {
		name    string
		at      func(since time.Duration, probed bool) standing
		missing bool // the checkers know of a copy that is owed
		edit    func(r *run)
		stop    time.Duration // since the drain began; 0 = none
		killed  bool          // cut was done before it began
		want    time.Duration // how long it takes
		cut     bool
		probes  int
		asked   int
	}{
		{name: "everything is there", at: still(all)},
		{name: "copies are under way", at: until(2*s, all, func(x *standing) { x.Delivered = 9 }), missing: true, want: 2 * s, asked: 1},
		{name: "an ack is", at: until(2*s, all, outstanding), want: 2 * s},
		{name: "a publish waits for its session", at: until(2*s, all, backlog), want: 2 * s},
		{name: "a session is away", at: until(8*s, all, away), want: 8 * s},
		{name: "a session has not caught up", at: until(2*s, all, recovering), want: 2 * s},
		{name: "a session never catches up", at: until(never, all, recovering), want: 5 * s, probes: 1},
		{name: "what is missing is excused", at: still(some), want: 500 * ms, asked: 1},
		{name: "what is missing is owed", at: still(some), missing: true, want: 5 * s, probes: 1, asked: 1},
		{name: "excused, but an ack is owed", at: until(never, some, outstanding), want: 5 * s, probes: 1},
		{name: "excused, but a publish waits", at: until(3*s, some, backlog), want: 3 * s, probes: 1, asked: 1},
		{name: "excused, but a session has not caught up", at: until(never, some, recovering), want: 5 * s, probes: 1},
		{name: "excused, but a session is away", at: until(4*s, some, away), want: 4500 * ms, asked: 1},
		{name: "quiet begins when the last is back", at: until(4*s, some, away), missing: true, want: 9 * s, probes: 1, asked: 1},
		{name: "a session takes its time to answer", at: answered(some, 9*s), missing: true, want: 9 * s, probes: 1, asked: 1},
		{name: "a session never answers", at: answered(some, never), missing: true, want: 30 * s, cut: true, probes: 1, asked: 1},
		{name: "a session never comes back", at: until(never, some, away), want: 30 * s, cut: true},
		{name: "copies keep coming", at: trickling, missing: true, want: 30 * s, cut: true},
		{
			name: "a sample, all counted and excused", at: still(all), want: 500 * ms, asked: 1,
			edit: func(r *run) { r.topology.Subscribers[0].Counted = true },
		},
		{
			name: "less time than quiet takes", at: still(some), missing: true, want: 3 * s, cut: true, probes: 1, asked: 1,
			edit: func(r *run) { r.plan.Scenario.Phases.Drain = 3 * s },
		},
		{name: "interrupted before it", at: trickling, missing: true, edit: func(r *run) { r.interrupted = true }, want: 5 * s, cut: true},
		{name: "a limit has ended the run", at: trickling, missing: true, edit: func(r *run) { r.aborted = "a limit" }, want: 5 * s, cut: true},
		{name: "interrupted in it", at: trickling, missing: true, stop: 2 * s, want: 7 * s, cut: true},
		{name: "cut off", at: trickling, missing: true, killed: true, cut: true},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			r := newRun(newFake(t, script{}).config(t, planOf(t, base)))
			clock := &stepping{driver: r.driver, at: r.start + time.Minute}
			r.driver, r.t0 = clock, r.start
			p := &draining{clock: clock, began: clock.at}
			if row.missing {
				p.shards = lostOne(t, r)
			}
			if row.edit != nil {
				row.edit(r)
			}
			interrupted := r.interrupted
			stop, endStop := context.WithCancel(t.Context())
			defer endStop()
			cut, endCut := context.WithCancel(t.Context())
			defer endCut()
			p.at = func(since time.Duration, probed bool) standing {
				if row.stop != 0 && since >= row.stop {
					endStop()
				}
				return row.at(since, probed)
			}
			if row.killed {
				endCut()
			}
			r.parts = []part{p}
			r.drain(stop, cut)
			if took := p.since(); took < row.want || took >= row.want+2*pollEvery {
				t.Errorf("it takes %v, want %v", took, row.want)
			}
			if r.drainCut != row.cut {
				t.Errorf("cut short: %t, want %t", r.drainCut, row.cut)
			}
			if len(p.probes) != row.probes || len(p.asked) != row.asked {
				t.Errorf("probed at %v, asked the checkers at %v; want %d and %d times", p.probes, p.asked, row.probes, row.asked)
			}
			if want := interrupted || row.stop != 0; r.interrupted != want {
				t.Errorf("interrupted: %t, want %t", r.interrupted, want)
			}
		})
	}
}
