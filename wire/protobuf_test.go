package wire_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/wpsbench/wpsbench/wire"
	"github.com/wpsbench/wpsbench/wire/internal/pb"
)

const protobuf = wire.EncodingProtobuf

// The bytes of protocol.md 5, as they stand there.
var (
	publishedUpstreamBytes = []struct {
		name, hex string
		want      wire.Upstream
	}{
		{"join", "32 08 0a 04 72 6f 6f 6d 10 01", wire.Upstream{Kind: wire.JoinGroup, Group: b("room"), HasAckID: true, AckID: 1}},
		{
			"send text", "0a 10 0a 04 72 6f 6f 6d 10 07 1a 04 0a 02 68 69 20 01",
			wire.Upstream{Kind: wire.SendToGroup, Group: b("room"), HasAckID: true, AckID: 7, DataType: wire.DataText, HasData: true, Data: b("hi"), NoEcho: true},
		},
		{"sequence ack", "42 03 08 ac 02", wire.Upstream{Kind: wire.SequenceAck, SequenceID: 300}},
		{"ping", "4a 00", wire.Upstream{Kind: wire.Ping}},
	}
	publishedDownstreamBytes = []struct {
		name, hex string
		want      wire.Downstream
	}{
		{"pong", "22 00", wire.Downstream{Kind: wire.Pong}},
		{"ack", "0a 04 08 07 10 01", wire.Downstream{Kind: wire.Ack, AckID: 7, Success: true}},
		{
			"refusal", "0a 12 08 07 1a 0e 0a 09 44 75 70 6c 69 63 61 74 65 12 01 78",
			wire.Downstream{Kind: wire.Ack, AckID: 7, ErrorName: b("Duplicate"), ErrorMessage: b("x")},
		},
		{
			"group message", "12 15 0a 05 67 72 6f 75 70 12 04 72 6f 6f 6d 1a 04 0a 02 68 69 20 05",
			wire.Downstream{Kind: wire.GroupMessage, Group: b("room"), DataType: wire.DataText, Data: b("hi"), SequenceID: 5},
		},
		{
			"connected", "1a 12 0a 10 0a 02 63 31 12 05 61 6c 69 63 65 1a 03 54 4f 4b",
			wire.Downstream{Kind: wire.Connected, ConnectionID: b("c1"), UserID: b("alice"), ReconnectionToken: b("TOK")},
		},
	}
)

