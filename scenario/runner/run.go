package runner

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

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
	// probeAfter is how long nothing may arrive before the sessions are asked whether they
	// are still there.
	probeAfter = quiet / 2
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
	driver    driver
	plan      *scenario.Plan
	topology  *metrics.Topology
	windows   *metrics.Windows
	views     []metrics.View
	sessions  []wire.SessionConfig // by population
	directory directory
	incidents []scenario.Incident // of the plan
	copies    uint64              // that the plan expects to be delivered
	workers   []*worker           // of this process
	parts     []part              // of the whole run; only the controller has them

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
	pending []string          // event texts that Progress has not shown yet
	states  []incidentState   // by incident of the plan
	turns   map[crowdTurn]int // workers that have struck their part of a crowd

	collector    *metrics.Collector // controller only
	seen         []pressure         // of this process, by tick; controller only
	pressed      []pressure         // of all processes, by tick; of the record
	left         []*leaving         // by worker, when they have ended
	aborted      string             // the limit that ended the run early
	accused      bool               // people know of the first violation; controller only
	phase        string
	phases       []metrics.PhaseResult
	checkpointed time.Duration // the last time; controller only
	publishEnd   time.Duration // planned, or where a stop cut it
	interrupted  bool
	drainCut     bool
}

// Run executes the plan and returns its record.
//
// It stops in two stages. When stop is done, publishing ends at once, the drain is
// cut to five seconds and the record says interrupted. When cut is done, nothing is
// waited for any more. cut should be derived so that it ends no earlier than stop.
//
// Before the first session, if there are any, is connected a failure is returned as
// *SetupError with no record, and a stop with neither; afterwards there always is a
// record, beside the error if there is one. When a process is lost (*LostError) it is
// that of the part that ran, once the schedule has begun.
func Run(stop, cut context.Context, cfg Config) (*metrics.Run, error) {
	api, idle, err := restOf(&cfg)
	if err != nil {
		return nil, &SetupError{Target: cfg.Target.Endpoint, Err: err}
	}
	defer idle()
	cfg.Target.REST = api
	if cfg.Target.Restart == nil && needsRestart(cfg.Plan) {
		return nil, &SetupError{Target: cfg.Target.Endpoint, Err: errNoRestart}
	}
	return newRun(cfg).execute(stop, cut)
}

func (r *run) execute(stop, cut context.Context) (*metrics.Run, error) {
	r.parts = []part{local{r}}
	stop, cut, dismiss, err := r.employ(stop, cut)
	if err != nil {
		return nil, err
	}
	sessions := 0
	for _, p := range r.parts {
		sessions += p.sessions()
	}
	r.connectedOnce.Store(sessions == 0) // callers of the REST API need none
	end := r.startWorkers(cut)
	setupErr := r.control(stop, cut)
	if err := errors.Join(end(), dismiss()); err != nil {
		return r.degraded(err), err
	}
	if setupErr != nil {
		setupErr = &SetupError{Target: r.cfg.Target.Endpoint, Err: setupErr}
	}
	if !r.connectedOnce.Load() {
		return nil, setupErr
	}
	r.step(stepJudging)
	for _, p := range r.parts {
		r.left = append(r.left, p.leavings()...)
	}
	return r.record(setupErr), setupErr
}

// startWorkers runs the workers of this process until end is called, which waits for
// them, or one of them cannot begin.
func (r *run) startWorkers(cut context.Context) (end func() error) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(cut))
	wait := r.driver.start(ctx, r.workers)
	return func() error {
		cancel()
		if err := wait(); err != nil && !errors.Is(err, context.Canceled) {
			return fmt.Errorf("worker: %w", err)
		}
		return nil
	}
}

