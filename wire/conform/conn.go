package conform

import (
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/gobwas/ws"

	"github.com/wpsbench/wpsbench/wire/internal/frame"
)

// conn is one open WebSocket. A reader goroutine drains it at all times, answers
// pings and logs what comes; the case takes messages, pongs and the end from a queue.
type conn struct {
	t     *T
	name  string // in the transcript
	nc    net.Conn
	proto string

	id, token string // of `connected`
	mayGreet  bool   // a `connected` may come again: it is a recovery (protocol.md 4.5)

	arrived chan arrival
	done    chan struct{} // closed when nobody takes from arrived any more

	writing    sync.Mutex
	closeSent  bool
	hungUp     bool
	hangUpOnce sync.Once
}

// arrival is one message or control frame, or the end of the transport.
type arrival struct {
	op      ws.OpCode
	payload []byte
	err     error // the transport's end, or the server's breach of RFC 6455
}

const (
	arrivals        = 4096    // more wait in the socket
	maxArrivalBytes = 4 << 20 // of one message
)

func (t *T) newConn(nc net.Conn, early []byte, proto string) *conn {
	c := &conn{
		t: t, name: string(rune('A' + len(t.conns)%26)), nc: nc, proto: proto,
		arrived: make(chan arrival, arrivals), done: make(chan struct{}),
	}
	t.conns = append(t.conns, c)
	t.readers.Go(func() { c.read(early) })
	return c
}

func (c *conn) read(early []byte) {
	var p frame.Parser
	p.Reset(frame.Config{MaxMessageBytes: maxArrivalBytes})
	buffer := make([]byte, 32<<10)
	data := early
	for {
		if err := p.Feed(data, c.frame); err != nil {
			c.deliver(arrival{err: fmt.Errorf("broken frame: %w", err)})
			return
		}
		n, err := c.nc.Read(buffer)
		data = buffer[:n]
		if err != nil && n == 0 {
			c.deliver(arrival{err: err})
			return
		}
	}
}

// frame takes one message or control frame from the parser.
func (c *conn) frame(op ws.OpCode, payload []byte) error {
	shown := payload
	if op == ws.OpBinary && c.isProtobuf() {
		shown = pbWithoutToken(payload)
	}
	c.t.log.add(c.name, "<-", describe(op, shown))
	switch op {
	case ws.OpPing:
		c.writeFrame(ws.OpPong, payload)
		return nil
	case ws.OpClose:
		c.writeClose(payload)
	default:
	}
	c.deliver(arrival{op: op, payload: append([]byte(nil), payload...)})
	return nil
}

func (c *conn) deliver(a arrival) {
	if a.err != nil && !c.isHungUp() {
		c.t.log.add(c.name, "<-", "(end: "+endText(a.err)+")")
	}
	select {
	case c.arrived <- a:
	case <-c.done:
	}
}

func endText(err error) string {
	if errors.Is(err, io.EOF) {
		return "EOF"
	}
	var op *net.OpError
	if errors.As(err, &op) {
		err = op.Err
	}
	return err.Error()
}

func describe(op ws.OpCode, payload []byte) string {
	switch op {
	case ws.OpText:
		return "text " + string(payload)
	case ws.OpBinary:
		return fmt.Sprintf("binary %d bytes %x", len(payload), payload[:min(len(payload), 64)])
	case ws.OpClose:
		return closeText(payload)
	case ws.OpPing:
		return fmt.Sprintf("ping %q", payload)
	case ws.OpPong:
		return fmt.Sprintf("pong %q", payload)
	default:
		return fmt.Sprintf("opcode %d, %d bytes", op, len(payload))
	}
}

func closeText(payload []byte) string {
	code, reason := closeBody(payload)
	if code == 0 {
		return "close without a code"
	}
	return strings.TrimSpace(fmt.Sprintf("close %d %s", code, reason))
}

func closeBody(payload []byte) (code int, reason string) {
	if len(payload) < 2 {
		return 0, ""
	}
	return int(payload[0])<<8 | int(payload[1]), string(payload[2:])
}

