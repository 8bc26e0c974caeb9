package runner

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/scenario"
	"github.com/wpsbench/wpsbench/wire"
)

const (
	pollEvery = 20 * time.Millisecond // the controller looks at the workers' counters this often
	// headStart lies between "all sessions are ready" and T0, so that every worker knows T0 before it comes.
	headStart = 100 * time.Millisecond
	// quiet is how long nothing may arrive before what is missing counts as lost (design.md 3.1).
	quiet = 5 * time.Second
	// settleAfter is how long nothing may arrive before the checkers are asked whether
	// anything that is missing may still come.
	settleAfter = 500 * time.Millisecond
	// interruptedDrain is what is left of the drain after a first stop.
	interruptedDrain = 5 * time.Second
	// closeTimeout bounds the closing handshakes at the end.
	closeTimeout = 5 * time.Second

	defaultConnectTimeout = time.Minute
)

// run is the state of one execution: what the workers share, and the controller.
type run struct {
	cfg       Config
	plan      *scenario.Plan
	topology  *metrics.Topology
	windows   *metrics.Windows
	views     []metrics.View
	sessions  []wire.SessionConfig // by population
	directory directory
	incidents []scenario.Incident // of the plan
	workers   []*worker

	start     time.Duration // of the connect phase
	startedAt time.Time
	t0        time.Duration // of the schedule; read by workers only after begin

	connectedOnce  atomic.Bool
	lastConnectErr atomic.Pointer[error]
	setupFailed    chan error // the first reason why the run cannot be set up

	mu      sync.Mutex
	handed  []handed
	events  []metrics.RunEvent
	notes   int
	pending []string        // event texts that Progress has not shown yet
	states  []incidentState // by incident of the plan

	collector   *metrics.Collector // controller only
	pressures   []pressure         // by tick; controller only
	aborted     string             // the limit that ended the run early
	phase       string
	phases      []metrics.PhaseResult
	publishEnd  time.Duration // planned, or where a stop cut it
	interrupted bool
	drainCut    bool
}

// Run executes the plan and returns its record.
//
// It stops in two stages. When stop is done, publishing ends at once, the drain is
// cut to five seconds and the record says interrupted. When cut is done, nothing is
// waited for any more. cut should be derived so that it ends no earlier than stop.
//
// Before the first session, if there are any, is connected a failure is returned as *SetupError with
// no record, and a stop with neither; afterwards there always is a record, beside the error if there is one.
func Run(stop, cut context.Context, cfg Config) (*metrics.Run, error) {
	api, idle, err := restOf(&cfg)
	if err != nil {
		return nil, &SetupError{Target: cfg.Target.Endpoint, Err: err}
	}
	defer idle()
	cfg.Target.REST = api
	return newRun(cfg).execute(stop, cut)
}

func (r *run) execute(stop, cut context.Context) (*metrics.Run, error) {
	ctx, end := context.WithCancel(context.WithoutCancel(cut))
	defer end()
	group, ctx := errgroup.WithContext(ctx)
	for _, w := range r.workers {
		group.Go(func() error { return w.runLoop(ctx) })
	}
	setupErr := r.control(stop, cut)
	end()
	if err := group.Wait(); err != nil && !errors.Is(err, context.Canceled) {
		return nil, fmt.Errorf("worker: %w", err)
	}
	if setupErr != nil {
		setupErr = &SetupError{Target: r.cfg.Target.Endpoint, Err: setupErr}
	}
	if !r.connectedOnce.Load() {
		return nil, setupErr
	}
	return r.record(setupErr), setupErr
}

func newRun(cfg Config) *run {
	if cfg.Workers <= 0 {
		cfg.Workers = runtime.GOMAXPROCS(0)
	}
	cfg.Workers = max(1, min(cfg.Workers, cfg.Plan.Connections))
	if cfg.ConnectTimeout <= 0 {
		cfg.ConnectTimeout = defaultConnectTimeout
	}
	r := &run{
		cfg:         cfg,
		plan:        cfg.Plan,
		topology:    newTopology(cfg.Plan, &cfg.Target, cfg.RunID),
		directory:   newDirectory(cfg.Plan),
		setupFailed: make(chan error, 1),
		start:       wire.Now(),
		startedAt:   time.Now(),
		publishEnd:  cfg.Plan.PublishEnd(),
		incidents:   cfg.Plan.Incidents(),
	}
	r.windows = newWindows(cfg.Plan)
	r.views = newViews(cfg.Plan)
	r.collector = metrics.NewCollector(r.windows, r.views)
	for i := range cfg.Plan.Scenario.Populations {
		r.sessions = append(r.sessions, sessionConfig(cfg.Plan, i))
	}
	r.states = make([]incidentState, len(r.incidents))
	sessions := 0
	for i := range cfg.Workers {
		w := newWorker(r, i, cfg.Plan.Owned(i, cfg.Workers))
		r.workers = append(r.workers, w)
		sessions += w.funnel.Planned
	}
	r.connectedOnce.Store(sessions == 0) // callers of the REST API need none
	return r
}

