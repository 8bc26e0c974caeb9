package runner

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/scenario"
	"github.com/wpsbench/wpsbench/wire"
)

const (
	tickEvery  = time.Second            // intervals are handed over this often
	pulseEvery = 100 * time.Millisecond // counters for the controller are refreshed this often
)

// worker owns a share of the sessions and everything about them. All its methods
// run on its loop's goroutine unless they say otherwise.
type worker struct {
	run      *run
	index    int
	loop     *wire.Loop
	checker  *metrics.Checker
	recorder *metrics.Recorder
	sampler  *metrics.FanoutSampler

	t0      time.Duration // 0 until the schedule begins
	cut     time.Duration // when a stop ended it early; 0 = not
	members []*member     // in the order they connect
	callers []*caller     // the publishers over the REST API
	// sessionless counts the owned connections of the plan that are none: those of REST
	// populations. They are ready from the start and finished at the end.
	sessionless int
	started     int // members[:started] have been opened
	opener      *wire.Timer

	nemeses []*nemesis // by fault
	pacer   pacer
	cursors map[int]*scenario.Schedule // by publisher, see scheduled

	calls sync.WaitGroup  // goroutines of REST calls
	ctx   context.Context // theirs: done when the worker is to end

	leaving
	budget            metrics.BudgetPeak // of the interval under way
	bytesIn, bytesOut uint64             // as of the last tick
	owed              int64              // copies under way as of the last tick
	payload           []byte             // scratch
	message           wire.Publish       // scratch
	tick              int
	pulse             pulse
}

// counts of one worker that the record sums up.
type counts struct {
	steadySent               uint64
	duplicate                uint64
	resent                   uint64
	payloadSent, payloadRecv []uint64 // bytes, by population
	absent                   []uint64 // due while their session was away by churn, by population
	unsent                   uint64   // due with a session to take them, never sent
	exhausted                uint64   // sockets refused for want of descriptors, ports or memory
	outstanding              int      // acked publishes without an answer yet
	backlog                  int      // due, not sent
	away, finished           int
	doomed                   int // members with a doom
	gone                     int // of finished: not closed by us
	open, recovering         gauge
}

// gauge is a number of sessions and how low and high it has been in the present tick:
// what drops and comes back within a second is seen all the same.
type gauge struct{ now, low, high int }

func (g *gauge) add(n int) {
	g.now += n
	g.low, g.high = min(g.low, g.now), max(g.high, g.now)
}

// reset begins a tick.
func (g *gauge) reset() { g.low, g.high = g.now, g.now }

// pulse is what a worker lets the controller see, refreshed every pulseEvery.
type pulse struct {
	ready                            atomic.Int64
	open, recovering, away, finished atomic.Int64
	probing                          atomic.Int64
	expected, delivered, violations  atomic.Uint64
	outstanding, backlog             atomic.Int64
	first                            atomic.Pointer[string] // what the first violation is
}

func (p *pulse) firstViolation() string {
	if first := p.first.Load(); first != nil {
		return *first
	}
	return ""
}

func newWorker(r *run, index int, connections []int) *worker {
	w := &worker{
		run:      r,
		index:    index,
		loop:     wire.NewLoop(r.cfg.Dialer, r.cfg.Transport),
		checker:  metrics.NewChecker(r.topology, r.cfg.Profile, connections),
		recorder: metrics.NewRecorder(r.windows, r.views),
		sampler:  r.newSampler(len(connections)),
		leaving:  leaving{incidents: make([]incidentShard, len(r.incidents)+1)},
	}
	populations := len(r.plan.Scenario.Populations)
	w.counts.payloadSent, w.counts.payloadRecv = make([]uint64, populations), make([]uint64, populations)
	w.counts.absent = make([]uint64, populations)
	w.loop.OnReceiveDelay(func(now, delay time.Duration) {
		w.recorder.Record(metrics.ReceiveDelay, w.sinceT0(now), -1, delay) // of no population
	})
	w.pacer.init(w)
	w.opener = w.loop.NewTimer(w.openDue)
	sessions := slices.DeleteFunc(slices.Clone(connections), func(c int) bool {
		byREST := r.plan.Scenario.Populations[r.plan.PopulationOf(c)].Protocol == scenario.ProtocolREST
		if byREST && r.plan.PublisherOf(c) >= 0 {
			w.callers = append(w.callers, newCaller(w, r.plan.PublisherOf(c)))
		}
		return byREST
	})
	w.sessionless = len(connections) - len(sessions)
	slices.SortFunc(sessions, func(a, b int) int {
		return int(r.plan.ConnectAt(a) - r.plan.ConnectAt(b))
	})
	w.members = make([]*member, len(sessions))
	for i, c := range sessions {
		w.members[i] = newMember(w, c)
	}
	w.funnel.Planned = len(sessions)
	return w
}