// Writing. A server that has gone is noticed by the next thing that is wanted.

func (c *conn) write(b []byte) {
	c.writing.Lock()
	defer c.writing.Unlock()
	_ = c.nc.SetWriteDeadline(time.Now().Add(c.t.target.Timeout))
	if _, err := c.nc.Write(b); err != nil && !c.hungUp {
		c.t.log.add(c.name, "->", "(not sent: "+endText(err)+")")
	}
}

func (c *conn) writeFrame(op ws.OpCode, payload []byte) {
	var mask [4]byte
	_, _ = rand.Read(mask[:]) // never fails, see its documentation
	c.t.log.add(c.name, "->", describe(op, payload))
	c.write(frame.AppendFrame(nil, op, payload, &mask))
}

func (c *conn) writeClose(payload []byte) {
	c.writing.Lock()
	sent := c.closeSent
	c.closeSent = true
	c.writing.Unlock()
	if !sent {
		c.writeFrame(ws.OpClose, payload)
	}
}

// raw sends bytes as they are; what says what they stand for.
func (c *conn) raw(what string, b []byte) {
	c.t.log.add(c.name, "->", what)
	c.write(b)
}

// send sends text messages.
func (c *conn) send(messages ...string) {
	for _, m := range messages {
		c.writeFrame(ws.OpText, []byte(m))
	}
}

// Ending.

// close does the closing handshake from the client's end; 0 = without a code.
func (c *conn) close(code int) {
	var payload []byte
	if code != 0 {
		payload = []byte{byte(code >> 8), byte(code)}
	}
	c.writeClose(payload)
	for {
		a := c.next("the server's close frame")
		if a.err != nil {
			return
		}
		if a.op == ws.OpClose {
			break
		}
	}
	c.hangUp()
}

// drop loses the transport: a reset where the platform can, no close frame.
func (c *conn) drop() {
	c.t.log.add(c.name, "->", "(connection dropped)")
	nc := c.nc
	if secured, ok := nc.(*tls.Conn); ok {
		nc = secured.NetConn()
	}
	if tcp, ok := nc.(interface{ SetLinger(sec int) error }); ok {
		_ = tcp.SetLinger(0)
	}
	c.markHungUp()
	_ = nc.Close()
	c.hangUp()
}

func (c *conn) markHungUp() {
	c.writing.Lock()
	c.hungUp = true
	c.writing.Unlock()
}

func (c *conn) isHungUp() bool {
	c.writing.Lock()
	defer c.writing.Unlock()
	return c.hungUp
}

func (c *conn) hangUp() {
	c.hangUpOnce.Do(func() {
		c.markHungUp()
		close(c.done)
		_ = c.nc.Close()
	})
}

// farewell ends what is still open at the end of a case.
func (c *conn) farewell() {
	c.writing.Lock()
	open := !c.closeSent && !c.hungUp
	c.hungUp, c.closeSent = true, true
	c.writing.Unlock()
	if open {
		c.write(frame.AppendClose(nil, ws.StatusNormalClosure, "", &[4]byte{}))
	}
	c.hangUp()
}

// next returns what comes next, whatever it is, but for the `connected` that a
// recovery may bring.
func (c *conn) next(what string) arrival {
	a := c.arrival(what)
	if !c.mayGreet || a.err != nil {
		return a
	}
	id, token := greeting(a)
	if id == "" {
		return a
	}
	c.mayGreet = false
	c.greeted(id, token)
	return c.arrival(what)
}

func (c *conn) arrival(what string) arrival {
	timer := time.NewTimer(c.t.target.Timeout)
	defer timer.Stop()
	select {
	case a := <-c.arrived:
		if errors.Is(a.err, os.ErrDeadlineExceeded) {
			a.err = io.EOF
		}
		return a
	case <-timer.C:
		c.t.Fatalf("%s: nothing came within %v, want %s", c.name, c.t.target.Timeout, what)
	case <-c.t.ctx.Done():
		c.t.Fatalf("interrupted")
	}
	return arrival{} // not reached: Fatalf ends the case
}
