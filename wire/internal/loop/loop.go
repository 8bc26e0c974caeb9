package loop

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"
)

// eventsPerTurn bounds how much is handled before output is flushed and the
// timers are looked at again, so that a full queue delays neither by long.
const eventsPerTurn = 64

// Loop is one goroutine that runs socket handlers, timers and functions. Make one
// with New.
type Loop struct {
	now       func() time.Duration
	transport Transport
	queue     queue
	// receiveDelay is told of the sockets that are sampled; nil = none is.
	receiveDelay func(now, delay time.Duration)

	// The rest belongs to the loop's goroutine.
	batch   []event // taken off the queue
	next    int     // the first of batch that is not handled yet
	conns   map[*Conn]struct{}
	dirty   []*Conn // to be flushed at the end of the turn
	spare   *spareBuffers
	stopped bool
	poll    *poller // what waits on Polled; nil on Goroutines and outside Run
	world   *World  // which runs the loop on Simulated; otherwise nil

	timers     timerHeap
	timerOrder uint64
	due        []*Timer // scratch of fireTimers
	alarm      alarm
	armed      bool
	armedAt    time.Duration

	goroutines sync.WaitGroup // readers, flushers and the alarm's
}

// New returns a Loop that takes its instants from now, a monotonic clock that may
// be read from any goroutine. It starts nothing before Run.
func New(now func() time.Duration, t Transport) *Loop {
	return &Loop{
		now:       now,
		transport: t.Resolve(),
		queue:     queue{wake: make(chan struct{}, 1)},
		conns:     make(map[*Conn]struct{}),
		spare:     new(spareBuffers),
	}
}

// Now reads the loop's clock. Any goroutine.
func (l *Loop) Now() time.Duration { return l.now() }

// GiveUp leaves spare buffers to the garbage collector. Loop goroutine only.
func (l *Loop) GiveUp() {
	*l.spare = spareBuffers{}
	l.poll.giveUp()
}

// OnReceiveDelay has fn told, on the loop's goroutine, how long bytes lay in the kernel
// before the instant now at which the handler of their socket takes them to have been
// read: of one socket in 64, and on Polled only. Call it before Run.
func (l *Loop) OnReceiveDelay(fn func(now, delay time.Duration)) { l.receiveDelay = fn }

// Transport returns how the loop waits for its sockets. Any goroutine.
func (l *Loop) Transport() Transport { return l.transport }

// Do runs fn on the loop's goroutine, after what was queued before it. It never
// blocks and may be called from any goroutine, the loop's own included. It returns
// false after Stop, and then fn will not run; a function once accepted does run,
// so what it carries has an owner.
func (l *Loop) Do(fn func(now time.Duration)) bool {
	return l.queue.push(event{kind: eventFunc, fn: fn})
}

// Sync is Do, and returns when fn has run. It is not for the loop's own goroutine, except
// in a World, where there is but one and fn runs at once.
func (l *Loop) Sync(fn func(now time.Duration)) bool {
	if l.world != nil {
		if !l.stopped {
			fn(l.now())
		}
		return !l.stopped
	}
	done := make(chan struct{})
	accepted := l.Do(func(now time.Duration) {
		defer close(done)
		fn(now)
	})
	if accepted {
		<-done // what the loop accepts it runs, even while it stops
	}
	return accepted
}

// Stop makes Run abort every socket and return. It does not wait, so that any
// goroutine may call it, the loop's own included.
func (l *Loop) Stop() { l.queue.close() }

// Run turns the calling goroutine into the loop's until Stop. It returns when
// every socket is closed and every goroutine it started has ended. An error says
// that the loop could not begin: it was as good as stopped before Run. Call it once.
func (l *Loop) Run() error {
	err := l.Begin()
	if err != nil {
		l.Stop()
	}
	for {
		if !l.stopped {
			l.fireTimers()
		}
		l.handleBatch()
		l.poll.handle()
		l.flush()
		if l.stopped && len(l.conns) == 0 && !l.behind() {
			break
		}
		l.wait()
	}
	l.queue.onWake(nil)
	l.alarm.close()
	l.goroutines.Wait()
	return err
}

// Begin takes what the loop waits with, descriptors on Polled. Run does so itself, but
// a caller whose Run is on another goroutine learns here, before, that it will fail.
func (l *Loop) Begin() (err error) {
	if l.alarm != nil {
		return nil
	}
	if l.transport == Polled {
		if l.poll, err = newPoller(l); err == nil {
			l.alarm = l.poll
			l.queue.onWake(l.poll.wake)
			return nil
		}
		err = fmt.Errorf("begin a loop on transport %s: %w", l.transport, err)
	}
	watched := newAlarm()
	l.alarm = watched
	l.goroutines.Go(func() {
		watched.run(func() { l.queue.push(event{kind: eventAlarm}) })
	})
	return err
}

// behind says that of what was taken off the queue some is not handled yet.
func (l *Loop) behind() bool { return l.next < len(l.batch) }

// handleBatch handles some of what is queued; false means that there was nothing.
func (l *Loop) handleBatch() bool {
	if !l.behind() {
		clear(l.batch)
		var closed bool
		l.batch, closed = l.queue.take(l.batch)
		l.next = 0
		if closed && !l.stopped {
			l.abortAll()
		}
	}
	if len(l.batch) == 0 {
		return false
	}
	end := min(l.next+eventsPerTurn, len(l.batch))
	for ; l.next < end; l.next++ {
		l.handle(&l.batch[l.next])
	}
	return true
}

func (l *Loop) handle(e *event) {
	switch e.kind {
	case eventFunc:
		e.fn(l.now())
	case eventAlarm:
		l.armed = false
	case eventReceived:
		e.conn.queued(e)
	case eventEnded:
		e.conn.inputEnded(e.at, e.err)
	case eventWritten:
		e.conn.stream.(*background).flusherEnded(e.err)
	}
}

// wait waits for what comes, or, when there is something to do already, looks for it
// in passing.
func (l *Loop) wait() {
	idle := !l.behind() && l.arm() && l.queue.park()
	if l.poll != nil {
		l.poll.wait(idle)
	} else if idle {
		<-l.queue.wake
	}
	l.queue.unpark()
}

// arm sets the alarm for the earliest timer; false means that it is due already.
// An alarm that is set too early is left as it is: waking once for nothing costs
// less than setting it for every deadline that moves out.
func (l *Loop) arm() bool {
	if len(l.timers) == 0 || l.stopped {
		return true
	}
	at := l.timers[0].at
	if l.armed && at >= l.armedAt {
		return true
	}
	d := at - l.now()
	if d <= 0 {
		return false
	}
	l.alarm.set(d)
	l.armed, l.armedAt = true, at
	return true
}

func (l *Loop) flush() {
	for i, c := range l.dirty {
		l.dirty[i] = nil
		c.dirty = false
		switch {
		case c.state == connClosed:
		case c.severed:
			c.stream.reads() // it may have waited for room, which is of no use any more
		default:
			c.stream.flush()
		}
	}
	l.dirty = l.dirty[:0]
}

// abortAll ends the connections there are and accepts no more; Attach ends those that
// functions accepted before Stop still bring.
func (l *Loop) abortAll() {
	l.stopped = true
	l.poll.closeDoors()
	conns := slices.Collect(maps.Keys(l.conns))
	if l.world != nil {
		l.world.sort(conns)
	}
	for _, c := range conns {
		c.Abort()
	}
}
