package loop

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// polledPairs puts n connections on l.
func polledPairs(t *testing.T, l *Loop, n int, h func(i int) Handler) (conns []*Conn, peers []net.Conn) {
	t.Helper()
	for i := range n {
		ours, peer := tcpPair(t)
		conns = append(conns, attach(t, l, ours, h(i)))
		peers = append(peers, peer)
	}
	return conns, peers
}

// writeAll lets every peer write while the loop is held, so that it finds all of them
// readable at once.
func writeAll(t *testing.T, l *Loop, peers []net.Conn, b []byte) {
	t.Helper()
	call(t, l, func() {
		for _, peer := range peers {
			if _, err := peer.Write(b); err != nil {
				t.Error(err)
			}
		}
	})
}

// The bytes of a batch have one stamp, taken after the last of them was read: what a
// handler does is not in the stamp of those after it.
func TestBatchIsStampedOnce(t *testing.T) {
	var clock time.Duration
	l := New(func() time.Duration { clock += time.Millisecond; return clock }, Polled)
	done := run(t, l)
	defer func() { l.Stop(); wait(t, done) }()
	const n = 10
	stamps := make(chan time.Duration, n)
	_, peers := polledPairs(t, l, n, func(int) Handler {
		return &script{received: func(now time.Duration, _ []byte) { stamps <- now; clock += time.Hour }}
	})
	writeAll(t, l, peers, []byte("x"))
	first := wait(t, stamps)
	for range n - 1 {
		if got := wait(t, stamps); got != first {
			t.Fatalf("stamp %v, want %v like the first of the batch", got, first)
		}
	}
}

// A handler may close any connection of its batch, and what the kernel gives the
// freed descriptors to hears nothing of what was meant for their former owners.
func TestBatchWithDescriptorsUsedAgain(t *testing.T) {
	l := startLoop(t, Polled)
	const n = 32
	var conns []*Conn
	received, replaced, over := 0, 0, false // on the loop
	numbers := map[int]bool{}
	var next []net.Conn
	for range n - 1 {
		ours, _ := tcpPair(t)
		next = append(next, ours)
	}
	done := make(chan struct{})
	conns, peers := polledPairs(t, l, n, func(i int) Handler {
		return &script{
			received: func(time.Duration, []byte) {
				received++
				for j, c := range conns {
					if j != i {
						numbers[c.stream.(*polled).fd] = true
						c.Abort()
					}
				}
				for _, nc := range next {
					c := l.Attach(nc, nil, &script{
						received: func(time.Duration, []byte) { t.Error("a new connection got bytes of an old one") },
						lost: func(_ time.Duration, err error) {
							if !over {
								t.Errorf("a new connection was lost: %v", err)
							}
						},
					})
					if numbers[c.stream.(*polled).fd] {
						replaced++
					}
				}
				close(done)
			},
			lost: func(_ time.Duration, err error) {
				if !over {
					t.Errorf("lost: %v", err)
				}
			},
		}
	})
	writeAll(t, l, peers, []byte("x"))
	wait(t, done)
	call(t, l, func() {}) // the batch is over
	call(t, l, func() {
		over = true // from here on the peers close
		if received != 1 || replaced == 0 {
			t.Errorf("%d connections received, want 1; %d descriptors used again, want some", received, replaced)
		}
	})
}

// A thousand connections that end at once, in every way, are each told once.
func TestManyEndAtOnce(t *testing.T) {
	l := startLoop(t, Polled)
	const n = 1000
	told := make([]int, n)
	lost := make(chan error, 2*n)
	_, peers := polledPairs(t, l, n, func(i int) Handler {
		return &script{lost: func(_ time.Duration, err error) { told[i]++; lost <- err }}
	})
	call(t, l, func() {
		for i, peer := range peers {
			if i%2 == 0 {
				_ = peer.(*net.TCPConn).SetLinger(0)
			}
			_ = peer.Close()
		}
	})
	resets := 0
	for range n {
		if err := wait(t, lost); isReset(err) {
			resets++
		} else if !errors.Is(err, io.EOF) {
			t.Errorf("lost: %v", err)
		}
	}
	call(t, l, func() {
		for i, times := range told {
			if times != 1 {
				t.Errorf("connection %d was told %d times", i, times)
			}
		}
		if resets != n/2 || len(l.conns) != 0 {
			t.Errorf("%d resets, want %d; %d connections left", resets, n/2, len(l.conns))
		}
		for fd, of := range l.poll.sockets {
			if of != nil {
				t.Errorf("descriptor %d still stands for a connection", fd)
			}
		}
	})
}

