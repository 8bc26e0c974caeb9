package emulator

import "time"

// flushGrace is how long a write queue may look too long before it is judged.
// The loop writes at the end of a batch, so within one the queue holds what the
// kernel would have taken at once.
const flushGrace = 5 * time.Millisecond

// A reliable session's queue has room for control frames beyond its replay
// buffer (protocol.md 4.4).
const (
	controlHeadroomMessages = 32
	controlHeadroomBytes    = 64 << 10
)

// watch notes a socket whose write queue is beyond the limits of protocol.md 4.4.
func (c *core) watch(k *socket) {
	if k.suspect || !c.overfull(k) {
		return
	}
	k.suspect = true
	if len(c.suspects) == 0 {
		c.suspicion.Set(c.now + flushGrace)
	}
	c.suspects = append(c.suspects, k)
}

// overfull estimates the messages that wait from the bytes that wait: the link
// knows only those, and the messages of one burst are of similar size.
func (c *core) overfull(k *socket) bool {
	maxMessages, maxBytes := c.opts.OutboundMessages, c.opts.OutboundBytes
	if k.session != nil && k.session.reliable {
		maxMessages += controlHeadroomMessages
		maxBytes += controlHeadroomBytes
	}
	if k.queuedMessages <= maxMessages && k.queuedBytes <= maxBytes {
		return false
	}
	buffered := k.link.Buffered()
	waiting := float64(k.queuedMessages) * float64(buffered) / float64(k.queuedBytes)
	return buffered > maxBytes || waiting > float64(maxMessages)
}

// judgeSuspects closes the sockets whose queue has stayed too long.
func (c *core) judgeSuspects(now time.Duration) {
	c.now = now
	for i, k := range c.suspects {
		c.suspects[i] = nil
		k.suspect = false
		if k.state == socketOpen && k.session != nil && c.overfull(k) {
			c.overflow(k.session, "The outbound message queue is full.")
		}
	}
	c.suspects = c.suspects[:0]
}

// overflow ends a session whose client is too slow, unrecoverably
// (protocol.md 4.4).
func (c *core) overflow(s *session, reason string) {
	c.stats.Overflows++
	k := c.end(s, reason)
	switch {
	case k == nil:
	case c.opts.AbortOnOverflow:
		k.abort()
	default:
		k.close(closePolicy, reason)
	}
}
