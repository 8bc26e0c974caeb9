package emulator

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"github.com/wpsbench/wpsbench/wire"
)

// upstream stands where the event handlers are: events wait in it for their answers.
type upstream struct {
	w      *world
	events []*event
	done   []func(*reply, error)
}

// handleEvents gives a world an event handler for everything.
func (w *world) handleEvents() *upstream {
	u := &upstream{w: w}
	w.core.opts.Handlers = []Handler{{URL: "http://app/", SystemEvents: systemEvents, UserEvents: "*"}}
	w.core.send = func(e *event, done func(*reply, error)) {
		u.events, u.done = append(u.events, e), append(u.done, done)
	}
	return u
}

// withEvents makes a client's connection tell its events.
func withEvents(a *admission) {
	jar, _ := cookiejar.New(nil)
	a.events = &eventSource{hub: a.hub, connectionID: a.id, user: a.user, subprotocol: string(a.subprotocol), cookies: jar}
}

// want checks the events that wait, each as "name id state body".
func (u *upstream) want(events ...string) {
	u.w.t.Helper()
	var got []string
	for _, e := range u.events {
		got = append(got, strings.Join([]string{e.name, fmt.Sprint(e.id), e.state, string(e.body)}, " "))
	}
	if !slices.Equal(got, events) {
		u.w.t.Errorf("events\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(events, "\n\t"))
	}
}

// answer ends the oldest event.
func (u *upstream) answer(r *reply, err error) {
	u.w.t.Helper()
	if len(u.done) == 0 {
		u.w.t.Fatal("no event waits")
	}
	done := u.done[0]
	u.events, u.done = u.events[1:], u.done[1:]
	u.w.core.now = u.w.now
	done(r, err)
}

func (u *upstream) text(s string) {
	u.w.t.Helper()
	u.answer(&reply{http.Header{"Content-Type": {"text/plain"}}, []byte(s)}, nil)
}

func (u *upstream) empty() {
	u.w.t.Helper()
	u.answer(&reply{http.Header{}, nil}, nil)
}

func (u *upstream) state(s string) {
	u.w.t.Helper()
	u.answer(&reply{http.Header{"Ce-Connectionstate": {s}}, nil}, nil)
}

const eventOne = `{"type":"event","event":"order","dataType":"text","data":"42","ackId":1}`

func ack(id int) string { return fmt.Sprintf(`{"type":"ack","ackId":%d,"success":true}`, id) }

func serverText(text string) string {
	return `{"type":"message","from":"server","dataType":"text","data":"` + text + `"}`
}

func serverNumbered(text string, sequenceID int) string {
	m := serverText(text)
	return fmt.Sprintf(`%s,"sequenceId":%d}`, m[:len(m)-1], sequenceID)
}

var errBroken = errors.New("handler is broken")

func TestEventBlocksItsConnectionOnly(t *testing.T) {
	w := newWorld(t, Options{})
	u := w.handleEvents()
	c := w.open(wire.JSON, withEvents)
	u.empty() // connected
	other := w.open(wire.JSON, withGroups("room"))

	c.send(eventOne,
		`{"type":"sendToGroup","group":"room","dataType":"text","data":"later","ackId":2}`,
		`{"type":"event","event":"second","dataType":"json","data":{"x":1},"ackId":3}`,
		`{"type":"ping"}`)
	c.frame(ws.NewPingFrame([]byte("alive?")))
	other.send(`{"type":"ping"}`)
	u.want("order 2  42")
	c.want("pong alive?")
	other.want(`{"type":"pong"}`)

	u.text("forty-two")
	c.want(serverText("forty-two"), ack(1), ack(2))
	other.want(`{"type":"message","from":"group","group":"room","fromUserId":null,"dataType":"text","data":"later"}`)
	u.want(`second 3  {"x":1}`)

	u.empty()
	c.want(ack(3), `{"type":"pong"}`)
	c.send(eventOne)
	c.want(`{"type":"ack","ackId":1,"success":false,"error":{"name":"Duplicate","message":"Message with ack-id: 1 has been processed"}}`)
	u.want()
	if s := w.core.stats; s.Events != 2 || s.EventsFailed != 0 {
		t.Errorf("%d events, %d failed; want 2 and 0", s.Events, s.EventsFailed)
	}
}

func TestFailedEvent(t *testing.T) {
	const failed = `{"type":"ack","ackId":1,"success":false,"error":{"name":"InternalServerError","message":"Internal server error"}}`
	htm := &reply{http.Header{"Content-Type": {"text/html"}}, []byte("<p>")}
	for _, tt := range []struct {
		name string
		sub  wire.Subprotocol
		send string
		r    *reply
		err  error
		want []string
	}{
		{"with ack id", wire.JSON, eventOne, nil, errBroken, []string{failed, `{"type":"pong"}`}},
		{"an answer of no use", wire.JSON, eventOne, htm, nil, []string{failed, `{"type":"pong"}`}},
		{"without", wire.JSON, `{"type":"event","event":"order","data":1}`, nil, errBroken, []string{`{"type":"pong"}`}},
		{"simple client", wire.Simple, "42", nil, errBroken, []string{"close 1011 The event could not be processed."}},
		{"simple client, an answer of no use", wire.Simple, "42", htm, nil, []string{"close 1011 The event could not be processed."}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var told []string
			w := newWorld(t, Options{EventFailed: func(err error) { told = append(told, err.Error()) }})
			u := w.handleEvents()
			c := w.open(tt.sub, withEvents)
			u.empty()
			c.send(tt.send, `{"type":"ping"}`)
			u.answer(tt.r, tt.err)
			c.want(tt.want...)
			if w.core.stats.EventsFailed != 1 || len(told) != 1 {
				t.Errorf("%d events failed, told %q; want 1", w.core.stats.EventsFailed, told)
			}
		})
	}
}

