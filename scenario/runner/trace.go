package runner

import (
	"encoding/binary"
	"fmt"
	"io"
	"time"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/wire"
)

// FrameTrace asks for a line about every frame of one connection.
type FrameTrace struct {
	Connection int // of the plan
	// To gets a whole line per Write, as it happens, from one goroutine. An error ends the trace.
	To io.Writer
}

// tracer tells the frames of a member, without what they carry: of payloads the ids in
// their header and their size, of tokens nothing.
type tracer struct {
	m    *member
	to   io.Writer
	line []byte

	decoder wire.Decoder // its own: the session's is at work
	up      wire.Upstream
	down    wire.Downstream
	copy    []byte // of the frame: decoding may change it
}

func newTracer(m *member, to io.Writer) *tracer {
	t := &tracer{m: m, to: to}
	m.client.Trace(t.frame)
	return t
}

// frame tells one frame.
func (t *tracer) frame(now time.Duration, f wire.Frame) {
	direction := "<-"
	if f.Sent {
		direction = "->"
	}
	t.begin(now, direction)
	kind := f.Kind()
	t.printf("%-6s %6d B  ", kind, len(f.Payload))
	t.copy = append(t.copy[:0], f.Payload...)
	switch {
	case kind == "close":
		t.closing(t.copy)
	case kind == "ping", kind == "pong":
	case t.m.encoding == wire.EncodingNone && kind == "binary":
		t.payload(t.copy, metrics.PayloadBinary)
	case t.m.encoding == wire.EncodingNone:
		t.payload(t.copy, metrics.PayloadText)
	case f.Sent:
		t.upstream(t.copy)
	default:
		t.downstream(t.copy)
	}
	t.end()
}

func (t *tracer) closing(payload []byte) {
	if len(payload) < 2 {
		t.printf("without a code")
		return
	}
	t.printf("%d %.120q", binary.BigEndian.Uint16(payload), payload[2:])
}

func (t *tracer) upstream(message []byte) {
	m := &t.up
	if err := t.m.encoding.Upstream(&t.decoder, message, m); err != nil {
		t.printf("cannot be decoded")
		return
	}
	switch m.Kind {
	case wire.JoinGroup:
		t.printf("joinGroup %.80q", m.Group)
	case wire.LeaveGroup:
		t.printf("leaveGroup %.80q", m.Group)
	case wire.SendToGroup:
		t.printf("sendToGroup %.80q  ", m.Group)
		t.payload(m.Data, upstreamKind(m.DataType))
	case wire.SendEvent:
		t.printf("event %.80q  ", m.Event)
		t.payload(m.Data, upstreamKind(m.DataType))
	case wire.Ping:
		t.printf("ping")
	case wire.SequenceAck:
		t.printf("sequenceAck  sequence id %d", m.SequenceID)
	default:
		t.printf("unknown message")
	}
	if m.HasAckID {
		t.printf("  ack id %d", m.AckID)
	}
}

func (t *tracer) downstream(message []byte) {
	m := &t.down
	if err := t.m.encoding.Downstream(&t.decoder, message, m); err != nil {
		t.printf("cannot be decoded")
		return
	}
	switch m.Kind {
	case wire.Connected:
		t.printf("connected  connection id %.80q  user %.80q", m.ConnectionID, m.UserID)
	case wire.Disconnected:
		t.printf("disconnected  %.120q", m.Reason)
	case wire.Ack:
		t.printf("ack  ack id %d  ", m.AckID)
		if m.Success {
			t.printf("success")
		} else {
			t.printf("%.80q", m.ErrorName)
		}
	case wire.GroupMessage:
		t.printf("message of group %.80q  ", m.Group)
		t.payload(m.Data, kindOf(t.m.encoding, m))
	case wire.ServerMessage:
		t.printf("message of the server  ")
		t.payload(m.Data, kindOf(t.m.encoding, m))
	case wire.Pong:
		t.printf("pong")
	default:
		t.printf("unknown message")
	}
	if m.SequenceID > 0 {
		t.printf("  sequence id %d", m.SequenceID)
	}
}

// payload tells whose message it is and its size, never what it says.
func (t *tracer) payload(data []byte, kind metrics.PayloadKind) {
	h, status := metrics.ParsePayload(data, kind, t.m.w.run.topology.RunID)
	switch status {
	case metrics.HeaderOK:
		t.printf("publisher %d  address %d  message %d  (%d B)", h.Publisher, h.Address, h.Message, len(data))
	case metrics.HeaderCorrupt:
		t.printf("damaged data (%d B)", len(data))
	default:
		t.printf("foreign data (%d B)", len(data))
	}
}

func upstreamKind(t wire.DataType) metrics.PayloadKind {
	switch t {
	case wire.DataJSON:
		return metrics.PayloadJSON
	case wire.DataText:
		return metrics.PayloadText
	default:
		return metrics.PayloadBinary
	}
}

// event tells what becomes of the connection between its frames.
func (t *tracer) event(now time.Duration, ev *wire.Event) {
	var text string
	switch ev.Kind {
	case wire.EventDialing:
		text = "dials"
	case wire.EventDialFailed:
		text = "dial failed: " + errorKind(ev.Err)
	case wire.EventOpened:
		text = "opened"
	case wire.EventDropped:
		text = "dropped: " + dropText(ev)
	case wire.EventEnded:
		text = "the session is over"
	case wire.EventProtocolError:
		text = "the peer breaks the protocol"
	default:
		return
	}
	if ev.Recovering {
		text += ", to recover"
	}
	t.begin(now, "--")
	t.printf("%s", text)
	t.end()
}

func (t *tracer) begin(now time.Duration, direction string) {
	t.line = fmt.Appendf(t.line[:0], "t%+.6f s  %s  ", (now - t.m.w.run.start).Seconds(), direction)
}

func (t *tracer) printf(format string, args ...any) { t.line = fmt.Appendf(t.line, format, args...) }

func (t *tracer) end() {
	if t.to == nil {
		return
	}
	if _, err := t.to.Write(append(t.line, '\n')); err != nil {
		t.m.w.run.note("note", "the trace of frames has ended: "+err.Error())
		t.to = nil
	}
}