func newRun(cfg Config) *run {
	if cfg.Workers <= 0 {
		cfg.Workers = runtime.GOMAXPROCS(0)
	}
	cfg.Workers = max(1, min(cfg.Workers, cfg.Plan.Connections/max(1, cfg.Share.Of)))
	if cfg.ConnectTimeout <= 0 {
		cfg.ConnectTimeout = defaultConnectTimeout
	}
	r := &run{
		cfg:         cfg,
		plan:        cfg.Plan,
		topology:    newTopology(cfg.Plan, &cfg.Target, cfg.RunID),
		directory:   newDirectory(cfg.Plan),
		setupFailed: make(chan error, 1),
		driver:      newDriver(cfg.Dialer),
		startedAt:   time.Now(),
		publishEnd:  cfg.Plan.PublishEnd(),
		incidents:   cfg.Plan.Incidents(),
		copies:      cfg.Plan.Estimate().Deliveries,
	}
	r.start = r.driver.now()
	r.windows = newWindows(cfg.Plan)
	r.views = newViews(cfg.Plan)
	r.collector = metrics.NewCollector(r.windows, r.views)
	if cfg.Seconds != nil {
		r.collector.OnTick(r.second)
	}
	for i := range cfg.Plan.Scenario.Populations {
		r.sessions = append(r.sessions, sessionConfig(cfg.Plan, i))
	}
	r.states = make([]incidentState, len(r.incidents))
	if len(cfg.Processes) > 0 {
		return r
	}
	for i, owned := range dealt(cfg.Plan, r.topology, cfg.Share, cfg.Workers) {
		r.workers = append(r.workers, newWorker(r, i, owned))
	}
	return r
}

func sessionConfig(plan *scenario.Plan, population int) wire.SessionConfig {
	client := plan.Scenario.Populations[population].Client
	cfg, official := wire.Preset(client.Preset)
	if !official {
		cfg.Recovery = wire.RecoveryPolicy{Window: 30 * time.Second, Pause: time.Second}
	}
	cfg.Subprotocol = subprotocolOf(plan, population)
	cfg.SequenceAck = wire.AckPolicy{EveryMessages: client.AckMessages, Every: client.AckEvery}
	if !official {
		cfg.SequenceAck.Along = client.AckEvery / 2
	}
	cfg.Reconnect.Base = client.ReconnectBase
	cfg.Reconnect.Max = client.ReconnectMax
	cfg.Reconnect.FullJitter = client.FullJitter
	cfg.Ping, cfg.IdleTimeout = client.Ping, client.IdleTimeout
	cfg.Recovery.Window = cmp.Or(client.RecoveryWindow, cfg.Recovery.Window)
	cfg.Recovery.Pause = cmp.Or(client.RecoveryPause, cfg.Recovery.Pause)
	return cfg
}