// runLoop runs the worker until ctx is done; it is called on a goroutine of its own.
func (w *worker) runLoop(ctx context.Context) error {
	w.ctx = ctx
	defer w.calls.Wait()
	return w.loop.Run(ctx)
}

// connect opens the members at their planned instants and starts the ticks.
func (w *worker) connect(time.Duration) {
	w.pulse.ready.Add(int64(w.sessionless))
	w.openDue(w.loop.Now())

	var ticker, pulser *wire.Timer
	ticker = w.loop.NewTimer(func(now time.Duration) {
		// Whoever was held up for seconds hands them over as the last of them.
		w.tick = max(w.tick, int((now-w.run.start)/tickEvery)-1)
		w.handOver()
		ticker.Set(w.run.start + time.Duration(w.tick+1)*tickEvery)
	})
	ticker.Set(w.run.start + tickEvery)
	pulser = w.loop.NewTimer(func(now time.Duration) {
		w.beat(now)
		pulser.Set(now + pulseEvery)
	})
	pulser.Set(w.run.start + pulseEvery)
}

func (w *worker) openDue(now time.Duration) {
	for w.started < len(w.members) {
		m := w.members[w.started]
		if at := w.run.start + w.run.plan.ConnectAt(m.id); at > now {
			w.opener.Set(at)
			return
		}
		w.started++
		w.funnel.Attempted++
		m.client.Start(now)
	}
}

// begin starts the schedule, whose first instant is the run's T0.
func (w *worker) begin(now time.Duration) {
	w.t0 = w.run.t0
	for _, m := range w.members {
		if m.publisher != nil {
			w.pacer.add(m.publisher)
		}
	}
	for _, c := range w.callers {
		w.pacer.add(c.publisher)
	}
	for _, m := range w.members {
		m.churn.begin()
	}
	w.startNemeses()
	w.startRestarts()
	w.pacer.wake(now)
}

// beat refreshes what the controller may see.
func (w *worker) beat(now time.Duration) {
	probing := 0
	for _, m := range w.members {
		if m.publisher != nil && len(m.publisher.backlog) > 0 {
			m.publisher.flush()
		}
		if m.client.Probing() {
			probing++
		}
		if m.recovery != nil && w.checker.RecheckCatchUp(m.id) {
			m.owedNothing(now)
		}
		m.churn.beat(now)
	}
	p := w.checker.Progress()
	w.pulse.expected.Store(p.Expected)
	w.pulse.delivered.Store(p.Delivered)
	if p.Violations > 0 && w.pulse.violations.Swap(p.Violations) == 0 {
		w.pulse.first.Store(&p.First)
	}
	w.pulse.open.Store(int64(w.counts.open.now))
	w.pulse.recovering.Store(int64(w.counts.recovering.now))
	w.pulse.away.Store(int64(w.counts.away + w.counts.doomed))
	w.pulse.probing.Store(int64(probing))
	w.pulse.outstanding.Store(int64(w.counts.outstanding))
	w.pulse.backlog.Store(int64(w.counts.backlog))
}

// handOver gives the interval that just ended to the controller.
func (w *worker) handOver() {
	var in, out uint64
	for i := range w.run.sessions {
		s := w.loop.Stats(&w.run.sessions[i])
		in += s.BytesIn
		out += s.BytesOut
	}
	iv := w.recorder.Swap()
	iv.BytesReceived, iv.BytesSent = in-w.bytesIn, out-w.bytesOut
	w.bytesIn, w.bytesOut = in, out
	iv.Budget = w.budget
	w.budgetPeak.Raise(w.budget)
	w.budget = metrics.BudgetPeak{}
	iv.Open, iv.Recovering = w.counts.open.low, w.counts.recovering.high
	w.counts.open.reset()
	w.counts.recovering.reset()
	p := w.checker.Progress()
	owed := int64(p.Expected) - int64(p.Delivered)
	iv.Owed, iv.Gone = owed-w.owed, w.counts.gone
	w.owed = owed
	w.run.handOver(w.tick, iv)
	w.tick++
}

