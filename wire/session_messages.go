package wire

import (
	"errors"

	"github.com/gobwas/ws"
)

var errNoConnectionID = errors.New("connected message names no connection")

// message handles one whole data message of the peer.
func (s *Session) message(op ws.OpCode, payload []byte) error {
	m := &s.work.downstream
	if s.cfg.Subprotocol == Simple {
		*m = Downstream{Kind: ServerMessage, DataType: DataText, Data: payload}
		if op == ws.OpBinary {
			m.DataType = DataBinary
		}
		s.emit(Event{Kind: EventMessage, Fresh: true, Message: m})
		return nil
	}
	if err := s.encoding.Downstream(&s.work.decoder, payload, m); err != nil {
		return err
	}
	switch m.Kind {
	case Connected:
		return s.receivedConnected(m)
	case GroupMessage, ServerMessage:
		s.data(m, len(payload))
	case Ack:
		s.answered(m)
	case Disconnected:
		s.emit(Event{Kind: EventNotice, Message: m})
	case Pong:
		s.stats.Pongs++
	default:
		s.stats.Unknown++
		if m.SequenceID > 0 && s.cfg.Subprotocol.Reliable() {
			s.emit(Event{Kind: EventNumbered, Fresh: s.numbered(m, len(payload)), Message: m})
		}
	}
	return nil
}

// receivedConnected handles `connected`: the first message of a new connection,
// or, after a recovery, a new token for the same one (protocol.md 4.5).
func (s *Session) receivedConnected(m *Downstream) error {
	switch {
	case len(m.ConnectionID) == 0:
		return errNoConnectionID
	case s.state == stateClosing:
		// We are leaving; a connection not announced so far never is.
	case !s.named:
		s.connected(m)
	case string(m.ConnectionID) == s.connectionID:
		if len(m.ReconnectionToken) > 0 {
			s.token = string(m.ReconnectionToken)
		}
		s.emit(Event{Kind: EventConfirmed, Message: m})
	default:
		s.state = stateConnecting // so that the handler cannot publish on either
		asked := s.pending.ackIDs()
		s.end(EndRefused)
		s.expectLate(asked...) // this socket carried them: their answers are no surprise
		if s.state == stateConnecting {
			s.connected(m)
		}
	}
	return nil
}

// connected begins a new connection: it joins the groups, all of which must be
// answered before it is ready. On Simple there is no m: nothing announces it.
func (s *Session) connected(m *Downstream) {
	s.state = stateJoining
	s.begun, s.named = true, true
	if m != nil {
		s.connectionID, s.token = string(m.ConnectionID), string(m.ReconnectionToken)
	}
	s.proven = true // on Simple by the mere opening
	s.attempts = 0
	for _, group := range s.groups {
		s.membership(JoinGroup, group)
	}
	s.emit(Event{Kind: EventConnected, Message: m})
	s.acknowledge() // of what has overtaken `connected` (protocol.md 1.3)
	s.settle()
}

// settle ends the joining when no answer is missing.
func (s *Session) settle() {
	if s.state == stateJoining && s.joinsLeft == 0 {
		s.state = stateReady
		s.readied = true
		s.emit(Event{Kind: EventReady, Success: !s.joinRefused})
	}
}

// data handles a message for the application.
func (s *Session) data(m *Downstream, size int) {
	fresh := true
	if s.cfg.Subprotocol.Reliable() && m.SequenceID > 0 {
		fresh = s.numbered(m, size)
	}
	s.emit(Event{Kind: EventMessage, Fresh: fresh, Message: m})
}

// numbered takes the sequence id of a message of so many bytes and reports whether it
// is new.
func (s *Session) numbered(m *Downstream, size int) (fresh bool) {
	fresh = s.sequence.receive(m.SequenceID, size, s.now)
	s.acknowledge() // on receipt, not after processing (protocol.md 4.3)
	return fresh
}