// control walks through the phases. The error says why the run could not be set up.
func (r *run) control(stop, cut context.Context) error {
	r.enter(phaseConnect)
	r.each(func(p part) { p.connect(r.start) })
	err := r.connect(stop)
	if err == nil && stop.Err() == nil {
		r.begin(stop)
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
		default:
		}
		if r.driver.sleep(stop.Done(), pollEvery); stop.Err() != nil {
			return nil
		}
		r.report()
		ready := r.standing().Ready
		if int(ready) == r.plan.Connections {
			return nil
		}
		if r.driver.now() > deadline {
			err := fmt.Errorf("only %d of %d sessions were ready after %s",
				ready, r.plan.Connections, (r.driver.now() - r.start).Round(time.Second))
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
func (r *run) begin(stop context.Context) {
	r.each(func(p part) { p.rest(stop) })
	t0 := r.driver.now() + headStart
	r.collector.Begin(t0-r.start, tickEvery)
	r.each(func(p part) { p.begin(t0) })
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
		end := r.driver.now()
		r.publishEnd = max(0, end-r.t0)
		r.note("note", "publishing stopped early: "+firstOf(r.aborted, "interrupted"))
		r.each(func(p part) { p.stopPublishing(end) })
	}
}

// drain waits until everything has arrived, until nothing arrives any more while
// all sessions are attached, or until its maximum. Among copies that are only counted
// one that came twice looks like one that has not come yet: the checkers know more.
func (r *run) drain(stop, cut context.Context) {
	r.enter(phaseDrain)
	began := r.driver.now()
	limit := began + r.plan.Scenario.Phases.Drain
	if r.interrupted || r.aborted != "" {
		limit = min(limit, began+interruptedDrain)
	}
	distinct := !r.topology.Sampled()
	seen, absent, changed := uint64(0), int64(0), began
	var asked time.Duration  // the change after which the checkers were asked last
	var probed time.Duration // that after which the sessions were
	for {
		r.each(part.beat)
		s := r.standing()
		owed := s.Outstanding + s.Backlog
		now := r.driver.now()
		if s.Delivered != seen || s.Away != absent {
			seen, absent, changed = s.Delivered, s.Away, now
		}
		switch {
		case distinct && s.Delivered >= s.Expected && owed == 0 && s.Away == 0 && (s.Recovering == 0 || now-changed >= quiet):
			return
		case s.Away == 0 && now-changed >= quiet && probed == changed && s.Probing == 0:
			return
		case owed == 0 && s.Away == 0 && s.Recovering == 0 && now-changed >= settleAfter && asked != changed:
			if asked = changed; r.settled() {
				return
			}
		case now >= limit:
			r.drainCut = now-changed < quiet || s.Away > 0 || s.Probing > 0
			return
		case cut.Err() != nil:
			r.drainCut = true
			return
		case s.Away == 0 && now-changed >= probeAfter && probed != changed:
			// Nothing is called lost of a session that is not shown to be there.
			probed = changed
			r.each(part.probe)
		}
		if !r.interrupted && stop.Err() != nil {
			r.interrupted = true
			limit = min(limit, now+interruptedDrain)
		}
		r.driver.sleep(cut.Done(), pollEvery)
		r.report()
	}
}

// settled asks the checkers, while their workers stand still, whether all that is
// missing is excused.
func (r *run) settled() bool {
	resume := make(chan struct{})
	defer close(resume)
	var mu sync.Mutex
	var shards []*metrics.Shard
	r.each(func(p part) {
		seen := p.evidence(resume)
		mu.Lock()
		defer mu.Unlock()
		shards = append(shards, seen...)
	})
	return metrics.Settled(r.topology, metrics.JudgeOptions{Profile: r.cfg.Profile, T0: r.t0, Start: r.start}, shards...)
}

// finish closes every session and takes the last intervals.
func (r *run) finish(cut context.Context) {
	r.step(stepClosing)
	r.each(part.closeAll)
	deadline := r.driver.now() + closeTimeout
	for cut.Err() == nil && r.driver.now() < deadline {
		if int(r.standing().Finished) >= r.plan.Connections {
			break
		}
		r.driver.sleep(cut.Done(), pollEvery)
		r.report()
	}
	r.each(part.end)
}

// waitUntil returns at that instant, or when stop is done, or when a limit that
// ends the run is missed. It reports first: people see a phase begin when it does.
func (r *run) waitUntil(stop context.Context, at time.Duration) {
	for stop.Err() == nil && r.aborted == "" {
		if r.report() {
			r.aborted = r.missedLimit()
		}
		left := at - r.driver.now()
		if left <= 0 || r.aborted != "" {
			return
		}
		r.driver.sleep(stop.Done(), min(left, 10*pollEvery))
	}
}

// connectFailed ends the run when nobody has ever got in: the target cannot be
// reached, or serves nobody. Otherwise it is why sessions are missing, should the
// connect phase end without them.
func (r *run) connectFailed(err error) {
	r.lastConnectErr.Store(&err)
	if r.cfg.Share.Of == 0 && !r.connectedOnce.Load() { // whether it has elsewhere, the controller knows
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
