package wire

import "time"

// sequence tracks the sequence ids of one connection (protocol.md 4.2, 4.3).
type sequence struct {
	seen    uint64        // the largest received
	acked   uint64        // the largest acknowledged
	pending int           // messages since the last sequenceAck, repetitions included
	bytes   int           // of those
	since   time.Duration // when the first of them came
}

// receive takes an id and reports whether it is new. A repetition counts as
// pending all the same: that it came means our sequenceAck was lost or late.
func (q *sequence) receive(id uint64, size int, now time.Duration) (fresh bool) {
	if q.pending == 0 {
		q.since = now
	}
	q.pending++
	q.bytes += size
	fresh = id > q.seen
	q.seen = max(q.seen, id)
	return fresh
}

func (q *sequence) due(p AckPolicy, now time.Duration) bool {
	if p.EveryMessages > 0 && q.pending >= p.EveryMessages {
		return true
	}
	at, ok := q.deadline(p)
	return ok && now >= at
}

func (q *sequence) deadline(p AckPolicy) (at time.Duration, ok bool) {
	return q.since + p.Every, q.pending > 0 && p.Every > 0
}

// acknowledge sends a sequenceAck when one is due.
func (s *Session) acknowledge() {
	if !s.acksHeld && s.established() && s.sequence.due(s.cfg.SequenceAck, s.now) {
		s.sequenceAck()
	}
}

// acknowledgeAlong sends one with what leaves anyway if it has waited long enough.
func (s *Session) acknowledgeAlong() {
	after := s.cfg.SequenceAck.Along
	if after > 0 && s.sequence.pending > 0 && s.now-s.sequence.since >= after && !s.acksHeld {
		s.sequenceAck()
	}
}

// acknowledgeEarly tells the service after a recovery how much of the replay it
// may skip (protocol.md 4.3), unless the policy is never to acknowledge.
func (s *Session) acknowledgeEarly() {
	if !s.acksHeld && s.sequence.seen > 0 && s.cfg.SequenceAck != (AckPolicy{}) {
		s.sequenceAck()
	}
}

func (s *Session) sequenceAck() {
	m := s.compose(SequenceAck)
	m.SequenceID = s.sequence.seen
	s.writeMessage(m)
	s.sequence.acked = s.sequence.seen
	s.sequence.pending, s.sequence.bytes = 0, 0
	s.stats.SequenceAcks++
}

// AckedSequence returns the largest sequence id acknowledged by a sequenceAck on
// this connection: the service has no reason to send it again.
func (s *Session) AckedSequence() uint64 { return s.sequence.acked }

// HoldSequenceAcks is a fault made on purpose: while acks are held no sequenceAck is
// sent, on whatever connection, so that the service keeps every message until its
// buffer overflows (protocol.md 4.4). Letting them go sends what is owed.
func (s *Session) HoldSequenceAcks(now time.Duration, held bool) {
	s.now, s.acksHeld = now, held
	if !held && s.established() && s.sequence.pending > 0 {
		s.sequenceAck()
	}
}
