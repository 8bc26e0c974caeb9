package loop

import (
	"sync"
	"sync/atomic"
	"time"
)

// eventKind names what a goroutine tells the loop.
type eventKind uint8

const (
	eventFunc     eventKind = iota // run fn
	eventAlarm                     // the armed instant has come
	eventReceived                  // data was read from conn
	eventEnded                     // conn's reader is done: err
	eventWritten                   // conn's flusher is done: err, nil if all was written
)

// event is one entry of the loop's queue.
type event struct {
	kind eventKind
	at   time.Duration // eventReceived, eventEnded: when Read returned
	conn *Conn
	data []byte
	buf  *buffer // what data lies in; nil when it is not from the pool
	err  error
	fn   func(now time.Duration)
}

// spareEvents is the longest batch whose memory is kept whatever comes next. What a
// longer one had is kept while batches fill an eighth of it: load keeps it, a burst
// gives it back.
const spareEvents = 1 << 10

// queue hands events from any goroutine to the loop's, first in first out.
type queue struct {
	wake   chan struct{} // a token means: there may be events
	parked atomic.Bool   // the loop waits, or is about to: push must wake it
	news   atomic.Bool   // events, or closed since the last take; written with mu held

	mu     sync.Mutex
	other  func() // wakes a loop that does not wait for a token; nil = it does
	events []event
	closed bool // no more functions
}

// onWake lets wake be called in place of the token, with mu held.
func (q *queue) onWake(wake func()) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.other = wake
}

// push appends e and wakes the loop if it waits. Once the queue is
// closed it refuses functions, and says so; what sockets report is always taken,
// because the loop ends only after the last report.
func (q *queue) push(e event) bool {
	q.mu.Lock()
	if q.closed && e.kind == eventFunc {
		q.mu.Unlock()
		return false
	}
	q.events = append(q.events, e)
	q.news.Store(true)
	q.signal()
	q.mu.Unlock()
	return true
}

// park announces that the loop is going to wait; false means that it must not,
// for there is something to take.
func (q *queue) park() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	idle := !q.news.Load()
	q.parked.Store(idle)
	return idle
}

// unpark says that the wait is over.
func (q *queue) unpark() { q.parked.Store(false) }

// empty says that there is nothing to take, without the lock.
func (q *queue) empty() bool { return !q.news.Load() }

// take returns everything queued, leaves spare, the batch before, emptied in its
// place, and says whether the queue is closed: then no function will follow those
// returned.
func (q *queue) take(spare []event) (events []event, closed bool) {
	if cap(spare) > max(spareEvents, 8*len(spare)) {
		spare = nil
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	events, q.events = q.events, spare[:0]
	q.news.Store(false)
	return events, q.closed
}

// close refuses functions from here on and wakes the loop.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.news.Store(true)
	q.signal()
}

// signal wakes the loop, once for each time that it waits. mu is held, so that
// nobody is woken through a descriptor that the loop has closed in the end.
func (q *queue) signal() {
	if !q.parked.CompareAndSwap(true, false) {
		return
	}
	if q.other != nil {
		q.other()
		return
	}
	select {
	case q.wake <- struct{}{}:
	default:
	}
}
