package wire

import (
	"encoding/hex"
	"errors"
	"testing"
	"time"

	"github.com/gobwas/ws"
)

// The frames are the bytes of protocol.md 5, with other ack ids where a Session has
// its own.
const (
	protobufHello = "1a120a100a026331120561" + "6c6963651a03544f4b" // c1, alice, TOK
	protobufHi    = "12150a0567726f75701204726f6f6d1a040a0268692005"
)

func (r *rig) receiveBytes(messages ...string) {
	r.t.Helper()
	for _, m := range messages {
		raw, err := hex.DecodeString(m)
		if err != nil {
			r.t.Fatal(err)
		}
		r.frames(ws.NewBinaryFrame(raw))
	}
}

func protobufRig(t *testing.T) *rig {
	cfg := reliable()
	cfg.Subprotocol = ProtobufReliable
	cfg.SequenceAck = AckPolicy{EveryMessages: 1}
	cfg.Ping = 20 * time.Second
	return newRig(t, cfg)
}

func TestProtobufSession(t *testing.T) {
	r := protobufRig(t)
	r.s.Join(r.now, "room")
	r.start()
	r.opened()
	r.reset()
	r.receiveBytes(protobufHello)
	r.want(list{"connected c1"}, list{"binary 32080a04726f6f6d1001"})
	r.receiveBytes("0a0408011001")
	r.want(list{"acked join 1", "ready"}, nil)

	if _, err := r.s.Publish(r.now, &Publish{Group: "room", DataType: DataText, Data: []byte("hi"), NoEcho: true, Ack: true}); err != nil {
		t.Fatal(err)
	}
	r.pump()
	r.want(nil, list{"binary 0a100a04726f6f6d10021a040a0268692001"})
	r.receiveBytes("0a1208021a0e0a094475706c6963617465120178")
	r.want(list{"acked 2 duplicate"}, nil)
	r.receiveBytes(protobufHi, protobufHi)
	r.want(list{"message hi", "message hi again"}, list{"binary 42020805", "binary 42020805"})
	r.receiveBytes("320308ff01", "2200", "1a0512031201"+"78") // a stream's ack, pong, disconnected
	r.want(list{"notice x"}, nil)
	if st := r.s.Stats(); st.Unknown != 1 || st.Pongs != 1 {
		t.Errorf("%d unknown messages, %d pongs; want one each", st.Unknown, st.Pongs)
	}
	r.pass(20 * time.Second)
	r.want(nil, list{"binary 4a00"})

	// A request that was cut off is sent again as it was.
	if _, err := r.s.Publish(r.now, &Publish{Group: "room", DataType: DataBinary, TTLSeconds: 5, Metadata: []byte(`{"k":"v"}`), Ack: true}); err != nil {
		t.Fatal(err)
	}
	r.pump()
	const again = "binary 0a160a04726f6f6d10031a0212002805" + "32060a016b120176"
	r.want(nil, list{again})
	r.lost(errReset)
	r.due()
	if id, token, ok := r.s.Recovery(); id != "c1" || token != "TOK" || !ok {
		t.Errorf("recovery of %q with %q, %v", id, token, ok)
	}
	r.reset()
	r.opened()
	r.want(list{"opened recovering"}, list{"binary 42020805", again})
}

// A retry under a new ack id is encoded anew, with all that the first attempt had.
func TestProtobufRetry(t *testing.T) {
	cfg := reliable()
	cfg.Subprotocol = ProtobufReliable
	cfg.Retry = RetryPolicy{Attempts: 1, Base: time.Second, NewAckID: true}
	r := newRig(t, cfg)
	r.start()
	r.opened()
	r.receiveBytes(protobufHello)
	r.reset()
	if _, err := r.s.Publish(r.now, &Publish{Group: "room", DataType: DataBinary, TTLSeconds: 5, Metadata: []byte(`{"k":"v"}`), Ack: true, Tag: 7}); err != nil {
		t.Fatal(err)
	}
	r.pump()
	const head, rest = "binary 0a160a04726f6f6d10", "1a021200280532060a016b120176"
	r.want(nil, list{head + "01" + rest})
	r.receiveBytes("0a1208011a0e0a09466f7262696464656e120178") // Forbidden
	r.pass(time.Second)
	r.want(list{"retried 2 tag 7"}, list{head + "02" + rest})
	r.receiveBytes("0a0408021001")
	r.want(list{"acked 2 tag 7"}, nil)
}

func TestProtobufSessionRefuses(t *testing.T) {
	tests := []struct {
		name  string
		frame ws.Frame
		want  string
	}{
		{"text", ws.NewTextFrame([]byte(helloOne)), "CLOSE 1003"},
		{"garbage", ws.NewBinaryFrame([]byte{0x12, 0x7f}), "CLOSE 1007"},
		{"connected without an id", ws.NewBinaryFrame([]byte{0x1a, 2, 0x0a, 0}), "CLOSE 1007"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := protobufRig(t)
			r.start()
			r.opened()
			r.reset()
			r.frames(tt.frame)
			r.want(list{"protocol error", "dropped"}, list{tt.want, "close"})
		})
	}
}

// Without an envelope a protobuf payload is a binary frame too (protocol.md 3.5).
func TestEncodingNone(t *testing.T) {
	if got := EncodingNone.AppendUpstream([]byte("a"), &Upstream{Kind: SendToGroup, Data: []byte("b")}); string(got) != "ab" {
		t.Errorf("upstream %q", got)
	}
	if got := EncodingNone.AppendDownstream(nil, &Downstream{Kind: GroupMessage, Group: []byte("g"), Data: []byte("b")}); string(got) != "b" {
		t.Errorf("downstream %q", got)
	}
	for data, want := range map[DataType]ws.OpCode{DataText: ws.OpText, DataJSON: ws.OpText, DataBinary: ws.OpBinary, DataProtobuf: ws.OpBinary} {
		if got := data.OpCode(); got != want {
			t.Errorf("data type %d: opcode %v, want %v", data, got, want)
		}
	}
	var d Decoder
	var up Upstream
	var down Downstream
	if err := errors.Join(EncodingNone.Upstream(&d, nil, &up), EncodingNone.Downstream(&d, nil, &down)); !errors.Is(err, errNoEnvelope) {
		t.Errorf("decoded: %v", err)
	}
}

func TestSubprotocols(t *testing.T) {
	tests := []struct {
		p        Subprotocol
		encoding Encoding
		reliable bool
	}{
		{"", EncodingNone, false},
		{"json.webpubsub.azure.v1", EncodingJSON, false},
		{"json.reliable.webpubsub.azure.v1", EncodingJSON, true},
		{"protobuf.webpubsub.azure.v1", EncodingProtobuf, false},
		{"protobuf.reliable.webpubsub.azure.v1", EncodingProtobuf, true},
	}
	for _, tt := range tests {
		if got := tt.p.Encoding(); got != tt.encoding || tt.p.Reliable() != tt.reliable {
			t.Errorf("%q: encoding %d, reliable %v", tt.p, got, tt.p.Reliable())
		}
	}
	if len(Subprotocols) != len(tests)-1 {
		t.Errorf("%d subprotocols", len(Subprotocols))
	}
}
