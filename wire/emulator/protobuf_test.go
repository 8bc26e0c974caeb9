package emulator

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/gobwas/ws"

	"github.com/wpsbench/wpsbench/wire"
)

// The frames are the bytes of protocol.md 5, as they stand there or drawn with their
// fields.

// sendBytes sends binary messages.
func (c *client) sendBytes(messages ...string) {
	c.w.t.Helper()
	for _, m := range messages {
		c.frame(ws.NewBinaryFrame(unhex(c.w.t, m)))
	}
}

// wantBytes checks the binary messages that the client has got since the last look.
func (c *client) wantBytes(messages ...string) {
	c.w.t.Helper()
	for i, m := range messages {
		messages[i] = "binary " + strings.ReplaceAll(m, " ", "")
	}
	c.want(messages...)
}

func unhex(t testing.TB, text string) []byte {
	t.Helper()
	raw, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

const (
	protobufJoin = "32 08 0a 04 72 6f 6f 6d 10 01"
	protobufSend = "0a 10 0a 04 72 6f 6f 6d 10 07 1a 04 0a 02 68 69 20 01" // room, ack 7, hi, no_echo
)

func TestProtobufGreeting(t *testing.T) {
	tests := []struct {
		name, user, want string
		p                wire.Subprotocol
	}{
		{"reliable", "alice", "1a 12 0a 10 0a 02 63 31 12 05 61 6c 69 63 65 1a 03 54 4f 4b", wire.ProtobufReliable},
		{"plain", "alice", "1a 0d 0a 0b 0a 02 63 31 12 05 61 6c 69 63 65", wire.Protobuf},
		{"anonymous", "", "1a 06 0a 04 0a 02 63 31", wire.Protobuf},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, Options{})
			c := w.socket()
			a := &admission{hub: "chat", subprotocol: tt.p, id: "c1", user: tt.user}
			if tt.p.Reliable() {
				a.token = "TOK"
			}
			w.core.open(w.now, c.k, a)
			c.wantBytes(tt.want)
		})
	}
}

func TestProtobufRequests(t *testing.T) {
	w := newWorld(t, Options{})
	reliable, plain := w.open(wire.ProtobufReliable), w.open(wire.Protobuf)
	for _, c := range []*client{reliable, plain} {
		c.sendBytes(protobufJoin, protobufJoin)
		const text = "Message with ack-id: 1 has been processed" // 41 bytes
		c.wantBytes("0a 04 08 01 10 01", "0a 3a 08 01 1a 36  0a 09 44 75 70 6c 69 63 61 74 65  12 29 "+hex.EncodeToString([]byte(text)))
	}
}

// Sequence ids, replay and acknowledgement are those of the JSON twin.
func TestProtobufReliability(t *testing.T) {
	w := newWorld(t, Options{})
	publisher := w.open(wire.Protobuf)
	c := w.open(wire.ProtobufReliable, withGroups("room"))
	for range 4 {
		publisher.sendBytes("0a 0e 0a 04 72 6f 6f 6d 1a 04 0a 02 68 69 20 01")
	}
	c.frames()
	publisher.sendBytes(protobufSend)
	publisher.wantBytes("0a 04 08 07 10 01")
	c.wantBytes("12 15 0a 05 67 72 6f 75 70 12 04 72 6f 6f 6d 1a 04 0a 02 68 69 20 05")

	c.sendBytes("42 02 08 04") // sequenceAck 4
	c.lost()
	publisher.sendBytes("0a 0c 0a 04 72 6f 6f 6d 1a 04 0a 02 79 6f")
	again := c.recover()
	again.wantBytes(
		"12 15 0a 05 67 72 6f 75 70 12 04 72 6f 6f 6d 1a 04 0a 02 68 69 20 05",
		"12 15 0a 05 67 72 6f 75 70 12 04 72 6f 6f 6d 1a 04 0a 02 79 6f 20 06")
	again.sendBytes("42 03 08 ac 02", "4a 00") // beyond the last one
	again.wantBytes("22 00")
	if n := w.core.hubs["chat"].sessions[c.id].replay.len(); n != 0 {
		t.Errorf("%d messages left to replay", n)
	}
	w.core.disconnect(w.core.hubs["chat"].sessions[c.id], "x")
	if got := again.frames(); len(got) != 2 || !strings.HasPrefix(got[0], "binary 1a3712351233") || got[1] != "close 1000" {
		t.Errorf("disconnected by %q", got)
	}
}

