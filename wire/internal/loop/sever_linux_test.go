package loop

import (
	"errors"
	"net"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A severed connection is half-open: what the peer sends is never acknowledged, its
// reset is not heard, and nothing of ours leaves.
func TestSever(t *testing.T) {
	eachTransport(t, func(t *testing.T, tr Transport) {
		l := startLoop(t, tr)
		ours, peer := tcpPair(t)
		got := make(chan string, 8)
		h := &script{
			received: func(_ time.Duration, data []byte) { got <- string(data) },
			lost:     func(_ time.Duration, err error) { got <- "lost: " + err.Error() },
		}
		var c *Conn
		call(t, l, func() { c = l.Attach(ours, nil, h) })
		if _, err := peer.Write([]byte("before")); err != nil {
			t.Fatal(err)
		}
		if s := wait(t, got); s != "before" {
			t.Fatalf("received %q", s)
		}
		call(t, l, func() {
			if err := c.Sever(); err != nil || !c.Severed() {
				t.Errorf("sever: %v", err)
			}
			c.Write([]byte("into the void"))
		})
		if _, err := peer.Write([]byte("after")); err != nil {
			t.Fatal(err)
		}
		// Once the peer's kernel has sent it again, the first try was not acknowledged.
		for begun := time.Now(); retransmits(t, peer) == 0; {
			if time.Since(begun) > patience {
				t.Fatal("the peer's kernel takes its bytes for arrived")
			}
			time.Sleep(10 * time.Millisecond)
		}
		_ = peer.SetReadDeadline(time.Now().Add(time.Millisecond))
		if n, err := peer.Read(make([]byte, 1)); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("the peer read %d bytes, %v", n, err)
		}
		call(t, l, func() {
			if n := c.Buffered(); n != len("into the void") {
				t.Errorf("%d bytes wait to be written", n)
			}
		})
		_ = peer.(*net.TCPConn).SetLinger(0)
		_ = peer.Close() // a reset, which is sent before Close returns
		call(t, l, func() { c.Forsake() })
		call(t, l, func() { c.Abort() })
		select {
		case s := <-got:
			t.Errorf("heard %q", s)
		default:
		}
	})
}

func retransmits(t *testing.T, nc net.Conn) (n uint32) {
	t.Helper()
	raw, err := nc.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if err := raw.Control(func(fd uintptr) {
		info, err := unix.GetsockoptTCPInfo(int(fd), unix.SOL_TCP, unix.TCP_INFO)
		if err != nil {
			t.Error(err)
			return
		}
		n = info.Total_retrans
	}); err != nil {
		t.Fatal(err)
	}
	return n
}
