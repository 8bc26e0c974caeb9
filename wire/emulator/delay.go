package emulator

import (
	"slices"
	"time"
)

// delayLine holds copies under Options.Delay, oldest first: the delay is the same for
// all, so that order needs no sorting.
type delayLine struct {
	timer timer
	queue []delayedCopy
}

type delayedCopy struct {
	at      time.Duration
	session *session
	message *message
}

// delay keeps a copy until it is due. It is encoded now: what it is made of is borrowed
// for the fan-out only.
func (c *core) delay(s *session, m *message) {
	m.in(s.encoding)
	m.references++
	at := c.now + c.opts.Delay
	if len(c.delayed.queue) == 0 {
		c.delayed.timer.Set(at)
	}
	c.delayed.queue = append(c.delayed.queue, delayedCopy{at, s, m})
}

// withdraw takes back the copies of a group that a session leaves: none may follow the
// answer to its leave.
func (d *delayLine) withdraw(s *session, g *group, pool *messagePool) {
	d.queue = slices.DeleteFunc(d.queue, func(held delayedCopy) bool {
		gone := held.session == s && held.message.group == g
		if gone {
			pool.release(held.message)
		}
		return gone
	})
}

// deliverDelayed hands over what is due.
func (c *core) deliverDelayed(now time.Duration) {
	c.now = now
	q := c.delayed.queue
	due := 0
	for ; due < len(q) && q[due].at <= now; due++ {
		c.hand(q[due].session, q[due].message)
		c.messages.release(q[due].message)
	}
	n := copy(q, q[due:])
	clear(q[n:])
	c.delayed.queue = q[:n]
	if n > 0 {
		c.delayed.timer.Set(q[0].at)
	}
	c.settle()
}
