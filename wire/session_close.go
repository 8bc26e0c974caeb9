package wire

import (
	"time"

	"github.com/gobwas/ws"
)

// afterClose says what follows the end of a socket.
type afterClose uint8

const (
	afterPolicy afterClose = iota // recovery or a new connection, as the policies say
	afterRenew                    // a new connection, after Session.rest
	afterFinish                   // nothing
)

// Close ends the Session for good, with a close frame of that code if a socket is
// open; 0 and 1005 stand for a close frame without a code. EventClosed follows
// when the peer has answered or SessionConfig.ConnectedTimeout has passed, or at
// once when there is no socket. Code 1000 lets the service forget the connection
// at once; after any other a reliable one lingers (protocol.md 4.6).
func (s *Session) Close(now time.Duration, code uint16) {
	s.now = now
	switch {
	case s.state == stateClosed:
	case s.state == stateClosing:
		s.after = afterFinish
	case s.open():
		s.closeSocket(code, afterFinish)
	default:
		if s.state == stateDialing || s.state == stateResuming {
			s.command = CommandAbort
		}
		s.finish(EndByUs, Event{})
	}
}

// Interrupt is a fault made on purpose: it closes the socket with that code and
// lets the Session live on. After code 1000, which ends the connection at the
// service (protocol.md 4.6), a new one is opened at once; after any other the
// policies decide. Without a socket it does nothing.
func (s *Session) Interrupt(now time.Duration, code uint16) {
	if !s.Attached() {
		return
	}
	s.now = now
	after := afterPolicy
	if code == uint16(ws.StatusNormalClosure) {
		after = afterRenew
	}
	s.closeSocket(code, after)
}

// Rest ends the connection like Interrupt with code 1000, but the next one is opened
// only after a pause.
func (s *Session) Rest(now, pause time.Duration) {
	if s.Attached() {
		s.rest = pause
		s.Interrupt(now, uint16(ws.StatusNormalClosure))
	}
}

func (s *Session) closeSocket(code uint16, after afterClose) {
	s.writeClose(code)
	s.state = stateClosing
	s.timer = s.now + s.cfg.connectedTimeout()
	s.after = after
}

// drop says how a socket ended.
type drop struct {
	code      uint16 // of the peer's close frame
	reason    string
	byPeer    bool
	err       error
	violation bool // the peer broke the protocol
}

// dropped decides what becomes of the connection whose socket is gone.
func (s *Session) dropped(d drop) {
	after := s.after
	s.after = afterPolicy
	ev := Event{Kind: EventDropped, Err: d.err, CloseCode: d.code, CloseReason: d.reason, ByPeer: d.byPeer}
	switch refused := d.code == uint16(ws.StatusPolicyViolation); {
	case after == afterFinish:
		s.finish(EndByUs, ev)
	case after == afterRenew:
		pause := s.rest
		s.rest = 0
		s.replace(EndByUs, pause, ev)
	case refused && s.proven:
		s.replace(EndByPeer, s.backoff(), ev)
	case refused:
		s.replace(EndRefused, s.backoff(), ev)
	case !s.recoverable():
		s.replace(EndDropped, s.backoff(), ev)
	default:
		s.detach(d, ev)
	}
}

// replace ends the connection, if there is one, and has a new one dialed after
// the pause. first is raised before all else.
func (s *Session) replace(reason EndReason, pause time.Duration, first Event) {
	if s.cfg.Reconnect.Disabled || s.exhausted() {
		s.finish(reason, first)
		return
	}
	s.state, s.timer = statePausing, s.now+pause
	s.raise(first)
	s.end(reason)
}

// finish ends the connection, if there is one, and the Session.
func (s *Session) finish(reason EndReason, first Event) {
	s.state = stateClosed
	s.raise(first)
	s.end(reason)
	s.emit(Event{Kind: EventClosed})
}

func (s *Session) raise(ev Event) {
	if ev.Kind != 0 {
		s.emit(ev)
	}
}

// end ends what belongs to the connection. The handler may close the Session
// meanwhile, which then ends here what is left of it: hence the order of things.
func (s *Session) end(reason EndReason) {
	if s.state != stateClosed {
		s.giveUpPending()
	}
	for s.pending.len() > 0 {
		s.unanswered(s.pending.take(s.work, s.pending.all()[0].AckID), reason)
	}
	if s.state == stateClosed || !s.cfg.Retry.NewAckID {
		s.abandonRetries(reason)
	}
	if s.named {
		s.named = false
		s.emit(Event{Kind: EventEnded, Reason: reason})
	}
	if s.begun {
		s.begun = false
		s.connection++
		if s.cfg.NoRejoin {
			s.groups = nil
		}
	}
	s.connectionID, s.token = "", ""
	s.sequence = sequence{}
	clear(s.givenUp)
	s.joinsLeft, s.joinRefused, s.readied = 0, false, false
}

// backoff returns the pause before the next attempt at a new connection.
func (s *Session) backoff() time.Duration {
	b := &s.cfg.Reconnect
	earlier := s.attempts // that had a pause
	s.attempts++
	if b.AtOnce {
		if earlier == 0 {
			return 0
		}
		earlier--
	}
	pause := doubled(orDefault(b.Base, time.Second), orDefault(b.Max, 30*time.Second), earlier)
	if b.FullJitter {
		return time.Duration(s.random.Uint64() % uint64(pause+1))
	}
	return pause
}

// exhausted reports whether the pause just drawn is one more than there may be.
func (s *Session) exhausted() bool {
	b := &s.cfg.Reconnect
	limit := b.Attempts
	if b.AtOnce {
		limit++
	}
	return b.Attempts > 0 && s.attempts > limit
}

// doubled returns pause after so many doublings, at most limit.
func doubled(pause, limit time.Duration, times int) time.Duration {
	for ; times > 0 && pause < limit; times-- {
		pause = min(pause, limit/2) * 2
	}
	return min(pause, limit)
}
