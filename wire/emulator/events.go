package emulator

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/wpsbench/wpsbench/wire"
)

// maxNotices bounds the events under way that nothing waits for. Blocking ones are
// bounded by the sessions.
const maxNotices = 10_000

// event takes a user event to its handler. Until done is called the session's later
// frames wait; everybody else's do not (protocol.md 8.3). What the handler answers is
// sent to the client before done, which is not called for a session that is gone.
func (c *core) event(s *session, name string, up *wire.Upstream, done func(error)) {
	c.stats.Events++
	var h *Handler
	if s.events != nil {
		h = handlerFor(c.opts.Handlers, s.hub.name, userEvent, name)
	}
	if h == nil {
		err := fmt.Errorf("event %s: no event handler matches", name)
		c.failed(err)
		done(err)
		return
	}
	e := s.events.event(h, userEvent, name)
	e.contentType = contentTypeOf(up.DataType)
	e.body, e.metadata = slices.Clone(up.Data), slices.Clone(up.Metadata)
	s.busy = true
	c.send(e, func(r *reply, err error) {
		s.busy = false
		var answer *wire.Downstream
		if err == nil {
			s.events.take(r)
			if answer, err = r.message(); err != nil {
				err = fmt.Errorf("event %s: %w", name, err)
			}
		}
		c.failed(err)
		if s.gone {
			return
		}
		if answer != nil {
			c.publishServer([]*session{s}, answer)
		}
		done(err)
		if s.socket != nil {
			s.socket.proceed()
		}
	})
}

// failed counts and reports an event that was not taken, if err is one's.
func (c *core) failed(err error) {
	if err == nil {
		return
	}
	c.stats.EventsFailed++
	if c.opts.EventFailed != nil {
		c.opts.EventFailed(err)
	}
}

// tellConnected tells the handler that a session has begun; recoveries are no news.
func (c *core) tellConnected(s *session) { c.notify(s, eventConnected, []byte("{}")) }

// tellDisconnected tells the handler that a session is over for good.
func (c *core) tellDisconnected(s *session, reason string) {
	if s.events == nil {
		return
	}
	body, err := json.Marshal(struct {
		Reason string `json:"reason"`
	}{reason})
	if err != nil {
		c.failed(err)
		return
	}
	c.notify(s, eventDisconnected, body)
}

// notify sends a system event that nothing waits for, after those before it.
func (c *core) notify(s *session, name string, body []byte) {
	if s.events == nil {
		return
	}
	h := handlerFor(c.opts.Handlers, s.hub.name, systemEvent, name)
	if h == nil {
		return
	}
	if c.notices >= maxNotices {
		c.stats.EventsDropped++
		return
	}
	c.notices++
	e := s.events.event(h, systemEvent, name)
	e.contentType, e.body = contentTypeOf(wire.DataJSON), body
	finished := make(chan struct{})
	e.after, e.finished = s.events.notified, finished
	s.events.notified = finished
	c.send(e, func(_ *reply, err error) {
		c.notices--
		c.failed(err)
	})
}