func unhex(t testing.TB, text string) []byte {
	t.Helper()
	raw, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestProtobufPublished(t *testing.T) {
	var d wire.Decoder
	for _, tt := range publishedUpstreamBytes {
		t.Run(tt.name, func(t *testing.T) {
			raw := unhex(t, tt.hex)
			wantUpstreamBytes(t, &d, raw, tt.want)
			if got := protobuf.AppendUpstream(b("before "), &tt.want); !bytes.Equal(got, append(b("before "), raw...)) {
				t.Errorf("encoded\ngot  %x\nwant %x", got[7:], raw)
			}
		})
	}
	for _, tt := range publishedDownstreamBytes {
		t.Run(tt.name, func(t *testing.T) {
			raw := unhex(t, tt.hex)
			wantDownstreamBytes(t, &d, raw, tt.want)
			if got := protobuf.AppendDownstream(b("before "), &tt.want); !bytes.Equal(got, append(b("before "), raw...)) {
				t.Errorf("encoded\ngot  %x\nwant %x", got[7:], raw)
			}
		})
	}
}

func wantUpstreamBytes(t *testing.T, d *wire.Decoder, raw []byte, want wire.Upstream) {
	t.Helper()
	var got wire.Upstream
	if err := protobuf.Upstream(d, raw, &got); err != nil || show(got) != show(want) {
		t.Errorf("decoded\ngot  %s (%v)\nwant %s", show(got), err, show(want))
	}
}

func wantDownstreamBytes(t *testing.T, d *wire.Decoder, raw []byte, want wire.Downstream) {
	t.Helper()
	var got wire.Downstream
	if err := protobuf.Downstream(d, raw, &got); err != nil || show(got) != show(want) {
		t.Errorf("decoded\ngot  %s (%v)\nwant %s", show(got), err, show(want))
	}
}

// Bytes that no encoder of ours writes, drawn with their fields.
func TestProtobufUpstreamVariants(t *testing.T) {
	text := func(data string) wire.Upstream {
		return wire.Upstream{Kind: wire.SendToGroup, Group: b("g"), DataType: wire.DataText, HasData: true, Data: b(data)}
	}
	tests := []struct {
		name, hex string
		want      wire.Upstream
	}{
		{"fields in another order", "0a 07  1a 02 0a 00  0a 01 67", text("")},
		{"empty binary", "0a 07  0a 01 67  1a 02 12 00", wire.Upstream{Kind: wire.SendToGroup, Group: b("g"), DataType: wire.DataBinary, HasData: true}},
		{"json_data", "0a 09  0a 01 67  1a 04 22 02 5b 5d", wire.Upstream{Kind: wire.SendToGroup, Group: b("g"), HasData: true, Data: b("[]")}},
		{"an Any", "0a 0b  0a 01 67  1a 06 1a 04 12 02 08 01", wire.Upstream{Kind: wire.SendToGroup, Group: b("g"), DataType: wire.DataProtobuf, HasData: true, Data: b("\x12\x02\x08\x01")}},
		{"an Any in two halves", "0a 0e  0a 01 67  1a 09 1a 02 0a 00 1a 03 12 01 78", wire.Upstream{Kind: wire.SendToGroup, Group: b("g"), DataType: wire.DataProtobuf, HasData: true, Data: b("\x0a\x00\x12\x01x")}},
		{"last kind of data wins", "0a 0c  0a 01 67  1a 07 12 01 62 0a 02 68 69", text("hi")},
		{"data in two halves", "0a 0d  0a 01 67  1a 03 12 01 62  1a 03 0a 01 61", text("a")},
		{"request in two halves", "0a 03 0a 01 67  0a 05 1a 03 0a 01 61", text("a")},
		{"last member wins", "0a 03 0a 01 67  4a 00", wire.Upstream{Kind: wire.Ping}},
		{"what a replaced member said is gone", "0a 05 0a 01 67 20 01  4a 00  0a 08 0a 01 67 1a 03 0a 01 61", text("a")},
		{
			"unknown fields: varint, group, fixed32, fixed64", "f8 07 01  a3 06 08 01 a4 06  32 11  0a 01 67  1d 00 00 00 00  21 00 00 00 00 00 00 00 00",
			wire.Upstream{Kind: wire.JoinGroup, Group: b("g")},
		},
		{"ack id 0", "32 05  0a 01 67  10 00", wire.Upstream{Kind: wire.JoinGroup, Group: b("g"), HasAckID: true}},
		{"largest ack id", "32 0e  0a 01 67  10 ff ff ff ff ff ff ff ff ff 01", wire.Upstream{Kind: wire.JoinGroup, Group: b("g"), HasAckID: true, AckID: 1<<64 - 1}},
		{"field of another type is unknown", "32 06  0a 01 67  12 01 78", wire.Upstream{Kind: wire.JoinGroup, Group: b("g")}},
		{"sequence ack of nothing", "42 00", wire.Upstream{Kind: wire.SequenceAck}},
		{"explicit no_echo false", "0a 0a  0a 01 67  1a 03 0a 01 61  20 00", text("a")},
		{
			"metadata instead of data", "0a 0b  0a 01 67  32 06 0a 01 6b 12 01 76",
			wire.Upstream{Kind: wire.SendToGroup, Group: b("g"), DataType: wire.DataText, Metadata: b(`{"k":"v"}`)},
		},
		{
			"metadata: last of a key, sorted", "0a 1b  0a 01 67  32 06 0a 01 6b 12 01 76  32 06 0a 01 61 12 01 22  32 06 0a 01 6b 12 01 77",
			wire.Upstream{Kind: wire.SendToGroup, Group: b("g"), DataType: wire.DataText, Metadata: b(`{"a":"\"","k":"w"}`)},
		},
		{
			"event", "2a 0f  0a 01 65  12 03 0a 01 61  18 02  22 03 0a 01 6b",
			wire.Upstream{Kind: wire.SendEvent, Event: b("e"), HasAckID: true, AckID: 2, DataType: wire.DataText, HasData: true, Data: b("a"), Metadata: b(`{"k":""}`)},
		},
		{"longest ttl", "0a 0b  0a 01 67  1a 03 0a 01 61  28 ac 02", func() wire.Upstream { m := text("a"); m.TTLSeconds = 300; return m }()},
	}
	var d wire.Decoder
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { wantUpstreamBytes(t, &d, unhex(t, tt.hex), tt.want) })
	}
}