func sessionConfig(plan *scenario.Plan, population int) wire.SessionConfig {
	client := plan.Scenario.Populations[population].Client
	cfg, official := wire.Preset(client.Preset)
	if !official {
		cfg.Recovery = wire.RecoveryPolicy{Window: 30 * time.Second, Pause: time.Second}
		cfg.Ping = 20 * time.Second
	}
	cfg.Subprotocol = subprotocolOf(plan, population)
	cfg.SequenceAck = wire.AckPolicy{EveryMessages: client.AckMessages, Every: client.AckEvery}
	cfg.Reconnect.Base = client.ReconnectBase
	cfg.Reconnect.Max = client.ReconnectMax
	cfg.Reconnect.FullJitter = client.FullJitter
	return cfg
}

// control walks through the phases. The error says why the run could not be set up.
func (r *run) control(stop, cut context.Context) error {
	r.enter(phaseConnect)
	err := r.connect(stop)
	if err == nil && stop.Err() == nil {
		r.begin()
		r.publish(stop)
		r.drain(stop, cut)
	}
	r.interrupted = r.interrupted || (err == nil && stop.Err() != nil)
	r.leave()
	r.finish(cut)
	return err
}

// connect waits until every session is ready.
func (r *run) connect(stop context.Context) error {
	ramp := time.Duration(0)
	for c := range r.plan.Connections {
		ramp = max(ramp, r.plan.ConnectAt(c))
	}
	deadline := r.start + ramp + r.cfg.ConnectTimeout
	for {
		select {
		case err := <-r.setupFailed:
			return err
		case <-stop.Done():
			return nil
		case <-time.After(pollEvery):
		}
		r.report()
		ready := r.sum(func(p *pulse) int64 { return p.ready.Load() })
		if int(ready) == r.plan.Connections {
			return nil
		}
		if wire.Now() > deadline {
			err := fmt.Errorf("only %d of %d sessions were ready after %s",
				ready, r.plan.Connections, (wire.Now() - r.start).Round(time.Second))
			if last := r.lastConnectErr.Load(); last != nil {
				err = fmt.Errorf("%w; the last failure: %w", err, *last)
			}
			return err
		}
	}
}

// begin sets T0 and tells the workers. What connecting has left behind is collected
// first, twice because pools give up what they keep at the second time: neither its
// memory nor the collection belongs to what is measured.
func (r *run) begin() {
	runtime.GC()
	debug.FreeOSMemory()
	r.t0 = wire.Now() + headStart
	for _, w := range r.workers {
		w.loop.Do(w.begin)
	}
}

// publish waits for the end of the schedule, or for a stop.
func (r *run) publish(stop context.Context) {
	for _, p := range r.windows.Phases {
		if p.Name == phaseConnect || p.Name == phaseDrain || p.To <= p.From {
			continue
		}
		r.waitUntil(stop, r.t0+p.From)
		if stop.Err() != nil || r.aborted != "" {
			break
		}
		r.enter(p.Name)
	}
	r.waitUntil(stop, r.t0+r.plan.PublishEnd())
	if r.interrupted = stop.Err() != nil; r.interrupted || r.aborted != "" {
		r.publishEnd = max(0, wire.Now()-r.t0)
		r.note("note", "publishing stopped early: "+firstOf(r.aborted, "interrupted; a second signal ends the run at once"))
		r.onWorkers(func(w *worker, now time.Duration) { w.stopPublishing(now) })
	}
}