// A paused connection neither hands over nor hears of its end, and does not keep the
// loop awake; resumed it gets everything.
func TestPausedIsNotReported(t *testing.T) {
	for _, tt := range []struct {
		name string
		end  func(*net.TCPConn)
		want func(error) bool
	}{
		{"end of stream", func(p *net.TCPConn) { _ = p.Close() }, func(err error) bool { return errors.Is(err, io.EOF) }},
		{"reset", func(p *net.TCPConn) { _ = p.SetLinger(0); _ = p.Close() }, isReset},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := startLoop(t, Polled)
			ours, peer := tcpPair(t)
			var paused bool
			lost := make(chan error, 1)
			c := attach(t, l, ours, &script{
				received: func(time.Duration, []byte) {
					if paused {
						t.Error("received while paused")
					}
				},
				lost: func(_ time.Duration, err error) {
					if paused {
						t.Error("lost while paused")
					}
					lost <- err
				},
			})
			call(t, l, func() { c.Pause(); paused = true })
			if _, err := peer.Write([]byte("x")); err != nil {
				t.Fatal(err)
			}
			tt.end(peer.(*net.TCPConn))
			for range 3 {
				call(t, l, func() {
					var events [4]unix.EpollEvent
					if n, err := unix.EpollWait(l.poll.epoll, events[:], 0); n > 0 {
						t.Errorf("epoll reports %d events, %v; want none", n, err)
					}
				})
			}
			call(t, l, func() { paused = false; c.Resume() })
			if err := wait(t, lost); !tt.want(err) {
				t.Errorf("lost: %v", err)
			}
		})
	}
}

// A socket that the loop polls is not in the poller of the Go runtime as well.
func TestSocketIsInOneEpollSet(t *testing.T) {
	l := startLoop(t, Polled)
	ours, _ := tcpPair(t)
	c := attach(t, l, ours, &script{})
	var socket unix.Stat_t
	call(t, l, func() {
		if err := unix.Fstat(c.stream.(*polled).fd, &socket); err != nil {
			t.Error(err)
		}
	})
	sets, err := filepath.Glob("/proc/self/fdinfo/*")
	if err != nil {
		t.Fatal(err)
	}
	var in []string
	for _, set := range sets {
		info, err := os.ReadFile(set)
		if err != nil {
			continue // the descriptor of the listing itself
		}
		if strings.Contains(string(info), fmt.Sprintf(" ino:%x ", socket.Ino)) {
			in = append(in, set)
		}
	}
	if len(in) != 1 {
		t.Errorf("the socket is in the epoll sets %v, want one", in)
	}
}

func TestConnect(t *testing.T) {
	l := startLoop(t, Polled)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	to := netip.MustParseAddrPort(ln.Addr().String())
	from := netip.MustParseAddrPort("127.0.0.7:0")
	connected := make(chan time.Duration, 1)
	echoed := make(chan string, 1)
	call(t, l, func() {
		c, err := l.Connect(to, from, func(now time.Duration) { connected <- now }, &script{
			received: func(_ time.Duration, data []byte) { echoed <- string(data) },
		})
		if err != nil {
			t.Error(err)
			return
		}
		if len(connected) > 0 {
			t.Error("connected before Connect returned")
		}
		c.Write([]byte("early"))
	})
	peer, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = peer.Close() }()
	wait(t, connected)
	if got := peer.RemoteAddr().(*net.TCPAddr).IP.String(); got != "127.0.0.7" {
		t.Errorf("connected from %s, want 127.0.0.7", got)
	}
	b := make([]byte, 5)
	if _, err := io.ReadFull(peer, b); err != nil || string(b) != "early" {
		t.Fatalf("peer got %q, %v", b, err)
	}
	if _, err := peer.Write([]byte("echo")); err != nil {
		t.Fatal(err)
	}
	if got := wait(t, echoed); got != "echo" {
		t.Errorf("got %q", got)
	}
}

func TestConnectFails(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	to := netip.MustParseAddrPort(ln.Addr().String())
	_ = ln.Close()
	l := startLoop(t, Polled)
	lost := make(chan error, 2)
	call(t, l, func() {
		c, err := l.Connect(to, netip.AddrPort{}, func(time.Duration) { t.Error("connected") },
			&script{lost: func(_ time.Duration, err error) { lost <- err }})
		if err != nil {
			lost <- err // some kernels say so at once
			return
		}
		c.Write([]byte("unsent"))
	})
	if err := wait(t, lost); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("lost: %v, want ECONNREFUSED", err)
	}
	call(t, l, func() {
		if len(l.conns) != 0 {
			t.Errorf("%d connections left", len(l.conns))
		}
	})
}
