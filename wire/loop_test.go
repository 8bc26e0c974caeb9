package wire

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// service is the peer of the clients under test: it upgrades, and then does only
// what the test says.
type service struct {
	*httptest.Server
	t    *testing.T
	open chan *serviceConn // the WebSockets, as they come
}

// serviceConn is one WebSocket at the service.
type serviceConn struct {
	net.Conn
	t     *testing.T
	query map[string][]string
}

// newService is to be called before the loop of its clients runs: they are stopped first
// then, or the end of a connection would have them come again while the test is ending.
func newService(t *testing.T, secured bool) *service {
	s := &service{t: t, open: make(chan *serviceConn, 16)}
	accepted := make(chan net.Conn, 64)
	s.Server = serve(t, secured, func(w http.ResponseWriter, r *http.Request) {
		nc := accept(t, w, r, r.Header.Get("Sec-WebSocket-Protocol"), "")
		accepted <- nc
		s.open <- &serviceConn{Conn: nc, t: t, query: r.URL.Query()}
	})
	t.Cleanup(func() {
		for len(accepted) > 0 {
			_ = (<-accepted).Close()
		}
	})
	return s
}

// send sends a text message.
func (c *serviceConn) send(format string, args ...any) {
	c.t.Helper()
	if err := ws.WriteFrame(c, ws.NewTextFrame(fmt.Appendf(nil, format, args...))); err != nil {
		c.t.Fatal(err)
	}
}

// expect reads one frame and compares its payload.
func (c *serviceConn) expect(op ws.OpCode, want string) {
	c.t.Helper()
	h, err := ws.ReadHeader(c)
	if err != nil {
		c.t.Fatal(err)
	}
	payload := make([]byte, h.Length)
	if _, err := io.ReadFull(c, payload); err != nil {
		c.t.Fatal(err)
	}
	ws.Cipher(payload, h.Mask, 0)
	if got := string(payload); h.OpCode != op || !h.Masked || got != want {
		c.t.Fatalf("service got op %d (masked %v) %q, want op %d %q", h.OpCode, h.Masked, got, op, want)
	}
}

// hello makes the connection a named one of which recovery is possible.
func (c *serviceConn) hello(id string) {
	c.t.Helper()
	c.send(`{"type":"system","event":"connected","userId":null,"connectionId":%q,"reconnectionToken":"again-%s"}`, id, id)
}

// recorder writes the events of a client down, as they come.
type recorder struct {
	events chan string
	errs   chan error
	on     func(now time.Duration, ev *Event)
}

func newRecorder() *recorder {
	return &recorder{events: make(chan string, 100), errs: make(chan error, 100)}
}

// Event implements Handler.
func (r *recorder) Event(now time.Duration, ev *Event) {
	name := map[EventKind]string{
		EventDialing: "dialing", EventDialFailed: "dial failed", EventOpened: "opened", EventConnected: "connected",
		EventReady: "ready", EventMessage: "message", EventAcked: "acked", EventDropped: "dropped",
		EventEnded: "ended", EventClosed: "closed",
	}[ev.Kind]
	if ev.Recovering {
		name += " again"
	}
	if ev.Err != nil {
		r.errs <- ev.Err
	}
	r.events <- name
	if r.on != nil {
		r.on(now, ev)
	}
}

func (r *recorder) expect(t *testing.T, want ...string) {
	t.Helper()
	for _, w := range want {
		if got := wait(t, r.events); got != w {
			t.Fatalf("event %q, want %q", got, w)
		}
	}
}

// eachTransport runs a test on every transport there is here.
func eachTransport(t *testing.T, test func(t *testing.T, tr Transport)) {
	for _, tr := range []Transport{TransportLoop, TransportGoroutine} {
		if _, err := ParseTransport(string(tr)); err == nil {
			t.Run(string(tr), func(t *testing.T) { test(t, tr) })
		}
	}
}

// runLoop runs a Loop until the test's end, or until the stop that it returns.
func runLoop(t *testing.T, tr Transport, d *Dialer) (l *Loop, stop func()) {
	t.Helper()
	l = NewLoop(d, tr)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- l.Run(ctx) }()
	var stopped bool
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := wait(t, ended); err != nil {
			t.Errorf("Run: %v", err)
		}
	}
	t.Cleanup(stop)
	return l, stop
}

// onLoop runs fn on the loop and waits for it.
func onLoop(t *testing.T, l *Loop, fn func(now time.Duration)) {
	t.Helper()
	done := make(chan struct{})
	if !l.Do(func(now time.Duration) { defer close(done); fn(now) }) {
		t.Fatal("Do refused a function")
	}
	wait(t, done)
}

