package emulator

import (
	"time"

	"github.com/wpsbench/wpsbench/wire"
)

// link is the transport under a socket: where bytes and commands leave the core.
type link interface {
	// Write copies b and sends it in order. It never blocks and never calls back.
	Write(b []byte)
	// Buffered returns the bytes that the kernel has not accepted yet.
	Buffered() int
	// CloseAfterWrite closes once everything written has left; Abort closes at
	// once. Neither is followed by further callbacks.
	CloseAfterWrite()
	Abort()
	// Pause stops reading, Resume goes on.
	Pause()
	Resume()
}

// timer calls its function once, at or after the instant set last.
type timer interface {
	Set(at time.Duration)
	Stop()
}

// core is the service's logic without I/O. One goroutine at a time may use it.
// Inputs are the methods of socket, the admissions, the REST operations and the
// timers; every input sets now.
type core struct {
	opts     Options
	newTimer func(fn func(now time.Duration)) timer
	now      time.Duration
	hubs     map[string]*hub
	// send takes an event to its handler and calls done, as an input of the core,
	// when that is over. It never blocks.
	send func(e *event, done func(r *reply, err error))

	decoder  wire.Decoder
	up       wire.Upstream
	down     wire.Downstream
	payload  []byte // scratch: a message to one client
	frame    []byte // scratch: its frame
	messages messagePool

	doomed    []*session // overflowed during the fan-out under way
	suspects  []*socket  // write queues that looked too long
	suspicion timer
	acks      delayedAcks
	delayed   delayLine
	liar      liar
	notices   int // events under way that nothing waits for
	stats     Stats
}

func newCore(opts Options, newTimer func(fn func(now time.Duration)) timer) *core {
	c := &core{opts: opts, newTimer: newTimer, hubs: make(map[string]*hub)}
	c.messages.jsonAsText = opts.JSONAsText
	c.suspicion = newTimer(c.judgeSuspects)
	c.acks.timer = newTimer(c.sendDelayedAcks)
	c.delayed.timer = newTimer(c.deliverDelayed)
	c.liar.swaps.timer = newTimer(c.releaseOverdue)
	c.setLies(opts.Lies)
	c.stats.Closes = make(map[int]uint64)
	c.stats.Lies = make(map[string]uint64)
	return c
}

// admission is what the checks before the upgrade found out about a new
// connection (protocol.md 1.3).
type admission struct {
	hub         string // lower case
	subprotocol wire.Subprotocol
	id          string
	user        string
	groups      []string
	send, join  permission
	raw         rawMode // simple clients
	token       string  // reconnection token, reliable only
	events      *eventSource
	claims      *wire.Claims // what is left of the token
}

// open registers a new connection and queues `connected`, in one step, so that
// no message of a token's group can overtake it (protocol.md 1.3.12).
func (c *core) open(now time.Duration, k *socket, a *admission) {
	c.now = now
	c.stats.SessionsTotal++
	c.stats.Sessions++
	h := c.hub(a.hub)
	s := &session{
		hub: h, id: a.id, number: c.stats.SessionsTotal, user: []byte(a.user),
		subprotocol: a.subprotocol, encoding: a.subprotocol.Encoding(),
		reliable: a.subprotocol.Reliable(), simple: a.subprotocol == wire.Simple,
		send: a.send, join: a.join, raw: a.raw,
		events: a.events,
	}
	h.add(s)
	for _, name := range a.groups {
		h.join(s, []byte(name))
	}
	c.attach(s, k)
	if !s.simple {
		c.writeConnected(s, a.token)
	}
	c.tellConnected(s)
}

// recovery is a request to resume a session (protocol.md 4.5). The checks
// before the upgrade decided only whether its token fits its connection id.
type recovery struct {
	hub, id string
	valid   bool
	token   string // fresh reconnection token, only for Options.ConnectedOnRecovery
}

// recover resumes a session on k, or refuses with close code 1008, which tells
// a client to stop trying (protocol.md 4.5). A session that is still attached
// is taken over: its old socket is aborted, what was in its write queue is in
// the replay buffer too.
func (c *core) recover(now time.Duration, k *socket, r *recovery) {
	c.now = now
	var s *session
	if h := c.hubs[r.hub]; h != nil && r.valid {
		s = h.sessions[r.id]
	}
	if s != nil && s.reliable && s.socket != nil {
		c.stats.Takeovers++
		s.socket.abort()
	}
	if s == nil || !s.reliable || s.gone {
		c.stats.RecoveriesRefused++
		k.open(nil)
		k.close(closePolicy, "The connection could not be recovered.")
		return
	}
	c.stats.RecoveriesAccepted++
	c.stats.Detached--
	c.attach(s, k)
	if r.token != "" {
		c.writeConnected(s, r.token)
	}
	from := c.lostReplay(s)
	s.resumed = true
	s.replay.each(func(f *form, sequenceID uint64) {
		if sequenceID >= from {
			c.stats.Replays++
			c.frame = f.appendNumbered(c.frame[:0], sequenceID)
			k.write(c.frame)
		}
	})
}

func (c *core) writeConnected(s *session, token string) {
	c.down = wire.Downstream{
		Kind: wire.Connected, ConnectionID: []byte(s.id), UserID: s.user, ReconnectionToken: []byte(token),
	}
	s.socket.writeMessage(&c.down)
}
