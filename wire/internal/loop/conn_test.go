package loop

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// isReset is true of the errors by which systems tell of a reset connection.
func isReset(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) ||
		err != nil && strings.Contains(err.Error(), "forcibly closed") // Windows
}

// randomBytes returns n bytes that are the same in every run.
func randomBytes(n int) []byte {
	b := make([]byte, n)
	r := rand.NewChaCha8([32]byte{1})
	_, _ = r.Read(b)
	return b
}

func TestEcho(t *testing.T) {
	for _, tt := range ways {
		t.Run(tt.name, func(t *testing.T) {
			l := startLoop(t, tt.transport)
			ours, peer := tt.pair(t)
			attachEcho(t, l, ours)
			want := randomBytes(1 << 20)
			go func() {
				for rest := want; len(rest) > 0; {
					n := min(len(rest), 1+len(rest)%7000)
					if _, err := peer.Write(rest[:n]); err != nil {
						t.Error(err)
						return
					}
					rest = rest[n:]
				}
			}()
			got := make([]byte, len(want))
			if _, err := io.ReadFull(peer, got); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Error("the echo differs from what was sent")
			}
		})
	}
}

// A stamp is no earlier than the bytes can have been read, and no later than the loop
// looked at them; a reader goroutine reads while the loop is busy.
func TestReceivedIsStampedAtTheRead(t *testing.T) {
	eachTransport(t, func(t *testing.T, tr Transport) {
		l := startLoop(t, tr)
		ours, peer := tcpPair(t)
		at := make(chan time.Duration, 1)
		attach(t, l, ours, &script{received: func(now time.Duration, _ []byte) { at <- now }})
		earliest := l.Now()
		hold, held := make(chan struct{}), make(chan struct{})
		l.Do(func(time.Duration) { close(held); <-hold })
		wait(t, held)
		if _, err := peer.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		var latest time.Duration
		if tr == Goroutines {
			for l.queueLen() == 0 {
				time.Sleep(time.Millisecond)
			}
			latest = l.Now()
		} else {
			earliest = l.Now()
		}
		close(hold)
		got := wait(t, at)
		if tr == Polled {
			latest = l.Now()
		}
		if got < earliest || got > latest {
			t.Errorf("stamp %v, want it in [%v, %v]", got, earliest, latest)
		}
	})
}

func (l *Loop) queueLen() int {
	l.queue.mu.Lock()
	defer l.queue.mu.Unlock()
	return len(l.queue.events)
}

// The reader holds at most one buffer: it reads on when the loop is done with that.
func TestReaderWaitsForTheLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(func() time.Duration { return 0 }, Goroutines)
		ours, peer := net.Pipe()
		var got int
		c := l.Attach(ours, nil, &script{received: func(_ time.Duration, data []byte) { got += len(data) }})
		const sent = 3*bufferBytes + 5
		go func() { _, _ = peer.Write(make([]byte, sent)); _ = peer.Close() }()
		for turn := 1; turn <= 4; turn++ {
			synctest.Wait()
			if n := l.queueLen(); n != 1 {
				t.Fatalf("turn %d: %d events queued, want 1", turn, n)
			}
			l.handleBatch()
			if want := min(turn*bufferBytes, sent); got != want {
				t.Fatalf("turn %d: %d bytes received, want %d", turn, got, want)
			}
		}
		synctest.Wait()
		l.handleBatch()
		if c.state != connClosed {
			t.Errorf("state %d after the peer's end, want %d", c.state, connClosed)
		}
	})
}

func TestAttachDeliversBufferedFirst(t *testing.T) {
	eachTransport(t, func(t *testing.T, tr Transport) {
		l := startLoop(t, tr)
		ours, peer := tcpPair(t)
		if _, err := peer.Write([]byte(" world")); err != nil {
			t.Fatal(err)
		}
		_ = peer.(*net.TCPConn).CloseWrite()
		_ = ours.SetDeadline(time.Now().Add(-time.Second)) // as an HTTP server may leave it
		var got []byte
		lost := make(chan error, 1)
		call(t, l, func() {
			l.Attach(ours, []byte("hello"), &script{
				received: func(_ time.Duration, data []byte) { got = append(got, data...) },
				lost:     func(_ time.Duration, err error) { lost <- err },
			})
			if len(got) > 0 {
				t.Error("Attach called the handler before it returned")
			}
		})
		if err := wait(t, lost); !errors.Is(err, io.EOF) {
			t.Errorf("lost: %v, want EOF", err)
		}
		if string(got) != "hello world" {
			t.Errorf("got %q, want %q", got, "hello world")
		}
	})
}

