package emulator

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"go.uber.org/goleak"

	"github.com/wpsbench/wpsbench/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world drives a core without sockets and with a clock of its own.
type world struct {
	t      testing.TB
	core   *core
	now    time.Duration
	timers []*fakeTimer
	opened int
}

func newWorld(t testing.TB, o Options) *world {
	t.Helper()
	o = o.withDefaults()
	if err := o.validate(); err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, now: time.Hour}
	w.core = newCore(o, func(fn func(time.Duration)) timer {
		tm := &fakeTimer{fn: fn}
		w.timers = append(w.timers, tm)
		return tm
	})
	return w
}

type fakeTimer struct {
	fn  func(time.Duration)
	at  time.Duration
	set bool
}

func (t *fakeTimer) Set(at time.Duration) { t.at, t.set = at, true }
func (t *fakeTimer) Stop()                { t.set = false }

// advance lets time pass, calling the timers that fall due in order.
func (w *world) advance(d time.Duration) {
	w.t.Helper()
	end := w.now + d
	for range 100_000 {
		var next *fakeTimer
		for _, t := range w.timers {
			if t.set && t.at <= end && (next == nil || t.at < next.at) {
				next = t
			}
		}
		if next == nil {
			w.now = end
			return
		}
		w.now = max(w.now, next.at)
		next.set = false
		next.fn(w.now)
	}
	w.t.Fatal("timers never rest")
}

// fakeLink is the far end of a socket: a kernel that takes everything, or
// nothing while stalled.
type fakeLink struct {
	out      bytes.Buffer
	stalled  bool
	paused   bool
	buffered int
	end      string // "closed" or "aborted"
}

func (l *fakeLink) Write(b []byte) {
	l.out.Write(b)
	if l.stalled {
		l.buffered += len(b)
	}
}
func (l *fakeLink) Buffered() int    { return l.buffered }
func (l *fakeLink) CloseAfterWrite() { l.end = "closed" }
func (l *fakeLink) Abort()           { l.end = "aborted" }
func (l *fakeLink) Pause()           { l.paused = true }
func (l *fakeLink) Resume()          { l.paused = false }

// client is the peer of one socket, speaking literal frames.
type client struct {
	w    *world
	id   string
	k    *socket
	link *fakeLink
}

func (w *world) socket() *client {
	link := &fakeLink{}
	k := w.core.newSocket()
	k.link = link
	return &client{w: w, k: k, link: link}
}

// allRoles let a client do everything.
var allRoles = []string{"webpubsub.sendToGroup", "webpubsub.joinLeaveGroup"}

// open connects a client with every role to the hub "chat"; what it is greeted
// with is read already. edit may change its admission.
func (w *world) open(p wire.Subprotocol, edit ...func(*admission)) *client {
	w.t.Helper()
	w.opened++
	c := w.socket()
	c.id = fmt.Sprintf("c%d", w.opened)
	a := &admission{hub: "chat", subprotocol: p, id: c.id}
	a.send, a.join = roles(allRoles)
	if p.Reliable() {
		a.token = "TOK"
	}
	for _, e := range edit {
		e(a)
	}
	w.core.open(w.now, c.k, a)
	greeting := 1
	if p == wire.Simple {
		greeting = 0
	}
	if got := c.frames(); len(got) != greeting {
		w.t.Fatalf("greeted with %q, want %d frames", got, greeting)
	}
	return c
}

// recover connects anew to the session of a client.
func (c *client) recover() *client {
	n := c.w.socket()
	n.id = c.id
	c.w.core.recover(c.w.now, n.k, &recovery{hub: "chat", id: c.id, valid: true})
	return n
}

func (c *client) lost() { c.k.Lost(c.w.now, io.ErrUnexpectedEOF) }

// send sends text messages.
func (c *client) send(messages ...string) {
	for _, m := range messages {
		c.frame(ws.NewTextFrame([]byte(m)))
	}
}

func (c *client) frame(f ws.Frame) {
	c.w.t.Helper()
	b, err := ws.CompileFrame(ws.MaskFrameWith(f, [4]byte{1, 2, 3, 4}))
	if err != nil {
		c.w.t.Fatal(err)
	}
	c.raw(b)
}

// raw delivers bytes, which are only lent: afterwards they are spoiled.
func (c *client) raw(b []byte) {
	c.k.Received(c.w.now, b)
	for i := range b {
		b[i] = '#'
	}
}