// A failed request may be repeated with the same ack id (protocol.md 3.4).
func TestFailedEventMayBeRepeated(t *testing.T) {
	w := newWorld(t, Options{})
	u := w.handleEvents()
	c := w.open(wire.JSON, withEvents)
	u.empty()
	c.send(eventOne)
	u.answer(nil, errBroken)
	c.frames()
	c.send(eventOne)
	u.want("order 3  42")
	u.empty()
	c.want(ack(1))
}

func TestSimpleClientEvents(t *testing.T) {
	w := newWorld(t, Options{})
	u := w.handleEvents()
	c := w.open(wire.Simple, withEvents)
	u.empty()
	c.send("hi")
	c.frame(ws.NewBinaryFrame([]byte{1, 2}))
	if e := u.events[0]; e.name != "message" || e.contentType != "text/plain" || string(e.body) != "hi" {
		t.Errorf("event %s of type %s: %q", e.name, e.contentType, e.body)
	}
	u.text("hello")
	if e := u.events[0]; e.contentType != "application/octet-stream" || string(e.body) != "\x01\x02" {
		t.Errorf("event of type %s: %q", e.contentType, e.body)
	}
	u.answer(&reply{nil, []byte{3}}, nil)
	c.want("hello", "binary 03")
}

func TestConnectionState(t *testing.T) {
	w := newWorld(t, Options{})
	u := w.handleEvents()
	c := w.open(wire.JSON, withEvents)
	u.state("not from an event that nothing waits for")
	for _, step := range []struct{ before, answer string }{{"", "one"}, {"one", "two"}, {"two", ""}, {"", ""}} {
		c.send(`{"type":"event","event":"order","data":1}`)
		if got := u.events[0].state; got != step.before {
			t.Errorf("state %q, want %q", got, step.before)
		}
		u.state(step.answer)
	}
	c.send(`{"type":"event","event":"order","data":1}`)
	u.state("kept")
	c.send(`{"type":"event","event":"order","data":1}`)
	u.empty()
	c.send(`{"type":"event","event":"order","data":1}`)
	if got := u.events[0].state; got != "kept" {
		t.Errorf("state %q, want kept", got)
	}
}

