package loop

import (
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// acceptsPerTurn bounds what a turn accepts, so that a crowd at the door delays those
	// who are in by no more than that.
	acceptsPerTurn = 64
	// acceptPause is how long nothing is accepted after the system has refused to, for
	// want of descriptors perhaps: it would be asked again at once.
	acceptPause = 10 * time.Millisecond
)

// Listen takes ln over, a TCP listener, and accepts on the loop until that stops: accept
// is told of each connection and returns its first Handler, unless it has closed it.
// Only on Polled, after Begin: before Run, or on the loop's goroutine.
func (l *Loop) Listen(ln net.Listener, accept func(now time.Duration, c *Conn) Handler) error {
	tcp, ok := ln.(*net.TCPListener)
	if l.poll == nil || !ok {
		return fmt.Errorf("listen on a loop: %w", ErrTransport)
	}
	fd, err := takeSocket(tcp)
	if err != nil {
		return fmt.Errorf("listen on a loop: %w", err)
	}
	// What package net sets on what it accepts; Linux hands it on to those.
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1)
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, 15)
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, 15)
	d := &door{loop: l, fd: fd, accept: accept}
	d.again = l.NewTimer(func(time.Duration) { _ = d.watch(unix.EPOLL_CTL_MOD, unix.EPOLLIN) })
	l.poll.watch(fd, d)
	l.poll.doors = append(l.poll.doors, d)
	return d.watch(unix.EPOLL_CTL_ADD, unix.EPOLLIN)
}

// takeSocket takes a socket over from package net, and with it from the poller of the Go
// runtime.
func takeSocket(of interface {
	syscall.Conn
	Close() error
}) (fd int, err error) {
	raw, err := of.SyscallConn()
	if err != nil {
		return -1, err
	}
	controlled := raw.Control(func(theirs uintptr) {
		fd, err = unix.FcntlInt(theirs, unix.F_DUPFD_CLOEXEC, 0)
	})
	if err = errors.Join(controlled, err); err != nil {
		return -1, err
	}
	_ = of.Close() // its descriptor; the socket is ours
	return fd, nil
}

// door is a listening socket in its loop's epoll set.
type door struct {
	loop   *Loop
	fd     int
	accept func(now time.Duration, c *Conn) Handler
	again  *Timer
}

func (d *door) watch(op int, events uint32) error { return d.loop.poll.control(op, d.fd, events) }

func (d *door) collect(uint32, []byte, *news) {}

func (d *door) handle(at time.Duration, _ *news) {
	for range acceptsPerTurn {
		if d.fd < 0 {
			return // the loop has been stopped
		}
		fd, err := accept(d.fd)
		switch {
		case err == nil:
			d.enter(at, fd)
		case errors.Is(err, unix.EAGAIN):
			return
		case errors.Is(err, unix.ECONNABORTED): // by a client that did not wait
		default:
			_ = d.watch(unix.EPOLL_CTL_MOD, 0)
			d.again.Set(at + acceptPause)
			return
		}
	}
}

// enter makes a Conn of what was accepted.
func (d *door) enter(at time.Duration, fd int) {
	l := d.loop
	c := &Conn{loop: l}
	s := &polled{conn: c, fd: fd, stamped: l.poll.stamp(fd)}
	c.stream = s
	l.conns[c] = struct{}{}
	l.poll.watch(fd, s)
	if c.handler = d.accept(at, c); c.state != connClosed {
		s.reads()
	}
}

// closeDoors ends what Listen began.
func (p *poller) closeDoors() {
	if p == nil {
		return
	}
	for _, d := range p.doors {
		d.again.Stop()
		p.unwatch(d.fd)
		_ = unix.Close(d.fd)
		d.fd = -1
	}
	p.doors = nil
}

// Release gives a connection that Listen has accepted back to package net: the loop has
// no more to do with it, its Handler hears nothing more, and what was not written yet is
// thrown away. After an error it is closed.
func (c *Conn) Release() (net.Conn, error) {
	p, ok := c.stream.(*polled)
	if !ok || c.state == connClosed {
		return nil, net.ErrClosed
	}
	// The socket outlives its descriptor, and with it what the set knows of it.
	p.mask = 0
	_ = p.poller().control(unix.EPOLL_CTL_DEL, p.fd, 0)
	fd, err := unix.FcntlInt(uintptr(p.fd), unix.F_DUPFD_CLOEXEC, 0)
	c.Abort()
	if err != nil {
		return nil, os.NewSyscallError("fcntl", err)
	}
	file := os.NewFile(uintptr(fd), "")
	defer func() { _ = file.Close() }()
	return net.FileConn(file)
}
