package wire

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/wpsbench/wpsbench/wire/internal/loop"
)

// DefaultDialTimeout is what Dialer.Timeout 0 stands for.
const DefaultDialTimeout = 15 * time.Second

// Dialer opens WebSockets. The zero value dials directly and checks certificates
// against the system's roots. Its fields must not change while it is in use; Dial
// is safe for concurrent use.
type Dialer struct {
	// TLS is the configuration for wss and for an https proxy; nil = the default.
	// An empty ServerName stands for the host of the URL.
	TLS *tls.Config
	// Header is added to the upgrade request.
	Header http.Header
	// Timeout bounds a whole dial, from the look-up of the name to the upgrade; 0 =
	// DefaultDialTimeout.
	Timeout time.Duration
	// Proxy chooses the HTTP proxy to tunnel through by CONNECT, nil for none. It is
	// asked with an http or https request in place of ws or wss, and without the
	// query, so that http.ProxyFromEnvironment fits. It must not wait: a Loop asks, too.
	Proxy func(*http.Request) (*url.URL, error)
	// LocalIPs are where connections come from, in turn; none = the system's choice. From
	// one address to another there are only so many ports.
	LocalIPs []netip.Addr
	// MaxDials is how many dials of one Loop run at once; more wait their turn, which
	// DialTrace.Begun tells. 0 = DefaultMaxDials.
	MaxDials int
	// Simulation is the world that the Loops live in which dial by this; nil = this one.
	// There is no TLS in it.
	Simulation *Simulation

	dials atomic.Uint32
}

// Dial connects to the ws or wss URL and upgrades, offering exactly sub, or with
// Simple no subprotocol; a server that chooses another is refused. It returns the
// open WebSocket, the bytes that have already arrived on it, and the instants on
// the way. Errors are *DialError.
func (d *Dialer) Dial(ctx context.Context, rawURL string, sub Subprotocol) (net.Conn, []byte, *DialTrace, error) {
	a, err := d.attempt(rawURL, sub)
	if err != nil {
		return nil, nil, nil, err
	}
	ctx, cancel := a.withTimeout(ctx)
	defer cancel()
	if err := a.run(ctx); err != nil {
		return nil, nil, nil, err
	}
	return a.conn, a.buffered, a.trace, nil
}

// attempt begins a dial: from here on it is timed.
func (d *Dialer) attempt(rawURL string, sub Subprotocol) (*attempt, error) {
	a := &attempt{dialer: d, sub: sub, trace: &DialTrace{Start: d.now()}}
	if n := len(d.LocalIPs); n > 0 {
		a.from = netip.AddrPortFrom(d.LocalIPs[int(d.dials.Add(1))%n], 0)
	}
	if err := a.parse(rawURL); err != nil {
		return nil, &DialError{Stage: StageURL, Addr: a.addr, Err: err}
	}
	return a, nil
}

func (d *Dialer) now() time.Duration {
	if d.Simulation != nil {
		return d.Simulation.Now()
	}
	return Now()
}

func (d *Dialer) timeout() time.Duration { return orDefault(d.Timeout, DefaultDialTimeout) }

// attempt is one dial.
type attempt struct {
	dialer *Dialer
	url    *url.URL
	addr   string // host and port of url
	sub    Subprotocol
	trace  *DialTrace
	from   netip.AddrPort // of LocalIPs; zero = the system's choice

	socket   net.Conn // nil before it is connected
	unwatch  func() bool
	conn     net.Conn // socket, or the TLS on it
	buffered []byte
}

// withTimeout bounds ctx by what is left of the dial's time.
func (a *attempt) withTimeout(ctx context.Context) (context.Context, context.CancelFunc) {
	timeout := a.dialer.timeout()
	return context.WithTimeoutCause(ctx, a.trace.Start+timeout-a.dialer.now(),
		fmt.Errorf("not done within %v: %w", timeout, context.DeadlineExceeded))
}

