package runner

import "time"

// freshAcks are the acknowledgements over one socket that may not have reached the service:
// what they are for it may still keep.
type freshAcks struct {
	// After a while without any, since the socket resumed the session or a misbehaviour
	// ended, they come in a rush, which takes its time. The recovery may be over long before.
	since   time.Duration // 0 = there was no such while
	firstID uint64        // all before that was acknowledged

	// Marks of how far the client had acknowledged, at least ackAge from each other. What
	// has come since the last one came within ackAge of it.
	markedAt      time.Duration
	marked, older uint64
}

const (
	// ackTravel is how long an acknowledgement of a rush may not have been processed yet.
	ackTravel = 5 * time.Second
	// ackAge is the same of any other.
	ackAge = 500 * time.Millisecond
)

// ackedBefore is the state of a socket that has just opened.
func ackedBefore(now time.Duration, acked uint64, recovering bool) freshAcks {
	f := freshAcks{markedAt: now, marked: acked, older: acked}
	if recovering {
		f.since = now
	}
	return f
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
	default:
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

// kept is how many messages the service may have kept when the socket was last known to
// work, of those that the client has acknowledged and those that it has not.
func (f *freshAcks) kept(at time.Duration, acked, unacked uint64) uint64 {
	sure := f.older
	switch age := at - f.markedAt; {
	case age >= 2*ackAge:
		sure = acked
	case age >= ackAge:
		sure = f.marked
	}
	return max(f.rush(at, acked+unacked), acked+unacked-min(sure, acked))
}

// rush is kept of the rush alone, of the messages up to the id seen last.
func (f *freshAcks) rush(at time.Duration, seen uint64) uint64 {
	if f.since == 0 || f.firstID == 0 || at-f.since > ackTravel {
		return 0
	}
	return seen + 1 - min(f.firstID, seen+1)
}
