package conform

import (
	"crypto/rand"
	"fmt"

	"github.com/gobwas/ws"
)

// What is sent, as literal messages. An ack id of "" leaves it out.

func joinGroup(group, ackID string) string {
	return `{"type":"joinGroup","group":` + js(group) + withAck(ackID) + `}`
}

func leaveGroup(group, ackID string) string {
	return `{"type":"leaveGroup","group":` + js(group) + withAck(ackID) + `}`
}

func publish(group, text, ackID string) string {
	return `{"type":"sendToGroup","group":` + js(group) + `,"dataType":"text","data":` + js(text) + withAck(ackID) + `}`
}

func withAck(ackID string) string {
	if ackID == "" {
		return ""
	}
	return `,"ackId":` + ackID
}

func sequenceAck(id int) string {
	return fmt.Sprintf(`{"type":"sequenceAck","sequenceId":%d}`, id)
}

const (
	ping = `{"type":"ping"}`
	pong = `{"type":"pong","sequenceId":"` + absent + `"}`
)

// What is wanted.

func success(ackID string) string {
	return `{"type":"ack","ackId":` + ackID + `,"success":true,"error":"` + absent + `","sequenceId":"` + absent + `"}`
}

// refused is an error ack: its name is fixed, its text free.
func refused(ackID, name string) string {
	return `{"type":"ack","ackId":` + ackID + `,"success":false,"error":{"name":` + js(name) + `},"sequenceId":"` + absent + `"}`
}

// message is a text that was published to a group by a client without a user id.
func message(group, text string) string { return messageBy("", group, text) }

func messageBy(user, group, text string) string {
	if user == "" {
		user = absent
	}
	return `{"type":"message","from":"group","group":` + js(group) + `,"fromUserId":` + js(user) +
		`,"dataType":"text","data":` + js(text) + `}`
}

func numbered(group, text string, sequenceID int) string {
	m := messageBy("", group, text)
	return fmt.Sprintf(`%s,"sequenceId":%d}`, m[:len(m)-1], sequenceID)
}

// want takes as many messages and compares them.
func (c *conn) want(messages ...string) {
	for _, want := range messages {
		_ = c.take(want)
	}
}

// take takes the next message, which must be as wanted, and returns it as it came.
func (c *conn) take(want string) string {
	a := c.next(want)
	switch {
	case a.err != nil:
		c.t.Fatalf("%s: the connection ended (%s), want %s", c.name, endText(a.err), want)
	case a.op != ws.OpText:
		c.t.Fatalf("%s: %s, want %s", c.name, describe(a.op, a.payload), want)
	}
	if problem := mismatch(want, a.payload); problem != "" {
		c.t.Fatalf("%s: %s in %s", c.name, problem, a.payload)
	}
	return string(a.payload)
}

// wantFrame wants a bare frame, as simple clients get.
func (c *conn) wantFrame(op ws.OpCode, payload string) {
	a := c.next(describe(op, []byte(payload)))
	if a.err != nil {
		c.t.Fatalf("%s: the connection ended (%s), want %s", c.name, endText(a.err), describe(op, []byte(payload)))
	}
	if a.op != op || string(a.payload) != payload {
		c.t.Fatalf("%s: %s, want %s", c.name, describe(a.op, a.payload), describe(op, []byte(payload)))
	}
}

// settled shows that nothing is on its way: a pong comes next. Requests of one
// connection are handled in order (protocol.md 3.4).
func (c *conn) settled() {
	if c.isProtobuf() {
		c.sendPB(pb{{9, pb{}}})
		c.wantPB(pb{{4, pb{}}})
		return
	}
	c.send(ping)
	c.want(pong)
}

func (c *conn) isProtobuf() bool { return c.proto == protobuf || c.proto == protobufReliable }

