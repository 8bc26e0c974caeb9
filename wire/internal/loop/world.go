package loop

import (
	"cmp"
	"errors"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"syscall"
	"time"
)

// Link says what the connections of a World are like. Bytes of one direction never
// overtake each other.
type Link struct {
	Delay  time.Duration // of one way, at least
	Jitter time.Duration // on top of it, up to so much, uniform
	// Lifetime is the mean of how long a connection lives until it is cut, exponential:
	// what is under way ends at any byte, and each end hears of it as soon. 0 = none is
	// cut.
	Lifetime time.Duration
	// For StallFor of every StallEvery nothing arrives, and all of it at the end: what a
	// peer looks like that stands still. The first one begins with the world. 0 = never.
	StallEvery, StallFor time.Duration
	// Silent is the share of the ends that never hear of a cut: nothing comes any more.
	Silent float64
}

// World is a simulation: loops whose clock jumps from one event to the next, and
// connections between them in memory. Nothing in it is left to chance that its seed
// does not decide, and nothing of it runs by itself: Run lets time pass on the calling
// goroutine, to which the world and everything in it belong.
type World struct {
	link      Link
	random    *rand.Rand
	now       time.Duration
	loops     []*Loop
	spare     spareBuffers // of all loops
	ends      uint64       // of connections, so far
	listeners map[netip.AddrPort]listener
}

type listener struct {
	loop   *Loop
	accept func(nc net.Conn, c *Conn) Handler
}

// worldBegins is some time after the origin of the clock.
const worldBegins = time.Hour

// NewWorld returns an empty world.
func NewWorld(link Link, seed uint64) *World {
	return &World{
		link: link, random: rand.New(rand.NewPCG(seed, 0)), now: worldBegins,
		listeners: make(map[netip.AddrPort]listener),
	}
}

// Now reads the world's clock.
func (w *World) Now() time.Duration { return w.now }

// NewLoop returns a loop of the world, which Run runs: its own Run is not to be called.
func (w *World) NewLoop() *Loop {
	l := New(w.Now, Simulated)
	l.world, l.spare = w, &w.spare
	w.loops = append(w.loops, l)
	return l
}

// Remove stops a loop, which aborts its connections, and forgets it.
func (w *World) Remove(l *Loop) {
	l.Stop()
	w.Run(w.now, nil)
	for i := range w.loops {
		if w.loops[i] == l {
			w.loops = append(w.loops[:i:i], w.loops[i+1:]...)
			break
		}
	}
}

// Listen returns an address at which l accepts connections: accept is told of each, as
// its Conn and as what Attach takes, and returns its first Handler.
func (w *World) Listen(l *Loop, accept func(nc net.Conn, c *Conn) Handler) net.Addr {
	addr := netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(1+len(w.listeners)))
	w.listeners[addr] = listener{l, accept}
	return net.TCPAddrFromAddrPort(addr)
}

// Run lets time pass until the instant is reached, or stop says so; it is asked
// between events, nil never does. An instant in the past is the present: then what
// is due happens, and no time passes.
func (w *World) Run(until time.Duration, stop func() bool) {
	for stop == nil || !stop() {
		w.turn()
		next, ok := w.next()
		if !ok || next > until {
			w.now = max(w.now, until)
			return
		}
		w.now = max(w.now, next)
	}
}

// turn runs the loops for as long as one of them has something to do at this instant.
func (w *World) turn() {
	for busy := true; busy; {
		busy = false
		for _, l := range w.loops {
			busy = l.turn() || busy
		}
	}
}

// turn is one turn of a loop that does not wait; false when there was nothing to do.
func (l *Loop) turn() (busy bool) {
	if !l.stopped && len(l.timers) > 0 && l.timers[0].at <= l.now() {
		l.fireTimers()
		busy = true
	}
	if (l.behind() || !l.queue.empty()) && l.handleBatch() {
		busy = true
	}
	if len(l.dirty) > 0 {
		l.flush()
		busy = true
	}
	return busy
}

// sort puts connections into the order in which they came to be: a map has none.
func (w *World) sort(conns []*Conn) {
	slices.SortFunc(conns, func(a, b *Conn) int {
		return cmp.Compare(a.stream.(*simulated).number, b.stream.(*simulated).number)
	})
}

// next is the instant of the next event.
func (w *World) next() (at time.Duration, ok bool) {
	for _, l := range w.loops {
		if len(l.timers) > 0 && !l.stopped && (!ok || l.timers[0].at < at) {
			at, ok = l.timers[0].at, true
		}
	}
	return at, ok
}

// delay is how long a piece of bytes takes.
func (w *World) delay() time.Duration {
	d := max(w.link.Delay, 1)
	if w.link.Jitter > 0 {
		d += time.Duration(w.random.Int64N(int64(w.link.Jitter)))
	}
	return d
}

// arrival is when a piece of bytes arrives that is sent now.
func (w *World) arrival() time.Duration {
	at := w.now + w.delay()
	if w.link.StallEvery > 0 {
		if into := (at - worldBegins) % w.link.StallEvery; into < w.link.StallFor {
			at += w.link.StallFor - into
		}
	}
	return at
}

// connect is Loop.Connect of a loop of this world.
func (w *World) connect(l *Loop, to netip.AddrPort, connected func(now time.Duration), h Handler) (*Conn, error) {
	listening, ok := w.listeners[to]
	if !ok {
		return nil, simulatedError("dial", syscall.ECONNREFUSED)
	}
	near, far := w.newEnd(l), w.newEnd(listening.loop)
	near.peer, far.peer = far, near
	near.conn.handler, near.connected = h, connected
	l.conns[near.conn] = struct{}{}
	opening := l.NewTimer(func(now time.Duration) {
		if near.conn.state == connClosed {
			return
		}
		far.conn.loop.conns[far.conn] = struct{}{}
		far.conn.handler = listening.accept((*accepted)(far), far.conn)
		near.connected = nil
		connected(now)
		near.conn.markDirty()
	})
	opening.Set(w.now + w.delay() + w.delay())
	if w.link.Lifetime > 0 {
		life := time.Duration(w.random.ExpFloat64() * float64(w.link.Lifetime))
		near.cut = l.NewTimer(near.snap)
		near.cut.Set(w.now + life)
	}
	return near.conn, nil
}

// simulatedError dresses the failure of a connection in memory like package net does.
func simulatedError(op string, err error) error { return &net.OpError{Op: op, Net: "tcp", Err: err} }

var errReset = simulatedError("read", syscall.ECONNRESET)

// errNotSimulated is what an end says that asks for more than there is.
var errNotSimulated = errors.New("not to be had in a simulation")