// What crypto/tls has read before Attach is handed over though nothing more comes.
func TestAttachDeliversWhatTLSHolds(t *testing.T) {
	eachTransport(t, func(t *testing.T, tr Transport) {
		l := startLoop(t, tr)
		ours, peer := tlsPair(t)
		if _, err := peer.Write([]byte("hello")); err != nil {
			t.Fatal(err)
		}
		first := make([]byte, 1)
		if _, err := ours.Read(first); err != nil { // the whole record is off the socket now
			t.Fatal(err)
		}
		got := make(chan string, 1)
		call(t, l, func() {
			l.Attach(ours, first, &script{received: func(_ time.Duration, data []byte) {
				if string(data) != "h" {
					got <- string(data)
				}
			}})
		})
		if rest := wait(t, got); rest != "ello" {
			t.Errorf("got %q after the first byte, want %q", rest, "ello")
		}
	})
}

// What one turn writes leaves in one write, whoever wrote it.
func TestWritesOfATurnLeaveTogether(t *testing.T) {
	eachTransport(t, func(t *testing.T, tr Transport) {
		l := startLoop(t, tr)
		ours, peer := tcpPair(t)
		c := attach(t, l, ours, &script{})
		call(t, l, func() {
			for range 100 {
				c.Write([]byte("0123456789"))
			}
		})
		got := make([]byte, 4096)
		if n, err := peer.Read(got); n != 1000 || err != nil {
			t.Errorf("one read got %d bytes, %v; want 1000", n, err)
		}
	})
}

func TestTimerMayWrite(t *testing.T) {
	eachTransport(t, func(t *testing.T, tr Transport) {
		l := startLoop(t, tr)
		ours, peer := tcpPair(t)
		c := attach(t, l, ours, &script{})
		call(t, l, func() { l.NewTimer(func(time.Duration) { c.Write([]byte("tick")) }).Set(0) })
		got := make([]byte, 4)
		if _, err := io.ReadFull(peer, got); err != nil || string(got) != "tick" {
			t.Errorf("got %q, %v; want tick", got, err)
		}
	})
}

// A peer that does not read holds up neither the loop nor others, and gets
// everything once it reads.
func TestStalledReader(t *testing.T) {
	for _, tt := range ways {
		t.Run(tt.name, func(t *testing.T) {
			l := startLoop(t, tt.transport)
			ours, stalled := tt.pair(t)
			c := attach(t, l, ours, &script{})
			want := randomBytes(24 << 20)
			call(t, l, func() { c.Write(want[:16<<20]) })

			oursB, peerB := tcpPair(t)
			attachEcho(t, l, oursB)
			for range 100 {
				if _, err := peerB.Write([]byte("ping")); err != nil {
					t.Fatal(err)
				}
				if _, err := io.ReadFull(peerB, make([]byte, 4)); err != nil {
					t.Fatal(err)
				}
			}
			var flushing, buffered int
			call(t, l, func() {
				flushing = c.Buffered()
				c.Write(want[16<<20:])
				buffered = c.Buffered()
			})
			if flushing > 16<<20 || buffered <= 9<<20 || buffered > flushing+8<<20 { // the flusher goes on meanwhile
				t.Errorf("%d bytes buffered, then %d; want most of 16 MiB, then 8 MiB more", flushing, buffered)
			}
			got := make([]byte, len(want))
			if _, err := io.ReadFull(stalled, got); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Error("the peer got other bytes than were written")
			}
			for buffered > 0 { // its last write may not have returned yet
				call(t, l, func() { buffered = c.Buffered() })
			}
		})
	}
}

func TestLost(t *testing.T) {
	tests := []struct {
		name string
		act  func(peer *net.TCPConn)
		want func(error) bool
	}{
		{"end of stream", func(p *net.TCPConn) { _ = p.Close() }, func(err error) bool { return errors.Is(err, io.EOF) }},
		{"reset", func(p *net.TCPConn) { _ = p.SetLinger(0); _ = p.Close() }, isReset},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			eachTransport(t, func(t *testing.T, tr Transport) {
				l := startLoop(t, tr)
				ours, peer := tcpPair(t)
				lost := make(chan error, 2)
				c := attach(t, l, ours, &script{lost: func(_ time.Duration, err error) { lost <- err }})
				tt.act(peer.(*net.TCPConn))
				if err := wait(t, lost); !tt.want(err) {
					t.Errorf("lost: %v", err)
				}
				call(t, l, func() { c.Write([]byte("x")); c.CloseAfterWrite(); c.Reset(); c.Abort() }) // nothing left to do
				if len(lost) > 0 {
					t.Error("Lost called twice")
				}
			})
		})
	}
}

