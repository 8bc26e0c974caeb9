package runner

import "time"

// freshAcks are the acknowledgements of a connection that may not have reached the service
// yet, or never will: what they are for it may still keep.
type freshAcks struct {
	// After a while without any, since a socket resumed the session or a misbehaviour
	// ended, they come in a rush, which takes its time. The recovery may be over long before.
	since   time.Duration // 0 = there was no such while on this socket
	firstID uint64        // all before that was acknowledged

	// Marks of how far the client had acknowledged, at least ackAge from each other and
	// from the next message after them.
	markedAt      time.Duration
	marked, older uint64
}

const (
	// ackTravel is how long an acknowledgement of a rush may not have been processed yet.
	ackTravel = 5 * time.Second
	// ackAge is the same of any other.
	ackAge = 500 * time.Millisecond
)

// opened begins a socket. What was acknowledged over the one before it at the last may have
// been lost with it, until this one has brought something.
func (f *freshAcks) opened(now time.Duration, recovering bool) {
	if !recovering {
		*f = freshAcks{}
		return
	}
	f.since, f.firstID = now, 0
}

// data takes a message before it is acknowledged, and how far others have been.
func (f *freshAcks) data(now time.Duration, sequenceID, acked uint64) {
	if f.firstID == 0 {
		f.firstID = sequenceID
	}
	switch age := now - f.markedAt; {
	case age < ackAge:
	case age < 2*ackAge:
		f.markedAt, f.marked, f.older = now, acked, f.marked
	default: // all acknowledgements of what came in between are old by now
		f.markedAt, f.marked, f.older = now, acked, acked
	}
}

// begin is told that a client acknowledges again, and how far it has.
func (f *freshAcks) begin(now time.Duration, acked uint64) {
	if f.rush(now, acked) == 0 {
		f.firstID = acked + 1
	}
	f.since = now
}

// kept is how many of the messages up to the id seen last the service may still keep.
func (f *freshAcks) kept(now time.Duration, seen uint64) uint64 {
	sure := f.older
	if now-f.markedAt >= ackAge {
		sure = f.marked
	}
	return max(f.rush(now, seen), seen-min(seen, sure))
}

// rush is kept of the rush alone.
func (f *freshAcks) rush(now time.Duration, seen uint64) uint64 {
	if f.since == 0 || f.firstID == 0 || now-f.since > ackTravel {
		return 0
	}
	return seen + 1 - min(f.firstID, seen+1)
}
