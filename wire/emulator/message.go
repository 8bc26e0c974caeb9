package emulator

import (
	"encoding/binary"

	"github.com/gobwas/ws"

	"github.com/wpsbench/wpsbench/wire"
)

// message is one publication, shared by everyone who gets it. It is encoded once in
// each notation that some receiver reads, when the first of them gets it.
type message struct {
	references int
	from       *session         // nil: sent over REST
	group      *group           // nil: a server message
	source     *wire.Downstream // borrowed: during the fan-out only
	jsonAsText bool             // Options.JSONAsText
	forms      [encodings]form  // by wire.Encoding
}

const encodings = int(wire.EncodingProtobuf) + 1

// form is a message in one notation. Clients of the plain subprotocols, and simple
// ones, get its frame as it is; those of the reliable ones the same payload with their
// own sequence id. Replay buffers refer to it, so that a thousand detached members of a
// group hold one copy.
//
//	buffer:  … │ frame header │ {"type":"message",…,"data":"hi"} │
//	           ▲ start        ▲ headerRoom
type form struct {
	message  *message
	encoding wire.Encoding
	op       ws.OpCode
	buffer   []byte // empty: not encoded yet
	start    int
}

// headerRoom is the longest header of an unmasked frame (RFC 6455 5.2).
const headerRoom = 10

// in returns the message in that notation. After the fan-out only those are to be
// had that somebody has got by then.
func (m *message) in(e wire.Encoding) *form {
	f := &m.forms[e]
	if len(f.buffer) == 0 {
		f.message, f.encoding = m, e
		f.encode(m.source)
	}
	return f
}

func (f *form) encode(d *wire.Downstream) {
	if f.encoding == wire.EncodingProtobuf && d.DataType == wire.DataJSON && f.message.jsonAsText {
		d.DataType = wire.DataText
		defer func() { d.DataType = wire.DataJSON }()
	}
	if f.op = f.encoding.OpCode(); f.op == 0 {
		f.op = d.DataType.OpCode()
	}
	var header [headerRoom]byte
	f.buffer = f.encoding.AppendDownstream(append(f.buffer[:0], header[:]...), d)
	h := appendHeader(header[:0], f.op, len(f.buffer)-headerRoom)
	f.start = headerRoom - len(h)
	copy(f.buffer[f.start:], h)
}

func (f *form) payload() []byte { return f.buffer[headerRoom:] }

// frame returns the frame of the message without a sequence id.
func (f *form) frame() []byte { return f.buffer[f.start:] }

// numberedSize is the payload's size with that sequence id.
func (f *form) numberedSize(sequenceID uint64) int {
	return f.encoding.NumberedBytes(f.payload(), sequenceID)
}

// appendNumbered appends the frame for a reliable subprotocol. The same sequence id
// always gives the same bytes.
func (f *form) appendNumbered(dst []byte, sequenceID uint64) []byte {
	dst = appendHeader(dst, f.op, f.numberedSize(sequenceID))
	return f.encoding.AppendNumbered(dst, f.payload(), sequenceID)
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
type messagePool struct {
	jsonAsText bool // of the messages it hands out
	free       []*message
}

// Limits of what the pool keeps: more is left to the garbage collector.
const (
	poolMessages     = 1024
	poolMessageBytes = 16 << 10
)

// take returns the message d with one reference, the caller's. d is borrowed until
// the end of its fan-out.
func (p *messagePool) take(d *wire.Downstream) *message {
	n := len(p.free)
	if n == 0 {
		return &message{references: 1, source: d, jsonAsText: p.jsonAsText}
	}
	m := p.free[n-1]
	p.free = p.free[:n-1]
	m.references, m.source = 1, d
	return m
}

// release gives one reference back.
func (p *messagePool) release(m *message) {
	m.references--
	if m.references > 0 {
		return
	}
	m.from, m.group, m.source = nil, nil, nil
	kept := 0
	for i := range m.forms {
		f := &m.forms[i]
		f.buffer = f.buffer[:0]
		kept += cap(f.buffer)
	}
	if len(p.free) < poolMessages && kept <= poolMessageBytes {
		p.free = append(p.free, m)
	}
}
