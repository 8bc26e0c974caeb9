package wire

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wpsbench/wpsbench/wire/internal/loop"
)

// DefaultMaxDials bounds what a reconnect storm asks of the resolver, the sockets and
// the TLS handshakes.
const DefaultMaxDials = 256

// Loop is one goroutine that runs many Clients on real sockets: their Sessions,
// their Handlers, timers and functions of the caller. Nothing on the path of a
// message is shared with another Loop.
type Loop struct {
	loop   *loop.Loop
	dialer *Dialer
	work   *workspace // of the Sessions
	ran    atomic.Bool

	// The loop's goroutine only.
	ctx     context.Context // of the dials; ends with Run
	dialing int
	waiting []*pendingDial

	dials sync.WaitGroup
}

// Timer calls a function on the Loop's goroutine: Set(at) lets it fire once at or
// soon after that instant and replaces an instant set before, Stop unsets it. Both
// are for the Loop's goroutine.
type Timer = loop.Timer

// NewLoop returns a Loop that opens its connections by d, nil if it opens none, and moves
// their bytes by t. It does nothing before Run. With Dialer.Simulation it lives there,
// runs whenever time passes and is ended by Stop: neither t nor Run means anything to it.
func NewLoop(d *Dialer, t Transport) *Loop {
	l := &Loop{dialer: d, work: newWorkspace()}
	if d != nil && d.Simulation != nil {
		l.loop, l.ctx = d.Simulation.NewLoop(), context.Background()
	} else {
		l.loop = loop.New(Now, t)
	}
	return l
}

