package emulator

import (
	"bufio"
	"bytes"
	"net/http"
	"strings"
	"time"

	"github.com/wpsbench/wpsbench/wire/internal/loop"
)

// arrival is a connection that the loop has accepted and of which nothing has come yet.
// If what comes first is the whole header of a handshake that passes the checks, it is a
// WebSocket from there on, and no goroutine was ever started for it. Anything else is
// for net/http to serve or to refuse, from the first byte on.
type arrival struct {
	server *Server
	conn   *loop.Conn
	limit  timer
}

// arrive takes in what the loop has accepted.
func (s *Server) arrive(now time.Duration, c *loop.Conn) loop.Handler {
	if s.handshakes.Add(1) > int64(s.opts.MaxHandshakes) {
		s.drop(c)
		return nil
	}
	a := &arrival{server: s, conn: c}
	a.limit = s.loop.NewTimer(func(time.Duration) {
		s.handshakes.Add(-1)
		c.Abort()
	})
	a.limit.Set(now + s.opts.HandshakeTimeout)
	return a
}

// drop closes a connection that is one too many.
func (s *Server) drop(c *loop.Conn) {
	s.handshakes.Add(-1)
	s.dropped.Add(1)
	c.Abort()
}

// Received implements loop.Handler.
func (a *arrival) Received(now time.Duration, data []byte) {
	a.limit.Stop()
	if !a.welcome(now, data) {
		a.handOver(data)
	}
}

// Lost implements loop.Handler.
func (a *arrival) Lost(time.Duration, error) {
	a.limit.Stop()
	a.server.handshakes.Add(-1)
}

// welcome makes a WebSocket of the connection if data says so and nobody else is to be
// asked, who might take his time.
func (a *arrival) welcome(now time.Duration, data []byte) bool {
	s := a.server
	if len(s.opts.Handlers) > 0 || s.opts.RefuseRecovery != nil {
		return false
	}
	r, rest := s.head.read(data)
	if r == nil || len(data)-len(rest) > s.opts.MaxHandshakeBytes {
		return false
	}
	hub, found := clientHub(r.URL)
	if !found {
		return false
	}
	e, no := s.examine(r, hub)
	if no == nil {
		no = s.sign(e)
	}
	if no != nil {
		return false
	}
	s.handshakes.Add(-1)
	k := s.core.newSocket()
	k.link = a.conn
	a.conn.Handle(k)
	a.conn.Write(appendSwitching(nil, r, e.offered))
	e.enter(now, k)
	if len(rest) > 0 {
		k.Received(now, rest)
	}
	return true
}

// handOver gives the connection to net/http, which reads data first.
func (a *arrival) handOver(data []byte) {
	s := a.server
	nc, err := a.conn.Release()
	if err != nil {
		s.handshakes.Add(-1)
		return
	}
	if !s.handover.put(&handedOver{nc, bytes.Clone(data)}) {
		s.handshakes.Add(-1)
		s.dropped.Add(1)
		_ = nc.Close()
	}
}

// headReader reads the headers of requests, one at a time.
type headReader struct {
	bytes  bytes.Reader
	buffer bufio.Reader
}

// read returns the request that data begins with and what follows its header; nil if
// there is none, or one that net/http might take otherwise than http.ReadRequest does.
func (h *headReader) read(data []byte) (r *http.Request, rest []byte) {
	h.bytes.Reset(data)
	h.buffer.Reset(&h.bytes)
	r, err := http.ReadRequest(&h.buffer)
	if err != nil || r.Proto != "HTTP/1.1" || r.Header.Get("Expect") != "" || r.URL.Host != "" || !plainHost(r.Host) {
		return nil, nil
	}
	for name := range r.Header {
		if strings.Contains(name, " ") {
			return nil, nil
		}
	}
	return r, data[len(data)-h.bytes.Len()-h.buffer.Buffered():]
}

// plainHost tells of a Host header that nobody takes offence at.
func plainHost(host string) bool {
	return host != "" && !strings.ContainsFunc(host, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune(".-_:[]", r)
	})
}
