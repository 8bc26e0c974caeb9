package runner

import (
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/wire"
)

// inflow is what one subscriber of a group of ten receives, from the bytes on: a
// message of each publisher in turn.
type inflow struct {
	w       *worker
	session *wire.Session
	frames  [][]byte // one delivery each, in order
	next    int
	scratch []byte
	now     time.Duration
}

const inflowText = `name: inflow
protocol: %s
groups: {room: {count: 1}}
populations:
  members:
    connections: 10
    join: {room: 1}
    publish: {to: room, rate: 100/s, data_type: %s, size: 128, metadata: {trace: a1, q: x}}
phases: {steady: 1h}
checks: {profile: strict}
`

func newInflow(t testing.TB, protocol wire.Subprotocol, dataType string, messages int) *inflow {
	plan := planOf(t, fmt.Sprintf(inflowText, protocol, dataType))
	cfg := Config{Plan: plan, Workers: 1, RunID: 7, Profile: metrics.Strict, Target: Target{URL: func(int) wire.URLFunc { return nil }}}
	w := newRun(cfg).workers[0]
	w.t0 = time.Second
	m := w.members[0]
	f := &inflow{w: w, session: wire.NewSession(&w.run.sessions[0], m, 1), now: 2 * time.Second}
	encoding := protocol.Encoding()
	feed := func(d *wire.Downstream) []byte { return serverFrame(encoding, d) }
	f.session.Start(0)
	f.session.Command()
	f.session.Opened(0, nil)
	f.session.Received(0, feed(&wire.Downstream{Kind: wire.Connected, ConnectionID: []byte("one")}))
	for k := range messages {
		p := k % len(w.run.topology.Publishers)
		user := fmt.Appendf(nil, "user-%d", p)
		w.run.topology.Named(p, user)
		pub := &w.run.topology.Publishers[p]
		h := metrics.Header{RunID: 7, Publisher: uint32(p), Address: pub.Addresses[0], Message: uint64(k/len(w.run.topology.Publishers)) + 1}
		d := &wire.Downstream{
			Kind: wire.GroupMessage, Group: []byte(w.run.topology.Groups[0]), FromUserID: user, DataType: dataTypeOf(pub.Kind),
			Data:     metrics.AppendPayload(nil, pub.Kind, h, 128, 1),
			Metadata: []byte(`{"trace":"a1","q":"x"}`), // not in the order that they are published in
		}
		if protocol.Reliable() {
			d.SequenceID = uint64(k) + 1
		}
		f.frames = append(f.frames, feed(d))
	}
	return f
}

func serverFrame(e wire.Encoding, d *wire.Downstream) []byte {
	return frameOf(e, e.AppendDownstream(nil, d))
}

// frameOf is an unmasked frame of less than 64 KiB.
func frameOf(e wire.Encoding, payload []byte) []byte {
	b := []byte{0x80 | byte(e.OpCode()), byte(len(payload))}
	if len(payload) > 125 {
		b = binary.BigEndian.AppendUint16([]byte{b[0], 126}, uint16(len(payload)))
	}
	return append(b, payload...)
}

// deliver receives the next message, as its client would after a read.
func (f *inflow) deliver() {
	f.now += time.Millisecond
	f.scratch = append(f.scratch[:0], f.frames[f.next]...)
	f.next++
	f.session.Received(f.now, f.scratch)
	f.session.Output()
	f.session.Command()
	if at, ok := f.session.Deadline(); ok && at <= f.now {
		f.session.Tick(f.now)
	}
}

var inflows = []struct {
	protocol wire.Subprotocol
	dataType string
}{
	{wire.JSON, "text"},
	{wire.JSON, "json"},
	{wire.JSON, "binary"},
	{wire.JSONReliable, "text"},
	{wire.JSONReliable, "json"},
	{wire.JSONReliable, "binary"},
	{wire.Protobuf, "text"},
	{wire.Protobuf, "json"},
	{wire.Protobuf, "binary"},
	{wire.ProtobufReliable, "text"},
	{wire.ProtobufReliable, "json"},
	{wire.ProtobufReliable, "binary"},
}

// From the bytes of a read to the histogram a message costs no allocation, whatever
// it is made of.
func TestReceivingAllocatesNothing(t *testing.T) {
	const warm, rounds = 5000, 1000 // warm: the checker's ring of frames fills up
	for _, tt := range inflows {
		t.Run(string(tt.protocol)+"/"+tt.dataType, func(t *testing.T) {
			f := newInflow(t, tt.protocol, tt.dataType, warm+rounds+1)
			for range warm {
				f.deliver()
			}
			if got := testing.AllocsPerRun(rounds, f.deliver); got != 0 {
				t.Errorf("%v allocations per message, want 0", got)
			}
			if got := f.w.recorder.Interval().Delivered; got != warm+rounds+1 {
				t.Errorf("%d messages were checked and recorded, want %d", got, warm+rounds+1)
			}
		})
	}
}

func BenchmarkReceive(b *testing.B) {
	for _, tt := range inflows {
		b.Run(string(tt.protocol)+"/"+tt.dataType, func(b *testing.B) {
			f := newInflow(b, tt.protocol, tt.dataType, 10_000)
			b.ReportAllocs()
			for b.Loop() {
				if f.next == len(f.frames) {
					b.StopTimer()
					f = newInflow(b, tt.protocol, tt.dataType, 10_000)
					b.StartTimer()
				}
				f.deliver()
			}
		})
	}
}
