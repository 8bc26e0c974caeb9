package emulator

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"github.com/wpsbench/wpsbench/wire"
)

const (
	refused    = "close 1008 The connection could not be recovered."
	bufferFull = "close 1008 The reliable message buffer is full."
	queueFull  = "close 1008 The outbound message queue is full."
)

// publish sends numbered text messages to "room" from a connection of its own.
func (w *world) publish(from, to int) {
	w.t.Helper()
	p := w.open(wire.JSON)
	for i := from; i <= to; i++ {
		p.send(fmt.Sprintf(`{"type":"sendToGroup","group":"room","dataType":"text","data":"m%d","ackId":%[1]d}`, i))
	}
	for i, got := range p.frames() {
		if want := fmt.Sprintf(`{"type":"ack","ackId":%d,"success":true}`, from+i); got != want {
			w.t.Fatalf("publisher got %s, want %s", got, want)
		}
	}
	p.lost()
}

// numbered is a message of publish as a reliable member gets it.
func numbered(i, sequenceID int) string {
	return fmt.Sprintf(`{"type":"message","from":"group","group":"room","fromUserId":null,"dataType":"text","data":"m%d","sequenceId":%d}`, i, sequenceID)
}

func TestSequenceIDsAreOnDataOnly(t *testing.T) {
	w := newWorld(t, Options{})
	c := w.open(wire.JSONReliable, withGroups("room"))
	w.publish(1, 1)
	c.send(`{"type":"ping"}`, `{"type":"joinGroup","group":"hall","ackId":1}`)
	late := w.open(wire.JSONReliable, withGroups("room"))
	w.publish(2, 2)
	c.want(numbered(1, 1), `{"type":"pong"}`, `{"type":"ack","ackId":1,"success":true}`, numbered(2, 2))
	late.want(numbered(2, 1))
}

func TestRecoveryReplaysTheSameBytes(t *testing.T) {
	w := newWorld(t, Options{})
	c := w.open(wire.JSONReliable, withGroups("room"), withUser("alice"))
	w.publish(1, 2)
	c.frames()
	w.publish(3, 12)
	sent := bytes.Clone(c.link.out.Bytes())
	c.send(`{"type":"sequenceAck","sequenceId":2}`, `{"type":"sequenceAck","sequenceId":1}`)
	c.lost()
	w.publish(13, 13)
	w.advance(29 * time.Second)
	again := c.recover()
	if got := again.link.out.Bytes(); !bytes.HasPrefix(got, sent) {
		t.Errorf("replayed\n%q\nwhich does not begin with what was sent\n%q", got, sent)
	}
	w.publish(14, 14)
	var want []string
	for i := 3; i <= 14; i++ {
		want = append(want, numbered(i, i))
	}
	again.want(want...)

	// Nothing is forgotten by a recovery, only by a sequenceAck; one beyond the
	// last empties the buffer.
	again.send(`{"type":"sequenceAck","sequenceId":99}`)
	again.lost()
	third := again.recover()
	third.want()
	w.publish(15, 15)
	third.want(numbered(15, 15))
	if got := w.core.stats.Replays; got != 11 {
		t.Errorf("%d messages replayed, want 11", got)
	}
}

func TestWhatSurvivesRecovery(t *testing.T) {
	w := newWorld(t, Options{})
	c := w.open(wire.JSONReliable, withUser("alice"), withRoles("webpubsub.joinLeaveGroup.room", "webpubsub.sendToGroup.room"))
	c.send(`{"type":"joinGroup","group":"room","ackId":1}`)
	c.frames()
	c.lost()
	if len(w.core.hubs["chat"].users["alice"]) != 1 || w.core.hubs["chat"].groups["room"] == nil {
		t.Error("a detached session must still count as a member and for its user")
	}
	again := c.recover()
	again.send(
		`{"type":"joinGroup","group":"room","ackId":1}`,
		`{"type":"sendToGroup","group":"room","dataType":"text","data":"hi","ackId":2}`,
		`{"type":"joinGroup","group":"hall","ackId":3}`,
	)
	again.want(
		`{"type":"ack","ackId":1,"success":false,"error":{"name":"Duplicate","message":"Message with ack-id: 1 has been processed"}}`,
		`{"type":"message","from":"group","group":"room","fromUserId":"alice","dataType":"text","data":"hi","sequenceId":1}`,
		`{"type":"ack","ackId":2,"success":true}`,
		`{"type":"ack","ackId":3,"success":false,"error":{"name":"Forbidden","message":"The client does not have permission to join group 'hall'."}}`,
	)
}

