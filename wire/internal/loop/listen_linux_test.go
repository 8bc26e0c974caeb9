package loop

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// listenOn lets l accept and returns where.
func listenOn(t *testing.T, l *Loop, accept func(now time.Duration, c *Conn) Handler) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	call(t, l, func() { err = l.Listen(ln, accept) })
	if err != nil {
		t.Fatal(err)
	}
	return ln.Addr().String()
}

func dial(t *testing.T, addr string) net.Conn {
	t.Helper()
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = nc.Close() })
	_ = nc.SetDeadline(time.Now().Add(patience))
	return nc
}

func wantRead(t *testing.T, nc io.Reader, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if _, err := io.ReadFull(nc, got); err != nil || string(got) != want {
		t.Errorf("read %q, %v; want %q", got, err, want)
	}
}

func TestListen(t *testing.T) {
	l := startLoop(t, Polled)
	addr := listenOn(t, l, func(_ time.Duration, c *Conn) Handler {
		fd := c.stream.(*polled).fd
		for name, option := range map[string][2]int{
			"TCP_NODELAY":  {unix.IPPROTO_TCP, unix.TCP_NODELAY},
			"SO_KEEPALIVE": {unix.SOL_SOCKET, unix.SO_KEEPALIVE},
		} {
			if on, err := unix.GetsockoptInt(fd, option[0], option[1]); on == 0 || err != nil {
				t.Errorf("%s is %d, %v", name, on, err)
			}
		}
		return &script{received: func(_ time.Duration, data []byte) { c.Write(data) }}
	})
	var peers []net.Conn
	for range 3 * acceptsPerTurn {
		peers = append(peers, dial(t, addr))
	}
	for _, peer := range peers {
		if _, err := io.WriteString(peer, "hello"); err != nil {
			t.Fatal(err)
		}
		wantRead(t, peer, "hello")
	}
}

// A connection may be turned away before it has a Handler.
func TestListenTurnsAway(t *testing.T) {
	l := startLoop(t, Polled)
	addr := listenOn(t, l, func(_ time.Duration, c *Conn) Handler { c.Abort(); return nil })
	if _, err := dial(t, addr).Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("read: %v, want EOF", err)
	}
	call(t, l, func() {
		if len(l.conns) > 0 {
			t.Errorf("%d connections are left", len(l.conns))
		}
	})
}

func TestStopEndsListening(t *testing.T) {
	start := time.Now()
	l := New(func() time.Duration { return time.Since(start) }, Polled)
	done := run(t, l)
	addr := listenOn(t, l, func(time.Duration, *Conn) Handler { return &script{} })
	peer := dial(t, addr)
	l.Stop()
	wait(t, done)
	if _, err := peer.Read(make([]byte, 1)); err == nil {
		t.Error("the connection is still there")
	}
	if _, err := net.Dial("tcp", addr); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("dial: %v, want it refused", err)
	}
}

// What the system refuses to accept, for want of descriptors, is accepted once there are
// some.
func TestListenWithoutDescriptors(t *testing.T) {
	l := startLoop(t, Polled)
	accepted := make(chan struct{}, 1)
	addr := listenOn(t, l, func(time.Duration, *Conn) Handler {
		accepted <- struct{}{}
		return &script{}
	})
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Skip(err)
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Close(fd) }()
	none := limit
	none.Cur = 0
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &none); err != nil {
		t.Skip(err)
	}
	err = unix.Connect(fd, sockaddr(netip.MustParseAddrPort(addr)))
	var paused bool
	for deadline := time.Now().Add(patience); !paused && time.Now().Before(deadline); {
		call(t, l, func() { paused = l.poll.doors[0].again.index != timerIdle })
	}
	if restored := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); restored != nil {
		t.Fatal(restored)
	}
	if err != nil {
		t.Fatal(err)
	}
	if !paused {
		t.Error("the loop has gone on asking")
	}
	wait(t, accepted)
}

// Release gives the socket back with all that the loop has not read.
func TestRelease(t *testing.T) {
	l := startLoop(t, Polled)
	released := make(chan net.Conn, 1)
	addr := listenOn(t, l, func(_ time.Duration, c *Conn) Handler {
		return &script{
			received: func(_ time.Duration, data []byte) {
				if string(data) != "first" {
					t.Errorf("received %q", data)
				}
				nc, err := c.Release()
				if err != nil {
					t.Error(err)
				}
				released <- nc
			},
			lost: func(_ time.Duration, err error) { t.Errorf("lost: %v", err) },
		}
	})
	peer := dial(t, addr)
	if _, err := io.WriteString(peer, "first"); err != nil {
		t.Fatal(err)
	}
	nc := wait(t, released)
	defer func() { _ = nc.Close() }()
	_ = nc.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(peer, "second"); err != nil {
		t.Fatal(err)
	}
	wantRead(t, nc, "second")
	if _, err := io.WriteString(nc, "answer"); err != nil {
		t.Fatal(err)
	}
	wantRead(t, peer, "answer")
	call(t, l, func() {
		if len(l.conns) > 0 {
			t.Errorf("the loop still has %d connections", len(l.conns))
		}
	})
	if _, ok := nc.(*net.TCPConn); !ok {
		t.Errorf("a %T, want a TCP connection", nc)
	}
}
