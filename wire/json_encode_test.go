package wire_test

import (
	"encoding/json"
	"math/rand/v2"
	"testing"

	"github.com/wpsbench/wpsbench/wire"
)

func TestAppendUpstreamPublished(t *testing.T) {
	for _, tt := range publishedUpstream {
		t.Run(tt.name, func(t *testing.T) {
			wantAppended(t, wire.AppendUpstream(b("before "), &tt.want), tt.text)
		})
	}
}

func TestAppendDownstreamPublished(t *testing.T) {
	for _, tt := range publishedDownstream {
		if !tt.canonical {
			continue
		}
		t.Run(tt.name, func(t *testing.T) {
			wantAppended(t, wire.AppendDownstream(b("before "), &tt.want), tt.text)
		})
	}
}

func TestAppendUpstreamVariants(t *testing.T) {
	tests := []struct {
		name string
		m    wire.Upstream
		want string
	}{
		{"unknown", wire.Upstream{Group: b("g")}, ``},
		{"ack id 0", wire.Upstream{Kind: wire.JoinGroup, Group: b("g"), HasAckID: true}, `{"type":"joinGroup","group":"g","ackId":0}`},
		{"no data beside metadata", wire.Upstream{Kind: wire.SendEvent, Event: b("e"), Metadata: b(`{"a":"b"}`)}, `{"type":"event","event":"e","metadata":{"a":"b"}}`},
		{"options are for sendToGroup", wire.Upstream{Kind: wire.SendEvent, Event: b("e"), HasData: true, Data: b("1"), NoEcho: true, TTLSeconds: 3}, `{"type":"event","event":"e","dataType":"json","data":1}`},
		{"empty text", wire.Upstream{Kind: wire.SendToGroup, Group: b("g"), DataType: wire.DataText, HasData: true}, `{"type":"sendToGroup","group":"g","dataType":"text","data":""}`},
		{"empty binary", wire.Upstream{Kind: wire.SendToGroup, Group: b("g"), DataType: wire.DataBinary, HasData: true}, `{"type":"sendToGroup","group":"g","dataType":"binary","data":""}`},
		{"padding", wire.Upstream{Kind: wire.SendToGroup, Group: b("g"), DataType: wire.DataBinary, HasData: true, Data: b("\xfb\xff")}, `{"type":"sendToGroup","group":"g","dataType":"binary","data":"+/8="}`},
		{
			"escapes", wire.Upstream{Kind: wire.JoinGroup, Group: b("\"\\\b\f\n\r\t\x00\x1f\x7f/<é\u2028😀")},
			`{"type":"joinGroup","group":"\"\\\b\f\n\r\t\u0000\u001f` + "\x7f/<é\u2028😀" + `"}`,
		},
		{"invalid UTF-8", wire.Upstream{Kind: wire.JoinGroup, Group: b("a\xff\xed\xa0\x80b")}, `{"type":"joinGroup","group":"a` + "\ufffd\ufffd\ufffd\ufffd" + `b"}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			wantAppended(t, wire.AppendUpstream(b("before "), &tt.m), tt.want)
		})
	}
}

func TestAppendDownstreamVariants(t *testing.T) {
	tests := []struct {
		name string
		m    wire.Downstream
		want string
	}{
		{"unknown", wire.Downstream{Group: b("g")}, ``},
		{"anonymous", wire.Downstream{Kind: wire.Connected, ConnectionID: b("c")}, `{"type":"system","event":"connected","userId":null,"connectionId":"c"}`},
		{"anonymous sender", wire.Downstream{Kind: wire.GroupMessage, Group: b("g"), Data: b("1")}, `{"type":"message","from":"group","group":"g","fromUserId":null,"dataType":"json","data":1}`},
		{"protobuf", wire.Downstream{Kind: wire.ServerMessage, DataType: wire.DataProtobuf, Data: b("\x01")}, `{"type":"message","from":"server","dataType":"protobuf","data":"AQ=="}`},
		{"no value", wire.Downstream{Kind: wire.ServerMessage}, `{"type":"message","from":"server","dataType":"json"}`},
		{"metadata", wire.Downstream{Kind: wire.ServerMessage, DataType: wire.DataText, Metadata: b(`{"a":"b"}`), SequenceID: 7}, `{"type":"message","from":"server","dataType":"text","data":"","metadata":{"a":"b"},"sequenceId":7}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			wantAppended(t, wire.AppendDownstream(b("before "), &tt.m), tt.want)
		})
	}
}