func TestConnectedOnRecovery(t *testing.T) {
	w := newWorld(t, Options{ConnectedOnRecovery: true})
	c := w.open(wire.JSONReliable, withGroups("room"))
	w.publish(1, 1)
	c.lost()
	again := w.socket()
	w.core.recover(w.now, again.k, &recovery{hub: "chat", id: c.id, valid: true, token: "NEW"})
	again.want(
		`{"type":"system","event":"connected","userId":null,"connectionId":"c1","reconnectionToken":"NEW"}`,
		numbered(1, 1),
	)
}

func TestRecoveryWindow(t *testing.T) {
	w := newWorld(t, Options{KeepAlive: -1})
	c := w.open(wire.JSONReliable)
	c.lost()
	w.advance(30*time.Second - 1)
	c = c.recover()
	c.want()
	w.advance(time.Hour)
	c.wantSession(true)
	c.lost() // starts a window of its own
	w.advance(30*time.Second - 1)
	c.wantSession(true)
	w.advance(1)
	c.wantSession(false)
	c = c.recover()
	c.want(refused)
	if s := w.core.stats; s.Expired != 1 || s.Detached != 0 || s.Sessions != 0 || len(w.core.hubs) != 0 {
		t.Errorf("after the window: %+v, %d hubs", s, len(w.core.hubs))
	}
}

func TestRefusedRecoveries(t *testing.T) {
	tests := []struct {
		name        string
		subprotocol wire.Subprotocol
		recovery    recovery
	}{
		{"bad token", wire.JSONReliable, recovery{hub: "chat", id: "c1"}},
		{"unknown connection", wire.JSONReliable, recovery{hub: "chat", id: "c9", valid: true}},
		{"another hub", wire.JSONReliable, recovery{hub: "hall", id: "c1", valid: true}},
		{"not reliable", wire.JSON, recovery{hub: "chat", id: "c1", valid: true}},
		{"simple", wire.Simple, recovery{hub: "chat", id: "c1", valid: true}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, Options{})
			c := w.open(tt.subprotocol)
			intruder := w.socket()
			w.core.recover(w.now, intruder.k, &tt.recovery)
			intruder.want(refused)
			intruder.frame(ws.NewCloseFrame(ws.NewCloseFrameBody(1008, "")))
			intruder.wantEnd("closed")
			c.wantSession(true)
			c.wantEnd("")
			if got := w.core.stats; got.RecoveriesRefused != 1 || got.Connections != 1 || got.Closes[1008] != 1 {
				t.Errorf("stats: %+v", got)
			}
		})
	}
}

func TestTakeover(t *testing.T) {
	w := newWorld(t, Options{})
	old := w.open(wire.JSONReliable, withGroups("room"))
	w.publish(1, 2)
	taker := old.recover()
	old.wantEnd("aborted")
	old.want(numbered(1, 1), numbered(2, 2)) // and no close frame
	taker.want(numbered(1, 1), numbered(2, 2))

	// What still comes of the old socket must not touch the session.
	old.frame(ws.NewCloseFrame(ws.NewCloseFrameBody(1000, "")))
	old.lost()
	w.advance(25 * time.Second) // its keep-alive neither
	taker.wantSession(true)
	taker.frames()
	taker.send(`{"type":"ping"}`)
	taker.want(`{"type":"pong"}`)
	if got := w.core.stats; got.Takeovers != 1 || got.Detached != 0 || got.Connections != 1 || got.Closes[1006] != 2 {
		t.Errorf("stats: %+v", got) // 1006: the publisher and the old socket
	}
}

