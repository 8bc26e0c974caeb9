package loop

import (
	"errors"
	"io"
	"net"
	"time"
)

// lingerTimeout bounds what CloseAfterWrite waits for: that the kernel takes what
// is left to write, and that the peer closes its side.
const lingerTimeout = 2 * time.Second

// brokenTimeout bounds how long a connection that can no longer be written is
// still read.
const brokenTimeout = time.Second

// Handler is told what comes out of one socket, on the loop's goroutine.
type Handler interface {
	// Received gets bytes in the order they came; data is the handler's to modify
	// but borrowed until it returns. now is an instant at or after that at which they
	// were read, never before. With a goroutine it is the instant at which its Read
	// returned. The polled loop reads a batch of sockets before it handles any of them
	// and looks at the clock once, after the last read: what the handlers of a batch
	// take is in nobody's stamp. It ascends along one connection, yet may lie before
	// that of a timer or function which the loop ran first.
	Received(now time.Duration, data []byte)
	// Lost is the last call: the peer has closed (io.EOF) or the socket has failed.
	Lost(now time.Duration, err error)
}

// connState is how far a Conn is on its way out.
//
//	state        event                              next
//	connOpen     input ended                        connClosed, Lost
//	connOpen     CloseAfterWrite                    connClosing
//	connClosing  all written                        connShut (our side is shut down)
//	connClosing  input ended by failure             connClosed
//	connShut     input ended, or two seconds        connClosed
//	connClosing  write failed, or two seconds       connClosed
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
	handler Handler
	stream  stream

	state      connState
	inputEnd   bool // nothing more will be read
	paused     bool // by Pause
	held       bool // what was read before Attach comes first
	severed    bool // by Sever
	dirty      bool // on the loop's list to be flushed
	writeError error
	limit      *Timer // of lingering, or of reading what can no longer be written
	out        []byte // to be written, after what the stream has taken
}

// stream is how the bytes of one Conn travel: read and written by the loop itself,
// or by goroutines. All calls come from the loop's goroutine.
type stream interface {
	// flush writes what the Conn has in out, as far as that goes without waiting, and
	// sees to the rest. When a closing connection has nothing left it ends our side
	// and says so by Conn.shut.
	flush()
	// inFlight is how much of what it took from out the kernel has not accepted yet.
	inFlight() int
	// begin starts to read, once what was read before Attach has been handled.
	begin(at time.Duration)
	// reads starts or stops reading, by what holds it up and whether it has ended.
	reads()
	// sever is Conn.Sever: nothing the peer sends arrives any more.
	sever() error
	// close closes the socket; with reset the peer sees an RST.
	close(reset bool)
	// over is true when nothing of it runs any more.
	over() bool
}

// Attach takes over nc, whose deadlines it clears, and starts to read it. buffered
// is what was already read from it: the handler gets it first, at the instant of
// this call, from the next turn on.
func (l *Loop) Attach(nc net.Conn, buffered []byte, h Handler) *Conn {
	if end, ok := nc.(*accepted); ok {
		return end.takeOver(buffered, h)
	}
	// A handshake of TLS, too, may have read beyond itself.
	c := &Conn{loop: l, handler: h, held: len(buffered) > 0 || below(nc) != nc}
	l.conns[c] = struct{}{}
	if c.held {
		l.queue.push(event{kind: eventReceived, conn: c, at: l.now(), data: buffered})
	}
	if c.stream = l.poll.adopt(c, nc); c.stream == nil {
		c.stream = newBackground(c, nc)
	}
	if !c.held {
		c.stream.begin(0)
	}
	if l.stopped {
		c.Abort()
	}
	return c
}

// Handle lets h hear from now on what comes out of the socket.
func (c *Conn) Handle(h Handler) { c.handler = h }

// Write queues a copy of b; it goes out at the end of the turn, in one write with
// everything else that the turn has for this connection.
func (c *Conn) Write(b []byte) {
	if c.state != connOpen || c.writeError != nil {
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
	if c.state == connOpen && !c.paused {
		c.paused = true
		c.stream.reads()
	}
}

// Resume ends a pause.
func (c *Conn) Resume() {
	if c.state != connClosed && c.paused {
		c.paused = false
		c.stream.reads()
	}
}

// Buffered returns how many bytes the kernel has not accepted yet. It is for the
// caller to bound: a peer that stops reading makes it grow with each Write.
func (c *Conn) Buffered() int { return len(c.out) + c.stream.inFlight() }

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
	c.expireAfter(lingerTimeout)
	c.markDirty()
}

// Abort closes the socket now, without a word in TLS or WebSocket; what is
// buffered is thrown away. The peer sees an end of stream, or a reset if it has sent
// what nobody read.
func (c *Conn) Abort() { c.close(false) }

