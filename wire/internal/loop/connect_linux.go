package loop

import (
	"errors"
	"net/netip"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Connect opens a TCP connection to an address, from another unless that is the zero
// AddrPort, without waiting for it. connected is called once it is open; what is
// written before that is sent then. If it fails the Handler is told so by Lost.
// Only for a running loop on Polled and one of a World, see CanConnect, and addresses without a zone.
func (l *Loop) Connect(to, from netip.AddrPort, connected func(now time.Duration), h Handler) (*Conn, error) {
	if l.world != nil {
		return l.world.connect(l, to, connected, h)
	}
	fd, err := connecting(to, from)
	if err != nil {
		return nil, opError("dial", err)
	}
	c := &Conn{loop: l, handler: h}
	l.conns[c] = struct{}{}
	s := &polled{conn: c, fd: fd, connected: connected, stamped: l.poll.stamp(fd)}
	c.stream = s
	l.poll.watch(fd, s)
	s.reads()
	if l.stopped {
		c.Abort()
	}
	return c, nil
}

// CanConnect says whether Connect is possible. Loop goroutine only.
func (l *Loop) CanConnect() bool { return l.poll != nil || l.world != nil }

// connecting returns a socket that is being connected.
func connecting(to, from netip.AddrPort) (fd int, err error) {
	family := unix.AF_INET6
	if to.Addr().Unmap().Is4() {
		family = unix.AF_INET
	}
	fd, err = unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, unix.IPPROTO_TCP)
	if err != nil {
		return -1, os.NewSyscallError("socket", err)
	}
	if err = prepare(fd, from); err == nil {
		err = unix.Connect(fd, sockaddr(to))
		if errors.Is(err, unix.EINPROGRESS) || errors.Is(err, unix.EINTR) {
			err = nil
		}
		err = os.NewSyscallError("connect", err)
	}
	if err != nil {
		_ = unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// prepare sets what package net sets too, and the address that fd comes from.
func prepare(fd int, from netip.AddrPort) error {
	if err := unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1); err != nil {
		return os.NewSyscallError("setsockopt", err)
	}
	easePorts(fd)
	if !from.IsValid() {
		return nil
	}
	return os.NewSyscallError("bind", unix.Bind(fd, sockaddr(from)))
}

func sockaddr(a netip.AddrPort) unix.Sockaddr {
	if ip := a.Addr().Unmap(); ip.Is4() {
		return &unix.SockaddrInet4{Port: int(a.Port()), Addr: ip.As4()}
	}
	return &unix.SockaddrInet6{Port: int(a.Port()), Addr: a.Addr().As16()}
}

// finishConnect takes the outcome of a connection attempt.
func (p *polled) finishConnect(now time.Duration) {
	c, connected := p.conn, p.connected
	number, err := unix.GetsockoptInt(p.fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err == nil && number != 0 {
		err = unix.Errno(number)
	}
	if err == nil && toItself(p.fd) {
		err = unix.ECONNREFUSED
	}
	if err != nil {
		c.inputEnded(now, opError("dial", os.NewSyscallError("connect", err)))
		return
	}
	p.connected = nil
	p.reads()
	c.markDirty()
	connected(now)
}

// toItself says whether a socket was connected to its own address, which happens to
// a local port that nobody listens on but the system may give out.
func toItself(fd int) bool {
	ours, err := unix.Getsockname(fd)
	if err != nil {
		return false
	}
	theirs, err := unix.Getpeername(fd)
	if err != nil {
		return false
	}
	switch ours := ours.(type) {
	case *unix.SockaddrInet4:
		theirs, ok := theirs.(*unix.SockaddrInet4)
		return ok && ours.Port == theirs.Port && ours.Addr == theirs.Addr
	case *unix.SockaddrInet6:
		theirs, ok := theirs.(*unix.SockaddrInet6)
		return ok && ours.Port == theirs.Port && ours.Addr == theirs.Addr
	}
	return false
}
