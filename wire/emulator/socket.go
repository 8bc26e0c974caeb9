package emulator

import (
	"errors"
	"time"

	"github.com/gobwas/ws"

	"github.com/wpsbench/wpsbench/wire"
	"github.com/wpsbench/wpsbench/wire/internal/frame"
)

// The close codes that the service uses (protocol.md 3.6, RFC 6455 7.4.1).
const (
	closeNormal      = 1000
	closeProtocol    = 1002
	closeUnsupported = 1003
	closeNoCode      = 1005 // never on the wire: a close frame without a code
	closeAbnormal    = 1006 // never on the wire: no close frame
	closeInvalid     = 1007
	closePolicy      = 1008
	closeTooLarge    = 1009
	closeInternal    = 1011
)

// closeTimeout bounds the wait for the peer's close frame after ours.
const closeTimeout = 5 * time.Second

// socketState is the life of one WebSocket, always forwards.
type socketState uint8

const (
	socketNew     socketState = iota
	socketOpen                // frames and messages flow
	socketClosing             // our close frame is out, the peer's is awaited, data is ignored
	socketClosed              // the link is gone or about to go
)

// socket is one WebSocket after its handshake: frames on one side, messages of
// a session on the other. It is the loop's handler of that connection.
type socket struct {
	core    *core
	link    link
	session *session // nil once the session is gone or has another socket
	timer   timer    // keep-alive while open, then the close timeout
	onFrame func(op ws.OpCode, payload []byte) error
	parser  frame.Parser

	state   socketState
	heard   bool // something came since the last keep-alive
	suspect bool // its write queue is being looked at
	code    int  // of the first close frame, either way; 0 = none yet

	waiting inbox // frames that came while an event handler keeps the session busy

	// Written since the queue was last seen empty: with link.Buffered they tell
	// how many messages wait.
	queuedMessages int
	queuedBytes    int
}

// errDone stops the parser: nothing that follows is of interest.
var errDone = errors.New("socket is closed")

// newSocket makes a socket whose link is not known yet; set it before any other call.
func (c *core) newSocket() *socket {
	k := &socket{core: c, heard: true}
	k.onFrame = k.frame
	k.timer = c.newTimer(k.tick)
	return k
}

// open starts the traffic on behalf of s; nil for a socket that will be closed at once.
func (k *socket) open(s *session) {
	k.session = s
	k.state = socketOpen
	k.parser.Reset(frame.Config{
		Server:          true,
		Text:            s != nil && s.encoding == wire.EncodingJSON,
		Binary:          s != nil && s.encoding == wire.EncodingProtobuf,
		MaxMessageBytes: k.core.opts.MaxMessageBytes,
	})
	k.core.stats.Connections++
	k.core.stats.ConnectionsTotal++
	if every := k.core.opts.KeepAlive; every > 0 {
		k.timer.Set(k.core.now + every)
	}
}

// Received takes bytes of the WebSocket; data may be modified.
func (k *socket) Received(now time.Duration, data []byte) {
	k.core.now = now
	k.heard = true
	if k.state != socketOpen && k.state != socketClosing {
		return
	}
	err := k.parser.Feed(data, k.onFrame)
	if err == nil || errors.Is(err, errDone) {
		return
	}
	if k.state == socketOpen {
		k.fail(closeCause(k.session, err))
	}
	// The peer's close frame could not be made out any more.
	k.finish()
	k.link.CloseAfterWrite()
}

// Lost tells that the transport is gone.
func (k *socket) Lost(now time.Duration, _ error) {
	k.core.now = now
	switch payload, said := k.waiting.closeFrame(); {
	case k.state == socketClosed:
	case said:
		k.peerClosed(payload) // it waited behind an event, and the peer did not wait for us
	default:
		k.dropped()
	}
}

// tick is the keep-alive, and the end of the patience with a closing peer.
func (k *socket) tick(now time.Duration) {
	k.core.now = now
	switch {
	case k.state != socketOpen:
		k.abort()
	case !k.heard && !k.waiting.full():
		k.core.stats.PingTimeouts++
		k.abort()
	default:
		k.heard = false
		k.writeFrame(ws.OpPing, nil)
		k.timer.Set(now + k.core.opts.KeepAlive)
	}
}

// frame takes one complete message or control frame from the parser. While the
// session waits for an event handler everything but a ping waits with it.
func (k *socket) frame(op ws.OpCode, payload []byte) error {
	if s := k.session; s != nil && s.busy && op != ws.OpPing {
		k.postpone(op, payload)
		return nil
	}
	return k.handle(op, payload)
}

