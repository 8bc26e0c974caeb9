package runner

import "time"

// freshAcks are the acknowledgements of a client that had sent none for a while: its socket
// has resumed the session, or its misbehaviour has ended. What they are for the service may
// still keep, as it may not have got them. The recovery may be over long before.
type freshAcks struct {
	since   time.Duration // 0 = there was no such while
	firstID uint64        // all before that was acknowledged
}

// data takes the first sequence id over a socket that has resumed the session.
func (f *freshAcks) data(sequenceID uint64) {
	if f.firstID == 0 {
		f.firstID = sequenceID
	}
}

// begin is told that a client acknowledges again, and up to where it has.
func (f *freshAcks) begin(now time.Duration, acked uint64) {
	if f.kept(now, acked) == 0 {
		f.firstID = acked + 1
	}
	f.since = now
}

// ackTravel is how long an acknowledgement of ours may not have been processed yet.
const ackTravel = 5 * time.Second

// kept is how many of the messages up to the id seen last the service may still keep.
func (f *freshAcks) kept(now time.Duration, seen uint64) uint64 {
	if f.since == 0 || f.firstID == 0 || now-f.since > ackTravel {
		return 0
	}
	return seen + 1 - min(f.firstID, seen+1)
}
