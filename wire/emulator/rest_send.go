package emulator

import (
	"net/http"
	"slices"
	"strconv"

	"github.com/wpsbench/wpsbench/wire"
)

// sendToAll is row 2 of protocol.md 7.4, the others follow.
func (c *call) sendToAll() {
	c.send(&selection{excluded: c.excluded()}, c.query.Get("filter"), (*hub).all)
}

func (c *call) sendToGroup() {
	if c.validGroup(0) {
		c.send(&selection{excluded: c.excluded()}, c.query.Get("filter"), nil)
	}
}

func (c *call) sendToUser() {
	c.send(&selection{}, c.query.Get("filter"), func(h *hub) []*session { return h.ofUser(c.args[0]) })
}

func (c *call) sendToConnection() {
	c.send(&selection{}, "", func(h *hub) []*session { return h.one(c.args[0]) })
}

// send publishes the request's body to those whom sel takes: of the group in the
// path, or as a server message of the sessions that pick returns. 202 says that it
// was accepted, whoever gets it.
func (c *call) send(sel *selection, filter string, pick func(*hub) []*session) {
	if !c.validTTL() {
		return
	}
	var ok bool
	if sel.filter, ok = c.filter(filter); !ok {
		return
	}
	d := &wire.Downstream{Kind: wire.ServerMessage}
	if !c.payload(d) {
		return
	}
	if d.Metadata, ok = c.metadata(); !ok {
		return
	}
	if pick == nil {
		d.Kind, d.Group = wire.GroupMessage, []byte(c.args[0])
	}
	c.do(func(core *core) int {
		h := core.hubs[c.hub]
		switch {
		case h == nil:
			core.stats.Publishes++
		case pick == nil:
			core.publishGroup(h, nil, false, sel, d)
		default:
			core.publishServer(slices.DeleteFunc(pick(h), func(s *session) bool { return !sel.takes(s) }), d)
		}
		return http.StatusAccepted
	})
}

// validTTL checks messageTtlSeconds, which has no effect: messages never expire.
func (c *call) validTTL() bool {
	if text := c.query.Get("messageTtlSeconds"); text != "" {
		if ttl, err := strconv.ParseUint(text, 10, 32); err != nil || ttl > wire.MaxTTLSeconds {
			c.invalid("messageTtlSeconds")
			return false
		}
	}
	return true
}
