package wire

import (
	"net/url"
	"strings"
	"time"
)

// recoverable reports whether the connection may be resumed on another socket
// (protocol.md 4.5).
func (s *Session) recoverable() bool {
	return s.named && s.token != "" && s.cfg.Subprotocol.Reliable() && s.cfg.Recovery.Window > 0
}

// detach starts the attempts to recover, the first of them at once.
//
// A service refuses a recovery only after it has accepted the socket (101, then
// close 1008, protocol.md 4.5), so an open socket proves nothing. Until one has
// brought something, or has lasted for a window, its drop belongs to the outage
// before it: the window runs on, and the next attempt waits its Pause. So does
// the one after a breach of the protocol, which the replay may bring again.
func (s *Session) detach(d drop, ev Event) {
	resumed := s.proven || s.now-s.openedAt >= s.cfg.Recovery.Window
	if resumed {
		s.windowEnd = s.now + s.cfg.Recovery.Window
	}
	s.state, s.timer = stateWaiting, s.now
	if !resumed || d.violation {
		s.timer += s.cfg.Recovery.pause()
	}
	s.emit(ev)
	s.giveUpPending()
}

// tickRecovery makes the next attempt, or gives up when the window is over even
// though an attempt is pending: the service keeps the connection no longer.
func (s *Session) tickRecovery() {
	if s.now < s.windowEnd {
		if s.state == stateWaiting && s.now >= s.timer {
			s.dial(stateResuming)
		}
		return
	}
	var first Event
	if s.state == stateResuming {
		s.command = CommandAbort
		first = Event{Kind: EventDialFailed, Recovering: true, Err: ErrWindow}
	}
	s.replace(EndExpired, s.backoff(), first)
}

// Recovery returns what a pending dial is to recover, for AppendRecovery. ok is
// false when the dial is for a new connection, and when none is pending.
func (s *Session) Recovery() (connectionID, token string, ok bool) {
	if s.state != stateResuming {
		return "", "", false
	}
	return s.connectionID, s.token, true
}

// resume continues the connection on a new socket. What was sent and not
// answered goes first, in order and with the old ack ids, so that the service can
// tell a repetition (protocol.md 4.7), and before anything that the handler sends.
func (s *Session) resume(t *DialTrace) {
	s.state = stateJoining
	if s.readied {
		s.state = stateReady
	}
	s.acknowledgeEarly()
	for _, r := range s.pending.all() {
		s.send(r)
	}
	s.emit(Event{Kind: EventOpened, Recovering: true, Trace: t})
	s.settle()
}

// AppendRecovery returns the client URL rawURL extended by the two parameters
// that make its request a recovery (protocol.md 1.2). Like the official clients
// it leaves an access token in place: the service ignores it.
func AppendRecovery(rawURL, connectionID, token string) string {
	base, _, _ := strings.Cut(rawURL, "#") // a WebSocket URL has no fragment (RFC 6455 3)
	sep := "?"
	if strings.Contains(base, "?") {
		sep = "&"
	}
	return base + sep + "awps_connection_id=" + url.QueryEscape(connectionID) +
		"&awps_reconnection_token=" + url.QueryEscape(token)
}

func (p RecoveryPolicy) pause() time.Duration { return orDefault(p.Pause, time.Second) }
