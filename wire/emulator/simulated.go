package emulator

import (
	"bufio"
	"bytes"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/wpsbench/wpsbench/wire/internal/loop"
)

// simulated returns a server that lives in Options.Simulation. A connection is read up
// to the end of a request's head by a handshake in place of net/http, which hands it to
// the same serveHTTP.
func simulated(o Options) *Server {
	s := &Server{opts: o, loop: o.Simulation.NewLoop(), ended: make(chan struct{})}
	s.addr = o.Simulation.Listen(s.loop, func(nc net.Conn, c *loop.Conn) loop.Handler {
		return &handshake{server: s, nc: nc, conn: c}
	})
	s.begin()
	return s
}

// ServeHTTP serves a call of the REST API without a socket, for who lives in the same
// Simulation and cannot wait for one there: no time passes. It belongs to the Simulation's
// goroutine.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.serveHTTP(w, r) }

// handshake is a connection before it is a WebSocket, and the http.ResponseWriter of its
// one request.
type handshake struct {
	server *Server
	nc     net.Conn
	conn   *loop.Conn
	head   []byte

	reader   *bufio.Reader // behind the head
	header   http.Header
	status   int
	body     bytes.Buffer
	hijacked bool
}

// Received implements loop.Handler.
func (h *handshake) Received(_ time.Duration, data []byte) {
	h.head = append(h.head, data...)
	if len(h.head) > h.server.opts.MaxHandshakeBytes {
		h.conn.Abort()
		return
	}
	if !bytes.Contains(h.head, []byte("\r\n\r\n")) {
		return
	}
	h.reader = bufio.NewReader(bytes.NewReader(h.head))
	h.header, h.status = http.Header{}, http.StatusOK
	r, err := http.ReadRequest(h.reader)
	if err != nil {
		h.WriteHeader(http.StatusBadRequest)
	} else {
		h.server.serveHTTP(h, r)
	}
	if !h.hijacked {
		h.answer()
	}
}

// Lost implements loop.Handler.
func (*handshake) Lost(time.Duration, error) {}

// Header implements http.ResponseWriter.
func (h *handshake) Header() http.Header { return h.header }

// WriteHeader implements http.ResponseWriter.
func (h *handshake) WriteHeader(status int) { h.status = status }

// Write implements http.ResponseWriter.
func (h *handshake) Write(b []byte) (int, error) { return h.body.Write(b) }

// Hijack implements http.Hijacker.
func (h *handshake) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	h.hijacked = true
	return h.nc, bufio.NewReadWriter(h.reader, bufio.NewWriter(h.nc)), nil
}

func (h *handshake) answer() {
	h.header.Set("Content-Length", strconv.Itoa(h.body.Len()))
	h.header.Set("Connection", "close")
	var b bytes.Buffer
	b.WriteString("HTTP/1.1 " + strconv.Itoa(h.status) + " " + http.StatusText(h.status) + "\r\n")
	_ = h.header.Write(&b) // a Buffer takes everything
	b.WriteString("\r\n")
	h.conn.Write(append(b.Bytes(), h.body.Bytes()...))
	h.conn.CloseAfterWrite()
}
