package wire

import (
	"context"
	"time"

	"github.com/wpsbench/wpsbench/wire/internal/loop"
)

// URLFunc returns the client URL, access token included, for a new connection. It
// is called for every new one and never for a recovery, which goes by the last
// URL. It runs on a goroutine of the dial, many at once, and should heed ctx; see
// Client.AskAtOnce for one that waits for nobody.
type URLFunc func(ctx context.Context) (string, error)

// Client is a Session on a socket of a Loop. Its methods belong to the Loop's
// goroutine: they may be called in Do, in a Timer's function and by a Handler.
type Client struct {
	loop        *Loop
	session     Session
	subprotocol Subprotocol
	askFor      URLFunc

	url      string       // of the connection, without recovery parameters
	dial     *pendingDial // nil: none is pending
	conn     *loop.Conn   // nil: no socket
	forsaken *loop.Conn   // see Forsake; nil: none
	timer    *Timer
	atOnce   bool // see AskAtOnce
	busy     bool // an input is at work: what it asks for is done when it returns
}

// Open returns a Client that waits for Start. cfg may be shared and must not
// change any more, nil is NewSession's default; h gets the Session's events; seed is
// NewSession's.
func (l *Loop) Open(cfg *SessionConfig, url URLFunc, h Handler, seed uint64) *Client {
	c := &Client{loop: l, askFor: url}
	c.session.init(cfg, h, seed, l.work)
	c.subprotocol = c.session.cfg.Subprotocol
	c.timer = l.NewTimer(c.tick)
	return c
}

// AskAtOnce says that the URLFunc waits for nobody. Then it is called on the Loop's
// goroutine, with a ctx that has no deadline, and a dial needs no goroutine of its own
// unless a name is to be looked up, TLS or a proxy is on the way, or the transport has one
// for each socket. It comes before Start.
func (c *Client) AskAtOnce() { c.atOnce = true }

// Start makes the first attempt to connect.
func (c *Client) Start(now time.Duration) {
	outer := c.begin()
	c.session.Start(now)
	c.end(outer)
}

// Join makes the Client a member of group, on this connection and every new one,
// see Session.Join.
func (c *Client) Join(now time.Duration, group string) {
	outer := c.begin()
	c.session.Join(now, group)
	c.end(outer)
}

// Leave ends the membership of group, see Session.Leave.
func (c *Client) Leave(now time.Duration, group string) {
	outer := c.begin()
	c.session.Leave(now, group)
	c.end(outer)
}

// InGroup tells whether the Client wants to be a member of group, see Session.InGroup.
func (c *Client) InGroup(group string) bool { return c.session.InGroup(group) }

// Publish sends a message to a group and returns its ack id, see Session.Publish.
// It leaves with whatever else this turn of the Loop writes.
func (c *Client) Publish(now time.Duration, p *Publish) (ackID uint64, err error) {
	outer := c.begin()
	ackID, err = c.session.Publish(now, p)
	c.end(outer)
	return ackID, err
}

// SendEvent sends an event to the service's event handler, see Session.SendEvent.
func (c *Client) SendEvent(now time.Duration, e *UserEvent) (ackID uint64, err error) {
	outer := c.begin()
	ackID, err = c.session.SendEvent(now, e)
	c.end(outer)
	return ackID, err
}

// Close ends the Client for good, see Session.Close, and gives up a pending dial.
func (c *Client) Close(now time.Duration, code uint16) {
	c.abandonForsaken()
	outer := c.begin()
	c.session.Close(now, code)
	c.end(outer)
}

// Interrupt closes the connection on purpose and lives on, see Session.Interrupt.
func (c *Client) Interrupt(now time.Duration, code uint16) {
	outer := c.begin()
	c.session.Interrupt(now, code)
	c.end(outer)
}

// Rest ends the connection and opens the next one after a pause, see Session.Rest.
func (c *Client) Rest(now, pause time.Duration) {
	outer := c.begin()
	c.session.Rest(now, pause)
	c.end(outer)
}

// Ready reports whether Publish is possible, see Session.Ready.
func (c *Client) Ready() bool { return c.session.Ready() }

// Attached reports whether a WebSocket is open and not being closed by us.
func (c *Client) Attached() bool { return c.session.Attached() }

// ConnectionID returns the service's name of the connection; "" before `connected`.
func (c *Client) ConnectionID() string { return c.session.ConnectionID() }

// InFlight returns the number of requests that await their ack.
func (c *Client) InFlight() int { return c.session.InFlight() }