func TestReplayOverflow(t *testing.T) {
	small := Options{ReplayMessages: 3}
	t.Run("attached", func(t *testing.T) {
		w := newWorld(t, small)
		c := w.open(wire.JSONReliable, withGroups("room"))
		w.publish(1, 3)
		c.wantSession(true)
		w.publish(4, 4)
		c.want(numbered(1, 1), numbered(2, 2), numbered(3, 3), bufferFull)
		c.wantSession(false)
		c.recover().want(refused)
	})
	t.Run("acknowledged in time", func(t *testing.T) {
		w := newWorld(t, small)
		c := w.open(wire.JSONReliable, withGroups("room"))
		for i := 1; i <= 10; i++ {
			w.publish(i, i)
			c.want(numbered(i, i))
			c.send(fmt.Sprintf(`{"type":"sequenceAck","sequenceId":%d}`, i))
		}
	})
	t.Run("detached", func(t *testing.T) {
		w := newWorld(t, small)
		c := w.open(wire.JSONReliable, withGroups("room"))
		c.lost()
		w.publish(1, 4)
		c.wantSession(false)
		if w.core.stats.Overflows != 1 || w.core.stats.Detached != 0 {
			t.Errorf("stats: %+v", w.core.stats)
		}
		w.advance(time.Minute)
		if w.core.stats.Expired != 0 {
			t.Error("the recovery window outlived its session")
		}
		c.recover().want(refused)
	})
	t.Run("abort", func(t *testing.T) {
		o := small
		o.AbortOnOverflow = true
		w := newWorld(t, o)
		c := w.open(wire.JSONReliable, withGroups("room"))
		w.publish(1, 4)
		c.want(numbered(1, 1), numbered(2, 2), numbered(3, 3))
		c.wantEnd("aborted")
		c.wantSession(false)
	})
	t.Run("bytes", func(t *testing.T) {
		w := newWorld(t, Options{ReplayBytes: 2 * len(numbered(1, 1))})
		c := w.open(wire.JSONReliable, withGroups("room"))
		w.publish(1, 2) // fill it to the last byte
		c.want(numbered(1, 1), numbered(2, 2))
		w.publish(3, 3)
		c.want(bufferFull)
	})
	t.Run("only the slow one", func(t *testing.T) {
		w := newWorld(t, small)
		slow := w.open(wire.JSONReliable, withGroups("room"))
		plain := w.open(wire.JSON, withGroups("room"))
		other := w.open(wire.JSONReliable, withGroups("room"))
		w.publish(1, 3)
		other.send(`{"type":"sequenceAck","sequenceId":3}`)
		w.publish(4, 4)
		slow.wantSession(false)
		if got := plain.frames(); len(got) != 4 {
			t.Errorf("plain member got %d messages, want 4", len(got))
		}
		if got := other.frames(); len(got) != 4 {
			t.Errorf("acknowledging member got %d messages, want 4", len(got))
		}
	})
	t.Run("default limits", func(t *testing.T) {
		w := newWorld(t, Options{})
		c := w.open(wire.JSONReliable, withGroups("room"))
		w.publish(1, 1000)
		c.wantSession(true)
		w.publish(1001, 1001)
		c.wantSession(false)
	})
}

func TestOutboundQueueOverflow(t *testing.T) {
	for _, o := range []Options{{OutboundMessages: 10}, {OutboundBytes: 1000}} {
		w := newWorld(t, o)
		stalled := w.open(wire.JSON, withGroups("room"))
		busy := w.open(wire.JSON, withGroups("room"))
		stalled.link.stalled = true
		w.publish(1, 9)
		w.advance(time.Second)
		stalled.wantSession(true)
		w.publish(10, 20)
		stalled.wantSession(true) // it gets the rest of the turn to drain
		w.advance(flushGrace)
		stalled.wantSession(false)
		if got := stalled.frames(); got[len(got)-1] != queueFull {
			t.Errorf("the slow client's last frame is %q", got[len(got)-1])
		}
		busy.wantSession(true)
	}

	// A burst that the kernel then takes is no overflow.
	w := newWorld(t, Options{OutboundMessages: 10})
	c := w.open(wire.JSON, withGroups("room"))
	c.link.stalled = true
	w.publish(1, 20)
	c.link.buffered = 0
	w.advance(time.Second)
	c.wantSession(true)
}

