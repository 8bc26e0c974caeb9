package wire_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/wpsbench/wpsbench/wire"
)

// hotPath is every codec call that a run makes for each message.
var hotPath = []struct {
	name string
	op   func() func() error
}{
	{"decode/group text", decodeOp(wire.EncodingJSON, groupMessage(wire.DataText))},
	{"decode/group json", decodeOp(wire.EncodingJSON, groupMessage(wire.DataJSON))},
	{"decode/group binary", decodeOp(wire.EncodingJSON, groupMessage(wire.DataBinary))},
	{"decode/ack", decodeOp(wire.EncodingJSON, acked)},
	{"decode/sendToGroup", decodeSendOp(wire.EncodingJSON)},
	{"encode/sendToGroup", encodeSendOp(wire.EncodingJSON)},
	{"encode/group text", encodeOp(wire.EncodingJSON, groupMessage(wire.DataText))},
	{"encode/group json", encodeOp(wire.EncodingJSON, groupMessage(wire.DataJSON))},
	{"encode/group binary", encodeOp(wire.EncodingJSON, groupMessage(wire.DataBinary))},
	{"protobuf/decode/group text", decodeOp(protobuf, groupMessage(wire.DataText))},
	{"protobuf/decode/group binary", decodeOp(protobuf, groupMessage(wire.DataBinary))},
	{"protobuf/decode/ack", decodeOp(protobuf, acked)},
	{"protobuf/decode/sendToGroup", decodeSendOp(protobuf)},
	{"protobuf/encode/sendToGroup", encodeSendOp(protobuf)},
	{"protobuf/encode/group text", encodeOp(protobuf, groupMessage(wire.DataText))},
	{"protobuf/encode/group binary", encodeOp(protobuf, groupMessage(wire.DataBinary))},
}

var acked = &wire.Downstream{Kind: wire.Ack, AckID: 123456, Success: true}

func TestHotPathDoesNotAllocate(t *testing.T) {
	for _, tt := range hotPath {
		t.Run(tt.name, func(t *testing.T) {
			op := tt.op()
			allocs := testing.AllocsPerRun(100, func() {
				if err := op(); err != nil {
					t.Fatal(err)
				}
			})
			if allocs != 0 {
				t.Errorf("got %v allocations, want 0", allocs)
			}
		})
	}
}

// Undoing escapes, metadata and the nested error need scratch; it too is kept.
func TestScratchIsKept(t *testing.T) {
	up := b(`{"type":"sendToGroup","group":"r\u006fom","dataType":"text","data":"a\nb","metadata":{"b":"\u0062","a":""}}`)
	down := b(`{"type":"ack","ackId":1,"success":false,"error":{"name":"Bad\u0052equest","message":"a\tb"}}`)
	var m wire.Upstream
	if err := new(wire.Decoder).Upstream(up, &m); err != nil {
		t.Fatal(err)
	}
	bytes := protobuf.AppendUpstream(nil, &m)
	var d wire.Decoder
	allocs := testing.AllocsPerRun(100, func() {
		var mu wire.Upstream
		var md wire.Downstream
		if err := d.Upstream(up, &mu); err != nil {
			t.Fatal(err)
		}
		if err := d.Downstream(down, &md); err != nil {
			t.Fatal(err)
		}
		if err := protobuf.Upstream(&d, bytes, &mu); err != nil {
			t.Fatal(err)
		}
	})
	if allocs != 0 {
		t.Errorf("got %v allocations, want 0", allocs)
	}
}

func BenchmarkCodec(b *testing.B) {
	for _, bm := range hotPath {
		b.Run(bm.name, func(b *testing.B) {
			op := bm.op()
			b.ReportAllocs()
			for b.Loop() {
				if err := op(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkEncodingJSON is what a group message costs by the standard library.
func BenchmarkEncodingJSON(b *testing.B) {
	text := wire.AppendDownstream(nil, groupMessage(wire.DataText))
	var m struct {
		Type, From, Group, FromUserID, DataType, Data string
		SequenceID                                    uint64
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := json.Unmarshal(text, &m); err != nil {
			b.Fatal(err)
		}
	}
}

// groupMessage carries 128 bytes of payload.
func groupMessage(t wire.DataType) *wire.Downstream {
	m := &wire.Downstream{Kind: wire.GroupMessage, Group: b("room-001"), FromUserID: b("user-000042"), DataType: t, SequenceID: 123456}
	switch t {
	case wire.DataJSON:
		m.Data = b(`{"header":"` + strings.Repeat("h", 48) + `","padding":"` + strings.Repeat("p", 54) + `"}`)
	case wire.DataText:
		m.Data = bytes.Repeat(b("t"), 128)
	default:
		m.Data = bytes.Repeat(b("\xa5"), 128)
	}
	return m
}

func decodeOp(e wire.Encoding, m *wire.Downstream) func() func() error {
	return func() func() error {
		text := e.AppendDownstream(nil, m)
		var d wire.Decoder
		var got wire.Downstream
		return func() error { return e.Downstream(&d, text, &got) }
	}
}

func encodeOp(e wire.Encoding, m *wire.Downstream) func() func() error {
	return func() func() error {
		var buf []byte
		return func() error {
			buf = e.AppendDownstream(buf[:0], m)
			return nil
		}
	}
}

func send() *wire.Upstream {
	return &wire.Upstream{
		Kind: wire.SendToGroup, Group: b("room-001"), DataType: wire.DataText, HasData: true,
		Data: bytes.Repeat(b("t"), 128), HasAckID: true, AckID: 123456,
	}
}

func decodeSendOp(e wire.Encoding) func() func() error {
	return func() func() error {
		text := e.AppendUpstream(nil, send())
		var d wire.Decoder
		var got wire.Upstream
		return func() error { return e.Upstream(&d, text, &got) }
	}
}

func encodeSendOp(e wire.Encoding) func() func() error {
	return func() func() error {
		m := send()
		var buf []byte
		return func() error {
			buf = e.AppendUpstream(buf[:0], m)
			return nil
		}
	}
}
