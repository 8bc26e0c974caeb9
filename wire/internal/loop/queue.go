package loop

import (
	"sync"
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

// spareEvents is the longest batch whose memory is kept for the next one.
const spareEvents = 1 << 16

// queue hands events from any goroutine to the loop's, first in first out.
type queue struct {
	wake chan struct{} // a token means: there may be events

	mu     sync.Mutex
	events []event
	closed bool // no more functions
}

// push appends e and wakes the loop if the queue was empty. Once the queue is
// closed it refuses functions, and says so; what sockets report is always taken,
// because the loop ends only after the last report.
func (q *queue) push(e event) bool {
	q.mu.Lock()
	if q.closed && e.kind == eventFunc {
		q.mu.Unlock()
		return false
	}
	first := len(q.events) == 0
	q.events = append(q.events, e)
	q.mu.Unlock()
	if first {
		q.signal()
	}
	return true
}

// take returns everything queued, leaves spare, emptied, in its place, and says
// whether the queue is closed: then no function will follow those returned.
func (q *queue) take(spare []event) (events []event, closed bool) {
	if cap(spare) > spareEvents {
		spare = nil
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	events, q.events = q.events, spare[:0]
	return events, q.closed
}

// close refuses functions from here on and wakes the loop.
func (q *queue) close() {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	q.signal()
}

func (q *queue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}