// wantClose wants a close frame with that code and then the end. The reason is the
// emulator's; "*" = any.
func (c *conn) wantClose(code int, reason string) {
	a := c.next(fmt.Sprintf("close %d", code))
	switch {
	case a.err != nil:
		c.t.Fatalf("%s: the connection ended (%s), want close %d", c.name, endText(a.err), code)
	case a.op != ws.OpClose:
		c.t.Fatalf("%s: %s, want close %d", c.name, describe(a.op, a.payload), code)
	}
	got, text := closeBody(a.payload)
	if got != code {
		c.t.Fatalf("%s: %s, want close %d", c.name, closeText(a.payload), code)
	}
	if reason != "*" && text != reason {
		c.t.Differf("%s: the reason for close %d is %q, the emulator's is %q", c.name, code, text, reason)
	}
	if a := c.next("the end of the connection"); a.err == nil {
		c.t.Errorf("%s: %s after the close frame", c.name, describe(a.op, a.payload))
	}
}

// wantEnd wants the connection to end, with a close frame or without, before any
// further message. It returns the close code, 0 = none.
func (c *conn) wantEnd() int {
	code := 0
	for {
		a := c.next("the end of the connection")
		switch {
		case a.err != nil:
			return code
		case a.op == ws.OpClose && code == 0:
			if code, _ = closeBody(a.payload); code == 0 {
				code = 1005
			}
		default:
			c.t.Fatalf("%s: %s, want the end of the connection", c.name, describe(a.op, a.payload))
		}
	}
}

// connected takes the first message of a connection and remembers its names.
func (c *conn) connected() {
	if c.isProtobuf() {
		c.connectedPB()
		return
	}
	want := `{"type":"system","event":"connected","connectionId":"` + present + `","sequenceId":"` + absent + `"`
	if c.proto == reliable {
		want += `,"reconnectionToken":"` + present + `"`
	}
	c.greeted(greeting(arrival{op: ws.OpText, payload: []byte(c.take(want + "}"))}))
}

func (c *conn) connectedPB() {
	token := pbField{3, pbAbsent{}}
	if c.proto == protobufReliable {
		token.value = pbPresent{}
	}
	c.greeted(pbConnected(c.takePB(pb{{3, pb{{1, pb{{1, pbPresent{}}, token}}}}})))
}

// greeted remembers the names that a `connected` gave. A later one may bring a new token.
func (c *conn) greeted(id, token string) {
	c.id = id
	if token != "" {
		c.token = token
	}
	c.t.log.secret(token)
}

// greeting returns the names in a `connected`, "" if it is none.
func greeting(a arrival) (id, token string) {
	if a.op == ws.OpBinary {
		return pbConnected(a.payload)
	}
	v, err := decode(a.payload)
	m, ok := v.(map[string]any)
	if err != nil || !ok || m["type"] != "system" || m["event"] != "connected" {
		return "", ""
	}
	id, _ = m["connectionId"].(string)
	token, _ = m["reconnectionToken"].(string)
	return id, token
}

// refusedRecovery wants a request to resume a session to be refused the way that
// tells clients to stop: 101, then close 1008 (protocol.md 4.5).
func (t *T) refusedRecovery(r request) {
	c := t.upgrade(r)
	c.wantClose(1008, "The connection could not be recovered.")
}

// maskedFrame is a client's frame with that first byte.
func maskedFrame(first byte, payload []byte) []byte {
	h := ws.Header{Fin: first&0x80 != 0, Rsv: first >> 4 & 7, OpCode: ws.OpCode(first & 0xf), Masked: true, Length: int64(len(payload))}
	_, _ = rand.Read(h.Mask[:]) // never fails, see its documentation
	masked := append([]byte(nil), payload...)
	ws.Cipher(masked, h.Mask, 0)
	return append(appendHeader(h), masked...)
}

func appendHeader(h ws.Header) []byte {
	var b headerBuffer
	_ = ws.WriteHeader(&b, h) // cannot fail: the buffer grows
	return b
}

type headerBuffer []byte

func (b *headerBuffer) Write(p []byte) (int, error) {
	*b = append(*b, p...)
	return len(p), nil
}