// What is sent on one protocol reaches the clients of all as protocol.md 3.5 says.
func TestPayloadConversion(t *testing.T) {
	const (
		group   = "12 %s 0a 05 67 72 6f 75 70 12 04 72 6f 6f 6d "
		envelop = `{"type":"message","from":"group","group":"room","fromUserId":null,"dataType":`
	)
	tests := []struct {
		name           string
		from           wire.Subprotocol
		send           ws.Frame
		json           string // from dataType's value on
		protobuf       string // from the length on, without group and from
		simple         string
		protobufLength string
	}{
		{
			"JSON text", wire.JSON, ws.NewTextFrame([]byte(`{"type":"sendToGroup","group":"room","dataType":"text","data":"h\u0069"}`)),
			`"text","data":"hi"}`, "1a 04 0a 02 68 69", "hi", "13",
		},
		{
			"JSON value", wire.JSON, ws.NewTextFrame([]byte(`{"type":"sendToGroup","group":"room","data":[ 1 ]}`)),
			`"json","data":[ 1 ]}`, "1a 07 22 05 5b 20 31 20 5d", "[ 1 ]", "16",
		},
		{
			"JSON string", wire.JSON, ws.NewTextFrame([]byte(`{"type":"sendToGroup","group":"room","data":"hi"}`)),
			`"json","data":"hi"}`, "1a 06 22 04 22 68 69 22", `"hi"`, "15",
		},
		{
			"JSON binary", wire.JSON, ws.NewTextFrame([]byte(`{"type":"sendToGroup","group":"room","dataType":"binary","data":"AQID"}`)),
			`"binary","data":"AQID"}`, "1a 05 12 03 01 02 03", "binary 010203", "14",
		},
		{
			"protobuf text", wire.Protobuf, ws.NewBinaryFrame(unhex(t, "0a 0c 0a 04 72 6f 6f 6d 1a 04 0a 02 68 69")),
			`"text","data":"hi"}`, "1a 04 0a 02 68 69", "hi", "13",
		},
		{
			"protobuf JSON", wire.Protobuf, ws.NewBinaryFrame(unhex(t, "0a 0d 0a 04 72 6f 6f 6d 1a 05 22 03 5b 31 5d")),
			`"json","data":[1]}`, "1a 05 22 03 5b 31 5d", "[1]", "14",
		},
		{
			"protobuf binary", wire.ProtobufReliable, ws.NewBinaryFrame(unhex(t, "0a 0d 0a 04 72 6f 6f 6d 1a 05 12 03 01 02 03")),
			`"binary","data":"AQID"}`, "1a 05 12 03 01 02 03", "binary 010203", "14",
		},
		{
			"protobuf Any", wire.Protobuf, ws.NewBinaryFrame(unhex(t, "0a 0d 0a 04 72 6f 6f 6d 1a 05 1a 03 0a 01 74")),
			`"protobuf","data":"CgF0"}`, "1a 05 1a 03 0a 01 74", "binary 0a0174", "14",
		},
		{"simple text", wire.Simple, ws.NewTextFrame([]byte("hi")), `"text","data":"hi"}`, "1a 04 0a 02 68 69", "hi", "13"},
		{"simple binary", wire.Simple, ws.NewBinaryFrame([]byte{1, 2, 3}), `"binary","data":"AQID"}`, "1a 05 12 03 01 02 03", "binary 010203", "14"},
		{
			"metadata of JSON", wire.JSON, ws.NewTextFrame([]byte(`{"type":"sendToGroup","group":"room","metadata":{"k":"v"},"ttlSeconds":9}`)),
			`"text","data":"","metadata":{"k":"v"}}`, "1a 02 0a 00 2a 06 0a 01 6b 12 01 76", "", "19",
		},
		{
			"metadata of protobuf", wire.Protobuf, ws.NewBinaryFrame(unhex(t, "0a 10 0a 04 72 6f 6f 6d 28 09 32 06 0a 01 6b 12 01 76")),
			`"text","data":"","metadata":{"k":"v"}}`, "1a 02 0a 00 2a 06 0a 01 6b 12 01 76", "", "19",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, Options{})
			member := withGroups("room")
			plain, reliable := w.open(wire.JSON, member), w.open(wire.JSONReliable, member)
			binary, binaryReliable := w.open(wire.Protobuf, member), w.open(wire.ProtobufReliable, member)
			simple := w.open(wire.Simple, member)
			w.open(tt.from, withRaw("room", false)).frame(tt.send)

			plain.want(envelop + tt.json)
			reliable.want(envelop + strings.TrimSuffix(tt.json, "}") + `,"sequenceId":1}`)
			head := strings.Replace(group, "%s", tt.protobufLength, 1)
			binary.wantBytes(head + tt.protobuf)
			numbered := unhex(t, tt.protobufLength)
			numbered[0] += 2
			binaryReliable.wantBytes(strings.Replace(group, "%s", hex.EncodeToString(numbered), 1) + tt.protobuf + "20 01")
			simple.want(tt.simple)
		})
	}
}