func TestCloseByClient(t *testing.T) {
	tests := []struct {
		name     string
		body     []byte
		echo     string
		survives bool // of a reliable session
		code     int
	}{
		{"normal", ws.NewCloseFrameBody(1000, "bye"), "close 1000 bye", false, 1000},
		{"going away", ws.NewCloseFrameBody(1001, ""), "close 1001", true, 1001},
		{"without a code", nil, "close", true, 1005},
		{"application's", ws.NewCloseFrameBody(4000, ""), "close 4000", true, 4000},
	}
	for _, tt := range tests {
		for _, p := range []wire.Subprotocol{wire.JSONReliable, wire.JSON} {
			t.Run(tt.name+" "+string(p), func(t *testing.T) {
				w := newWorld(t, Options{})
				c := w.open(p)
				c.frame(ws.NewCloseFrame(tt.body))
				c.want(tt.echo)
				c.wantEnd("closed")
				c.wantSession(tt.survives && p.Reliable())
				if got := w.core.stats; got.Closes[tt.code] != 1 || got.Connections != 0 {
					t.Errorf("stats: %+v, want one close %d", got, tt.code)
				}
			})
		}
	}
}

func TestProtocolErrors(t *testing.T) {
	const (
		badJSON  = "close 1007 The client message is not a valid JSON protocol message."
		badFrame = "close 1002 The client frame is invalid."
		tooLarge = "close 1009 The client message is too large."
	)
	masked := func(f ws.Frame) []byte { return ws.MustCompileFrame(ws.MaskFrame(f)) }
	text := func(s string) []byte { return masked(ws.NewTextFrame([]byte(s))) }
	tests := []struct {
		name string
		in   []byte
		want string
		end  string // at once; otherwise the peer's close frame is awaited
	}{
		{"not JSON", text(`{`), badJSON, ""},
		{"unknown type", text(`{"type":"dance"}`), badJSON, ""},
		{"group of spaces", text(`{"type":"joinGroup","group":"  "}`), badJSON, ""},
		{"quoted ack id", text(`{"type":"joinGroup","group":"a","ackId":"1"}`), badJSON, ""},
		{"null data", text(`{"type":"sendToGroup","group":"a","data":null}`), badJSON, ""},
		{"no data", text(`{"type":"sendToGroup","group":"a"}`), badJSON, ""},
		{"bad base64", text(`{"type":"sendToGroup","group":"a","dataType":"binary","data":"A"}`), badJSON, ""},
		{"not UTF-8", masked(ws.NewTextFrame([]byte("\xff"))), badJSON, "closed"},
		{"binary", masked(ws.NewBinaryFrame([]byte(`{"type":"ping"}`))), "close 1003 The JSON subprotocol requires text messages.", "closed"},
		{"not masked", ws.MustCompileFrame(ws.NewTextFrame([]byte("{}"))), badFrame, "closed"},
		{"continuation of nothing", masked(ws.NewFrame(ws.OpContinuation, true, []byte("x"))), badFrame, "closed"},
		{"reserved bit", []byte{0xc1, 0x80, 0, 0, 0, 0}, badFrame, "closed"},
		{"fragmented ping", masked(ws.NewFrame(ws.OpPing, false, nil)), badFrame, "closed"},
		{"bad close code", masked(ws.NewCloseFrame([]byte{0, 1})), badFrame, "closed"},
		{"header of 1 MiB and one byte", []byte{0x81, 0xff, 0, 0, 0, 0, 0, 0x10, 0, 1, 0, 0, 0, 0}, tooLarge, "closed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, Options{})
			c := w.open(wire.JSONReliable)
			c.raw(tt.in)
			c.want(tt.want)
			c.wantEnd(tt.end)
			c.wantSession(false)
			c.raw(text(`{"type":"ping"}`)) // ignored
			c.want()
			w.advance(closeTimeout)
			if tt.end == "" {
				c.wantEnd("aborted")
			}
			if w.core.stats.Connections != 0 {
				t.Errorf("%d connections counted", w.core.stats.Connections)
			}
		})
	}
}

func TestLargestMessage(t *testing.T) {
	w := newWorld(t, Options{})
	c := w.open(wire.JSON, withGroups("room"))
	head, tail := `{"type":"sendToGroup","group":"room","dataType":"text","data":"`, `"}`
	data := strings.Repeat("x", 1<<20-len(head)-len(tail))
	c.send(head + data + tail)
	got := c.frames()
	if len(got) != 1 || !strings.Contains(got[0], data) {
		t.Fatalf("got %d frames", len(got))
	}
	c.send(head + data + "x" + tail)
	c.want("close 1009 The client message is too large.")
}