// drain waits until everything has arrived, until nothing arrives any more while
// all sessions are attached, or until its maximum.
func (r *run) drain(stop, cut context.Context) {
	r.enter(phaseDrain)
	began := wire.Now()
	limit := began + r.plan.Scenario.Phases.Drain
	if r.interrupted || r.aborted != "" {
		limit = min(limit, began+interruptedDrain)
	}
	seen, absent, changed := uint64(0), int64(0), began
	var asked time.Duration // the change after which the checkers were asked last
	for {
		r.onWorkers((*worker).beat)
		expected, delivered := r.sumU(func(p *pulse) uint64 { return p.expected.Load() }), r.sumU(func(p *pulse) uint64 { return p.delivered.Load() })
		owed := r.sum(func(p *pulse) int64 { return p.outstanding.Load() + p.backlog.Load() })
		recovering := r.sum(func(p *pulse) int64 { return p.recovering.Load() })
		away := r.sum(func(p *pulse) int64 { return p.away.Load() })
		now := wire.Now()
		if delivered != seen || away != absent {
			seen, absent, changed = delivered, away, now
		}
		switch {
		case delivered >= expected && owed == 0 && away == 0 && (recovering == 0 || now-changed >= quiet):
			return
		case away == 0 && now-changed >= quiet:
			return
		case owed == 0 && away == 0 && recovering == 0 && now-changed >= settleAfter && asked != changed:
			if asked = changed; r.settled() {
				return
			}
		case now >= limit:
			r.drainCut = now-changed < quiet || away > 0
			return
		case cut.Err() != nil:
			r.drainCut = true
			return
		}
		if !r.interrupted && stop.Err() != nil {
			r.interrupted = true
			limit = min(limit, now+interruptedDrain)
		}
		select {
		case <-cut.Done():
		case <-time.After(pollEvery):
		}
		r.report()
	}
}

// settled asks the checkers, while their workers stand still, whether all that is
// missing is excused.
func (r *run) settled() bool {
	shards := make([]*metrics.Shard, len(r.workers))
	resume := make(chan struct{})
	defer close(resume)
	var parked sync.WaitGroup
	for _, w := range r.workers {
		parked.Add(1)
		if !w.loop.Do(func(time.Duration) { parked.Done(); <-resume }) {
			parked.Done()
		}
	}
	parked.Wait()
	for i, w := range r.workers {
		shards[i] = w.checker.Peek()
	}
	return metrics.Settled(r.topology, metrics.JudgeOptions{Profile: r.cfg.Profile, T0: r.t0, Start: r.start}, shards...)
}

// finish closes every session and takes the last intervals.
func (r *run) finish(cut context.Context) {
	r.onWorkers(func(w *worker, now time.Duration) { w.closeAll(now) })
	deadline := wire.Now() + closeTimeout
	for cut.Err() == nil && wire.Now() < deadline {
		if int(r.sum(func(p *pulse) int64 { return p.finished.Load() })) >= r.plan.Connections {
			break
		}
		time.Sleep(pollEvery)
	}
	r.onWorkers(func(w *worker, _ time.Duration) {
		for _, m := range w.members {
			m.finish()
		}
		w.handOver() // the last, shorter interval: nothing is recorded after it
	})
}

// onWorkers runs fn on every worker's goroutine and waits for all of them.
func (r *run) onWorkers(fn func(*worker, time.Duration)) {
	var wg sync.WaitGroup
	for _, w := range r.workers {
		wg.Add(1)
		if !w.loop.Do(func(now time.Duration) { defer wg.Done(); fn(w, now) }) {
			wg.Done()
		}
	}
	wg.Wait()
}

// waitUntil returns at that instant, or when stop is done, or when a limit that
// ends the run is missed.
func (r *run) waitUntil(stop context.Context, at time.Duration) {
	for stop.Err() == nil && r.aborted == "" {
		left := at - wire.Now()
		if left <= 0 {
			return
		}
		select {
		case <-stop.Done():
		case <-time.After(min(left, 10*pollEvery)):
		}
		if r.report() {
			r.aborted = r.missedLimit()
		}
	}
}

func (r *run) sum(of func(*pulse) int64) int64 {
	var n int64
	for _, w := range r.workers {
		n += of(&w.pulse)
	}
	return n
}

func (r *run) sumU(of func(*pulse) uint64) uint64 {
	var n uint64
	for _, w := range r.workers {
		n += of(&w.pulse)
	}
	return n
}

// connectFailed ends the run when nobody has ever got in: the target cannot be
// reached, or serves nobody. Otherwise it is why sessions are missing, should the
// connect phase end without them.
func (r *run) connectFailed(err error) {
	r.lastConnectErr.Store(&err)
	if !r.connectedOnce.Load() {
		r.failSetup(err)
	}
}

func (r *run) joinRefused(group, name, message string) {
	r.mu.Lock()
	connecting := r.phase == phaseConnect
	r.mu.Unlock()
	if connecting {
		r.failSetup(fmt.Errorf("join of group %q refused: %s: %s", group, name, message))
	}
}

func (r *run) failSetup(err error) {
	select {
	case r.setupFailed <- err:
	default:
	}
}

func firstOf(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

func itoa(n int) string { return strconv.Itoa(n) }
