package wire

import (
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"time"

	"github.com/gobwas/ws"

	"github.com/wpsbench/wpsbench/wire/internal/frame"
)

// Start makes the first attempt to connect.
func (s *Session) Start(now time.Duration) {
	if s.state != stateIdle {
		return
	}
	s.now = now
	s.dial(stateDialing)
}

// dial asks for a socket; state says for what.
func (s *Session) dial(state sessionState) {
	s.state = state
	s.command = CommandDial
	s.emit(Event{Kind: EventDialing, Recovering: state == stateResuming})
}

// Opened tells that the pending dial succeeded. The trace is passed on. Without
// a pending dial the call is ignored and the socket stays the caller's.
func (s *Session) Opened(now time.Duration, t *DialTrace) {
	recovering := s.state == stateResuming
	if s.state != stateDialing && !recovering {
		return
	}
	s.now, s.openedAt, s.lastSent, s.lastRead = now, now, now, now
	s.idleAt, s.probeAt, s.inputHeld = now+s.cfg.IdleTimeout, 0, false
	s.epoch++
	s.proven = false
	if recovering {
		s.resume(t)
		return
	}
	s.begun = true
	s.state = stateConnecting
	s.timer = now + s.cfg.connectedTimeout()
	s.emit(Event{Kind: EventOpened, Trace: t})
	if s.cfg.Subprotocol == Simple && s.state == stateConnecting {
		s.connected(nil) // (protocol.md 6)
	}
}

// DialFailed tells that the pending dial failed with err.
func (s *Session) DialFailed(now time.Duration, err error) {
	s.now = now
	failed := Event{Kind: EventDialFailed, Err: err}
	switch s.state {
	case stateDialing:
		s.replace(EndUnknown, s.backoff(), failed)
	case stateResuming:
		// Whatever the error, it is no verdict on the session (protocol.md 4.5).
		s.state, s.timer = stateWaiting, now+s.cfg.Recovery.pause()
		failed.Recovering = true
		s.emit(failed)
	default:
	}
}

// Received takes the next bytes of the socket. data is modified, and borrowed
// until the call returns. Without a socket the call is ignored.
func (s *Session) Received(now time.Duration, data []byte) {
	if !s.open() {
		return
	}
	s.now, s.lastRead = now, now
	s.stats.BytesIn += uint64(len(data))
	if err := s.work.feed(s, data); err != nil {
		s.violated(err)
	}
}

// frame handles one message or control frame. An error is the peer's fault and
// ends the connection.
func (s *Session) frame(op ws.OpCode, payload []byte) error {
	s.trace(false, op, payload)
	switch op {
	case ws.OpClose:
		s.peerClosed(payload)
		return nil
	case ws.OpPing:
		if s.state != stateClosing { // nothing may follow a close frame (RFC 6455 5.5.1)
			s.write(ws.OpPong, payload)
		}
	case ws.OpPong:
		s.answersProbe(payload)
	default:
		if err := s.message(op, payload); err != nil {
			return err
		}
	}
	s.proven = true
	return nil
}

// peerClosed answers the peer's close frame with its own code (RFC 6455 5.5.1)
// and ends the socket.
func (s *Session) peerClosed(payload []byte) {
	d := drop{code: uint16(ws.StatusNoStatusRcvd), byPeer: s.state != stateClosing}
	if len(payload) >= 2 {
		d.code = binary.BigEndian.Uint16(payload)
		d.reason = string(payload[2:])
		payload = payload[:2]
	}
	if d.byPeer {
		s.write(ws.OpClose, payload)
	}
	s.command = CommandClose
	s.dropped(d)
}

// violated ends the socket of a peer that sent what no server may send.
func (s *Session) violated(err error) {
	code := ws.StatusInvalidFramePayloadData
	var refused *frame.CloseError
	if errors.As(err, &refused) {
		code = refused.Code
	}
	s.emit(Event{Kind: EventProtocolError, Err: err})
	if s.state != stateClosing {
		s.writeClose(uint16(code))
	}
	s.command = CommandClose
	s.dropped(drop{err: err, violation: true})
}

// Lost tells that the socket is gone: err is io.EOF when the peer ended the
// stream, otherwise the error of the read or write that failed.
func (s *Session) Lost(now time.Duration, err error) {
	if !s.open() {
		return
	}
	s.now = now
	s.dropBuffers()
	s.dropped(drop{err: err, byPeer: s.state != stateClosing && endedByPeer(err)})
}

// endedByPeer tells of the errors of a socket that the peer has ended, in whatever way.
func endedByPeer(err error) bool {
	return errors.Is(err, io.EOF) || slices.ContainsFunc(resets, func(reset error) bool { return errors.Is(err, reset) })
}

// abort gives the socket up.
func (s *Session) abort(err error) {
	s.dropBuffers()
	s.command = CommandAbort
	s.dropped(drop{err: err})
}

// write adds a frame to the output.
func (s *Session) write(op ws.OpCode, payload []byte) {
	mask, before := s.mask(), s.openOutput()
	s.out = frame.AppendFrame(s.out, op, payload, &mask)
	s.wrote(before)
	s.trace(true, op, payload)
}

// writeClose adds a close frame to the output; code 0 and 1005 stand for none.
func (s *Session) writeClose(code uint16) {
	mask, before := s.mask(), s.openOutput()
	s.out = frame.AppendClose(s.out, ws.StatusCode(code), "", &mask)
	s.wrote(before)
	if s.work.traced == s {
		s.trace(true, ws.OpClose, closePayload(code))
	}
}

// openOutput returns how much output there is already, and has room for more.
func (s *Session) openOutput() int {
	if s.out == nil {
		s.out = s.work.output()
	}
	return len(s.out)
}

func (s *Session) wrote(before int) {
	s.stats.BytesOut += uint64(len(s.out) - before)
	s.lastSent = s.now
}

func (s *Session) mask() (m [4]byte) {
	binary.LittleEndian.PutUint32(m[:], uint32(s.random.Uint64()))
	return m
}
