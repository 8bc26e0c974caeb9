package bare

import "time"

// A reliable subprotocol closes a connection that acknowledges nothing (protocol.md
// 4.4), so the bare loop does as wpsbench's sessions do: after so many frames, or so
// long after the first, whichever comes first.
const (
	ackFrames = 64
	ackAfter  = 250 * time.Millisecond
)

// debts are the sockets that have something to acknowledge, in the order in which they
// are due.
type debts struct {
	frame []byte // what acknowledges; nil = nothing is
	clock time.Duration
	queue []debt
	head  int
}

type debt struct {
	socket int32
	due    time.Duration
}

// Acknowledge has the frame sent for what comes from now on.
func (l *Loop) Acknowledge(frame []byte) { l.debts.frame = frame }

// owe notes that frames have come on socket i.
func (l *Loop) owe(i int, frames uint64) error {
	s, d := &l.sockets[i], &l.debts
	s.owed += uint32(frames)
	switch {
	case s.owed >= ackFrames:
		s.owed = 0
		return l.write(i, d.frame)
	case !s.queued && frames > 0:
		s.queued = true
		d.queue = append(d.queue, debt{int32(i), d.clock + ackAfter})
	}
	return nil
}

// pay acknowledges what is due.
func (l *Loop) pay() error {
	d := &l.debts
	for d.head < len(d.queue) && d.queue[d.head].due <= d.clock {
		i := int(d.queue[d.head].socket)
		d.head++
		s := &l.sockets[i]
		owed := s.owed
		s.owed, s.queued = 0, false
		if owed == 0 {
			continue
		}
		if err := l.write(i, d.frame); err != nil {
			return err
		}
	}
	if d.head > len(d.queue)/2 {
		d.queue, d.head = d.queue[:copy(d.queue, d.queue[d.head:])], 0
	}
	return nil
}

// next is when something is due, or at if that is earlier.
func (d *debts) next(at time.Duration) time.Duration {
	if d.head < len(d.queue) {
		return min(at, d.queue[d.head].due)
	}
	return at
}