// probe asks every session for a sign of life.
func (w *worker) probe(now time.Duration) {
	for _, m := range w.members {
		m.client.Probe(now)
	}
	w.beat(now)
}

// sendWindow counts what comes due at an instant since T0.
func (w *worker) sendWindow(due time.Duration) *sendWindow {
	tick := int((w.t0 + due - w.run.start) / tickEvery)
	for len(w.sends) <= tick {
		w.sends = append(w.sends, sendWindow{})
	}
	return &w.sends[tick]
}

// stopPublishing ends the schedule at an instant: what was due by then still goes out.
func (w *worker) stopPublishing(now, end time.Duration) {
	w.cut = end
	w.pacer.finish(end)
	for _, m := range w.members {
		m.churn.stop()
	}
	w.beat(now)
}

// closeAll ends every session in the way that leaves nothing behind on the service (code 1000).
func (w *worker) closeAll(now time.Duration) {
	for _, m := range w.members {
		if m.publisher != nil {
			m.publisher.discard()
		}
	}
	for _, c := range w.callers {
		c.publisher.discard()
	}
	w.pacer.abandon(now)
	w.pulse.finished.Add(int64(w.sessionless))
	w.shard = w.checker.Shard() // the closing that follows is no evidence
	w.opener.Stop()
	for _, m := range w.members {
		m.giveUp()
		m.close(now)
	}
	w.beat(now)
}

// countTraffic counts the bytes and the messages without payload, by population.
func (w *worker) countTraffic() []metrics.Totals {
	traffic := make([]metrics.Totals, len(w.run.sessions))
	for i := range traffic {
		t := &traffic[i]
		t.Bytes.PayloadSent = w.counts.payloadSent[i]
		t.Bytes.PayloadReceived = w.counts.payloadRecv[i]
		s := w.loop.Stats(&w.run.sessions[i])
		t.Bytes.Sent, t.Bytes.Received = s.BytesOut, s.BytesIn
		t.Messages.SequenceAcks = s.SequenceAcks
		t.Messages.Pings, t.Messages.Pongs, t.Messages.Unknown = s.Pings, s.Pongs, s.Unknown
	}
	return traffic
}

// sinceT0 places an instant in the plan's time; what lies before T0 belongs to the connect phase.
func (w *worker) sinceT0(at time.Duration) time.Duration {
	if w.t0 == 0 || at < w.t0 {
		return -1
	}
	return at - w.t0
}

// dueBy counts what the plan had due at an instant, per publisher and address; after a
// stop, what it had due by that.
func (w *worker) dueBy(at time.Duration) func(publisher, slot int) uint64 {
	if w.cut != 0 {
		at = min(at, w.cut)
	}
	since := w.sinceT0(at)
	return func(publisher, slot int) uint64 {
		if since < 0 {
			return 0
		}
		slots := uint64(len(w.run.topology.Publishers[publisher].Addresses))
		return (w.scheduled(publisher, since) + slots - 1 - uint64(slot)) / slots
	}
}

// scheduled is how many messages of a publisher the plan has due by an instant that
// only grows. Poisson arrivals can but be counted, so each is counted once and not
// again for every session that recovers; the others are arithmetic and need no cursor.
func (w *worker) scheduled(publisher int, since time.Duration) uint64 {
	plan := w.run.plan
	population := w.run.topology.Publishers[publisher].Population
	if plan.Scenario.Populations[population].Publish.Arrival.Kind != scenario.ArrivalPoisson {
		return plan.Schedule(publisher).DueBy(since)
	}
	if w.cursors == nil {
		w.cursors = map[int]*scenario.Schedule{}
	}
	cursor := w.cursors[publisher]
	if cursor == nil {
		cursor = plan.Schedule(publisher)
		w.cursors[publisher] = cursor
	}
	return cursor.Pass(since)
}
