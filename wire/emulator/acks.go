package emulator

import (
	"slices"
	"time"

	"github.com/wpsbench/wpsbench/wire"
)

// ackStore remembers the ack ids of a session's latest successful requests,
// first in first out (protocol.md 3.4). The zero value is empty.
//
// Clients count up, so an id above every stored one is the rule and needs no
// look; any other is searched for, which costs less than keeping a set of a
// thousand ids per publisher.
type ackStore struct {
	ids     []uint64 // a ring once it has reached the limit
	next    int      // position of the oldest, then
	highest uint64
}

func (a *ackStore) contains(id uint64) bool {
	return len(a.ids) > 0 && id <= a.highest && slices.Contains(a.ids, id)
}

// add stores id, forgetting the oldest when limit ids are held.
func (a *ackStore) add(id uint64, limit int) {
	a.highest = max(a.highest, id)
	if len(a.ids) < limit {
		a.ids = append(a.ids, id)
		return
	}
	a.ids[a.next] = id
	a.next = (a.next + 1) % limit
}

// delayedAcks are the answers under Options.AckDelay, oldest first.
type delayedAcks struct {
	timer timer
	queue []delayedAck
}

type delayedAck struct {
	at     time.Duration
	socket *socket // an ack is lost with the transport that was to carry it
	ackID  uint64
	failure
}

// answer sends the ack of a request, unless the request cost the session its life.
func (c *core) answer(s *session, ackID uint64, f failure) {
	if s.socket == nil {
		return
	}
	if c.opts.AckDelay <= 0 {
		c.writeAck(s.socket, ackID, f)
		return
	}
	at := c.now + c.opts.AckDelay
	if len(c.acks.queue) == 0 {
		c.acks.timer.Set(at)
	}
	c.acks.queue = append(c.acks.queue, delayedAck{at, s.socket, ackID, f})
}

// sendDelayedAcks sends what is due. Instants of different sockets need not
// ascend exactly; the queue stays in the order of the requests all the same.
func (c *core) sendDelayedAcks(now time.Duration) {
	c.now = now
	q := c.acks.queue
	due := 0
	for ; due < len(q) && q[due].at <= now; due++ {
		c.writeAck(q[due].socket, q[due].ackID, q[due].failure)
	}
	n := copy(q, q[due:])
	clear(q[n:])
	c.acks.queue = q[:n]
	if n > 0 {
		c.acks.timer.Set(q[0].at)
	}
}

func (c *core) writeAck(k *socket, ackID uint64, f failure) {
	if k.state != socketOpen {
		return
	}
	c.down = wire.Downstream{Kind: wire.Ack, AckID: ackID, Success: true}
	if f != (failure{}) {
		c.down.Success = false
		c.down.ErrorName, c.down.ErrorMessage = []byte(f.name), []byte(f.text)
	}
	c.stats.Acks++
	k.writeMessage(&c.down)
}
