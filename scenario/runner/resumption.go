package runner

import "time"

// resumption is what the service has sent over a socket that resumed a session, as far as
// it matters for what it may still keep. The recovery may be over long before.
type resumption struct {
	openedAt time.Duration // 0 = the socket resumed nothing
	firstID  uint64        // the first sequence id over it: all before that was acknowledged
}

func (r *resumption) data(sequenceID uint64) {
	if r.firstID == 0 {
		r.firstID = sequenceID
	}
}

// ackTravel is how long an acknowledgement of ours may not have been processed yet.
const ackTravel = 5 * time.Second

// kept is how many of the messages up to the id seen last the service may still keep: all
// that it has replayed, unless our acknowledgements have reached it.
func (r *resumption) kept(now time.Duration, seen uint64) uint64 {
	if r.openedAt == 0 || r.firstID == 0 || now-r.openedAt > ackTravel {
		return 0
	}
	return seen + 1 - min(r.firstID, seen+1)
}