// What a handler answers while a reliable session is detached is replayed; its ack
// is lost and its ack id is known.
func TestEventAcrossRecovery(t *testing.T) {
	w := newWorld(t, Options{})
	u := w.handleEvents()
	c := w.open(wire.JSONReliable, withEvents)
	u.empty()
	c.send(eventOne, `{"type":"ping"}`)
	c.lost()
	u.text("answer")
	c = c.recover()
	c.want(serverNumbered("answer", 1))
	c.send(eventOne)
	c.want(`{"type":"ack","ackId":1,"success":false,"error":{"name":"Duplicate","message":"Message with ack-id: 1 has been processed"}}`)
	u.want() // a recovery is no event
}

// A session that is recovered while its handler is busy stays blocked.
func TestRecoveryDuringAnEvent(t *testing.T) {
	w := newWorld(t, Options{})
	u := w.handleEvents()
	c := w.open(wire.JSONReliable, withEvents)
	u.empty()
	c.send(eventOne, `{"type":"joinGroup","group":"lost with the socket","ackId":2}`)
	c = c.recover() // takes over
	c.send(`{"type":"joinGroup","group":"room","ackId":3}`, eventOne)
	c.want()
	u.text("answer")
	c.want(serverNumbered("answer", 1), ack(1), ack(3),
		`{"type":"ack","ackId":1,"success":false,"error":{"name":"Duplicate","message":"Message with ack-id: 1 has been processed"}}`)
	if n := len(w.core.hubs["chat"].groups); n != 1 {
		t.Errorf("%d groups, want 1", n)
	}
}

func TestCloseDuringAnEvent(t *testing.T) {
	w := newWorld(t, Options{})
	u := w.handleEvents()
	room := w.open(wire.JSON, withGroups("room"))
	c := w.open(wire.JSONReliable, withEvents)
	u.empty()
	c.send(eventOne, `{"type":"sendToGroup","group":"room","dataType":"text","data":"bye"}`)
	c.frame(ws.NewCloseFrame(ws.NewCloseFrameBody(1000, "")))
	c.want()
	u.empty()
	c.want(ack(1), "close 1000")
	c.wantEnd("closed")
	c.wantSession(false)
	room.want(`{"type":"message","from":"group","group":"room","fromUserId":null,"dataType":"text","data":"bye"}`)
	u.want(`disconnected 3  {"reason":"The client closed the connection."}`)
}

// A client that closed and went away before its handler answered has ended its
// session as it said.
func TestLossBehindAClose(t *testing.T) {
	for _, tt := range []struct {
		code   ws.StatusCode
		exists bool
	}{{1000, false}, {1001, true}} {
		w := newWorld(t, Options{})
		u := w.handleEvents()
		c := w.open(wire.JSONReliable, withEvents)
		u.empty()
		c.send(eventOne)
		c.frame(ws.NewCloseFrame(ws.NewCloseFrameBody(tt.code, "")))
		c.lost()
		c.wantSession(tt.exists)
		u.text("too late")
		c.wantSession(tt.exists)
		if got := w.core.stats.Closes[int(tt.code)]; got != 1 {
			t.Errorf("%d: closes %v", tt.code, w.core.stats.Closes)
		}
	}
}

func TestServiceClosesDuringAnEvent(t *testing.T) {
	w := newWorld(t, Options{})
	u := w.handleEvents()
	c := w.open(wire.JSON, withEvents)
	u.empty()
	c.send(eventOne, `{"type":"ping"}`)
	w.core.disconnect(w.core.hubs["chat"].sessions[c.id], "maintenance")
	u.text("too late")
	c.want(`{"type":"system","event":"disconnected","message":"Application server closed the connection. Reason: maintenance"}`, "close 1000")
	c.frame(ws.NewCloseFrame(ws.NewCloseFrameBody(1000, "")))
	c.wantEnd("closed")
	u.want(`disconnected 3  {"reason":"Application server closed the connection. Reason: maintenance"}`)
}