func (k *socket) handle(op ws.OpCode, payload []byte) error {
	switch op {
	case ws.OpClose:
		k.peerClosed(payload)
		return errDone
	case ws.OpPing:
		k.writeFrame(ws.OpPong, payload)
	case ws.OpPong:
	default:
		if k.state == socketOpen {
			k.core.received(k.session, op, payload)
		}
	}
	if k.state == socketClosed {
		return errDone
	}
	return nil
}

// peerClosed completes the closing handshake. Close code 1000 ends the session,
// any other and none at all leaves a reliable one recoverable (protocol.md 4.6).
func (k *socket) peerClosed(payload []byte) {
	if k.state == socketOpen {
		k.writeFrame(ws.OpClose, payload)
		code := closeNoCode
		if len(payload) >= 2 {
			code = int(payload[0])<<8 | int(payload[1])
		}
		k.code = code
	}
	s := k.session
	reason := "The client closed the connection."
	if len(payload) > 2 {
		reason = string(payload[2:])
	}
	k.finish()
	k.link.CloseAfterWrite()
	switch {
	case s == nil:
	case k.code == closeNormal:
		k.core.end(s, reason)
	default:
		k.core.lost(s, reason)
	}
}

// fail ends the session for what its client did, and closes.
func (k *socket) fail(code int, reason string) {
	if k.session != nil {
		k.core.end(k.session, reason)
	}
	k.close(code, reason)
}

// close sends a close frame and waits for the peer's. The session must be gone.
func (k *socket) close(code int, reason string) {
	if k.state != socketOpen {
		return
	}
	k.code = code
	k.core.frame = frame.AppendClose(k.core.frame[:0], ws.StatusCode(code), reason, nil)
	k.write(k.core.frame)
	k.state = socketClosing
	k.waiting = inbox{}
	k.link.Resume() // the peer's close frame may be behind what was not read
	k.timer.Set(k.core.now + closeTimeout)
}

// abort closes without a close frame; the session, if any, sees a loss.
func (k *socket) abort() {
	if k.state == socketClosed {
		return
	}
	k.link.Abort()
	k.dropped()
}

func (k *socket) dropped() {
	s := k.session
	k.finish()
	if s != nil {
		k.core.lost(s, "The connection was lost.")
	}
}

// finish counts the end of the socket.
func (k *socket) finish() {
	k.state = socketClosed
	k.timer.Stop()
	k.waiting = inbox{}
	if k.code == 0 {
		k.code = closeAbnormal
	}
	k.core.stats.Connections--
	k.core.stats.Closes[k.code]++
}

// writeMessage sends one message that is meant for this client alone.
func (k *socket) writeMessage(m *wire.Downstream) {
	e := k.session.encoding
	k.core.payload = e.AppendDownstream(k.core.payload[:0], m)
	k.writeFrame(e.OpCode(), k.core.payload)
}

func (k *socket) writeFrame(op ws.OpCode, payload []byte) {
	k.core.frame = frame.AppendFrame(k.core.frame[:0], op, payload, nil)
	k.write(k.core.frame)
}

// write queues one frame, unless the closing handshake has begun.
func (k *socket) write(b []byte) {
	if k.state != socketOpen {
		return
	}
	if k.link.Buffered() == 0 {
		k.queuedMessages, k.queuedBytes = 0, 0
	}
	k.queuedMessages++
	k.queuedBytes += len(b)
	k.link.Write(b)
	k.core.watch(k)
}

// closeCause translates an error of the frame parser into the service's words.
func closeCause(s *session, err error) (code int, reason string) {
	var broken *frame.CloseError
	if !errors.As(err, &broken) {
		return closeProtocol, "The client frame is invalid."
	}
	switch {
	case broken.Code == closeTooLarge:
		return closeTooLarge, "The client message is too large."
	case broken.Code == closeUnsupported:
		return closeUnsupported, s.wrongFrame()
	case broken.Code == closeInvalid && !s.simple:
		return closeInvalid, s.invalidMessage()
	default:
		return int(broken.Code), "The client frame is invalid."
	}
}

// wrongFrame and invalidMessage are the service's words for close codes 1003 and 1007
// (protocol.md 3.6).
func (s *session) wrongFrame() string {
	if s.encoding == wire.EncodingProtobuf {
		return "The " + string(s.subprotocol) + " subprotocol requires binary messages."
	}
	return "The JSON subprotocol requires text messages."
}

func (s *session) invalidMessage() string {
	if s.encoding == wire.EncodingProtobuf {
		return "The client message is not a valid Protobuf protocol message."
	}
	return "The client message is not a valid JSON protocol message."
}