// prompt is reliable() without long pauses, for clients in real time.
func prompt() *SessionConfig {
	cfg := reliable()
	cfg.Reconnect.Base = time.Millisecond
	return cfg
}

// asking returns a URLFunc for s that counts its calls.
func asking(s *service, calls *atomic.Int32) URLFunc {
	return func(context.Context) (string, error) {
		calls.Add(1)
		return wsURL(s.Server), nil
	}
}

// connected starts a client and brings it to EventReady.
func connected(t *testing.T, l *Loop, s *service, r *recorder, calls *atomic.Int32) (*Client, *serviceConn) {
	t.Helper()
	c := l.Open(prompt(), asking(s, calls), r, 1)
	onLoop(t, l, c.Start)
	r.expect(t, "dialing", "opened")
	conn := wait(t, s.open)
	conn.hello("one")
	r.expect(t, "connected", "ready")
	return c, conn
}

// One client's whole life over a real socket.
func TestClient(t *testing.T) {
	eachTransport(t, func(t *testing.T, tr Transport) {
		for _, secured := range []bool{false, true} {
			t.Run(map[bool]string{false: "ws", true: "wss"}[secured], func(t *testing.T) {
				s := newService(t, secured)
				d := &Dialer{}
				if secured {
					d.TLS = roots(s.Server)
				}
				l, _ := runLoop(t, tr, d)
				r := newRecorder()
				var calls atomic.Int32
				c := l.Open(prompt(), asking(s, &calls), r, 1)
				r.on = func(now time.Duration, ev *Event) { // from within an input
					if ev.Kind == EventReady {
						if _, err := c.Publish(now, &Publish{Group: "room", DataType: DataText, Data: []byte("hi"), Ack: true}); err != nil {
							t.Error(err)
						}
					}
				}
				onLoop(t, l, func(now time.Duration) { c.Join(now, "room"); c.Start(now) })
				conn := wait(t, s.open)
				conn.hello("one")
				conn.expect(ws.OpText, `{"type":"joinGroup","group":"room","ackId":1}`)
				conn.send(`{"type":"ack","ackId":1,"success":true}`)
				conn.expect(ws.OpText, `{"type":"sendToGroup","group":"room","dataType":"text","data":"hi","ackId":2}`)
				conn.send(`{"type":"message","from":"group","group":"room","fromUserId":null,"dataType":"text","data":"hi","sequenceId":1}`)
				conn.send(`{"type":"ack","ackId":2,"success":true}`)
				r.expect(t, "dialing", "opened", "connected", "acked", "ready", "message", "acked")
				onLoop(t, l, func(now time.Duration) {
					if !c.Ready() || !c.Attached() || c.ConnectionID() != "one" || c.InFlight() != 0 || c.UnackedSequence() != 1 {
						t.Errorf("ready %v, attached %v, id %q, %d in flight, %d unacknowledged",
							c.Ready(), c.Attached(), c.ConnectionID(), c.InFlight(), c.UnackedSequence())
					}
					c.Close(now, 1000)
				})
				conn.expect(ws.OpClose, "\x03\xe8")
				if err := ws.WriteFrame(conn, ws.NewCloseFrame([]byte("\x03\xe8"))); err != nil {
					t.Fatal(err)
				}
				if n, err := conn.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
					t.Errorf("service read %d bytes, %v; want the end", n, err)
				}
				r.expect(t, "dropped", "ended", "closed")
			})
		}
	})
}

// After a reset the client recovers by the URL of the connection; only a new
// connection asks for a new one.
func TestClientReset(t *testing.T) {
	eachTransport(t, func(t *testing.T, tr Transport) {
		s := newService(t, false)
		l, _ := runLoop(t, tr, &Dialer{})
		r := newRecorder()
		var calls atomic.Int32
		c, first := connected(t, l, s, r, &calls)
		onLoop(t, l, func(now time.Duration) {
			c.Reset(now)
			if c.Attached() {
				t.Error("attached after a reset")
			}
			c.Reset(now) // without a socket
		})
		if _, err := first.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("service read: %v, want ECONNRESET", err)
		}
		r.expect(t, "dropped", "dialing again", "opened again")
		if err := wait(t, r.errs); !errors.Is(err, ErrReset) {
			t.Errorf("dropped by %v, want ErrReset", err)
		}
		second := wait(t, s.open)
		for name, want := range map[string]string{
			"access_token": secret, "awps_connection_id": "one", "awps_reconnection_token": "again-one",
		} {
			if got := second.query[name]; !slices.Equal(got, []string{want}) {
				t.Errorf("%s of the recovery is %q, want %q", name, got, want)
			}
		}
		if n := calls.Load(); n != 1 {
			t.Errorf("URLFunc called %d times before a new connection was needed, want 1", n)
		}

		// Refused (protocol.md 4.5), the next one is new.
		if err := ws.WriteFrame(second, ws.NewCloseFrame([]byte("\x03\xf0The connection could not be recovered."))); err != nil {
			t.Fatal(err)
		}
		r.expect(t, "dropped", "ended", "dialing", "opened")
		if third := wait(t, s.open); len(third.query["awps_connection_id"]) > 0 || calls.Load() != 2 {
			t.Errorf("query %v after %d URLs, want a new connection by a second one", third.query, calls.Load())
		}
	})
}

