package conform

import (
	"strings"

	"github.com/gobwas/ws"
)

const maxMessage = 1 << 20

// frameCases are WebSocket frames (RFC 6455 5) and the close codes of protocol.md 3.6.
var frameCases = []Case{
	{"frame/fragmented", "3.1", "A message may come in fragments, with control frames in between", Spec, needRoles, func(t *T) {
		c := t.open(client{proto: plain})
		m := joinGroup(t.group("room"), "1")
		c.raw("text fragment "+m[:10], maskedFrame(0x01, []byte(m[:10])))
		c.raw(`ping "between"`, maskedFrame(0x89, []byte("between")))
		c.wantFrame(ws.OpPong, "between")
		c.raw("empty fragment", maskedFrame(0x00, nil))
		c.raw("fragment "+m[10:20], maskedFrame(0x00, []byte(m[10:20])))
		c.raw("last fragment "+m[20:], maskedFrame(0x80, []byte(m[20:])))
		c.want(success("1"))
	}},
	{"frame/several-in-one-write", "3.1", "Frames that arrive together are several messages", Spec, nil, func(t *T) {
		c := t.open(client{proto: plain})
		var all []byte
		for range 50 {
			all = append(all, maskedFrame(0x81, []byte(ping))...)
		}
		c.raw("50 times text "+ping, all)
		for range 50 {
			c.want(pong)
		}
	}},
	{"frame/byte-by-byte", "3.1", "A frame may arrive in pieces", Spec, nil, func(t *T) {
		c := t.open(client{proto: plain})
		for _, b := range maskedFrame(0x81, []byte(ping)) {
			c.write([]byte{b})
		}
		c.want(pong)
	}},
	{"frame/ping", "RFC 6455 5.5.2", "A WebSocket ping is answered with its own payload", Spec, nil, func(t *T) {
		c := t.open(client{proto: plain})
		for _, payload := range []string{"", "x", strings.Repeat("p", 125)} {
			c.raw("ping "+payload, maskedFrame(0x89, []byte(payload)))
			c.wantFrame(ws.OpPong, payload)
		}
		c.raw("pong unasked", maskedFrame(0x8a, []byte("unasked")))
		c.settled()
	}},
	{"frame/close-echo", "3.6", "A client's close frame is answered with its code", Spec, nil, func(t *T) {
		c := t.open(client{proto: plain})
		c.writeClose([]byte{1000 >> 8, 1000 & 0xff})
		c.wantClose(1000, "*")
	}},
	{"frame/close-without-code", "RFC 6455 5.5.1", "A close frame without a code is answered too", Spec, nil, func(t *T) {
		c := t.open(client{proto: plain})
		c.writeClose(nil)
		if a := c.next("a close frame"); a.op != ws.OpClose {
			t.Fatalf("%s, want a close frame", describe(a.op, a.payload))
		}
	}},
	{"frame/binary", "3.6", "A binary message on a JSON subprotocol is answered with close 1003", Emulator, nil, func(t *T) {
		c := t.open(client{proto: plain})
		c.writeFrame(ws.OpBinary, []byte(ping))
		c.wantClose(1003, "The JSON subprotocol requires text messages.")
	}},
	{"frame/not-utf-8", "3.6", "Text that is not UTF-8 is answered with close 1007", Spec, nil, func(t *T) {
		c := t.open(client{proto: plain})
		c.writeFrame(ws.OpText, []byte("{\"type\":\"ping\",\"x\":\"\xff\xfe\"}"))
		c.wantClose(1007, "*")
	}},
	{"frame/largest", "3.6", "A message of 1 MiB is accepted", Emulator, needRoles, func(t *T) {
		c := t.open(client{proto: plain})
		c.writeFrame(ws.OpText, []byte(sized(t.group("nobody"), maxMessage)))
		c.want(success("1"))
	}},
	{"frame/too-large", "3.6", "A message of more than 1 MiB is answered with close 1009", Emulator, needRoles, func(t *T) {
		c := t.open(client{proto: plain})
		c.writeFrame(ws.OpText, []byte(sized(t.group("nobody"), maxMessage+1)))
		c.wantClose(1009, "The client message is too large.")
	}},
	{"frame/too-large-in-fragments", "3.6", "The size of a message counts, not that of its fragments", Emulator, needRoles, func(t *T) {
		c := t.open(client{proto: plain})
		m := []byte(sized(t.group("nobody"), maxMessage+1))
		half := len(m) / 2
		c.raw("text fragment of 512 KiB", maskedFrame(0x01, m[:half]))
		c.raw("last fragment of 512 KiB and 1 byte", maskedFrame(0x80, m[half:]))
		c.wantClose(1009, "The client message is too large.")
	}},
	{"frame/continuation", "3.6", "A continuation of nothing is answered with close 1002", Emulator, nil, func(t *T) {
		c := t.open(client{proto: plain})
		c.raw("a continuation of nothing", maskedFrame(0x80, []byte(ping)))
		c.wantClose(1002, "The client frame is invalid.")
	}},
	{"frame/interrupted-fragments", "3.6", "A new message within another's fragments is answered with close 1002", Emulator, nil, func(t *T) {
		c := t.open(client{proto: plain})
		c.raw("text fragment", maskedFrame(0x01, []byte(`{"type":`)))
		c.raw("text "+ping, maskedFrame(0x81, []byte(ping)))
		c.wantClose(1002, "The client frame is invalid.")
	}},
	{"frame/unmasked", "RFC 6455 5.1", "An unmasked frame ends the connection", Spec, nil, func(t *T) {
		c := t.open(client{proto: plain})
		c.raw("text unmasked", append([]byte{0x81, byte(len(ping))}, ping...))
		c.wantEnd()
	}},
	{"frame/reserved", "RFC 6455 5.2", "A reserved bit or opcode ends the connection", Spec, nil, func(t *T) {
		for _, first := range []byte{0xc1, 0xa1, 0x91, 0x83, 0x8b} {
			c := t.open(client{proto: plain})
			c.raw("reserved bit or opcode", maskedFrame(first, []byte(ping)))
			c.wantEnd()
		}
	}},
	{"frame/control-too-long", "RFC 6455 5.5", "A fragmented or long control frame ends the connection", Spec, nil, func(t *T) {
		for _, b := range [][]byte{maskedFrame(0x09, []byte("x")), maskedFrame(0x89, make([]byte, 126))} {
			c := t.open(client{proto: plain})
			c.raw("bad ping", b)
			c.wantEnd()
		}
	}},
	{"frame/session-ends", "3.6", "A session that was closed for what its client sent cannot be recovered", Emulator, []Need{NeedReliable}, func(t *T) {
		for _, bad := range [][]byte{maskedFrame(0x81, []byte("x")), maskedFrame(0x82, []byte("x")), maskedFrame(0x80, nil)} {
			c := t.open(client{proto: reliable})
			c.raw("a breach", bad)
			c.wantEnd()
			t.refusedRecovery(t.recovery(c))
		}
	}},
}

// sized is a publish of exactly n bytes with ack id 1.
func sized(group string, n int) string {
	empty := publish(group, "", "1")
	return publish(group, strings.Repeat("x", n-len(empty)), "1")
}