func TestJSONAsText(t *testing.T) {
	w := newWorld(t, Options{JSONAsText: true})
	json, protobuf := w.open(wire.JSON, withGroups("room")), w.open(wire.Protobuf, withGroups("room"))
	protobuf.sendBytes("0a 0d 0a 04 72 6f 6f 6d 1a 05 22 03 5b 31 5d")
	protobuf.wantBytes("12 14 0a 05 67 72 6f 75 70 12 04 72 6f 6f 6d 1a 05 0a 03 5b 31 5d")
	json.want(`{"type":"message","from":"group","group":"room","fromUserId":null,"dataType":"json","data":[1]}`)
}

func TestProtobufViolations(t *testing.T) {
	tests := []struct {
		name  string
		frame ws.Frame
		want  string
	}{
		{"text", ws.NewTextFrame([]byte(`{"type":"ping"}`)), "close 1003 The protobuf.webpubsub.azure.v1 subprotocol requires binary messages."},
		{"JSON", ws.NewBinaryFrame([]byte(`{"type":"ping"}`)), "close 1007 The client message is not a valid Protobuf protocol message."},
		{"nothing", ws.NewBinaryFrame(nil), "close 1007 The client message is not a valid Protobuf protocol message."},
		{"unknown member", ws.NewBinaryFrame([]byte{0x12, 0}), "close 1007 The client message is not a valid Protobuf protocol message."},
		{"too large", ws.NewBinaryFrame(make([]byte, 2000)), "close 1009 The client message is too large."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, Options{MaxMessageBytes: 1000})
			c := w.open(wire.Protobuf)
			c.frame(tt.frame)
			c.want(tt.want)
			c.wantSession(false)
		})
	}
}

// One publication, four notations of it, and no allocation.
func TestMixedFanOutDoesNotAllocate(t *testing.T) {
	r := newRoom(t, 0)
	for _, p := range append(wire.Subprotocols[:], wire.Simple) {
		r.w.open(p, withGroups("room")).k.link = nullLink{}
	}
	acknowledge := func() { // what the reliable members would
		for _, s := range r.w.core.hubs["chat"].sessions {
			s.replay.release(^uint64(0), &r.w.core.messages)
		}
	}
	round := func() { r.round(); acknowledge() }
	if got := testing.AllocsPerRun(200, round); got != 0 {
		t.Errorf("%v allocations per publish, want 0", got)
	}
	if n := r.w.core.stats.Deliveries; n < 5*200 {
		t.Errorf("%d deliveries", n)
	}
}
