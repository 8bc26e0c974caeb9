package loop

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync/atomic"
	"time"
)

// lingerTimeout bounds what CloseAfterWrite waits for: that the kernel takes what
// is left to write, and that the peer closes its side.
const lingerTimeout = 2 * time.Second

// Handler is told what comes out of one socket, on the loop's goroutine.
type Handler interface {
	// Received gets bytes in the order they came; data is the handler's to modify
	// but borrowed until it returns. now is the instant at which Read returned:
	// it ascends along one connection, yet may lie before that of a timer or
	// function which the loop ran first.
	Received(now time.Duration, data []byte)
	// Lost is the last call: the peer has closed (io.EOF) or the socket has failed.
	Lost(now time.Duration, err error)
}

// connState is how far a Conn is on its way out.
//
//	state        event                              next
//	connOpen     reader ended                       connClosed, Lost
//	connOpen     CloseAfterWrite                    connClosing
//	connClosing  all written                        connShut (our side is shut down)
//	connClosing  reader ended by failure            connClosed
//	connShut     reader ended                       connClosed
//	connClosing  write failed                       connClosed
//	any          Abort, Reset                       connClosed
type connState uint8

const (
	connOpen connState = iota
	connClosing
	connShut
	connClosed
)

// Conn is one socket on a Loop. Its methods belong to the loop's goroutine; once
// it is closed, in whatever way, they do nothing.
type Conn struct {
	loop    *Loop
	nc      net.Conn // what is read and written
	socket  net.Conn // nc, or what lies below its TLS: what is closed
	direct  *direct  // reads and writes without waiting; nil where there is no such way
	handler Handler

	state     connState
	readEnded bool
	paused    bool // by Pause
	owed      bool // the reader waits for its token until Resume
	writeErr  error
	dirty     bool   // on the loop's list to be flushed
	out       []byte // to be written, after inflight

	flushing bool          // the flusher goroutine runs and owns inflight
	last     bool          // after inflight the flusher shuts our side down
	flusher  func()        // c.runFlusher, kept so that starting it does not allocate
	inflight []byte        // being written by the flusher
	written  atomic.Int64  // of inflight, how much the kernel has
	released chan struct{} // a token: the reader may read again
}

// Attach takes over nc, whose deadlines it clears, and starts to read it. buffered
// is what was already read from it: the handler gets it first, at the instant of
// this call, from the next turn on.
func (l *Loop) Attach(nc net.Conn, buffered []byte, h Handler) *Conn {
	c := &Conn{loop: l, nc: nc, socket: nc, handler: h, released: make(chan struct{}, 1)}
	c.flusher = c.runFlusher
	if secured, ok := nc.(*tls.Conn); ok {
		c.socket = secured.NetConn()
	}
	c.direct = newDirect(nc)
	_ = nc.SetDeadline(time.Time{})
	l.conns[c] = struct{}{}
	if len(buffered) > 0 {
		l.queue.push(event{kind: eventReceived, conn: c, at: l.now(), data: buffered})
	}
	l.goroutines.Go(c.runReader)
	if l.stopped {
		c.Abort()
	}
	return c
}

// Write queues a copy of b; it goes out at the end of the turn, in one write with
// everything else that the turn has for this connection.
func (c *Conn) Write(b []byte) {
	if c.state != connOpen || c.writeErr != nil {
		return
	}
	if c.out == nil {
		c.out = c.loop.spare.get()
	}
	c.out = append(c.out, b...)
	c.markDirty()
}

// Pause stops reading: what has been read is still handed over, what comes after it
// stays in the kernel until the peer cannot send any more. The end of the connection
// is not noticed either while nothing is read.
func (c *Conn) Pause() {
	if c.state == connOpen {
		c.paused = true
	}
}

// Resume ends a pause.
func (c *Conn) Resume() {
	c.paused = false
	if c.owed {
		c.owed = false
		c.released <- struct{}{}
	}
}

// Buffered returns how many bytes the kernel has not accepted yet. It is for the
// caller to bound: a peer that stops reading makes it grow with each Write.
func (c *Conn) Buffered() int {
	return len(c.out) + len(c.inflight) - int(c.written.Load())
}

// CloseAfterWrite writes what is buffered, shuts our side down and closes the
// socket when the peer has closed its side too, or after two seconds. What still
// comes in is thrown away, but it is read: closing over unread bytes would reset
// the connection and could take our last bytes from the peer.
func (c *Conn) CloseAfterWrite() {
	if c.state != connOpen {
		return
	}
	c.state = connClosing
	c.Resume()
	_ = c.socket.SetDeadline(time.Now().Add(lingerTimeout))
	c.markDirty()
}

// Abort closes the socket now, without a word in TLS or WebSocket; what is
// buffered is thrown away. The peer sees an end of stream, or a reset if it has sent
// what nobody read.
func (c *Conn) Abort() {
	if c.state == connClosed {
		return
	}
	c.state = connClosed
	c.discard()
	_ = c.socket.Close()
	c.Resume()
	c.leave()
}

// Reset closes the socket now and lets the peer see a reset (RST): SO_LINGER 0.
func (c *Conn) Reset() {
	if tcp, ok := c.socket.(*net.TCPConn); ok && c.state != connClosed {
		_ = tcp.SetLinger(0)
	}
	c.Abort()
}

func (c *Conn) markDirty() {
	if !c.dirty {
		c.dirty = true
		c.loop.dirty = append(c.loop.dirty, c)
	}
}

// received hands what was read to the handler and the buffer back to the reader.
func (c *Conn) received(e *event) {
	if c.state == connOpen {
		c.handler.Received(e.at, e.data)
	}
	if e.buf != nil {
		buffers.Put(e.buf)
		if c.paused {
			c.owed = true
		} else {
			c.released <- struct{}{}
		}
	}
}

// readerEnded is the reader's last word.
func (c *Conn) readerEnded(now time.Duration, err error) {
	c.readEnded = true
	switch {
	case c.state == connOpen:
		c.Abort()
		if c.writeErr != nil { // it came first, and the kernel tells each failure once
			err = c.writeErr
		}
		c.handler.Lost(now, err)
	case c.state == connClosing && errors.Is(err, io.EOF):
		// The peer says no more but may still read: finish writing.
	default:
		c.Abort()
		c.leave() // it may have been closed before
	}
}

// leave takes the connection off the loop once nothing of it runs any more.
func (c *Conn) leave() {
	if c.state == connClosed && c.readEnded && !c.flushing {
		delete(c.loop.conns, c)
	}
}

// discard gives up what is buffered, except what the flusher holds.
func (c *Conn) discard() {
	c.loop.spare.put(c.out)
	c.out = nil
}
