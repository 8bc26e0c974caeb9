package loop

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience ends a test that would hang; nothing is measured against it.
const patience = 20 * time.Second

// transports are what there is to run a loop on here.
var transports = func() []Transport {
	if polling {
		return []Transport{Polled, Goroutines}
	}
	return []Transport{Goroutines}
}()

// eachTransport runs a test on every transport.
func eachTransport(t *testing.T, test func(t *testing.T, tr Transport)) {
	for _, tr := range transports {
		t.Run(string(tr), func(t *testing.T) { test(t, tr) })
	}
}

// startLoop runs a loop on the machine's clock until the test's end.
func startLoop(t testing.TB, tr Transport) *Loop {
	t.Helper()
	start := time.Now()
	l := New(func() time.Duration { return time.Since(start) }, tr)
	done := run(t, l)
	t.Cleanup(func() { l.Stop(); wait(t, done) })
	return l
}

// run runs l on a goroutine; what it returns is closed when Run has returned.
func run(t testing.TB, l *Loop) (done chan struct{}) {
	done = make(chan struct{})
	go func() {
		defer close(done)
		if err := l.Run(); err != nil {
			t.Error(err)
		}
	}()
	return done
}

// wait receives from c.
func wait[T any](t testing.TB, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatal("nothing has come")
		panic("unreachable")
	}
}

// call runs fn on the loop and waits for it.
func call(t testing.TB, l *Loop, fn func()) {
	t.Helper()
	done := make(chan struct{})
	if !l.Do(func(time.Duration) { defer close(done); fn() }) {
		t.Fatal("Do refused a function")
	}
	wait(t, done)
}

