package emulator

import (
	"time"

	"github.com/wpsbench/wpsbench/wire"
)

// session is one logical connection (protocol.md 0.2): what `connectionId`
// names. On a reliable subprotocol it outlives its sockets.
//
//	          open                    socket lost, closed with a code other than 1000
//	(none) ────────▶ attached ──────────────────────────────▶ detached      reliable
//	                  │    ▲                                    │    │
//	                  │    └────────────── recover ─────────────┘    │
//	                  ▼                                              ▼
//	                 gone ◀── window over, replay buffer full, closed by the service
//
// From attached it goes straight to gone on close code 1000, on every close by
// the service, and, when not reliable, on any loss of the socket.
type session struct {
	hub         *hub
	id          string
	number      uint64 // in the order in which they came
	user        []byte // empty: anonymous
	subprotocol wire.Subprotocol
	reliable    bool
	simple      bool
	gone        bool
	doomed      bool // overflowed, about to be gone
	busy        bool // an event handler has its request: what comes next waits
	encoding    wire.Encoding

	events *eventSource // nil: no event handler serves its hub

	send, join permission
	raw        rawMode
	groups     []*group
	acks       ackStore

	socket *socket // nil while detached
	window timer   // runs while detached; nil until the first drop

	sequenceID uint64 // given out last
	replay     replayBuffer

	// What lies need to know, see Lies.
	held             *message // kept back by LieSwap
	heldUntil        time.Duration
	sequenceIDAtDrop uint64
	resumed          bool   // by a recovery, and nothing new was delivered since
	acked            []byte // the frame of a message that was acknowledged
}

// attach gives a session its socket.
func (c *core) attach(s *session, k *socket) {
	if s.window != nil {
		s.window.Stop()
	}
	s.socket = k
	k.open(s)
}

// detach takes the socket away and starts the recovery window. The session
// keeps its memberships, and what is sent to it fills its replay buffer.
func (c *core) detach(s *session) {
	s.socket.session = nil
	s.socket = nil
	s.sequenceIDAtDrop = s.sequenceID
	if s.window == nil {
		s.window = c.newTimer(func(now time.Duration) {
			c.now = now
			c.stats.Expired++
			c.end(s, "The connection recovery timeout expired.")
		})
	}
	s.window.Set(c.now + c.opts.RecoveryWindow)
	c.stats.Detached++
	c.release(s)
}

// end finishes a session for good and returns the socket it had, which is left
// to the caller; nil if it was detached or already gone. The reason is for its event
// handler.
func (c *core) end(s *session, reason string) *socket {
	if s.gone {
		return nil
	}
	s.gone = true
	k := s.socket
	if k == nil {
		c.stats.Detached--
		s.window.Stop()
	} else {
		k.session, s.socket = nil, nil
	}
	if s.held != nil {
		c.messages.release(s.held)
		s.held = nil
	}
	s.replay.releaseAll(&c.messages)
	s.hub.remove(s)
	c.stats.Sessions--
	c.tellDisconnected(s, reason)
	return k
}

// lost is the abnormal end of a session's socket.
func (c *core) lost(s *session, reason string) {
	if s.reliable {
		c.detach(s)
	} else {
		c.end(s, reason)
	}
}

// disconnect closes a session on the application's behalf. PubSub clients are
// told why first; the close frame itself carries no reason (protocol.md 7.4).
func (c *core) disconnect(s *session, reason string) {
	c.release(s)
	text := "Application server closed the connection."
	if reason != "" {
		text += " Reason: " + reason
	}
	k := s.socket
	if k != nil && !s.simple {
		c.down = wire.Downstream{Kind: wire.Disconnected, Reason: []byte(text)}
		k.writeMessage(&c.down)
	}
	c.end(s, text)
	if k != nil {
		k.close(closeNormal, "")
	}
}