// Reset closes the socket now and lets the peer see a reset (RST): SO_LINGER 0.
func (c *Conn) Reset() { c.close(true) }

// Forsake leaves the socket open and silent: nothing more is read or written, and the
// handler hears nothing of it any more. Abort ends that.
func (c *Conn) Forsake() {
	if c.state == connOpen {
		c.handler = deaf{}
		c.discard()
		c.Pause()
	}
}

// Sever cuts the line below the socket and tells nobody: what the peer sends is thrown away
// before TCP sees it, hence not even acknowledged, and what is written stays here. Whatever
// the peer's kernel or process does about it, its reset included, does not arrive; ours
// is on its own to notice. Only an end made on purpose (Abort, Reset) does still leave. The
// error is ErrNoSever where sockets cannot be cut off, or the system's.
func (c *Conn) Sever() error {
	if c.state != connOpen || c.severed {
		return nil
	}
	if err := c.stream.sever(); err != nil {
		return err
	}
	c.severed = true
	return nil
}

// Severed reports whether Sever has been at work.
func (c *Conn) Severed() bool { return c.severed }

// ErrNoSever says that a socket cannot be cut off on this system.
var ErrNoSever = errors.New("a socket can be cut off from the network on Linux only, by a filter of its own (SO_ATTACH_FILTER)")

// deaf is the handler of a forsaken socket.
type deaf struct{}

func (deaf) Received(time.Duration, []byte) {}
func (deaf) Lost(time.Duration, error)      {}

func (c *Conn) close(reset bool) {
	if c.state == connClosed {
		return
	}
	c.state = connClosed
	c.discard()
	if c.limit != nil {
		c.limit.Stop()
	}
	c.stream.close(reset)
	c.leave()
}

func (c *Conn) markDirty() {
	if !c.dirty {
		c.dirty = true
		c.loop.dirty = append(c.loop.dirty, c)
	}
}

// reading says whether more is to be read.
func (c *Conn) reading() bool { return !c.paused && !c.held && !c.inputEnd && c.state != connClosed }

// received hands what was read to the handler.
func (c *Conn) received(at time.Duration, data []byte) {
	if c.state == connOpen {
		c.handler.Received(at, data)
	}
}

// queued is received by way of the queue: from a reader goroutine, or what was
// there before the first read.
func (c *Conn) queued(e *event) {
	if len(e.data) > 0 {
		c.received(e.at, e.data)
	}
	if e.buf != nil {
		buffers.Put(e.buf)
		c.stream.(*background).release()
	} else if c.state != connClosed {
		c.held = false
		c.stream.begin(e.at)
	}
}

// inputEnded is the last word of whoever reads.
func (c *Conn) inputEnded(now time.Duration, err error) {
	c.inputEnd = true
	switch {
	case c.state == connOpen:
		c.lost(now, err)
	case c.state == connClosing && errors.Is(err, io.EOF):
		c.stream.reads() // the peer says no more but may still read: finish writing
	default:
		c.Abort()
		c.leave() // it may have been closed before
	}
}

func (c *Conn) lost(now time.Duration, err error) {
	c.Abort()
	if c.writeError != nil { // it came first, and the kernel tells each failure once
		err = c.writeError
	}
	c.handler.Lost(now, err)
}

// shut notes that our side has ended, or failed to. What is left is the wait for
// the peer to end its own.
func (c *Conn) shut(err error) {
	c.state = connShut
	if err != nil || c.inputEnd {
		c.Abort()
	}
}

// writeFailed gives up writing. Reading goes on for a while: what the peer said
// before it went away, its close frame perhaps, may still lie in the kernel, and
// its end of stream is what the handler is told of.
func (c *Conn) writeFailed(err error) {
	c.discard()
	if c.state != connOpen {
		c.Abort()
		return
	}
	c.writeError = err
	c.expireAfter(brokenTimeout)
}

// expireAfter bounds what is left of the connection's life.
func (c *Conn) expireAfter(d time.Duration) {
	if c.limit == nil {
		c.limit = c.loop.NewTimer(c.expired)
	}
	c.limit.Set(c.loop.now() + d)
}

func (c *Conn) expired(now time.Duration) {
	if c.state == connOpen {
		c.lost(now, c.writeError)
		return
	}
	c.Abort()
}

// leave takes the connection off the loop once nothing of it runs any more.
func (c *Conn) leave() {
	if c.state == connClosed && c.stream.over() {
		delete(c.loop.conns, c)
	}
}

// discard gives up what is to be written, except what the stream has taken.
func (c *Conn) discard() {
	c.loop.spare.put(c.out)
	c.out = nil
}
