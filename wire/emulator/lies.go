package emulator

import "time"

// Lies are faults of the service told on purpose, so that a checker can be
// checked. Zero fields tell the truth.
type Lies struct {
	// Swap: with a value of n, every nth delivery of a client's group message to
	// another client is delivered after the next one of the same publisher and group
	// instead of before it, and numbered accordingly: only the publisher's order
	// is broken.
	Swap int
}

// swapPatience bounds how long a delivery waits for the one that is to overtake
// it. Then, or when its session leaves, drops or ends, it goes out in its place
// and no lie was told.
const swapPatience = 2 * time.Second

// swapLie counts what could be lied about and remembers what is held back.
type swapLie struct {
	timer    timer
	eligible uint64
	held     []heldDelivery // oldest first; some may have gone out already
}

type heldDelivery struct {
	session *session
	until   time.Duration
}

// offer delivers m to s, or tells a lie about it. Messages of the application's
// have no order to break, and a client's own echo would miss its place before the ack.
func (c *core) offer(s *session, m *message) {
	switch {
	case c.opts.Lies.Swap <= 0 || m.from == nil || m.from == s:
		c.deliver(s, m)
	case s.held != nil:
		c.deliver(s, m)
		if s.held.from == m.from && s.held.group == m.group {
			c.tellSwap(s)
		}
	default:
		c.swaps.eligible++
		if c.swaps.eligible%uint64(c.opts.Lies.Swap) == 0 {
			c.hold(s, m)
		} else {
			c.deliver(s, m)
		}
	}
}

func (c *core) hold(s *session, m *message) {
	m.in(s.encoding) // what it is made of is lent for the fan-out only
	m.references++
	s.held, s.heldUntil = m, c.now+swapPatience
	if len(c.swaps.held) == 0 {
		c.swaps.timer.Set(s.heldUntil)
	}
	c.swaps.held = append(c.swaps.held, heldDelivery{s, s.heldUntil})
}

// tellSwap delivers what s was denied, after the message that overtook it.
func (c *core) tellSwap(s *session) {
	m := s.held
	s.held = nil
	c.deliver(s, m)
	if !s.doomed {
		c.stats.Lies["swap"]++
	}
	c.messages.release(m)
}

// release delivers what s was denied before anything else happens to it. Not
// during a fan-out.
func (c *core) release(s *session) {
	m := s.held
	if m == nil {
		return
	}
	s.held = nil
	c.deliver(s, m)
	c.messages.release(m)
	c.settle()
}

// releaseOverdue releases what has waited too long.
func (c *core) releaseOverdue(now time.Duration) {
	c.now = now
	q := c.swaps.held
	due := 0
	for ; due < len(q) && q[due].until <= now; due++ {
		if s := q[due].session; s.heldUntil == q[due].until {
			c.release(s)
		}
	}
	n := copy(q, q[due:])
	clear(q[n:])
	c.swaps.held = q[:n]
	if n > 0 {
		c.swaps.timer.Set(q[0].until)
	}
}