func (a *attempt) parse(rawURL string) error {
	u, err := url.Parse(rawURL)
	if err != nil {
		return bareError(err)
	}
	a.url = u
	a.addr = u.Host
	ports := map[string]string{"ws": "80", "wss": "443"}
	port, ok := ports[u.Scheme]
	switch {
	case !ok:
		return fmt.Errorf("scheme %q is neither ws nor wss", u.Scheme)
	case u.Hostname() == "":
		return errors.New("no host")
	}
	a.addr = hostAndPort(u, port)
	return nil
}

// hostAndPort returns the address that u names, with the port given where u has none.
func hostAndPort(u *url.URL, port string) string {
	if p := u.Port(); p != "" {
		port = p
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// run goes through the stages. A failure closes what has been opened.
func (a *attempt) run(ctx context.Context) error {
	proxy, err := a.chooseProxy()
	if err != nil {
		return &DialError{Stage: StageProxy, Addr: a.addr, Err: err}
	}
	stages := []struct {
		name string
		do   func(context.Context) error
	}{
		{StageTCP, func(ctx context.Context) error { return a.connect(ctx, a.addr) }},
		{StageTLS, a.secure},
		{StageUpgrade, a.upgrade},
	}
	if proxy != nil {
		stages[0].name = StageProxy
		stages[0].do = func(ctx context.Context) error { return a.tunnel(ctx, proxy) }
	}
	for _, s := range stages {
		if err := s.do(ctx); err != nil {
			return a.fail(ctx, s.name, err)
		}
	}
	if !a.unwatch() {
		return a.fail(ctx, StageUpgrade, net.ErrClosed)
	}
	return nil
}

// connect opens the socket and has it closed when ctx ends, which fails whatever
// a later stage is waiting for.
func (a *attempt) connect(ctx context.Context, addr string) error {
	d := net.Dialer{Control: loop.EasePorts}
	if a.from.IsValid() {
		d.LocalAddr = net.TCPAddrFromAddrPort(a.from)
	}
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	a.trace.TCP = Now()
	a.socket, a.conn = conn, conn
	a.unwatch = context.AfterFunc(ctx, func() { _ = conn.Close() })
	return nil
}

// secure starts TLS where the URL asks for it.
func (a *attempt) secure(ctx context.Context) error {
	if a.url.Scheme != "wss" {
		return nil
	}
	config := a.dialer.tlsConfig()
	if config.ServerName == "" {
		config.ServerName = a.url.Hostname()
	}
	conn, err := tlsHandshake(ctx, a.conn, config)
	if err != nil {
		return err
	}
	a.conn, a.trace.TLS = conn, Now()
	return nil
}

// tlsConfig returns a copy of what is configured.
func (d *Dialer) tlsConfig() *tls.Config {
	if d.TLS == nil {
		return &tls.Config{}
	}
	return d.TLS.Clone()
}

// tlsHandshake does TLS on conn. WebSocket needs HTTP/1.1: a server left to choose
// could take HTTP/2. config is changed.
func tlsHandshake(ctx context.Context, conn net.Conn, config *tls.Config) (net.Conn, error) {
	config.NextProtos = []string{"http/1.1"}
	secured := tls.Client(loop.Underlay(conn), config)
	if err := secured.HandshakeContext(ctx); err != nil {
		return nil, err
	}
	return secured, nil
}

// fail closes the socket and says what went wrong: if ctx has ended, that.
func (a *attempt) fail(ctx context.Context, stage string, err error) error {
	if a.socket != nil {
		a.unwatch()
		_ = a.socket.Close()
	}
	if ctx.Err() != nil {
		return &DialError{Stage: stage, Addr: a.addr, Err: context.Cause(ctx)}
	}
	return a.failure(stage, err)
}

// failure says what went wrong at a stage.
func (a *attempt) failure(stage string, err error) error {
	var told *DialError
	if errors.As(err, &told) {
		told.Stage, told.Addr = stage, a.addr
		told.Body = redactSecrets(told.Body, a.url)
		return told
	}
	var unresolved *net.DNSError
	if stage == StageTCP && errors.As(err, &unresolved) {
		stage = StageResolve
	}
	return &DialError{Stage: stage, Addr: a.addr, Err: bareError(err)}
}
