package wire

import (
	"slices"
	"time"
)

// Join makes the Session a member of group: now if there is a connection, and
// again on every new one, until Leave. Before EventReady it is one of the joins
// that EventReady waits for. On the Simple subprotocol, where clients cannot join
// (protocol.md 6), it does nothing.
func (s *Session) Join(now time.Duration, group string) {
	if s.cfg.Subprotocol == Simple {
		return
	}
	s.now = now
	if !slices.Contains(s.groups, group) {
		s.groups = append(s.groups, group)
	}
	s.membership(JoinGroup, group)
}

// Leave ends the membership of group: now if there is a connection, and for every
// new one.
func (s *Session) Leave(now time.Duration, group string) {
	if s.cfg.Subprotocol == Simple {
		return
	}
	s.now = now
	if i := slices.Index(s.groups, group); i >= 0 {
		s.groups = slices.Delete(s.groups, i, i+1)
	}
	s.membership(LeaveGroup, group)
}

// InGroup tells whether the Session wants to be a member of group: it has asked to join
// it, or will on its first connection, and not to leave it since. Without the Simple
// subprotocol's, whose groups are its token's.
func (s *Session) InGroup(group string) bool { return slices.Contains(s.groups, group) }

// membership sends a JoinGroup or LeaveGroup on the connection, or keeps it for
// the recovery when the connection is detached. Without a connection there is
// nothing to ask: a new one begins with the groups of that moment.
func (s *Session) membership(kind UpstreamKind, group string) {
	recoverable := s.state == stateWaiting || s.state == stateResuming ||
		s.state == stateClosing && s.named && s.after == afterPolicy
	if !s.established() && !recoverable {
		return
	}
	m := s.compose(kind)
	m.Group = append(m.Group, group...)
	r := s.encode(m, true)
	if kind == JoinGroup {
		s.joinsLeft++
	}
	s.enqueue(r, Request{Kind: kind, Group: group})
	if s.established() {
		s.send(r)
	}
}

// Publish sends a message to a group and returns its ack id, 0 without p.Ack.
// The errors are [ErrDetached], [ErrInFlight] and [ErrTooLarge]; the message is
// then not kept: only the caller can stamp it when it does leave.
//
// On the Simple subprotocol the payload itself is sent and there are no acks.
func (s *Session) Publish(now time.Duration, p *Publish) (ackID uint64, err error) {
	m := s.compose(SendToGroup)
	m.Group = append(m.Group, p.Group...)
	m.NoEcho, m.TTLSeconds, m.Metadata = p.NoEcho, p.TTLSeconds, p.Metadata
	m.DataType, m.Data, m.HasData = p.DataType, p.Data, true
	return s.submit(now, m, p.Ack, Request{Tag: p.Tag, Due: p.Due})
}

// SendEvent sends an event to the service's event handler, like Publish.
func (s *Session) SendEvent(now time.Duration, e *UserEvent) (ackID uint64, err error) {
	m := s.compose(SendEvent)
	m.Event = append(m.Event, e.Name...)
	m.Metadata = e.Metadata
	m.DataType, m.Data, m.HasData = e.DataType, e.Data, true
	return s.submit(now, m, e.Ack, Request{Tag: e.Tag, Due: e.Due})
}

func (s *Session) submit(now time.Duration, m *Upstream, ack bool, req Request) (uint64, error) {
	defer func() { m.Data, m.Metadata = nil, nil }() // the caller's
	limit := s.cfg.maxMessageBytes()
	switch {
	case s.state != stateReady:
		return 0, ErrDetached
	case len(m.Data) > limit:
		return 0, ErrTooLarge
	case ack && s.InFlight() >= s.cfg.maxInFlight():
		return 0, ErrInFlight
	}
	s.now = now
	if s.cfg.Subprotocol == Simple {
		s.writeRaw(m)
		return 0, nil
	}
	r := s.encode(m, ack)
	if len(r.encoded) > limit {
		s.work.recycle(r)
		return 0, ErrTooLarge
	}
	defer s.acknowledgeAlong()
	if !ack {
		s.write(s.encoding.OpCode(), r.encoded)
		s.work.recycle(r)
		return 0, nil
	}
	req.Kind = m.Kind
	s.enqueue(r, req)
	s.send(r)
	return r.AckID, nil
}

// compose returns the message to fill in, empty but for room in its names.
func (s *Session) compose(kind UpstreamKind) *Upstream {
	m := &s.work.upstream
	*m = Upstream{Kind: kind, Group: m.Group[:0], Event: m.Event[:0]}
	return m
}

// encode returns a spare request that holds m, under the next ack id if it is to
// be acknowledged.
func (s *Session) encode(m *Upstream, ack bool) *pendingRequest {
	if ack {
		m.HasAckID, m.AckID = true, s.lastAckID+1
	}
	r := s.work.request()
	r.encoded = s.encoding.AppendUpstream(r.encoded, m)
	return r
}

// enqueue takes the ack id under which r was encoded.
func (s *Session) enqueue(r *pendingRequest, req Request) {
	s.lastAckID++
	r.Request = req
	r.AckID = s.lastAckID
	s.pending.push(s.work, r)
}

// send writes a pending request, for the first time or again.
func (s *Session) send(r *pendingRequest) {
	if r.sent {
		r.Resends++
		s.resentUpTo = max(s.resentUpTo, r.AckID)
	} else {
		r.sent, r.SentAt = true, s.now
	}
	r.lastSent = s.now
	s.expectAck()
	s.write(s.encoding.OpCode(), r.encoded)
}

// writeMessage writes a message that has no answer.
func (s *Session) writeMessage(m *Upstream) {
	r := s.encode(m, false)
	s.write(s.encoding.OpCode(), r.encoded)
	s.work.recycle(r)
}

// writeRaw writes the payload itself (protocol.md 3.5, 6).
func (s *Session) writeRaw(m *Upstream) {
	s.write(m.DataType.OpCode(), m.Data)
}

// answered handles an ack. An error is final unless SessionConfig.Retry says
// otherwise: what it means for the load is not the Session's to decide.
func (s *Session) answered(m *Downstream) {
	duplicate := !m.Success && string(m.ErrorName) == "Duplicate" // done before (protocol.md 3.4)
	r := s.pending.take(s.work, m.AckID)
	if r == nil && s.lateAck(m.AckID) {
		return
	}
	if r == nil {
		s.emit(Event{Kind: EventUnexpectedAck, Message: m, Duplicate: duplicate && m.AckID <= s.resentUpTo})
		return
	}
	success := m.Success || duplicate
	if !success && s.retryAnswered(r, string(m.ErrorName)) {
		return
	}
	if r.Kind == JoinGroup {
		s.joinsLeft--
		s.joinRefused = s.joinRefused || !success
	}
	s.emit(Event{Kind: EventAcked, Request: &r.Request, Message: m, Success: success, Duplicate: duplicate})
	s.work.recycle(r)
	s.settle()
}