// Frame headers have three forms (RFC 6455 5.2); every kind of member gets whole frames.
func TestFrameLengths(t *testing.T) {
	overhead := len(`{"type":"message","from":"group","group":"room","fromUserId":null,"dataType":"text","data":""}`)
	for _, payload := range []int{125, 126, 127, 65535, 65536, 65537} {
		for _, size := range []int{payload, payload - overhead, payload - overhead - len(`,"sequenceId":1`)} {
			if size < 0 {
				continue
			}
			w := newWorld(t, Options{})
			var members []*client
			for _, p := range []wire.Subprotocol{wire.JSON, wire.JSONReliable, wire.Simple} {
				members = append(members, w.open(p, withGroups("room")))
			}
			data := strings.Repeat("x", size)
			w.open(wire.JSON).say("room", data)
			head := `{"type":"message","from":"group","group":"room","fromUserId":null,"dataType":"text","data":"` + data + `"`
			for i, want := range []string{head + "}", head + `,"sequenceId":1}`, data} {
				if got := members[i].frames(); len(got) != 1 || got[0] != want {
					t.Errorf("%d bytes: member %d got %.100q", size, i, got)
				}
			}
		}
	}
}

func TestFragmentsAndControlFrames(t *testing.T) {
	w := newWorld(t, Options{})
	c := w.open(wire.JSON)
	for _, b := range bytes.Join([][]byte{
		ws.MustCompileFrame(ws.MaskFrame(ws.NewFrame(ws.OpText, false, []byte(`{"type":`)))),
		ws.MustCompileFrame(ws.MaskFrame(ws.NewPingFrame([]byte("p")))),
		ws.MustCompileFrame(ws.MaskFrame(ws.NewFrame(ws.OpContinuation, true, []byte(`"ping"}`)))),
	}, nil) {
		c.raw([]byte{b})
	}
	c.want("pong p", `{"type":"pong"}`)
}

func TestDisconnect(t *testing.T) {
	tests := []struct {
		name        string
		subprotocol wire.Subprotocol
		reason      string
		want        []string
	}{
		{"with a reason", wire.JSONReliable, "maintenance", []string{
			`{"type":"system","event":"disconnected","message":"Application server closed the connection. Reason: maintenance"}`, "close 1000"}},
		{"without", wire.JSON, "", []string{
			`{"type":"system","event":"disconnected","message":"Application server closed the connection."}`, "close 1000"}},
		{"simple", wire.Simple, "maintenance", []string{"close 1000"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, Options{})
			c := w.open(tt.subprotocol)
			w.core.now = w.now
			w.core.disconnect(w.core.hubs["chat"].sessions[c.id], tt.reason)
			c.want(tt.want...)
			c.wantSession(false)
			c.wantEnd("") // it waits for the peer's close frame
			c.frame(ws.NewCloseFrame(ws.NewCloseFrameBody(1000, "")))
			c.want()
			c.wantEnd("closed")
			c.recover().want(refused)
		})
	}
	t.Run("a peer that does not answer", func(t *testing.T) {
		w := newWorld(t, Options{})
		c := w.open(wire.JSON)
		w.core.now = w.now
		w.core.disconnect(w.core.hubs["chat"].sessions[c.id], "")
		w.advance(closeTimeout)
		c.wantEnd("aborted")
	})
	t.Run("a detached session", func(t *testing.T) {
		w := newWorld(t, Options{})
		c := w.open(wire.JSONReliable)
		c.lost()
		w.core.disconnect(w.core.hubs["chat"].sessions[c.id], "")
		c.wantSession(false)
		w.advance(time.Minute)
	})
}

func TestKeepAlive(t *testing.T) {
	w := newWorld(t, Options{})
	c := w.open(wire.JSONReliable)
	w.advance(20*time.Second - 1)
	c.want()
	w.advance(1)
	c.want("ping")
	c.frame(ws.NewPongFrame(nil))
	w.advance(20 * time.Second)
	c.want("ping")
	c.send(`{"type":"ping"}`) // any sign of life will do
	w.advance(20 * time.Second)
	c.want(`{"type":"pong"}`, "ping")
	w.advance(20 * time.Second)
	c.want()
	c.wantEnd("aborted")
	c.wantSession(true)
	if s := w.core.stats; s.PingTimeouts != 1 || s.Detached != 1 {
		t.Errorf("stats: %+v", s)
	}

	w = newWorld(t, Options{KeepAlive: -1})
	c = w.open(wire.JSON)
	w.advance(time.Hour)
	c.want()
	c.wantEnd("")
}