// A client that sends faster than its handler answers is not read any further, and
// is not taken for dead meanwhile.
func TestBacklogStopsReading(t *testing.T) {
	w := newWorld(t, Options{})
	u := w.handleEvents()
	c := w.open(wire.JSON, withEvents)
	u.empty()
	big := `{"type":"event","event":"order","dataType":"text","data":"` + strings.Repeat("x", inboxBytes/4) + `"}`
	c.send(eventOne, big, big, big)
	if c.link.paused {
		t.Error("paused too early")
	}
	c.send(big)
	if !c.link.paused {
		t.Error("not paused")
	}
	w.advance(10 * w.core.opts.KeepAlive)
	c.wantEnd("")
	u.empty()
	if c.link.paused {
		t.Error("not resumed")
	}
	for range 4 {
		u.empty()
	}
	if n := w.core.stats.Events; n != 5 || len(u.events) != 0 {
		t.Errorf("%d events, %d wait; want 5 and none", n, len(u.events))
	}
	w.advance(3 * w.core.opts.KeepAlive)
	c.wantEnd("aborted") // the keep-alive is back
}

func TestDisconnectedReasons(t *testing.T) {
	for _, tt := range []struct {
		name string
		sub  wire.Subprotocol
		end  func(w *world, c *client)
		want string
	}{
		{"1000", wire.JSONReliable, func(_ *world, c *client) {
			c.frame(ws.NewCloseFrame(ws.NewCloseFrameBody(1000, "")))
		}, "The client closed the connection."},
		{"1000 with a reason", wire.JSON, func(_ *world, c *client) {
			c.frame(ws.NewCloseFrame(ws.NewCloseFrameBody(1000, `good "night"`)))
		}, `good \"night\"`},
		{"1001 on the plain subprotocol", wire.JSON, func(_ *world, c *client) {
			c.frame(ws.NewCloseFrame(ws.NewCloseFrameBody(1001, "")))
		}, "The client closed the connection."},
		{"lost", wire.JSON, func(_ *world, c *client) { c.lost() }, "The connection was lost."},
		{"recovery window over", wire.JSONReliable, func(w *world, c *client) {
			c.lost()
			w.advance(w.core.opts.RecoveryWindow)
		}, "The connection recovery timeout expired."},
		{"invalid message", wire.JSON, func(_ *world, c *client) { c.send("{") }, "The client message is not a valid JSON protocol message."},
		{"closed by the application", wire.JSON, func(w *world, c *client) {
			w.core.disconnect(w.core.hubs["chat"].sessions[c.id], "")
		}, "Application server closed the connection."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, Options{})
			u := w.handleEvents()
			c := w.open(tt.sub, withEvents)
			u.want("connected 1  {}")
			u.empty()
			tt.end(w, c)
			w.advance(time.Hour)
			u.want(`disconnected 2  {"reason":"` + tt.want + `"}`)
		})
	}
}

// disconnected is not sent before connected has been; user events wait for neither.
func TestDisconnectedFollowsConnected(t *testing.T) {
	w := newWorld(t, Options{})
	u := w.handleEvents()
	c := w.open(wire.JSON, withEvents)
	c.send(eventOne)
	c.lost()
	if len(u.events) != 3 {
		t.Fatalf("%d events, want 3", len(u.events))
	}
	connected, user, disconnected := u.events[0], u.events[1], u.events[2]
	if connected.after != nil || user.after != nil {
		t.Error("connected or the user event waits for another")
	}
	if disconnected.after != (<-chan struct{})(connected.finished) {
		t.Error("disconnected does not wait for connected")
	}
}

func TestNotificationsAreBounded(t *testing.T) {
	w := newWorld(t, Options{KeepAlive: -1})
	u := w.handleEvents()
	for range maxNotices {
		w.open(wire.JSON, withEvents)
	}
	w.open(wire.JSON, withEvents)
	if len(u.events) != maxNotices || w.core.stats.EventsDropped != 1 {
		t.Errorf("%d events under way, %d dropped; want %d and 1", len(u.events), w.core.stats.EventsDropped, maxNotices)
	}
	u.empty()
	w.open(wire.JSON, withEvents)
	if len(u.events) != maxNotices {
		t.Errorf("%d events under way, want %d", len(u.events), maxNotices)
	}
}
