package runner

import (
	"context"
	"runtime"
	"runtime/debug"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/wpsbench/wpsbench/wire"
)

// driver lets the workers run and the controller wait: on real time, or in a simulation.
type driver interface {
	// start lets the workers run until ctx ends or one of them cannot; wait returns when
	// they have ended.
	start(ctx context.Context, workers []*worker) (wait func() error)
	now() time.Duration
	// sleep returns after d, or as soon as done is.
	sleep(done <-chan struct{}, d time.Duration)
	// each runs fn on every worker's loop and returns when it has run on all.
	each(workers []*worker, fn func(*worker, time.Duration))
	// park has every worker stand still until resume is closed, and returns when they do.
	park(workers []*worker, resume <-chan struct{})
	// beside runs fn, which may take its time, and calls counts it meanwhile.
	beside(calls *sync.WaitGroup, fn func())
	// tidy gives back the memory that is not needed any more, the workers' too.
	tidy(workers []*worker)
}

func newDriver(d *wire.Dialer) driver {
	if d != nil && d.Simulation != nil {
		return &simulated{world: d.Simulation}
	}
	return &realTime{}
}

// realTime has a goroutine for each worker.
type realTime struct {
	loosen func() // undoes tighten; nil before
}

func (d *realTime) start(ctx context.Context, workers []*worker) func() error {
	group, ctx := errgroup.WithContext(ctx)
	for _, w := range workers {
		group.Go(func() error { return w.runLoop(ctx) })
	}
	return func() error {
		err := group.Wait()
		if d.loosen != nil {
			d.loosen()
		}
		return err
	}
}

func (*realTime) now() time.Duration { return wire.Now() }

func (*realTime) sleep(done <-chan struct{}, d time.Duration) {
	select {
	case <-done:
	case <-time.After(d):
	}
}

func (*realTime) each(workers []*worker, fn func(*worker, time.Duration)) {
	var wg sync.WaitGroup
	for _, w := range workers {
		wg.Add(1)
		if !w.loop.Do(func(now time.Duration) { defer wg.Done(); fn(w, now) }) {
			wg.Done()
		}
	}
	wg.Wait()
}

func (*realTime) park(workers []*worker, resume <-chan struct{}) {
	var parked sync.WaitGroup
	for _, w := range workers {
		parked.Add(1)
		if !w.loop.Do(func(time.Duration) { parked.Done(); <-resume }) {
			parked.Done()
		}
	}
	parked.Wait()
}

func (*realTime) beside(calls *sync.WaitGroup, fn func()) { calls.Go(fn) }

// tidy collects twice, because pools give up what they keep at the second time.
func (d *realTime) tidy(workers []*worker) {
	d.each(workers, func(w *worker, _ time.Duration) { w.loop.GiveUp() })
	if d.loosen == nil { // the sessions are ready; each later time is a checkpoint's
		d.loosen = tighten()
	}
	runtime.GC()
	debug.FreeOSMemory()
	forgetFiles()
}

// simulated lets time pass while the controller sleeps: between, everything stands still.
type simulated struct {
	world *wire.Simulation
}

func (s *simulated) start(ctx context.Context, workers []*worker) func() error {
	for _, w := range workers {
		w.ctx = ctx
	}
	return func() error {
		for _, w := range workers {
			w.loop.Stop()
		}
		return nil
	}
}

func (s *simulated) now() time.Duration { return s.world.Now() }

func (s *simulated) sleep(done <-chan struct{}, d time.Duration) {
	s.world.Run(s.world.Now()+d, func() bool {
		select {
		case <-done:
			return true
		default:
			return false
		}
	})
}

func (s *simulated) each(workers []*worker, fn func(*worker, time.Duration)) {
	for _, w := range workers {
		w.loop.Sync(func(now time.Duration) { fn(w, now) })
	}
}

func (*simulated) park([]*worker, <-chan struct{}) {}

// beside lets no time pass.
func (*simulated) beside(_ *sync.WaitGroup, fn func()) { fn() }

func (*simulated) tidy([]*worker) {}