func TestProtobufUpstreamRefused(t *testing.T) {
	tests := []struct{ name, hex string }{
		{"nothing", ""},
		{"unknown member", "12 00"},
		{"only an unknown field", "f8 07 01"},
		{"stream data", "6a 00"},
		{"group state", "7a 03 0a 01 67"},
		{"subscription beside a join", "82 01 00  32 03 0a 01 67"},
		{"start of a stream", "0a 0a  0a 01 67  3a 00  1a 03 0a 01 61"},
		{"start of a stream in an event", "2a 0a  0a 01 65  2a 00  12 03 0a 01 61"},
		{"no group", "32 00"},
		{"blank group", "32 03 0a 01 20"},
		{"group is not UTF-8", "32 03 0a 01 ff"},
		{"no event", "2a 05 12 03 0a 01 61"},
		{"bad event", "2a 08 0a 01 31 12 03 0a 01 61"},
		{"no data", "0a 03 0a 01 67"},
		{"data without a kind", "0a 05 0a 01 67 1a 00"},
		{"text is not UTF-8", "0a 08 0a 01 67 1a 03 0a 01 ff"},
		{"text not UTF-8 though replaced", "0a 0b 0a 01 67 1a 06 0a 01 ff 0a 01 61"},
		{"json_data is not JSON", "0a 08 0a 01 67 1a 03 22 01 7b"},
		{"json_data is empty", "0a 07 0a 01 67 1a 02 22 00"},
		{"two JSON values", "0a 0a 0a 01 67 1a 05 22 03 31 20 32"},
		{"an Any cut short", "0a 09 0a 01 67 1a 04 1a 02 0a 05"},
		{"type_url is not UTF-8", "0a 0a 0a 01 67 1a 05 1a 03 0a 01 ff"},
		{"ttl beyond 300", "0a 0b 0a 01 67 1a 03 0a 01 61 28 ad 02"},
		{"metadata without a key", "0a 0d 0a 01 67 1a 03 0a 01 61 32 03 12 01 76"},
		{"metadata key is no token", "0a 0d 0a 01 67 1a 03 0a 01 61 32 03 0a 01 20"},
		{"metadata value is not ASCII", "0a 11 0a 01 67 1a 03 0a 01 61 32 07 0a 01 6b 12 02 c3 a9"},
		{"length beyond the end", "32 09 0a 01 67"},
		{"tag cut short", "b2"},
		{"field 0", "02 00"},
		{"varint of 11 bytes", "42 0c 08 ff ff ff ff ff ff ff ff ff ff 01"},
		{"end of a group that never began", "0c"},
		{"text instead of bytes", hex.EncodeToString(b(`{"type":"ping"}`))},
	}
	var d wire.Decoder
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := wire.Upstream{Kind: wire.Ping}
			err := protobuf.Upstream(&d, unhex(t, tt.hex), &got)
			var syntax *wire.SyntaxError
			if !errors.As(err, &syntax) || show(got) != show(wire.Upstream{}) {
				t.Errorf("got %s, error %v", show(got), err)
			}
		})
	}
}