// tcpPair returns both ends of a loopback connection; the peer's is closed at the
// test's end.
func tcpPair(t testing.TB) (ours, peer net.Conn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	if peer, err = net.Dial("tcp", ln.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if ours, err = ln.Accept(); err != nil {
		t.Fatal(err)
	}
	_ = peer.SetDeadline(time.Now().Add(patience))
	t.Cleanup(func() { _ = peer.Close() })
	return ours, peer
}

// tlsPair is tcpPair under TLS, the peer being the client.
func tlsPair(t testing.TB) (ours, peer net.Conn) {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	server.StartTLS()
	defer server.Close()
	a, b := tcpPair(t)
	ours = tls.Server(Underlay(a), &tls.Config{Certificates: server.TLS.Certificates})
	peer = tls.Client(b, &tls.Config{InsecureSkipVerify: true})
	failed := make(chan error, 1)
	go func() { failed <- ours.(*tls.Conn).Handshake() }()
	if err := errors.Join(peer.(*tls.Conn).Handshake(), wait(t, failed)); err != nil {
		t.Fatal(err)
	}
	return ours, peer
}

// ways are what a Conn can stand on.
var ways = func() (ways []way) {
	for _, tr := range transports {
		ways = append(ways, way{string(tr) + "/tcp", tr, tcpPair}, way{string(tr) + "/tls", tr, tlsPair})
	}
	return ways
}()

type way struct {
	name      string
	transport Transport
	pair      func(testing.TB) (ours, peer net.Conn)
}

// script is a Handler made of functions; nil ones do nothing.
type script struct {
	received func(now time.Duration, data []byte)
	lost     func(now time.Duration, err error)
}

func (s *script) Received(now time.Duration, data []byte) {
	if s.received != nil {
		s.received(now, data)
	}
}

func (s *script) Lost(now time.Duration, err error) {
	if s.lost != nil {
		s.lost(now, err)
	}
}

// attach puts nc on the loop.
func attach(t testing.TB, l *Loop, nc net.Conn, h Handler) (c *Conn) {
	t.Helper()
	call(t, l, func() { c = l.Attach(nc, nil, h) })
	return c
}

// attachEcho puts a connection on the loop that sends back what it gets.
func attachEcho(t testing.TB, l *Loop, nc net.Conn) *Conn {
	t.Helper()
	var c *Conn
	call(t, l, func() {
		c = l.Attach(nc, nil, &script{received: func(_ time.Duration, data []byte) { c.Write(data) }})
	})
	return c
}

func TestDoRunsInOrder(t *testing.T) {
	eachTransport(t, func(t *testing.T, tr Transport) {
		l := startLoop(t, tr)
		var got []int
		done := make(chan struct{})
		for i := range 1000 {
			l.Do(func(time.Duration) {
				got = append(got, i)
				if i == 999 {
					l.Do(func(time.Duration) { got = append(got, 1000); close(done) }) // from its own goroutine
				}
			})
		}
		wait(t, done)
		if len(got) != 1001 || !slices.IsSorted(got) {
			t.Errorf("%d functions ran, sorted %v, want 1001 in order", len(got), slices.IsSorted(got))
		}
	})
}

func TestDoPassesTheInstantOfTheCall(t *testing.T) {
	eachTransport(t, func(t *testing.T, tr Transport) {
		l := startLoop(t, tr)
		got := make(chan time.Duration, 1)
		before := l.Now()
		l.Do(func(now time.Duration) { got <- now })
		if now := wait(t, got); now < before || now > l.Now() {
			t.Errorf("now = %v, want it in [%v, %v]", now, before, l.Now())
		}
	})
}

// Every function that Do accepted runs, and none that it refused, whenever Stop comes.
func TestStopKeepsAcceptedFunctions(t *testing.T) {
	eachTransport(t, func(t *testing.T, tr Transport) {
		l := New(func() time.Duration { return 0 }, tr)
		done := run(t, l)

		var accepted, ran atomic.Int64
		var callers sync.WaitGroup
		for range 4 {
			callers.Go(func() {
				for l.Do(func(time.Duration) { ran.Add(1) }) {
					accepted.Add(1)
				}
			})
		}
		for ran.Load() == 0 {
			call(t, l, func() {})
		}
		l.Stop()
		wait(t, done)
		callers.Wait()
		if got, want := ran.Load(), accepted.Load(); got != want {
			t.Errorf("%d functions ran, want the %d accepted", got, want)
		}
	})
}

func TestStopClosesEverySocket(t *testing.T) {
	eachTransport(t, func(t *testing.T, tr Transport) {
		const connections = 100
		l := New(func() time.Duration { return 0 }, tr)
		done := run(t, l)

		var peers []net.Conn
		var senders sync.WaitGroup
		for i := range connections {
			ours, peer := tcpPair(t)
			peers = append(peers, peer)
			c := attach(t, l, ours, &script{lost: func(time.Duration, error) { t.Error("Lost called by Stop") }})
			switch i % 10 {
			case 0: // with a flusher at work
				call(t, l, func() { c.Write(make([]byte, 8<<20)) })
			case 1: // with a reader at work
				senders.Go(func() {
					for b := make([]byte, 1024); ; {
						if _, err := peer.Write(b); err != nil {
							return
						}
					}
				})
			}
		}
		l.Stop()
		wait(t, done)
		senders.Wait()
		for i, peer := range peers {
			if _, err := io.Copy(io.Discard, peer); err != nil && !isReset(err) {
				t.Errorf("peer %d: %v, want an end of stream or a reset", i, err)
			}
		}
	})
}

// A function accepted before Stop may bring a socket; it is closed, not leaked.
func TestAttachAfterStop(t *testing.T) {
	eachTransport(t, func(t *testing.T, tr Transport) {
		l := New(func() time.Duration { return 0 }, tr)
		ours, peer := tcpPair(t)
		l.Do(func(time.Duration) { l.Attach(ours, nil, &script{}) })
		l.Stop()
		if err := l.Run(); err != nil {
			t.Error(err)
		}
		if _, err := peer.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Errorf("peer read: %v, want EOF", err)
		}
	})
}
