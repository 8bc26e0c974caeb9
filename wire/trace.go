package wire

import (
	"encoding/binary"
	"time"

	"github.com/gobwas/ws"
)

// Frame is one message or control frame of a Client, as Client.Trace shows it.
type Frame struct {
	Sent   bool      // by the Client; otherwise received
	OpCode ws.OpCode // of a fragmented message that of its first frame
	// Payload is unmasked and, of a fragmented message, whole. It is borrowed until the
	// function returns and must not be changed. It holds what was said, secrets included:
	// `connected` names a reconnection token.
	Payload []byte
}

// Kind is text, binary, close, ping or pong.
func (f *Frame) Kind() string {
	switch f.OpCode {
	case ws.OpText:
		return "text"
	case ws.OpBinary:
		return "binary"
	case ws.OpClose:
		return "close"
	case ws.OpPing:
		return "ping"
	default:
		return "pong"
	}
}

// Trace has fn told, on the Loop's goroutine, of every frame that the Client sends or
// receives from now on, in their order. One Client of a Loop is traced, the last one
// that was asked for; the others pay a comparison per frame.
func (c *Client) Trace(fn func(now time.Duration, f Frame)) {
	c.loop.work.traced, c.loop.work.trace = &c.session, fn
}

// trace shows a frame to whoever follows this Session.
func (s *Session) trace(sent bool, op ws.OpCode, payload []byte) {
	if s.work.traced == s {
		s.work.trace(s.now, Frame{Sent: sent, OpCode: op, Payload: payload})
	}
}

// closePayload is that of a close frame of ours; code 0 and 1005 stand for none.
func closePayload(code uint16) []byte {
	if code == 0 || code == uint16(ws.StatusNoStatusRcvd) {
		return nil
	}
	return binary.BigEndian.AppendUint16(nil, code)
}
