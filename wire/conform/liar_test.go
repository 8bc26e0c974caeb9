package conform_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/gobwas/ws"

	"github.com/wpsbench/wpsbench/wire"
)

// liar makes another server of the emulator: it stands in the connection and
// changes what is said on it. Its functions are called under one lock; nil = no change.
type liar struct {
	ask  func(request string) string            // a request, as it is written
	head func(head string) string               // of a response: status line and headers
	down func(conn int, f message) []message    // what the server sends
	up   func(conn int, f message) []message    // what the client sends, frame by frame
	raw  func(firstByte byte, masked bool) bool // whether a client's frame goes through at all

	handler string // the URL of the event handler, if there is one

	mu    sync.Mutex
	conns int
}

type message struct {
	op      ws.OpCode
	payload string
}

func textMessage(s string) message { return message{ws.OpText, s} }

// honest is how many connections the probe of the target takes.
const honest = 7

func (l *liar) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	nc, err := new(net.Dialer).DialContext(ctx, network, addr)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conns++
	if err != nil || l.conns <= honest {
		return nc, err
	}
	return &lyingConn{Conn: nc, liar: l, number: l.conns, in: bufio.NewReader(nc)}, nil
}

type lyingConn struct {
	net.Conn
	liar     *liar
	number   int
	in       *bufio.Reader
	out      bytes.Buffer // read and changed, not yet taken
	upgraded bool         // read side
	asked    bool         // write side: the request has been sent
}

func (c *lyingConn) Read(p []byte) (int, error) {
	for c.out.Len() == 0 {
		if err := c.fill(); err != nil {
			return 0, err
		}
	}
	return c.out.Read(p)
}

func (c *lyingConn) fill() error {
	if !c.upgraded {
		return c.fillHead()
	}
	h, err := ws.ReadHeader(c.in)
	if err != nil {
		return err
	}
	payload := make([]byte, h.Length)
	if _, err := io.ReadFull(c.in, payload); err != nil {
		return err
	}
	c.liar.mu.Lock()
	defer c.liar.mu.Unlock()
	messages := []message{{h.OpCode, string(payload)}}
	if c.liar.down != nil {
		messages = c.liar.down(c.number, messages[0])
	}
	for _, m := range messages {
		c.out.Write(ws.MustCompileFrame(ws.NewFrame(m.op, true, []byte(m.payload))))
	}
	return nil
}

func (c *lyingConn) fillHead() error {
	var head strings.Builder
	for !strings.HasSuffix(head.String(), "\r\n\r\n") {
		b, err := c.in.ReadByte()
		if err != nil {
			c.out.WriteString(head.String()) // what follows a body
			if c.out.Len() > 0 {
				return nil
			}
			return err
		}
		head.WriteByte(b)
		if !strings.HasPrefix("HTTP/1.1", head.String()) && !strings.HasPrefix(head.String(), "HTTP/1.1") {
			c.out.WriteString(head.String()) // a body
			return nil
		}
	}
	text := head.String()
	c.upgraded = strings.HasPrefix(text, "HTTP/1.1 101")
	c.liar.mu.Lock()
	defer c.liar.mu.Unlock()
	if c.liar.head != nil {
		text = c.liar.head(text)
	}
	c.out.WriteString(text)
	return nil
}

func (c *lyingConn) Write(p []byte) (int, error) {
	if !c.asked && c.liar.ask != nil {
		c.asked = true
		if _, err := io.WriteString(c.Conn, c.liar.ask(string(p))); err != nil {
			return 0, err
		}
		return len(p), nil
	}
	if !c.asked || c.liar.up == nil && c.liar.raw == nil {
		c.asked = true
		return c.Conn.Write(p)
	}
	h, err := ws.ReadHeader(bytes.NewReader(p))
	start := len(p) - int(h.Length)
	if err != nil || start < 2 || !h.Masked {
		if err == nil && c.liar.raw != nil && !c.liar.raw(p[0], h.Masked) {
			return len(p), nil
		}
		return c.Conn.Write(p)
	}
	if c.liar.raw != nil && !c.liar.raw(p[0], true) {
		return len(p), nil
	}
	if c.liar.up == nil || !h.Fin || h.OpCode == ws.OpContinuation {
		return c.Conn.Write(p)
	}
	payload := bytes.Clone(p[start:])
	ws.Cipher(payload, h.Mask, 0)
	c.liar.mu.Lock()
	messages := c.liar.up(c.number, message{h.OpCode, string(payload)})
	c.liar.mu.Unlock()
	var b bytes.Buffer
	for _, m := range messages {
		f := ws.NewFrame(m.op, true, []byte(m.payload))
		f.Header.Rsv = h.Rsv
		b.Write(ws.MustCompileFrame(ws.MaskFrame(f)))
	}
	if _, err := c.Conn.Write(b.Bytes()); err != nil {
		return 0, err
	}
	return len(p), nil
}

// restRequests changes requests to the API before they are sent, and signs them anew.
func restRequests(pattern, to string) func() *liar {
	re := regexp.MustCompile(pattern)
	return func() *liar {
		return &liar{ask: func(request string) string {
			changed := re.ReplaceAllString(request, to)
			if !strings.Contains(request, "/api/") || changed == request {
				return request
			}
			return signedAgain(changed)
		}}
	}
}

var (
	requestLine = regexp.MustCompile(`^\w+ ([^ ?]*)`)
	hostLine    = regexp.MustCompile(`\r\nHost: (.*)\r\n`)
	bearerLine  = regexp.MustCompile(`\r\nAuthorization: Bearer [^.]+\..*\r\n`)
	lengthLine  = regexp.MustCompile(`\r\nContent-Length: .*\r\n`)
)

// signedAgain gives a request a token for its path, and its body's length.
func signedAgain(request string) string {
	head, body, _ := strings.Cut(request, "\r\n\r\n")
	head += "\r\n"
	host, path := hostLine.FindStringSubmatch(head), requestLine.FindStringSubmatch(head)
	token, err := wire.SignREST(wire.EmulatorKey, "http://"+host[1]+path[1], time.Now())
	if err != nil {
		panic(err)
	}
	head = bearerLine.ReplaceAllString(head, "\r\nAuthorization: Bearer "+token+"\r\n")
	head = lengthLine.ReplaceAllString(head, fmt.Sprintf("\r\nContent-Length: %d\r\n", len(body)))
	return head + "\r\n" + body
}
