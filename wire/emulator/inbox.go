package emulator

import (
	"slices"

	"github.com/gobwas/ws"
)

// inboxBytes is how much may wait for an event handler before the socket is read no
// further, so that a client that sends faster than its handler answers is slowed
// down by TCP, like on the service.
const inboxBytes = 64 << 10

// waitingOverhead is what a frame costs besides its payload: many empty ones count too.
const waitingOverhead = 64

// inbox holds the frames of one socket that came while its session waits for an
// event handler, oldest first. They are lost with the socket.
type inbox struct {
	frames []waitingFrame
	bytes  int
}

type waitingFrame struct {
	op      ws.OpCode
	payload []byte
}

func (b *inbox) full() bool { return b.bytes > inboxBytes }

func (b *inbox) put(op ws.OpCode, payload []byte) {
	b.frames = append(b.frames, waitingFrame{op, slices.Clone(payload)})
	b.bytes += len(payload) + waitingOverhead
}

func (b *inbox) take() waitingFrame {
	f := b.frames[0]
	b.frames[0] = waitingFrame{}
	b.frames = b.frames[1:]
	b.bytes -= len(f.payload) + waitingOverhead
	if len(b.frames) == 0 {
		b.frames = nil
	}
	return f
}

// closeFrame returns the payload of the peer's close frame, if one waits: it is the last.
func (b *inbox) closeFrame() (payload []byte, ok bool) {
	if n := len(b.frames); n > 0 && b.frames[n-1].op == ws.OpClose {
		return b.frames[n-1].payload, true
	}
	return nil, false
}

// postpone keeps a frame until the session's event handler has answered.
func (k *socket) postpone(op ws.OpCode, payload []byte) {
	if op == ws.OpPong {
		return
	}
	k.waiting.put(op, payload)
	if k.waiting.full() {
		k.link.Pause()
	}
}

// proceed handles what has waited, up to the next event.
func (k *socket) proceed() {
	for k.state == socketOpen && k.session != nil && !k.session.busy && len(k.waiting.frames) > 0 {
		f := k.waiting.take()
		_ = k.handle(f.op, f.payload) // it only says that the socket is closed
	}
	if !k.waiting.full() {
		k.heard = true
		k.link.Resume()
	}
}
