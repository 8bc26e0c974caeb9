package loop

import (
	"errors"
	"io"
	"net"
	"sync/atomic"
	"syscall"
	"time"
)

// flushBytes is how much the flusher writes at a time, which is how closely
// Buffered follows it.
const flushBytes = 64 << 10

// background is the stream of a Conn whose waiting is done by goroutines: one that
// reads, and one, while the kernel does not take everything at once, that writes.
type background struct {
	conn   *Conn
	nc     net.Conn // what is read and written
	socket net.Conn // nc, or what lies below its TLS: what is closed
	direct *direct  // reads and writes without waiting; nil where there is no such way

	released chan struct{} // a token: the reader may read again
	owed     bool          // the reader waits for its token until Resume

	flushing bool         // the flusher runs and owns inflight
	last     bool         // after inflight the flusher shuts our side down
	flusher  func()       // b.runFlusher, kept so that starting it does not allocate
	inflight []byte       // being written by the flusher
	written  atomic.Int64 // of inflight, how much the kernel has
}

// newBackground starts to read nc for c.
func newBackground(c *Conn, nc net.Conn) *background {
	b := &background{
		conn: c, nc: nc, socket: below(nc), direct: newDirect(nc),
		released: make(chan struct{}, 1),
	}
	b.flusher = b.runFlusher
	_ = nc.SetDeadline(time.Time{})
	c.loop.goroutines.Go(b.runReader)
	return b
}

// runReader reads until the socket fails, one buffer at a time.
func (b *background) runReader() {
	l := b.conn.loop
	for {
		buf, n, err := b.read()
		at := l.now()
		if n > 0 {
			l.queue.push(event{kind: eventReceived, conn: b.conn, at: at, buf: buf, data: buf[:n]})
			<-b.released
		} else if buf != nil {
			buffers.Put(buf)
		}
		if err != nil {
			l.queue.push(event{kind: eventEnded, conn: b.conn, at: at, err: err})
			return
		}
	}
}

// read waits for bytes: on a plain socket first for them and then for a buffer,
// elsewhere with the buffer in hand.
func (b *background) read() (*buffer, int, error) {
	if b.direct != nil {
		buf, n, err := b.direct.read()
		if err != nil && !errors.Is(err, io.EOF) {
			err = b.netError("read", err)
		}
		return buf, n, err
	}
	buf := buffers.Get().(*buffer)
	n, err := b.nc.Read(buf[:])
	return buf, n, err
}

// release lets the reader go on, unless the connection is paused.
func (b *background) release() {
	if b.conn.paused && b.conn.state != connClosed {
		b.owed = true
	} else {
		b.released <- struct{}{}
	}
}

// begin has nothing to do: what the reader has read is queued behind what came first.
func (b *background) begin(time.Duration) {}

func (b *background) reads() {
	if b.owed && !b.conn.paused {
		b.owed = false
		b.released <- struct{}{}
	}
}

// sever leaves alone what a flusher has taken already.
func (b *background) sever() error {
	socket, ok := below(b.nc).(syscall.Conn)
	if !ok {
		return ErrNoSever
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return err
	}
	if failed := raw.Control(func(fd uintptr) { err = dropInput(int(fd)) }); failed != nil {
		return failed
	}
	return err
}

// flush writes as much of out as the kernel takes at once, the rest by the flusher.
// If a flusher is at work already it goes out after that.
func (b *background) flush() {
	if b.flushing {
		return
	}
	c := b.conn
	var written int
	if b.direct != nil && len(c.out) > 0 {
		var err error
		if written, err = b.direct.write(c.out); err != nil {
			c.writeFailed(b.netError("write", err))
			return
		}
	}
	closing := c.state == connClosing
	switch {
	case written < len(c.out), closing && b.direct == nil:
		b.startFlusher(written)
	case closing:
		c.discard()
		c.shut(b.closeWrite())
	default:
		c.discard()
	}
}

// startFlusher lets a goroutine write out, of which the kernel has the first so
// many bytes already, and end a closing connection after it: either may wait for
// the peer.
func (b *background) startFlusher(written int) {
	c := b.conn
	b.flushing, b.last = true, c.state == connClosing
	b.inflight, c.out = c.out, nil
	b.written.Store(int64(written))
	c.loop.goroutines.Add(1)
	go b.flusher()
}

func (b *background) runFlusher() {
	defer b.conn.loop.goroutines.Done()
	var err error
	for rest := b.inflight[b.written.Load():]; len(rest) > 0 && err == nil; {
		var n int
		n, err = b.nc.Write(rest[:min(len(rest), flushBytes)])
		rest = rest[n:]
		b.written.Add(int64(n))
	}
	if err == nil && b.last {
		err = b.closeWrite()
	}
	b.conn.loop.queue.push(event{kind: eventWritten, conn: b.conn, err: err})
}

// flusherEnded takes the flusher's buffer back and writes what has come since.
func (b *background) flusherEnded(err error) {
	c := b.conn
	b.flushing = false
	c.loop.spare.put(b.inflight)
	b.inflight = nil
	b.written.Store(0)
	switch {
	case c.state == connClosed:
		c.leave()
	case b.last:
		c.shut(err)
	case err != nil:
		c.writeFailed(err)
	case len(c.out) > 0 || c.state == connClosing:
		c.markDirty()
	}
}

func (b *background) inFlight() int { return len(b.inflight) - int(b.written.Load()) }

// closeWrite ends our side: close_notify on TLS, FIN on TCP.
func (b *background) closeWrite() error {
	type halfCloser interface{ CloseWrite() error }
	if b.nc != b.socket {
		if err := b.nc.(halfCloser).CloseWrite(); err != nil {
			return err
		}
	}
	if half, ok := b.socket.(halfCloser); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}

func (b *background) close(reset bool) {
	if tcp, ok := b.socket.(*net.TCPConn); ok && reset {
		_ = tcp.SetLinger(0)
	}
	_ = b.socket.Close()
	if b.owed {
		b.owed = false
		b.released <- struct{}{}
	}
}

// over is true once the reader has said its last word and the flusher too.
func (b *background) over() bool { return b.conn.inputEnd && !b.flushing }

// netError dresses a bare system call error like package net does.
func (b *background) netError(op string, err error) error {
	return &net.OpError{
		Op: op, Net: b.nc.LocalAddr().Network(),
		Source: b.nc.LocalAddr(), Addr: b.nc.RemoteAddr(), Err: err,
	}
}