func TestProtobufDownstreamVariants(t *testing.T) {
	tests := []struct {
		name, hex string
		want      wire.Downstream
	}{
		{"nothing", "", wire.Downstream{}},
		{"stream ack", "32 04 0a 00 10 01", wire.Downstream{}},
		{"group state instead of an ack", "0a 02 08 01  4a 00", wire.Downstream{}},
		{"group state update, numbered", "4a 05 0a 01 67 18 09", wire.Downstream{SequenceID: 9}},
		{"group state snapshot, numbered", "52 05 0a 01 67 18 09", wire.Downstream{SequenceID: 9}},
		{"invocation response", "2a 03 01 02 03", wire.Downstream{}},
		{"from nowhere", "12 06 0a 04 73 65 6c 66", wire.Downstream{}},
		{"JSON in text_data", "12 0e 0a 06 73 65 72 76 65 72 1a 04 0a 02 7b 7d", wire.Downstream{Kind: wire.ServerMessage, DataType: wire.DataText, Data: b("{}")}},
		{"JSON in json_data", "12 0e 0a 06 73 65 72 76 65 72 1a 04 22 02 7b 7d", wire.Downstream{Kind: wire.ServerMessage, Data: b("{}")}},
		{"an Any", "12 0e 0a 06 73 65 72 76 65 72 1a 04 1a 02 0a 00", wire.Downstream{Kind: wire.ServerMessage, DataType: wire.DataProtobuf, Data: b("\x0a\x00")}},
		{"no data", "12 08 0a 06 73 65 72 76 65 72", wire.Downstream{Kind: wire.ServerMessage}},
		{"metadata", "12 10 0a 06 73 65 72 76 65 72 2a 06 0a 01 6b 12 01 76", wire.Downstream{Kind: wire.ServerMessage, Metadata: b(`{"k":"v"}`)}},
		{"a fragment of a stream", "12 0a 0a 06 73 65 72 76 65 72 32 00", wire.Downstream{Kind: wire.ServerMessage}},
		{"disconnected", "1a 05 12 03 12 01 78", wire.Downstream{Kind: wire.Disconnected, Reason: b("x")}},
		{"anonymous", "1a 06 0a 04 0a 02 63 31", wire.Downstream{Kind: wire.Connected, ConnectionID: b("c1")}},
		{"last system message", "1a 0b 0a 04 0a 02 63 31 12 03 12 01 78", wire.Downstream{Kind: wire.Disconnected, Reason: b("x")}},
		{"refusal without words", "0a 02 08 03", wire.Downstream{Kind: wire.Ack, AckID: 3}},
		{"error of a success", "0a 09 10 01 1a 03 0a 01 78 08 03", wire.Downstream{Kind: wire.Ack, AckID: 3, Success: true}},
	}
	var d wire.Decoder
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { wantDownstreamBytes(t, &d, unhex(t, tt.hex), tt.want) })
	}
	for _, raw := range []string{"12", "0a 05 08", "1a 04 0a 02 0a 05", "12 03 0a 01 ff"} {
		var got wire.Downstream
		if err := protobuf.Downstream(&d, unhex(t, raw), &got); err == nil || show(got) != show(wire.Downstream{}) {
			t.Errorf("%s: got %s, error %v", raw, show(got), err)
		}
	}
}

// Metadata on the way from JSON to protobuf: what was escaped no longer is.
func TestProtobufEncodesMetadata(t *testing.T) {
	m := wire.Downstream{Kind: wire.ServerMessage, DataType: wire.DataText, Data: b("x"), Metadata: b(` { "a\u0062" : "\"\n" , "c":"" } `)}
	var got pb.DownstreamMessage
	if err := proto.Unmarshal(protobuf.AppendDownstream(nil, &m), &got); err != nil {
		t.Fatal(err)
	}
	meta := got.GetDataMessage().GetMetadata()
	if len(meta) != 2 || meta["ab"] != "\"\n" || meta["c"] != "" {
		t.Errorf("got %q", meta)
	}
}

// A copy with a sequence id says the same as the message encoded with it.
func TestAppendNumbered(t *testing.T) {
	var d wire.Decoder
	for _, e := range []wire.Encoding{wire.EncodingJSON, protobuf} {
		for _, size := range []int{0, 1, 100, 118, 119, 120, 200, 20_000} {
			for _, id := range []uint64{1, 9, 10, 127, 128, 1 << 40, 1<<64 - 1} {
				m := wire.Downstream{Kind: wire.GroupMessage, Group: b("g"), DataType: wire.DataText, Data: bytes.Repeat(b("x"), size), Metadata: b(`{"k":"v"}`)}
				plain := e.AppendDownstream(nil, &m)
				got := e.AppendNumbered(nil, plain, id)
				m.SequenceID = id
				if want := e.AppendDownstream(nil, &m); !bytes.Equal(got, want) {
					t.Fatalf("encoding %d, %d bytes, id %d\ngot  %q\nwant %q", e, size, id, got, want)
				}
				if n := e.NumberedBytes(plain, id); n != len(got) {
					t.Errorf("encoding %d, %d bytes, id %d: %d bytes, want %d", e, size, id, n, len(got))
				}
				var back wire.Downstream
				if err := e.Downstream(&d, got, &back); err != nil || back.SequenceID != id || len(back.Data) != size {
					t.Errorf("encoding %d: %s, %v", e, show(back), err)
				}
			}
		}
	}
}

