package emulator

import (
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wpsbench/wpsbench/wire"
	"github.com/wpsbench/wpsbench/wire/internal/loop"
)

// Server is a running emulator. Its methods may be called from any goroutine.
type Server struct {
	opts     Options
	addr     net.Addr
	http     *http.Server
	loop     *loop.Loop
	webhooks *webhooks
	core     *core      // the loop's goroutine; anyone's once ended is closed
	head     headReader // the loop's goroutine
	handover *handover  // nil: net/http accepts

	ended     chan struct{}  // closed when the loop has returned
	listening chan struct{}  // closed when nothing is accepted any more
	serving   sync.WaitGroup // connections and handlers of net/http
	pending   sync.Map       // the connections that have sent no header yet
	closing   sync.Once

	handshakes atomic.Int64  // how many those are
	dropped    atomic.Uint64 // how many were too many
}

// requestTimeout bounds a whole request, and the rest between two: a client that sends
// half of one does not stay.
const requestTimeout = time.Minute

// Start listens and serves until Close.
func Start(o Options) (*Server, error) {
	o = o.withDefaults()
	if err := o.validate(); err != nil {
		return nil, fmt.Errorf("start emulator: %w", err)
	}
	if o.Simulation != nil {
		return simulated(o), nil
	}
	ln, err := net.Listen("tcp", o.Addr)
	if err != nil {
		return nil, fmt.Errorf("start emulator: %w", err)
	}
	s := &Server{
		opts: o, addr: ln.Addr(), loop: loop.New(wire.Now, o.Transport),
		ended: make(chan struct{}), listening: make(chan struct{}),
	}
	s.begin()
	s.http = &http.Server{
		Handler:           http.HandlerFunc(s.serveHTTP),
		ReadHeaderTimeout: o.HandshakeTimeout,
		MaxHeaderBytes:    o.MaxHandshakeBytes,
		ReadTimeout:       requestTimeout,
		IdleTimeout:       requestTimeout,
		ConnState:         s.countConn,
		ErrorLog:          log.New(io.Discard, "", 0), // a client's broken handshake is its own affair
		TLSNextProto:      map[string]func(*http.Server, *tls.Conn, http.Handler){},
	}
	if ln, err = s.listen(ln); err != nil {
		return nil, fmt.Errorf("start emulator: %w", err)
	}
	go func() {
		defer close(s.ended)
		_ = s.loop.Run() // it has begun
	}()
	go func() {
		defer close(s.listening)
		_ = s.http.Serve(ln) // http.ErrServerClosed
	}()
	return s, nil
}

// listen begins the loop and says where net/http accepts. A polled loop accepts itself,
// but for TLS, whose handshake would keep it from everything else.
func (s *Server) listen(ln net.Listener) (net.Listener, error) {
	err := s.loop.Begin()
	switch {
	case err != nil:
	case s.opts.TLS != nil:
		return tls.NewListener(underlays{ln}, s.opts.TLS), nil
	case s.loop.Transport() != loop.Polled:
		return ln, nil
	default:
		err = s.loop.Listen(ln, s.arrive)
	}
	if err != nil {
		_ = ln.Close()
		s.loop.Stop()
		_ = s.loop.Run() // gives up what it has begun with
		return nil, err
	}
	s.handover = newHandover(s.addr, s.opts.MaxHandshakes)
	return s.handover, nil
}

// begin makes what stands on the loop.
func (s *Server) begin() {
	s.core = newCore(s.opts, func(fn func(now time.Duration)) timer { return s.loop.NewTimer(fn) })
	s.webhooks = newWebhooks(webhookOrigin(s.URL()), s.opts.AccessKey, handlerTransport())
	s.core.send = s.deliver
}

// underlays makes what a loop can take over from TLS of what it accepts.
type underlays struct{ net.Listener }

// Accept implements net.Listener.
func (l underlays) Accept() (net.Conn, error) {
	nc, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return loop.Underlay(nc), nil
}

// Addr is the address it listens on, such as "127.0.0.1:41873".
func (s *Server) Addr() string { return s.addr.String() }

// URL is its endpoint, such as "http://127.0.0.1:41873": https with Options.TLS,
// and the loopback address when it listens on all.
func (s *Server) URL() string {
	scheme := "http"
	if s.opts.TLS != nil {
		scheme = "https"
	}
	host, port, err := net.SplitHostPort(s.Addr())
	if ip := net.ParseIP(host); err == nil && ip != nil && ip.IsUnspecified() {
		return scheme + "://" + net.JoinHostPort("127.0.0.1", port)
	}
	return scheme + "://" + s.Addr()
}

// ConnectionString is what a client or an application is configured with
// (protocol.md 2.1). It holds the access key.
func (s *Server) ConnectionString() string {
	return "Endpoint=" + s.URL() + ";AccessKey=" + s.opts.AccessKey + ";Version=1.0;"
}

// Stats returns the counts so far; after Close the final ones.
func (s *Server) Stats() Stats {
	var stats Stats
	if !s.do(func(c *core) { stats = c.stats.clone() }) {
		<-s.ended
		stats = s.core.stats.clone()
	}
	stats.HandshakesDropped = s.dropped.Load()
	return stats
}

// Close stops listening, aborts every connection and waits for every goroutine
// of the server. It is safe to call more than once.
func (s *Server) Close() error {
	var err error
	s.closing.Do(func() {
		if s.opts.Simulation != nil {
			s.opts.Simulation.Remove(s.loop)
			close(s.ended)
			return
		}
		s.webhooks.cancel()
		err = s.http.Close()
		<-s.listening
		_ = s.http.Close() // once more, for what was being accepted meanwhile
		s.serving.Wait()
		s.loop.Stop()
		<-s.ended // from here on nothing starts an event, nor is handed over
		if s.handover != nil {
			s.handover.drain()
		}
		s.webhooks.wait()
	})
	if err != nil {
		return fmt.Errorf("close emulator: %w", err)
	}
	return nil
}

// do runs fn on the core and waits for it; false when the server is closed.
func (s *Server) do(fn func(c *core)) bool {
	return s.loop.Sync(func(now time.Duration) {
		s.core.now = now
		fn(s.core)
	})
}

// countConn lets Close wait for the connections that net/http still owns, and bounds
// those of which it has had no header yet.
func (s *Server) countConn(nc net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		s.serving.Add(1)
		s.pending.Store(nc, nil)
		if _, counted := nc.(*handedOver); !counted && s.handshakes.Add(1) > int64(s.opts.MaxHandshakes) {
			s.dropped.Add(1)
			_ = nc.Close()
		}
		return
	case http.StateHijacked, http.StateClosed:
		s.serving.Done()
	default:
	}
	if _, was := s.pending.LoadAndDelete(nc); was {
		s.handshakes.Add(-1)
	}
}