func TestClientInterrupt(t *testing.T) {
	eachTransport(t, func(t *testing.T, tr Transport) {
		s := newService(t, false)
		l, _ := runLoop(t, tr, &Dialer{})
		r := newRecorder()
		c, first := connected(t, l, s, r, new(atomic.Int32))
		onLoop(t, l, func(now time.Duration) { c.Interrupt(now, 1001) })
		first.expect(ws.OpClose, "\x03\xe9")
		_ = first.Close()
		r.expect(t, "dropped", "dialing again", "opened again")
	})
}

// Close gives up a dial that is under way, and the server sees that.
func TestCloseCancelsTheDial(t *testing.T) {
	eachTransport(t, func(t *testing.T, tr Transport) {
		gone := make(chan struct{})
		asked := make(chan struct{})
		s := serve(t, false, func(_ http.ResponseWriter, r *http.Request) {
			close(asked)
			<-r.Context().Done()
			close(gone)
		})
		l, _ := runLoop(t, tr, &Dialer{Timeout: time.Hour})
		r := newRecorder()
		c := l.Open(prompt(), func(context.Context) (string, error) { return wsURL(s), nil }, r, 1)
		onLoop(t, l, c.Start)
		wait(t, asked)
		onLoop(t, l, func(now time.Duration) { c.Close(now, 1000) })
		r.expect(t, "dialing", "closed")
		wait(t, gone)
	})
}

func TestURLFuncFails(t *testing.T) {
	eachTransport(t, func(t *testing.T, tr Transport) {
		l, _ := runLoop(t, tr, &Dialer{})
		r := newRecorder()
		cfg := *prompt()
		cfg.Reconnect.Disabled = true
		want := errors.New("no URL today")
		c := l.Open(&cfg, func(context.Context) (string, error) { return "", want }, r, 1)
		onLoop(t, l, c.Start)
		r.expect(t, "dialing", "dial failed", "closed")
		if err := wait(t, r.errs); !errors.Is(err, want) {
			t.Errorf("failed by %v, want %v", err, want)
		}
	})
}

// At most so many dials run at once, and every one gets its turn.
func TestDialsAreCapped(t *testing.T) {
	t.Run("default", func(t *testing.T) { testDialsAreCapped(t, 0, DefaultMaxDials) })
	t.Run("fewer", func(t *testing.T) { testDialsAreCapped(t, 7, 7) })
}

func testDialsAreCapped(t *testing.T, set, limit int) {
	eachTransport(t, func(t *testing.T, tr Transport) {
		clients := limit + 50
		l, _ := runLoop(t, tr, &Dialer{MaxDials: set})
		var running atomic.Int32
		full, release := make(chan struct{}), make(chan struct{})
		ask := func(context.Context) (string, error) {
			if running.Add(1) == int32(limit) {
				close(full)
			}
			<-release
			return "", errors.New("enough")
		}
		cfg := *prompt()
		cfg.Reconnect.Disabled = true
		recorders := make([]*recorder, clients)
		onLoop(t, l, func(now time.Duration) {
			for i := range recorders {
				recorders[i] = newRecorder()
				l.Open(&cfg, ask, recorders[i], uint64(i)).Start(now)
			}
		})
		wait(t, full)
		onLoop(t, l, func(time.Duration) {
			if int(running.Load()) != limit || l.dialing != limit || len(l.waiting) != clients-limit {
				t.Errorf("%d dials run and %d wait, want %d and %d", l.dialing, len(l.waiting), limit, clients-limit)
			}
		})
		close(release)
		for _, r := range recorders {
			r.expect(t, "dialing", "dial failed", "closed")
		}
	})
}

