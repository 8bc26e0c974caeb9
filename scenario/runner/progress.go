package runner

import (
	"math"
	"time"

	"github.com/wpsbench/wpsbench/metrics"
)

// Steps that follow the phases of a run: no phases themselves, since nothing is measured in them.
const (
	stepClosing = "closing"
	stepJudging = "judging"
)

// Progress is the state of a run at one instant, for people who watch.
type Progress struct {
	Since    time.Duration // since the start of the run
	Schedule time.Duration // since T0; negative before it is set
	Phase    string        // a phase of the plan, then closing and judging
	Event    string        // non-empty: something happened; the counters stand beside it

	Planned int // sessions, and callers of the REST API
	Ready   int // of those, how many have ever been connected and in their groups
	Open    int // attached sessions
	// Recovering sessions lost their transport and are on their way back.
	Recovering int

	metrics.Latest // rates and latencies of the newest second, totals so far

	// Expected copies and those of them that arrived, so far.
	Expected, Delivered uint64
	// Violations were charged so far; the judge has the last word.
	Violations uint64

	Fault     FaultProgress
	Generator GeneratorProgress
}

// FaultProgress is how far the sessions are which the newest fault has hit.
type FaultProgress struct {
	Name, Kind string // empty: no fault has struck yet
	Hit, Back  int    // sessions; Back of them have caught up
}

// GeneratorProgress is what the newest second cost this process; negative = not measured.
type GeneratorProgress struct{ CPU, GC float64 } // shares of what it may use, and of what it used

// report calls Progress for pending events and once per complete interval; it says
// whether there was one.
func (r *run) report() (fresh bool) {
	r.collect()
	r.watch(r.driver.now())
	r.inspect()
	latest, fresh := r.collector.Latest(r.workerCount(), tickEvery)
	if fresh {
		r.checkpoint(latest)
	}
	if r.cfg.Progress == nil {
		return fresh
	}
	s := r.standing()
	r.mu.Lock()
	pending := r.pending
	r.pending = nil
	r.mu.Unlock()
	if s.Violations > 0 && !r.accused {
		r.accused = true
		pending = append(pending, "violated "+s.First)
	}
	if !fresh && len(pending) == 0 {
		return fresh
	}
	p := r.progress(latest, s)
	for _, text := range pending {
		p.Event = text
		r.cfg.Progress(p)
	}
	if p.Event = ""; fresh {
		r.cfg.Progress(p)
	}
	return fresh
}

// step tells people what goes on when no phase does.
func (r *run) step(name string) {
	r.mu.Lock()
	r.phase = name
	r.mu.Unlock()
	if r.cfg.Progress != nil {
		r.cfg.Progress(r.progress(r.lastLatest(), r.standing()))
	}
}

func (r *run) lastLatest() metrics.Latest {
	latest, _ := r.collector.Latest(r.workerCount(), tickEvery)
	return latest
}

// inspect serves at most one who wants to look at the collector.
func (r *run) inspect() {
	select {
	case look := <-r.cfg.Inspect:
		look(r.collector)
	default:
	}
}

func (r *run) progress(latest metrics.Latest, s standing) Progress {
	now := r.driver.now()
	p := Progress{
		Since:      now - r.start,
		Schedule:   -1,
		Planned:    r.plan.Connections,
		Ready:      int(s.Ready),
		Open:       int(s.Open),
		Recovering: int(s.Recovering),
		Latest:     latest,
		Expected:   s.Expected,
		Delivered:  s.Delivered,
		Violations: s.Violations,
		Fault:      r.faultProgress(),
		Generator:  r.generatorProgress(),
	}
	if r.t0 != 0 {
		p.Schedule = max(0, now-r.t0)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	p.Phase = r.phase
	return p
}

// faultProgress is about the incident that hit a session last.
func (r *run) faultProgress() FaultProgress {
	var newest FaultProgress
	var at time.Duration
	for i, in := range r.incidents {
		if in.At < at {
			continue
		}
		if t := r.tally(i); t.hit > 0 {
			at = in.At
			newest = FaultProgress{Name: in.ID, Kind: r.plan.Scenario.Faults[in.Fault].Kind, Hit: t.hit, Back: t.back + t.again}
		}
	}
	return newest
}

func (r *run) generatorProgress() GeneratorProgress {
	g := GeneratorProgress{CPU: -1, GC: -1}
	if n := len(r.seen); n > 0 {
		last := &r.seen[n-1]
		g = GeneratorProgress{CPU: measuredOr(last.cpu, -1), GC: measuredOr(last.gc, -1)}
	}
	return g
}

func measuredOr(v, missing float64) float64 {
	if math.IsNaN(v) {
		return missing
	}
	return v
}