// Run turns the calling goroutine into the Loop's until ctx ends, which is no
// error; one is that it cannot begin, for want of descriptors perhaps. Then it
// aborts every socket and every dial, without a word to the peers or the Handlers,
// and returns when every goroutine has ended. A Loop runs once.
func (l *Loop) Run(ctx context.Context) error {
	if !l.ran.CompareAndSwap(false, true) {
		return errors.New("a wire.Loop can run only once")
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	l.ctx = ctx
	defer context.AfterFunc(ctx, l.loop.Stop)()
	err := l.loop.Run()
	l.dials.Wait()
	return err
}

// OnReceiveDelay has fn told, on the Loop's goroutine, by how much the instant now at
// which bytes were read lies behind that at which the kernel had them: of one socket
// in 64, on TransportLoop only. Call it before Run.
func (l *Loop) OnReceiveDelay(fn func(now, delay time.Duration)) { l.loop.OnReceiveDelay(fn) }

// Do runs fn on the Loop's goroutine, in the order of the calls. It never blocks
// and may be called from any goroutine. It returns false once Run is ending, and
// then fn will not run.
func (l *Loop) Do(fn func(now time.Duration)) bool { return l.loop.Do(fn) }

// Sync is Do, and returns when fn has run. It is not for the Loop's own goroutine, except
// in a Simulation, where there is but one and fn runs at once.
func (l *Loop) Sync(fn func(now time.Duration)) bool { return l.loop.Sync(fn) }

// GiveUp leaves the memory that messages have needed, and none needs now, to the garbage
// collector. The Loop's goroutine only.
func (l *Loop) GiveUp() {
	l.work.giveUp()
	l.loop.GiveUp()
}

// Stop ends a Loop of a Simulation like the end of ctx does one that runs.
func (l *Loop) Stop() { l.dialer.Simulation.Remove(l.loop) }

// Now returns the present instant; but in a Simulation the same as the function Now.
func (l *Loop) Now() time.Duration { return l.loop.Now() }

// NewTimer returns a Timer that is not set.
func (l *Loop) NewTimer(fn func(now time.Duration)) *Timer { return l.loop.NewTimer(fn) }

// pendingDial is one dial of a Client, from the Session's command to the result.
type pendingDial struct {
	client *Client
	url    string             // what to recover; empty: ask the Client's URLFunc
	cancel context.CancelFunc // of its goroutine; nil: it has none
	onLoop *loopDial          // where it takes place there, from its goroutine's end on
}

// release ends what its goroutine may be waiting for.
func (d *pendingDial) release() {
	if d.cancel != nil {
		d.cancel()
	}
}

// giveUp cancels the dial.
func (d *pendingDial) giveUp(now time.Duration) {
	d.release()
	if d.onLoop != nil {
		d.onLoop.cancel(now)
	}
}

// dialResult is what a pendingDial has come to.
type dialResult struct {
	url      string // without recovery parameters; of a new connection only
	nc       net.Conn
	buffered []byte
	trace    *DialTrace
	err      error

	attempt *attempt   // nil: there is no URL to try
	route   route      // of attempt
	routed  bool       // there is one: it goes on on the Loop
	conn    *loop.Conn // in place of nc: what that has come to
}

func (d *Dialer) maxDials() int { return orDefault(d.MaxDials, DefaultMaxDials) }

// startDial runs d when it is its turn.
func (l *Loop) startDial(d *pendingDial) {
	if l.dialing >= l.dialer.maxDials() {
		l.waiting = append(l.waiting, d)
		return
	}
	l.dialing++
	var r *dialResult
	if d.url != "" || d.client.atOnce || l.dialer.Simulation != nil {
		r = d.prepare(l.ctx, l.dialer)
		if r.err == nil && l.loop.CanConnect() {
			r.route, r.routed = r.attempt.literalRoute()
		}
		if r.err != nil || r.routed {
			l.loop.Do(func(now time.Duration) { l.dialed(now, d, r) })
			return
		}
	}
	l.dialByGoroutine(d, r)
}

// dialByGoroutine does the dial on a goroutine of its own, or, where the rest can take
// place on the Loop, only what may wait for others than the peer: it asks for the URL,
// unless r holds it already, and looks the name up.
func (l *Loop) dialByGoroutine(d *pendingDial, r *dialResult) {
	var ctx context.Context
	ctx, d.cancel = context.WithCancel(l.ctx)
	onLoop := l.loop.CanConnect()
	l.dials.Go(func() {
		if r == nil {
			r = d.prepare(ctx, l.dialer)
		}
		if r.err == nil {
			r.dial(ctx, onLoop)
		}
		if !l.loop.Do(func(now time.Duration) { l.dialed(now, d, r) }) {
			r.discard()
		}
	})
}

// dialed takes what the start of d has come to: the result, or the way to it.
func (l *Loop) dialed(now time.Duration, d *pendingDial, r *dialResult) {
	if r.routed && d.client.dial == d {
		l.dialOnLoop(now, d, r)
		return
	}
	l.dialEnded(now, d, r)
}

// dialEnded passes the result on, unless its Client has given up that dial, and
// lets the next one start.
func (l *Loop) dialEnded(now time.Duration, d *pendingDial, r *dialResult) {
	l.dialing--
	d.release()
	if d.client.dial == d {
		d.client.dialed(now, r)
	} else {
		r.discard()
	}
	for len(l.waiting) > 0 && l.dialing < l.dialer.maxDials() {
		next := l.waiting[0]
		l.waiting[0] = nil
		l.waiting = l.waiting[1:]
		if next.client.dial == next {
			l.startDial(next)
		}
	}
}

// prepare makes an attempt of d, asking for the URL of a new connection.
func (d *pendingDial) prepare(ctx context.Context, dialer *Dialer) *dialResult {
	r := &dialResult{}
	begun := Now()
	target := d.url
	if target == "" {
		if r.url, r.err = d.client.askURL(ctx, dialer.timeout()); r.err != nil {
			return r
		}
		target = r.url
	}
	if r.attempt, r.err = dialer.attempt(target, d.client.subprotocol); r.err == nil {
		r.attempt.trace.Begun = begun
	}
	return r
}

// dial finds a route for the attempt, or, without one, does it all.
func (r *dialResult) dial(ctx context.Context, onLoop bool) {
	a := r.attempt
	if onLoop {
		if r.route, r.routed = a.route(ctx); r.routed {
			return
		}
	}
	ctx, cancel := a.withTimeout(ctx)
	defer cancel()
	r.err = a.run(ctx)
	r.nc, r.buffered, r.trace = a.conn, a.buffered, a.trace
}

// discard closes what nobody waits for any more.
func (r *dialResult) discard() {
	if r.nc != nil && r.err == nil {
		_ = r.nc.Close()
	}
}