// AckedSequence returns the largest sequence id that was acknowledged, see
// Session.AckedSequence.
func (c *Client) AckedSequence() uint64 { return c.session.AckedSequence() }

// UnackedBytes is Session.UnackedBytes.
func (c *Client) UnackedBytes() int { return c.session.UnackedBytes() }

// UnackedSequence is Session.UnackedSequence.
func (c *Client) UnackedSequence() uint64 { return c.session.UnackedSequence() }

// Probe is Session.Probe.
func (c *Client) Probe(now time.Duration) {
	outer := c.begin()
	c.session.Probe(now)
	c.end(outer)
}

// Probing is Session.Probing.
func (c *Client) Probing() bool { return c.session.Probing() }

// LastRead is Session.LastRead.
func (c *Client) LastRead() time.Duration { return c.session.LastRead() }

// Buffered returns how many bytes the kernel has not accepted yet: the backlog of
// a peer, or a link, that is slower than what is sent.
func (c *Client) Buffered() int {
	if c.conn == nil {
		return 0
	}
	return c.conn.Buffered()
}

// begin precedes every input of the Session. It returns whether another one is at
// work, whose Handler calls us.
func (c *Client) begin() (outer bool) {
	outer, c.busy = c.busy, true
	return outer
}

// end follows every input: unless another is still at work, it does what the
// Session asks for.
func (c *Client) end(outer bool) {
	c.busy = outer
	if outer {
		return
	}
	if out := c.session.Output(); len(out) > 0 && c.conn != nil {
		c.conn.Write(out)
	}
	switch c.session.Command() {
	case CommandDial:
		c.startDial()
	case CommandClose:
		c.detach((*loop.Conn).CloseAfterWrite)
	case CommandAbort:
		c.detach((*loop.Conn).Abort)
	default:
	}
	if at, ok := c.session.Deadline(); ok {
		c.timer.Set(at)
	} else {
		c.timer.Stop()
	}
}

// detach gives up the socket, or the dial for one.
func (c *Client) detach(closing func(*loop.Conn)) {
	if c.conn != nil {
		if c.conn.Severed() { // to close it would tell the peer
			c.forsake()
		} else {
			closing(c.conn)
		}
		c.conn = nil
	}
	if c.dial != nil {
		d := c.dial
		c.dial = nil
		d.giveUp(c.loop.Now())
	}
}

func (c *Client) tick(now time.Duration) {
	outer := c.begin()
	c.session.Tick(now)
	c.end(outer)
}

func (c *Client) startDial() {
	d := &pendingDial{client: c}
	if id, token, ok := c.session.Recovery(); ok {
		d.url = AppendRecovery(c.url, id, token)
	}
	c.dial = d
	c.loop.startDial(d)
}

// askURL calls the URLFunc, for as long as a dial may take.
func (c *Client) askURL(ctx context.Context, timeout time.Duration) (string, error) {
	if c.atOnce {
		return c.askFor(ctx)
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return c.askFor(ctx)
}

// dialed takes the result of the pending dial.
func (c *Client) dialed(now time.Duration, r *dialResult) {
	c.dial = nil
	outer := c.begin()
	if r.err != nil {
		c.session.DialFailed(now, r.err)
	} else {
		if r.url != "" {
			c.url = r.url
		}
		if c.conn = r.conn; c.conn != nil {
			c.conn.Handle((*clientSocket)(c))
		} else {
			c.conn = c.loop.loop.Attach(r.nc, r.buffered, (*clientSocket)(c))
		}
		c.session.Opened(now, r.trace)
	}
	c.end(outer)
}

// receivedBehind takes the bytes that came on the heels of the upgrade of conn.
func (c *Client) receivedBehind(now time.Duration, conn *loop.Conn, data []byte) {
	if c.conn == conn && len(data) > 0 {
		(*clientSocket)(c).Received(now, data)
	}
}

func (c *Client) lost(now time.Duration, err error) {
	c.conn = nil
	outer := c.begin()
	c.session.Lost(now, err)
	c.end(outer)
}

// clientSocket is the Client as the handler of its socket, apart so that what the
// socket calls is not among the Client's own methods.
type clientSocket Client

// Received passes bytes to the Session.
func (s *clientSocket) Received(now time.Duration, data []byte) {
	c := (*Client)(s)
	outer := c.begin()
	c.session.Received(now, data)
	c.end(outer)
}

// Lost passes the end of the socket to the Session.
func (s *clientSocket) Lost(now time.Duration, err error) { (*Client)(s).lost(now, err) }