// The result of a dial that its client has given up is closed.
func TestOutdatedDialIsClosed(t *testing.T) {
	eachTransport(t, func(t *testing.T, tr Transport) {
		l, _ := runLoop(t, tr, &Dialer{})
		c := l.Open(prompt(), nil, newRecorder(), 1)
		ours, peer := net.Pipe()
		onLoop(t, l, func(now time.Duration) {
			l.dialing++
			l.dialEnded(now, &pendingDial{client: c}, &dialResult{nc: ours})
		})
		if _, err := peer.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Errorf("peer read: %v, want EOF", err)
		}
	})
}

// The end of Run leaves nothing behind: neither sockets nor dials nor goroutines.
func TestRunEnds(t *testing.T) {
	eachTransport(t, func(t *testing.T, tr Transport) {
		s := newService(t, false)
		hanging := make(chan struct{}, DefaultMaxDials+10)
		hang := serve(t, false, func(_ http.ResponseWriter, r *http.Request) {
			hanging <- struct{}{}
			<-r.Context().Done()
		})
		l, stop := runLoop(t, tr, &Dialer{})
		_, conn := connected(t, l, s, newRecorder(), new(atomic.Int32))
		onLoop(t, l, func(now time.Duration) {
			for i := range cap(hanging) {
				url := func(context.Context) (string, error) { return wsURL(hang), nil }
				l.Open(prompt(), url, newRecorder(), uint64(i)).Start(now)
			}
		})
		wait(t, hanging)
		stop()
		if n, err := conn.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Errorf("service read %d bytes, %v; want the end", n, err)
		}
		if l.Do(func(time.Duration) {}) {
			t.Error("Do accepted a function after Run")
		}
		if err := l.Run(context.Background()); err == nil || !strings.Contains(err.Error(), "once") {
			t.Errorf("second Run: %v, want a refusal", err)
		}
	})
}

// acker is a Handler that says when a request is answered.
type acker struct{ acked chan struct{} }

// Event implements Handler.
func (a *acker) Event(_ time.Duration, ev *Event) {
	if ev.Kind == EventAcked || ev.Kind == EventReady {
		a.acked <- struct{}{}
	}
}

// A publish, its way out, the delivery and the ack allocate nothing.
func TestClientAllocatesNothing(t *testing.T) {
	eachTransport(t, func(t *testing.T, tr Transport) {
		if runtime.GOOS == "windows" {
			t.Skip("sockets go through package net there")
		}
		s := newService(t, false)
		l, _ := runLoop(t, tr, &Dialer{})
		h := &acker{acked: make(chan struct{}, 1)}
		c := l.Open(prompt(), asking(s, new(atomic.Int32)), h, 1)
		onLoop(t, l, c.Start)
		conn := wait(t, s.open)
		conn.hello("one")
		<-h.acked

		p := &Publish{Group: "room", DataType: DataText, Data: []byte("hello"), Ack: true}
		publish := func(now time.Duration) {
			if _, err := c.Publish(now, p); err != nil {
				t.Error(err)
			}
		}
		in, out, text := make([]byte, 4096), make([]byte, 0, 4096), make([]byte, 0, 4096)
		var id uint64
		frame := func() { out = append(append(out, 0x81, 126, byte(len(text)>>8), byte(len(text))), text...) }
		trip := func() {
			l.Do(publish)
			if _, err := conn.Read(in); err != nil {
				t.Error(err)
			}
			id++
			out, text = out[:0], append(text[:0], `{"type":"message","from":"group","group":"room","fromUserId":null,"dataType":"text","data":"hello hello hello hello hello","sequenceId":`...)
			text = append(strconv.AppendUint(text, id, 10), '}')
			frame()
			text = append(text[:0], `{"type":"ack","success":true,                                                                                                          "ackId":`...)
			text = append(strconv.AppendUint(text, id, 10), '}')
			frame()
			if _, err := conn.Write(out); err != nil {
				t.Error(err)
			}
			<-h.acked
		}
		trip()
		if got := testing.AllocsPerRun(1000, trip); got != 0 {
			t.Errorf("%v allocations per publish, want 0", got)
		}
	})
}

func TestLoopTimer(t *testing.T) {
	eachTransport(t, func(t *testing.T, tr Transport) {
		l, _ := runLoop(t, tr, &Dialer{})
		fired := make(chan time.Duration, 1)
		var at time.Duration
		onLoop(t, l, func(now time.Duration) {
			at = now + 2*time.Millisecond
			l.NewTimer(func(now time.Duration) { fired <- now }).Set(at)
		})
		if got := wait(t, fired); got < at || got > l.Now() {
			t.Errorf("fired at %v, want it in [%v, %v]", got, at, l.Now())
		}
	})
}