// Bytes that the peer sent before it reset us are delivered even when our own write
// is what meets the reset.
func TestFailedWriteKeepsWhatThePeerSaid(t *testing.T) {
	eachTransport(t, func(t *testing.T, tr Transport) {
		l := startLoop(t, tr)
		ours, peer := tcpPair(t)
		first, gone := make(chan struct{}), make(chan struct{})
		var got []byte
		lost := make(chan error, 1)
		var c *Conn
		call(t, l, func() {
			c = l.Attach(ours, nil, &script{
				received: func(_ time.Duration, data []byte) {
					if got = append(got, data...); string(got) == "a" {
						close(first)
						<-gone // the reader must not read on before
						c.Write([]byte("unread"))
					}
				},
				lost: func(_ time.Duration, err error) { lost <- err },
			})

		})
		if _, err := peer.Write([]byte("a")); err != nil {
			t.Fatal(err)
		}
		wait(t, first)
		if _, err := peer.Write([]byte("bye")); err != nil {
			t.Fatal(err)
		}
		_ = peer.(*net.TCPConn).SetLinger(0)
		_ = peer.Close()
		close(gone)
		if err := wait(t, lost); !isReset(err) {
			t.Errorf("lost: %v, want a reset", err)
		}
		if string(got) != "abye" {
			t.Errorf("got %q, want %q", got, "abye")
		}
	})
}

// Each way to close, as the peer sees it. None calls the handler again.
func TestClose(t *testing.T) {
	tests := []struct {
		name  string
		close func(*Conn)
		want  func(error) bool
	}{
		{"CloseAfterWrite", (*Conn).CloseAfterWrite, func(err error) bool { return err == nil }},
		{"Abort", (*Conn).Abort, func(err error) bool { return err == nil || isReset(err) }},
		{"Reset", (*Conn).Reset, isReset},
	}
	for _, tt := range tests {
		for _, tr := range ways {
			t.Run(tt.name+"/"+tr.name, func(t *testing.T) {
				l := startLoop(t, tr.transport)
				ours, peer := tr.pair(t)
				c := attach(t, l, ours, &script{
					received: func(time.Duration, []byte) { t.Error("Received called after the close") },
					lost:     func(time.Duration, error) { t.Error("Lost called after the close") },
				})
				call(t, l, func() {
					_, _ = peer.Write([]byte("too late"))
					for tr.transport == Goroutines && l.queueLen() == 0 { // the reader works while the loop is busy
						time.Sleep(time.Millisecond)
					}
					tt.close(c)
				})
				if _, err := io.Copy(io.Discard, peer); !tt.want(err) {
					t.Errorf("peer read: %v", err)
				}
				_ = peer.Close()
				waitUntilGone(t, l)
			})
		}
	}
}

// waitUntilGone waits until the loop has forgotten every connection.
func waitUntilGone(t *testing.T, l *Loop) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; {
		var open int
		call(t, l, func() { open = len(l.conns) })
		if open == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d connections are still on the loop", open)
		}
	}
}

// The last bytes reach a peer that goes on sending and reads late: no reset
// overtakes or follows them.
func TestCloseAfterWriteDeliversEverything(t *testing.T) {
	for _, size := range []int{32, 8 << 20} {
		for _, tr := range ways {
			t.Run(fmt.Sprintf("%d bytes/%s", size, tr.name), func(t *testing.T) {
				l := startLoop(t, tr.transport)
				ours, peer := tr.pair(t)
				c := attach(t, l, ours, &script{})
				want := randomBytes(size)
				call(t, l, func() { c.Write(want); c.CloseAfterWrite(); c.Write([]byte("too late")) })
				call(t, l, func() {}) // that turn is over
				if _, err := peer.Write(make([]byte, 100<<10)); err != nil {
					t.Fatal(err)
				}
				got, err := io.ReadAll(peer)
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(got, want) {
					t.Errorf("got %d bytes, want the %d written before the close", len(got), len(want))
				}
				_ = peer.Close()
				waitUntilGone(t, l)
			})
		}
	}
}

// The peer's end of stream does not cut what a closing connection has to say.
func TestCloseAfterWriteOutlivesThePeersEnd(t *testing.T) {
	eachTransport(t, func(t *testing.T, tr Transport) {
		l := startLoop(t, tr)
		ours, peer := tcpPair(t)
		_ = peer.(*net.TCPConn).CloseWrite()
		want := randomBytes(8 << 20)
		call(t, l, func() {
			c := l.Attach(ours, nil, &script{})
			c.Write(want)
			c.CloseAfterWrite()
		})
		if got, err := io.ReadAll(peer); err != nil || !bytes.Equal(got, want) {
			t.Errorf("got %d bytes, %v; want %d", len(got), err, len(want))
		}
		waitUntilGone(t, l)
	})
}
