package loop

import (
	"errors"
	"net"
	"time"
)

// flushBytes is how much the flusher writes at a time, which is how closely
// Buffered follows it.
const flushBytes = 64 << 10

// brokenTimeout bounds how long a connection that can no longer be written is
// still read.
const brokenTimeout = time.Second

// flush writes what the turn has left in out: as much as the kernel takes at once,
// the rest by the flusher. If a flusher is at work already it goes out after that.
func (c *Conn) flush() {
	c.dirty = false
	if c.flushing || c.state == connClosed {
		return
	}
	var written int
	if c.direct != nil && len(c.out) > 0 {
		var err error
		if written, err = c.direct.write(c.out); err != nil {
			c.writeFailed(c.netError("write", err))
			return
		}
	}
	closing := c.state == connClosing
	switch {
	case written < len(c.out), closing && c.direct == nil:
		c.startFlusher(written)
	case closing:
		c.discard()
		c.shut(c.closeWrite())
	default:
		c.discard()
	}
}

// startFlusher lets a goroutine write out, of which the kernel has the first so
// many bytes already, and end a closing connection after it: either may wait for
// the peer.
func (c *Conn) startFlusher(written int) {
	c.flushing, c.last = true, c.state == connClosing
	c.inflight, c.out = c.out, nil
	c.written.Store(int64(written))
	c.loop.goroutines.Add(1)
	go c.flusher()
}

func (c *Conn) runFlusher() {
	defer c.loop.goroutines.Done()
	var err error
	for rest := c.inflight[c.written.Load():]; len(rest) > 0 && err == nil; {
		var n int
		n, err = c.nc.Write(rest[:min(len(rest), flushBytes)])
		rest = rest[n:]
		c.written.Add(int64(n))
	}
	if err == nil && c.last {
		err = c.closeWrite()
	}
	c.loop.queue.push(event{kind: eventWritten, conn: c, err: err})
}

// flusherEnded takes the flusher's buffer back and writes what has come since.
func (c *Conn) flusherEnded(err error) {
	c.flushing = false
	c.loop.spare.put(c.inflight)
	c.inflight = nil
	c.written.Store(0)
	switch {
	case c.state == connClosed:
		c.leave()
	case c.last:
		c.shut(err)
	case err != nil:
		c.writeFailed(err)
	case len(c.out) > 0 || c.state == connClosing:
		c.markDirty()
	}
}

// closeWrite ends our side: close_notify on TLS, FIN on TCP.
func (c *Conn) closeWrite() error {
	type halfCloser interface{ CloseWrite() error }
	if c.nc != c.socket {
		if err := c.nc.(halfCloser).CloseWrite(); err != nil {
			return err
		}
	}
	if half, ok := c.socket.(halfCloser); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}

// shut notes that our side has ended, or failed to. What is left is the wait for
// the peer to end its own.
func (c *Conn) shut(err error) {
	c.state = connShut
	if err != nil || c.readEnded {
		c.Abort()
	}
}

// writeFailed gives up writing. The reader goes on for a while: what the peer said
// before it went away, its close frame perhaps, may still lie in the kernel, and
// its end of stream is what the handler is told of.
func (c *Conn) writeFailed(err error) {
	c.discard()
	if c.state != connOpen {
		c.Abort()
		return
	}
	c.writeErr = err
	_ = c.socket.SetReadDeadline(time.Now().Add(brokenTimeout))
}

// netError dresses a bare system call error like package net does.
func (c *Conn) netError(op string, err error) error {
	return &net.OpError{
		Op: op, Net: c.nc.LocalAddr().Network(),
		Source: c.nc.LocalAddr(), Addr: c.nc.RemoteAddr(), Err: err,
	}
}
