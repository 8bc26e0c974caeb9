package emulator

import (
	"encoding/binary"
	"slices"
	"strconv"

	"github.com/gobwas/ws"

	"github.com/wpsbench/wpsbench/wire"
)

// message is one publication, encoded once and shared by everyone who gets it:
// the clients of the plain JSON subprotocol get its frame as it is, those of the
// reliable one the same payload with their own sequence id appended. Replay
// buffers refer to it, so that a thousand detached members of a group hold one copy.
//
//	buffer:  … │ frame header │ {"type":"message",…,"data":"hi"} │
//	           ▲ start        ▲ headerRoom
type message struct {
	references int
	from       *session // nil: sent over REST
	group      *group   // nil: a server message
	buffer     []byte
	start      int

	simpleOp ws.OpCode // frame type for simple clients
	data     []byte    // their payload, borrowed: valid during the fan-out only
}

// headerRoom is the longest header of an unmasked frame (RFC 6455 5.2).
const headerRoom = 10

const sequenceKey = `,"sequenceId":`

// encode fills m for d, borrowing d.Data.
func (m *message) encode(d *wire.Downstream) {
	var header [headerRoom]byte
	m.buffer = wire.AppendDownstream(append(m.buffer[:0], header[:]...), d)
	h := appendHeader(header[:0], ws.OpText, len(m.buffer)-headerRoom)
	m.start = headerRoom - len(h)
	copy(m.buffer[m.start:], h)

	m.simpleOp, m.data = ws.OpText, d.Data
	if d.DataType == wire.DataBinary {
		m.simpleOp = ws.OpBinary
	}
}

// keepData lets the message outlive its fan-out for simple clients too.
func (m *message) keepData() { m.data = slices.Clone(m.data) }

// frame returns the frame for the plain JSON subprotocol.
func (m *message) frame() []byte { return m.buffer[m.start:] }

// numberedSize is the payload's size on the reliable subprotocol.
func (m *message) numberedSize(sequenceID uint64) int {
	digits := 1
	for v := sequenceID; v >= 10; v /= 10 {
		digits++
	}
	return len(m.buffer) - headerRoom + len(sequenceKey) + digits
}

// appendNumbered appends the frame for the reliable subprotocol. The same
// sequence id always gives the same bytes.
func (m *message) appendNumbered(dst []byte, sequenceID uint64) []byte {
	dst = appendHeader(dst, ws.OpText, m.numberedSize(sequenceID))
	dst = append(dst, m.buffer[headerRoom:len(m.buffer)-1]...)
	dst = append(dst, sequenceKey...)
	dst = strconv.AppendUint(dst, sequenceID, 10)
	return append(dst, '}')
}

// appendHeader appends the header of an unmasked, unfragmented frame (RFC 6455 5.2).
func appendHeader(dst []byte, op ws.OpCode, n int) []byte {
	dst = append(dst, 0x80|byte(op))
	switch {
	case n <= 125:
		return append(dst, byte(n))
	case n <= 0xffff:
		return binary.BigEndian.AppendUint16(append(dst, 126), uint16(n))
	default:
		return binary.BigEndian.AppendUint64(append(dst, 127), uint64(n))
	}
}

// messagePool hands out messages and takes back those that nobody refers to any more.
type messagePool struct{ free []*message }

// Limits of what the pool keeps: more is left to the garbage collector.
const (
	poolMessages     = 1024
	poolMessageBytes = 16 << 10
)

// take returns an empty message with one reference, the caller's.
func (p *messagePool) take() *message {
	if n := len(p.free); n > 0 {
		m := p.free[n-1]
		p.free = p.free[:n-1]
		m.references = 1
		return m
	}
	return &message{references: 1}
}

// release gives one reference back.
func (p *messagePool) release(m *message) {
	m.references--
	if m.references > 0 {
		return
	}
	m.from, m.group, m.data = nil, nil, nil
	if len(p.free) < poolMessages && cap(m.buffer) <= poolMessageBytes {
		p.free = append(p.free, m)
	}
}