// Whatever we encode is JSON, and decodes to the same fields by the reference decoder
// as well as by ours: a codec may be wrong in both directions alike.
func TestRandomMessagesSurviveTheRoundTrip(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var d wire.Decoder
	for range 5000 {
		up := randomUpstream(rng)
		text := wire.AppendUpstream(nil, &up)
		wantUpstream(t, &d, string(text), up)
		if got, err := referenceUpstream(text); err != nil || show(got) != show(up) {
			t.Fatalf("%s\nreference %s (%v)\nwant      %s", text, show(got), err, show(up))
		}
		down := randomDownstream(rng)
		text = wire.AppendDownstream(nil, &down)
		wantDownstream(t, &d, string(text), down)
		if got, err := referenceDownstream(text); err != nil || show(got) != show(down) {
			t.Fatalf("%s\nreference %s (%v)\nwant      %s", text, show(got), err, show(down))
		}
		if t.Failed() {
			return
		}
	}
}

func randomUpstream(rng *rand.Rand) wire.Upstream {
	m := wire.Upstream{Kind: wire.UpstreamKind(1 + rng.IntN(int(wire.SequenceAck)))}
	switch m.Kind {
	case wire.SequenceAck:
		m.SequenceID = rng.Uint64() >> rng.IntN(64)
		return m
	case wire.Ping:
		return m
	case wire.SendEvent:
		m.Event = b("order.placed_1")
	default:
		m.Group = append(randomText(rng), 'g')
	}
	if m.HasAckID = rng.IntN(2) == 0; m.HasAckID {
		m.AckID = rng.Uint64() >> rng.IntN(64)
	}
	if m.Kind == wire.SendToGroup {
		m.NoEcho = rng.IntN(2) == 0
		m.TTLSeconds = rng.Uint32N(wire.MaxTTLSeconds + 1)
	}
	if m.Kind == wire.SendToGroup || m.Kind == wire.SendEvent {
		m.HasData = true
		m.DataType = wire.DataType(rng.IntN(int(wire.DataProtobuf)))
		m.Data = randomData(rng, m.DataType)
		if rng.IntN(4) == 0 {
			m.Metadata = b(`{"trace-id":"a1","b":""}`)
		}
	}
	return m
}

func randomDownstream(rng *rand.Rand) wire.Downstream {
	m := wire.Downstream{Kind: wire.DownstreamKind(1 + rng.IntN(int(wire.Pong)))}
	switch m.Kind {
	case wire.Connected:
		m.ConnectionID, m.UserID, m.ReconnectionToken = randomText(rng), randomText(rng), randomText(rng)
	case wire.Disconnected:
		m.Reason = randomText(rng)
	case wire.Ack:
		m.AckID = rng.Uint64()
		if m.Success = rng.IntN(2) == 0; !m.Success {
			m.ErrorName, m.ErrorMessage = randomText(rng), randomText(rng)
		}
	case wire.GroupMessage:
		m.Group, m.FromUserID = randomText(rng), randomText(rng)
	default:
	}
	if m.Kind == wire.GroupMessage || m.Kind == wire.ServerMessage {
		m.SequenceID = rng.Uint64() >> rng.IntN(64)
		m.DataType = wire.DataType(rng.IntN(int(wire.DataProtobuf) + 1))
		m.Data = randomData(rng, m.DataType)
	}
	return m
}

func randomData(rng *rand.Rand, t wire.DataType) []byte {
	switch t {
	case wire.DataText:
		return randomText(rng)
	case wire.DataJSON:
		data, _ := json.Marshal(map[string]any{string(randomText(rng)): []any{rng.Float64(), nil, string(randomText(rng))}})
		return data
	default:
		data := make([]byte, rng.IntN(40))
		for i := range data {
			data[i] = byte(rng.Uint32())
		}
		return data
	}
}

// randomText draws from every class of character that a string escapes or passes.
func randomText(rng *rand.Rand) []byte {
	classes := []func() rune{
		func() rune { return 'a' + rng.Int32N(26) },
		func() rune { return rng.Int32N(0x80) },
		func() rune { return 0x80 + rng.Int32N(0xd800-0x80) },
		func() rune { return 0xe000 + rng.Int32N(0x110000-0xe000) },
		func() rune { return rune(`"\/`[rng.IntN(3)]) },
	}
	var text []rune
	for range rng.IntN(30) {
		text = append(text, classes[rng.IntN(len(classes))]())
	}
	return []byte(string(text))
}

func wantAppended(t *testing.T, got []byte, want string) {
	t.Helper()
	if want = "before " + want; string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
