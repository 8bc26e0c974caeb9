package loop

import (
	"sync"
	"time"
)

// eventsPerTurn bounds how much is handled before output is flushed and the
// timers are looked at again, so that a full queue delays neither by long.
const eventsPerTurn = 64

// Loop is one goroutine that runs socket handlers, timers and functions. Make one
// with New.
type Loop struct {
	now   func() time.Duration
	queue queue

	// The rest belongs to the loop's goroutine.
	batch   []event // taken off the queue
	next    int     // the first of batch that is not handled yet
	conns   map[*Conn]struct{}
	dirty   []*Conn // to be flushed at the end of the turn
	spare   spareBuffers
	stopped bool

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
func New(now func() time.Duration) *Loop {
	return &Loop{
		now:   now,
		queue: queue{wake: make(chan struct{}, 1)},
		conns: make(map[*Conn]struct{}),
	}
}

// Now reads the loop's clock. Any goroutine.
func (l *Loop) Now() time.Duration { return l.now() }

// Do runs fn on the loop's goroutine, after what was queued before it. It never
// blocks and may be called from any goroutine, the loop's own included. It returns
// false after Stop, and then fn will not run; a function once accepted does run,
// so what it carries has an owner.
func (l *Loop) Do(fn func(now time.Duration)) bool {
	return l.queue.push(event{kind: eventFunc, fn: fn})
}

// Stop makes Run abort every socket and return. It does not wait, so that any
// goroutine may call it, the loop's own included.
func (l *Loop) Stop() { l.queue.close() }

// Run turns the calling goroutine into the loop's until Stop. It returns when
// every socket is closed and every goroutine it started has ended. Call it once.
func (l *Loop) Run() {
	l.alarm = newAlarm()
	l.goroutines.Go(func() {
		l.alarm.run(func() { l.queue.push(event{kind: eventAlarm}) })
	})
	for {
		if !l.stopped {
			l.fireTimers()
		}
		idle := !l.handleBatch()
		l.flush()
		if !idle {
			continue
		}
		if l.stopped && len(l.conns) == 0 {
			break
		}
		l.sleep()
	}
	l.alarm.close()
	l.goroutines.Wait()
}

// handleBatch handles some of what is queued; false means that there was nothing.
func (l *Loop) handleBatch() bool {
	if l.next == len(l.batch) {
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
		e.conn.received(e)
	case eventEnded:
		e.conn.readerEnded(e.at, e.err)
	case eventWritten:
		e.conn.flusherEnded(e.err)
	}
}

// sleep waits for an event, or for the earliest timer. An alarm that is set too
// early is left as it is: waking once for nothing costs less than setting it for
// every deadline that moves out.
func (l *Loop) sleep() {
	if len(l.timers) > 0 && !l.stopped {
		at := l.timers[0].at
		if !l.armed || at < l.armedAt {
			d := at - l.now()
			if d <= 0 {
				return
			}
			l.alarm.set(d)
			l.armed, l.armedAt = true, at
		}
	}
	<-l.queue.wake
}

func (l *Loop) flush() {
	for i, c := range l.dirty {
		l.dirty[i] = nil
		c.flush()
	}
	l.dirty = l.dirty[:0]
}

// abortAll ends the connections there are; Attach ends those that functions
// accepted before Stop still bring.
func (l *Loop) abortAll() {
	l.stopped = true
	for c := range l.conns {
		c.Abort()
	}
}
