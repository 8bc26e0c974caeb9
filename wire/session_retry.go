package wire

import (
	"slices"
	"time"
)

// RetryPolicy says how often a publish or an event that asked for an ack is sent
// again after a failure. The zero value never does: every answer is final, and only
// a recovery repeats what was not answered, with its ack id (protocol.md 4.7).
type RetryPolicy struct {
	Attempts int           // after the first send; 0 = none
	Base     time.Duration // pause before the first retry; 0 = 1 s
	Max      time.Duration // the pause doubles up to this; 0 = Base, so it stays the same
	// NewAckID takes a new ack id for every retry and gives a request up for lost as
	// soon as its transport is, as the official clients do (protocol.md 9). The service
	// cannot tell such a retry from a new message, so receivers may get it twice. Any
	// error is retried, an attempt made without a connection counts as one, and
	// requests outlive their connection.
	//
	// Without it, what the service refuses for good (Forbidden, BadRequest) is not
	// retried, and everything else with its old ack id and on its own connection only.
	NewAckID bool
	// AckTimeout gives a request up that has not been answered for so long, with
	// NewAckID only; 0 = none.
	AckTimeout time.Duration
}

func (p *RetryPolicy) pause(retry int) time.Duration {
	base := orDefault(p.Base, time.Second)
	return doubled(base, max(base, p.Max), retry)
}

// retryAnswered puts a request that was answered with an error aside for a retry;
// false when the answer is final.
func (s *Session) retryAnswered(r *pendingRequest, errorName string) bool {
	p := &s.cfg.Retry
	if !p.NewAckID && (errorName == "Forbidden" || errorName == "BadRequest") {
		return false
	}
	return s.putOff(r)
}

// putOff has a request sent again after a pause; false when it was the last attempt.
func (s *Session) putOff(r *pendingRequest) bool {
	p := &s.cfg.Retry
	if !r.retryable() || r.retries >= p.Attempts {
		return false
	}
	r.due = s.now + p.pause(r.retries)
	r.retries++
	s.retries = append(s.retries, r)
	return true
}

// giveUpPending gives up the unanswered requests of a transport that is gone.
func (s *Session) giveUpPending() { s.giveUp(s.now) }

// giveUp puts aside for retries under new ack ids what was sent at that instant or
// before and is not answered.
func (s *Session) giveUp(sent time.Duration) {
	if !s.cfg.Retry.NewAckID {
		return
	}
	for i := 0; i < s.pending.len(); {
		r := s.pending.all()[i]
		if !r.retryable() || r.lastSent > sent {
			i++ // joins and leaves belong to the connection
			continue
		}
		s.pending.take(s.work, r.AckID)
		s.expectLate(r.AckID)
		if !s.putOff(r) {
			s.unanswered(r, EndUnknown)
		}
	}
}

// expectLate notes requests that nobody waits for any more and that may yet be answered.
func (s *Session) expectLate(ackIDs ...uint64) {
	if s.givenUp == nil {
		s.givenUp = make(map[uint64]struct{}, len(ackIDs))
	}
	for _, id := range ackIDs {
		s.givenUp[id] = struct{}{}
	}
}

// lateAck takes an answer to what was given up: the service has got it after all.
func (s *Session) lateAck(ackID uint64) bool {
	_, late := s.givenUp[ackID]
	if late {
		delete(s.givenUp, ackID)
		s.stats.LateAcks++
	}
	return late
}

// expectAck sees to it that a missing answer is noticed. Like that of the keep-alive
// the deadline is moved only when it is reached.
func (s *Session) expectAck() {
	if p := &s.cfg.Retry; p.NewAckID && p.AckTimeout > 0 && s.ackAt == 0 {
		s.ackAt = s.now + p.AckTimeout
	}
}

// checkAcks gives up what has waited too long for its answer.
func (s *Session) checkAcks() {
	if s.ackAt == 0 || s.now < s.ackAt {
		return
	}
	timeout := s.cfg.Retry.AckTimeout
	s.giveUp(s.now - timeout)
	s.ackAt = 0
	for _, r := range s.pending.all() {
		if at := r.lastSent + timeout; r.retryable() && (s.ackAt == 0 || at < s.ackAt) {
			s.ackAt = at
		}
	}
}

// retry makes the retries that are due.
func (s *Session) retry() {
	// The handler may publish or close meanwhile: the list is read anew in every turn.
	for i := 0; i < len(s.retries); {
		r := s.retries[i]
		if r.due > s.now {
			i++
			continue
		}
		s.retries = slices.Delete(s.retries, i, i+1)
		switch {
		case s.state == stateReady && s.cfg.Retry.NewAckID:
			s.sendRenumbered(r)
		case s.state == stateReady:
			s.pending.insert(s.work, r)
			s.send(r)
		case s.cfg.Retry.NewAckID:
			if !s.putOff(r) { // an attempt without a connection fails at once
				s.unanswered(r, EndUnknown)
			}
		default: // no attempt: it waits for its connection
			r.due = s.now + s.cfg.Retry.pause(0)
			s.retries = append(s.retries, r)
		}
	}
}

// sendRenumbered encodes a request again under the next ack id.
func (s *Session) sendRenumbered(r *pendingRequest) {
	m := s.compose(UpstreamUnknown)
	if err := s.encoding.Upstream(&s.work.decoder, r.encoded, m); err != nil {
		s.unanswered(r, EndUnknown) // it breaks a rule of the protocol: the service refused it, and would again
		return
	}
	again := s.encode(m, true)
	r.encoded, again.encoded = again.encoded, r.encoded
	s.work.upstream.Data = nil // borrowed from the bytes that are recycled
	s.work.upstream.Group, s.work.upstream.Event, s.work.upstream.Metadata = nil, nil, nil
	s.work.recycle(again)
	s.lastAckID++
	r.AckID = s.lastAckID
	r.Renumbered++
	r.Resends-- // send counts it as one
	s.pending.push(s.work, r)
	s.send(r)
	s.emit(Event{Kind: EventRetried, Request: &r.Request})
}

// unanswered tells that a request will never be answered, and of what end of its
// connection that comes, if of one.
func (s *Session) unanswered(r *pendingRequest, why EndReason) {
	s.emit(Event{Kind: EventUnanswered, Reason: why, Request: &r.Request})
	s.work.recycle(r)
}

// abandonRetries ends what waits for a retry that cannot come.
func (s *Session) abandonRetries(why EndReason) {
	for len(s.retries) > 0 {
		r := s.retries[0]
		s.retries = slices.Delete(s.retries, 0, 1)
		s.unanswered(r, why)
	}
}

// retryAt returns when the next retry is due.
func (s *Session) retryAt() (at time.Duration, ok bool) {
	for i, r := range s.retries {
		if i == 0 || r.due < at {
			at = r.due
		}
	}
	return at, len(s.retries) > 0
}

func (r *pendingRequest) retryable() bool { return r.Kind == SendToGroup || r.Kind == SendEvent }