// frames returns and forgets what the client has got: text as it is, other
// frames by name.
func (c *client) frames() []string {
	c.w.t.Helper()
	var got []string
	for {
		f, err := ReadFrame(&c.link.out)
		if errors.Is(err, io.EOF) {
			return got
		}
		if err != nil || f.Header.Masked || !f.Header.Fin {
			c.w.t.Fatalf("server sent a bad frame: %+v, %v", f.Header, err)
		}
		got = append(got, describe(f))
	}
}

// ReadFrame reads one frame of ours.
func ReadFrame(r io.Reader) (f ws.Frame, err error) {
	if f.Header, err = ws.ReadHeader(r); err != nil {
		return f, err
	}
	f.Payload = make([]byte, f.Header.Length)
	_, err = io.ReadFull(r, f.Payload)
	return f, err
}

func describe(f ws.Frame) string {
	switch f.Header.OpCode {
	case ws.OpText:
		return string(f.Payload)
	case ws.OpBinary:
		return fmt.Sprintf("binary %x", f.Payload)
	case ws.OpPing:
		return "ping"
	case ws.OpPong:
		return "pong " + string(f.Payload)
	default:
		if len(f.Payload) == 0 {
			return "close"
		}
		code, reason := ws.ParseCloseFrameData(f.Payload)
		return strings.TrimSpace(fmt.Sprintf("close %d %s", code, reason))
	}
}

// want checks what the client has got since the last look.
func (c *client) want(frames ...string) {
	c.w.t.Helper()
	if got := c.frames(); !slices.Equal(got, frames) {
		c.w.t.Errorf("%s got\n\t%s\nwant\n\t%s", c.id, strings.Join(got, "\n\t"), strings.Join(frames, "\n\t"))
	}
}

// wantEnd checks how the socket ended: "closed", "aborted" or "" for not at all.
func (c *client) wantEnd(end string) {
	c.w.t.Helper()
	if c.link.end != end {
		c.w.t.Errorf("%s: socket %q, want %q", c.id, c.link.end, end)
	}
}

// wantSession checks whether the client's session still exists.
func (c *client) wantSession(exists bool) {
	c.w.t.Helper()
	h := c.w.core.hubs["chat"]
	if got := h != nil && h.sessions[c.id] != nil; got != exists {
		c.w.t.Errorf("%s: session exists: %v, want %v", c.id, got, exists)
	}
}

func withGroups(names ...string) func(*admission) {
	return func(a *admission) { a.groups = names }
}

func withUser(user string) func(*admission) {
	return func(a *admission) { a.user = user }
}

func withRoles(list ...string) func(*admission) {
	return func(a *admission) { a.send, a.join = roles(list) }
}

func withRaw(group string, noEcho bool) func(*admission) {
	return func(a *admission) { a.raw = rawMode{toGroup: true, group: []byte(group), noEcho: noEcho} }
}

// FuzzSocket feeds a client's bytes, cut in two, to a reliable session: whatever
// they are, the counts stay right and the next client is served.
func FuzzSocket(f *testing.F) {
	f.Add(ws.MustCompileFrame(ws.MaskFrame(ws.NewBinaryFrame([]byte("\x0a\x0d\x0a\x04room\x10\x01\x1a\x03\x0a\x01a")))), 5, true)
	for _, m := range []string{`{"type":"ping"}`, `{"type":"sendToGroup","group":"room","data":1,"ackId":1}`, `{`} {
		f.Add(ws.MustCompileFrame(ws.MaskFrame(ws.NewTextFrame([]byte(m)))), 3, false)
	}
	f.Add(ws.MustCompileFrame(ws.MaskFrame(ws.NewCloseFrame(ws.NewCloseFrameBody(1001, "x")))), 0, true)
	f.Add([]byte{0x01, 0x81, 0, 0, 0, 0, '{', 0x80, 0x81, 0, 0, 0, 0, '}'}, 8, false)
	f.Fuzz(func(t *testing.T, in []byte, cut int, protobuf bool) {
		w := newWorld(t, Options{MaxMessageBytes: 1000, KeepAlive: -1})
		p := wire.JSONReliable
		if protobuf {
			p = wire.ProtobufReliable
		}
		c := w.open(p, withGroups("room"))
		cut = min(max(cut, 0), len(in))
		in = bytes.Clone(in)
		c.raw(in[:cut])
		c.raw(in[cut:])
		c.frames()
		if c.link.end == "" {
			c.lost()
		}
		w.advance(time.Minute) // the recovery window and every timeout pass
		if s := w.core.stats; s.Connections != 0 || s.Sessions != 0 || s.Detached != 0 || len(w.core.hubs) != 0 {
			t.Errorf("something is left: %+v", s)
		}
		next := w.open(wire.JSON)
		next.send(`{"type":"ping"}`)
		next.want(`{"type":"pong"}`)
	})
}
