package emulator

import "github.com/wpsbench/wpsbench/wire"

// publishGroup delivers d to the members of its group, except, with noEcho, the
// publisher, and those whom sel does not take. from is nil for REST, sel for clients.
func (c *core) publishGroup(h *hub, from *session, noEcho bool, sel *selection, d *wire.Downstream) {
	c.stats.Publishes++
	g := h.groups[string(d.Group)]
	if g == nil && !c.liar.any {
		return // accepted all the same (protocol.md 3.4)
	}
	m := c.messages.take(d)
	m.from, m.group = from, g
	if g != nil {
		for _, s := range g.members {
			if noEcho && s == from || sel != nil && !sel.takes(s) {
				continue
			}
			c.offer(s, m)
		}
	}
	if c.liar.any {
		c.offerStrangers(h, m, d.Group)
	}
	c.messages.release(m)
	c.settle()
}

// publishServer delivers d, a message of the application's, to some sessions.
func (c *core) publishServer(to []*session, d *wire.Downstream) {
	c.stats.Publishes++
	m := c.messages.take(d)
	for _, s := range to {
		c.deliver(s, m)
	}
	c.messages.release(m)
	c.settle()
}

// deliver gives m to one session, after Options.Delay. A session that cannot take it
// is doomed; the caller settles that after its fan-out.
func (c *core) deliver(s *session, m *message) {
	if c.opts.Delay > 0 {
		c.delay(s, m)
		return
	}
	c.hand(s, m)
}

// hand numbers, keeps and writes m for one session.
func (c *core) hand(s *session, m *message) {
	if s.doomed || s.gone {
		return
	}
	f := m.in(s.encoding)
	if !s.reliable {
		s.socket.write(f.frame())
	} else {
		if !s.replay.add(f, s.sequenceID+1, c.opts.ReplayMessages, c.opts.ReplayBytes) {
			s.doomed = true
			c.doomed = append(c.doomed, s)
			return
		}
		s.sequenceID++
		if s.socket != nil {
			c.frame = f.appendNumbered(c.frame[:0], s.sequenceID)
			s.socket.write(c.frame)
		}
	}
	c.countDelivery(m)
}

// settle ends the sessions that overflowed. It comes after the fan-out, whose
// list of members it changes.
func (c *core) settle() {
	for i, s := range c.doomed {
		c.doomed[i] = nil
		c.overflow(s, "The reliable message buffer is full.")
	}
	c.doomed = c.doomed[:0]
}