// Whatever we encode, the generated code reads the same from it.
func TestRandomProtobufMessages(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	var d wire.Decoder
	for range 5000 {
		up := randomUpstream(rng)
		raw := protobuf.AppendUpstream(nil, &up)
		up.Metadata = canonicalMetadata(t, up.Metadata)
		wantUpstreamBytes(t, &d, raw, up)
		if got, err := referenceUpstreamBytes(raw); err != nil || show(got) != show(up) {
			t.Fatalf("%x\nreference %s (%v)\nwant      %s", raw, show(got), err, show(up))
		}
		down := randomDownstream(rng)
		down.FromUserID = nil
		if down.DataType == wire.DataProtobuf {
			down.Data, _ = proto.Marshal(&anypb.Any{TypeUrl: "t", Value: down.Data})
		}
		raw = protobuf.AppendDownstream(nil, &down)
		wantDownstreamBytes(t, &d, raw, down)
		if got, err := referenceDownstreamBytes(raw); err != nil || show(got) != show(down) {
			t.Fatalf("%x\nreference %s (%v)\nwant      %s", raw, show(got), err, show(down))
		}
		if t.Failed() {
			return
		}
	}
}

// Many repetitions of a field that merges must not cost their square.
func TestProtobufRepetitionsAreLinear(t *testing.T) {
	var raw []byte
	for range 50_000 {
		raw = protowire.AppendBytes(protowire.AppendTag(raw, 3, protowire.BytesType), b("\x12\x01x"))
	}
	raw = protowire.AppendBytes(protowire.AppendTag(b("\x0a\x01g"), 3, protowire.BytesType), raw)
	raw = protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), raw)
	var d wire.Decoder
	var m wire.Upstream
	if err := protobuf.Upstream(&d, raw, &m); err != nil || len(m.Data) != 150_000 {
		t.Fatalf("%d bytes, %v", len(m.Data), err)
	}
	if got := testing.AllocsPerRun(1, func() { _ = protobuf.Upstream(&d, raw, &m) }); got > 64 {
		t.Errorf("%v allocations", got)
	}
}

func FuzzProtobufUpstream(f *testing.F) {
	for _, tt := range publishedUpstreamBytes {
		f.Add(unhex(f, tt.hex))
	}
	f.Add(unhex(f, "0a 1b  0a 01 67  32 06 0a 01 6b 12 01 76  32 06 0a 01 61 12 01 22  32 06 0a 01 6b 12 01 77"))
	f.Add(unhex(f, "0a 0e  0a 01 67  1a 09 1a 02 0a 00 1a 03 12 01 78"))
	f.Add(unhex(f, "2a 0f  0a 01 65  12 03 22 01 31  18 02  22 03 0a 01 6b"))
	var d wire.Decoder
	f.Fuzz(func(t *testing.T, raw []byte) {
		var got wire.Upstream
		err := protobuf.Upstream(&d, raw, &got)
		want, wantErr := referenceUpstreamBytes(raw)
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("%x\ngot error %v, reference %v", raw, err, wantErr)
		}
		if err != nil {
			return
		}
		wantUpstreamBytes(t, new(wire.Decoder), protobuf.AppendUpstream(nil, &got), got)
		got.Metadata = canonicalMetadata(t, got.Metadata)
		if got.DataType == wire.DataProtobuf {
			got.Data = canonicalAny(t, got.Data)
		}
		if show(got) != show(want) {
			t.Fatalf("%x\ngot       %s\nreference %s", raw, show(got), show(want))
		}
	})
}

// The client's decoder is liberal: it does not look into what it ignores. So it may
// accept what the reference refuses, but never differ on what that accepts.
func FuzzProtobufDownstream(f *testing.F) {
	for _, tt := range publishedDownstreamBytes {
		f.Add(unhex(f, tt.hex))
	}
	f.Add(unhex(f, "12 10 0a 06 73 65 72 76 65 72 2a 06 0a 01 6b 12 01 76"))
	f.Add(unhex(f, "1a 0b 0a 04 0a 02 63 31 12 03 12 01 78"))
	var d wire.Decoder
	f.Fuzz(func(t *testing.T, raw []byte) {
		var got wire.Downstream
		err := protobuf.Downstream(&d, raw, &got)
		want, wantErr := referenceDownstreamBytes(raw)
		if wantErr != nil {
			return
		}
		if err != nil {
			t.Fatalf("%x\ngot error %v", raw, err)
		}
		if got.Kind != wire.DownstreamUnknown {
			wantDownstreamBytes(t, new(wire.Decoder), protobuf.AppendDownstream(nil, &got), got)
		}
		got.Metadata = canonicalMetadata(t, got.Metadata)
		if got.DataType == wire.DataProtobuf {
			got.Data = canonicalAny(t, got.Data)
		}
		if show(got) != show(want) {
			t.Fatalf("%x\ngot       %s\nreference %s", raw, show(got), show(want))
		}
	})
}
