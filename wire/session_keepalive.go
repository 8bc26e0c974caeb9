package wire

import (
	"encoding/binary"
	"time"

	"github.com/gobwas/ws"
)

// heldUp is how late a deadline of ours must be for the silence before it to be no
// evidence: a process that stood still has not read what came meanwhile.
const heldUp = time.Second

// keepAlive sends a ping when nothing of ours has been sent for long enough or, where
// the peer's silence has a limit, nothing came: it gets something to answer. The
// deadline is not moved by each send, nor by a new socket, only when it is reached:
// that spares the owner of the timer most of the work.
func (s *Session) keepAlive() {
	if s.cfg.Ping <= 0 || s.now < s.pingAt || !s.established() {
		return
	}
	quiet := s.lastSent
	if s.cfg.IdleTimeout > 0 {
		quiet = min(quiet, s.lastRead)
	}
	if s.now-quiet >= s.cfg.Ping {
		s.ping()
		quiet = s.now
	}
	s.pingAt = quiet + s.cfg.Ping
}

// ping asks for a sign of life: with the subprotocol's `ping`, as the official
// client does (protocol.md 9), or by WebSocket where there is no envelope.
func (s *Session) ping() {
	s.stats.Pings++
	if s.cfg.Subprotocol == Simple {
		s.write(ws.OpPing, nil)
		return
	}
	s.writeMessage(s.compose(Ping))
}

// checkIdle gives up a transport over which nothing comes any more; like keepAlive
// it moves its deadline only when it is reached.
func (s *Session) checkIdle() {
	limit := s.cfg.IdleTimeout
	if limit <= 0 || s.now < s.idleAt || !s.established() {
		return
	}
	switch late := s.now - s.idleAt; {
	case s.inputHeld:
		s.idleAt = s.now + limit
	case late >= heldUp:
		s.idleAt = s.now + heldUp
	default:
		if s.idleAt = s.lastRead + limit; s.now >= s.idleAt {
			s.abort(ErrIdle)
		}
	}
}

// HoldInput says that the owner of the socket reads nothing of it until told otherwise:
// the silence is ours and not the peer's, and neither IdleTimeout nor Probe gives it up.
func (s *Session) HoldInput(now time.Duration, held bool) {
	if s.inputHeld == held {
		return
	}
	s.inputHeld = held
	if s.now = now; s.cfg.IdleTimeout > 0 {
		s.idleAt = now + s.cfg.IdleTimeout
	}
	if s.probeAt > 0 {
		s.probeAt = now + ProbePatience
	}
}

// ProbePatience is how long a service may say nothing at all before it has answered a Probe.
const ProbePatience = 5 * time.Second

// Probe asks whether the transport still is one, by a WebSocket ping, which is answered
// whatever else the service is busy with (RFC 6455 5.5.2). A pong proves more than that: all
// that the service wrote before it has arrived. When neither that nor anything else comes for
// ProbePatience the transport is given up (ErrIdle). It does nothing without a connection.
func (s *Session) Probe(now time.Duration) {
	if !s.established() {
		return
	}
	s.now = now
	s.probe++
	s.probeAt = now + ProbePatience
	s.write(ws.OpPing, binary.BigEndian.AppendUint32(nil, s.probe))
}

// Probing reports whether the answer to a Probe is awaited.
func (s *Session) Probing() bool { return s.probeAt != 0 && s.established() }

// answersProbe takes a pong. Those to pings of an earlier Probe prove nothing of now.
func (s *Session) answersProbe(payload []byte) {
	if len(payload) == 4 && binary.BigEndian.Uint32(payload) == s.probe {
		s.probeAt = 0
	}
}

func (s *Session) checkProbe() {
	switch late := s.now - s.probeAt; {
	case s.probeAt == 0 || late < 0 || !s.established():
	case s.inputHeld:
		s.probeAt = s.now + ProbePatience
	case late >= heldUp:
		s.probeAt = s.now + heldUp
	case s.now-s.lastRead < ProbePatience: // busy with what we sent before the ping
		s.probeAt = s.lastRead + ProbePatience
	default:
		s.abort(ErrIdle)
	}
}

// LastRead returns when anything came over the socket last, or when it opened; 0 = never.
// HoldInput leaves it alone: what nobody looks for has not come. It outlasts the socket until
// there is another.
func (s *Session) LastRead() time.Duration { return s.lastRead }
