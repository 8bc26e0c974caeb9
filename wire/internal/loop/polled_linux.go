package loop

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// polled is the stream of a Conn whose socket is in its loop's epoll set. Nothing
// of it runs by itself.
type polled struct {
	conn      *Conn
	fd        int
	mask      uint32                  // what the set reports of fd; 0 = not in the set
	blocked   bool                    // the kernel takes no more until it says so
	connected func(now time.Duration) // see Loop.Connect; nil once it is
	secured   *secured                // nil: no TLS
	stamped   bool                    // the kernel notes when its bytes come
}

// adopt takes the socket of nc over from package net, and with it from the poller
// of the Go runtime; nil if it cannot.
func (p *poller) adopt(c *Conn, nc net.Conn) stream {
	var s *secured
	if outer, ok := nc.(*tls.Conn); ok {
		on, ok := outer.NetConn().(*underlay)
		if !ok {
			return nil
		}
		s = &secured{conn: outer, on: on}
	}
	tcp, ok := below(nc).(*net.TCPConn)
	if p == nil || !ok {
		return nil
	}
	fd, err := takeSocket(tcp)
	if err != nil {
		return nil
	}
	stream := &polled{conn: c, fd: fd, secured: s, stamped: p.stamp(fd)}
	if s != nil {
		s.on.polled = stream
	}
	p.watch(fd, stream)
	return stream
}

func (p *polled) poller() *poller { return p.conn.loop.poll }

func (p *polled) begin(at time.Duration) {
	p.reads()
	if p.secured != nil {
		p.unseal(at, nil, nil)
	}
}

// reads has the set report what the connection waits for, and nothing else.
func (p *polled) reads() {
	var want uint32
	switch {
	case p.connected != nil:
		want = unix.EPOLLOUT
	case p.blocked:
		want = unix.EPOLLOUT
		fallthrough
	default:
		if p.conn.reading() {
			want |= unix.EPOLLIN
		}
	}
	if want == p.mask {
		return
	}
	op := unix.EPOLL_CTL_MOD
	switch {
	case p.mask == 0:
		op = unix.EPOLL_CTL_ADD
	case want == 0:
		op = unix.EPOLL_CTL_DEL // an error or hang-up would be reported for ever
	}
	p.mask = want
	if err := p.poller().control(op, p.fd, want); err != nil {
		c := p.conn
		c.loop.queue.push(event{kind: eventEnded, conn: c, at: c.loop.now(), err: opError("read", err)})
	}
}

func (p *polled) collect(events uint32, buf []byte, n *news) {
	if p.mask&unix.EPOLLIN == 0 || events&readable == 0 {
		return
	}
	var k int
	var err error
	if p.stamped {
		k, n.arrived, err = p.poller().stamped.read(p.fd, buf)
	} else {
		k, err = read(p.fd, buf)
	}
	switch {
	case k > 0:
		n.data = buf[:k]
	case err == nil:
		n.err = io.EOF
	case !errors.Is(err, unix.EAGAIN):
		n.err = opError("read", os.NewSyscallError("read", err))
	}
}

func (p *polled) handle(at time.Duration, n *news) {
	c := p.conn
	switch {
	case c.state == connClosed: // by a handler of this turn
		return
	case p.connected != nil:
		p.finishConnect(at)
		return
	case p.blocked && n.events&writable != 0:
		p.blocked = false
		c.markDirty()
	}
	if p.secured != nil {
		if len(n.data) > 0 || n.err != nil {
			p.unseal(at, n.data, n.err)
		}
		return
	}
	if len(n.data) > 0 {
		c.received(at, n.data)
	}
	if n.err != nil && c.state != connClosed {
		c.inputEnded(at, n.err)
	}
}

// flush writes what there is. What the kernel does not take stays where it is until
// the kernel says that it has room.
func (p *polled) flush() {
	c := p.conn
	if p.connected != nil {
		return
	}
	out := &c.out
	if p.secured != nil {
		out = &p.secured.out
		if !p.blocked {
			if err := p.encrypt(); err != nil {
				c.writeFailed(err)
				return
			}
		}
	}
	if p.blocked {
		return
	}
	if len(*out) > 0 {
		n, err := write(p.fd, *out)
		if err != nil && !errors.Is(err, unix.EAGAIN) {
			c.writeFailed(opError("write", os.NewSyscallError("write", err)))
		} else if n = max(n, 0); n < len(*out) {
			*out = (*out)[n:]
			p.blocked = true
		} else {
			c.loop.spare.put(*out)
			*out = nil
		}
	}
	if c.state == connClosed {
		return
	}
	p.reads()
	if c.state == connClosing && !p.blocked {
		c.shut(os.NewSyscallError("shutdown", unix.Shutdown(p.fd, unix.SHUT_WR)))
	}
}

func (p *polled) inFlight() int {
	if p.secured == nil {
		return 0
	}
	return len(p.secured.out)
}

func (p *polled) sever() error { return dropInput(p.fd) }

func (p *polled) close(reset bool) {
	if reset {
		_ = unix.SetsockoptLinger(p.fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
	}
	p.poller().unwatch(p.fd)
	_ = unix.Close(p.fd)
	p.fd, p.connected = -1, nil
}

func (p *polled) over() bool { return true }

// opError dresses an error like package net does, but for the addresses: they would
// tell connections apart that have ended for one reason.
func opError(op string, err error) error { return &net.OpError{Op: op, Net: "tcp", Err: err} }
