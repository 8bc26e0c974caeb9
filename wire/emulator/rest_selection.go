package emulator

import (
	"maps"
	"net/http"
	"slices"
)

// selection narrows an operation to some of the connections that it addresses.
type selection struct {
	excluded map[string]bool // connection ids
	filter   *filter
}

func (n *selection) takes(s *session) bool { return !n.excluded[s.id] && n.filter.matches(s) }

// excluded returns the connection ids that the request leaves out.
func (c *call) excluded() map[string]bool {
	ids := make(map[string]bool)
	for _, id := range c.query["excluded"] {
		ids[id] = true
	}
	return ids
}

// filter compiles an expression of the request; false if it has answered with an error.
func (c *call) filter(text string) (*filter, bool) {
	f, err := parseFilter(text)
	if err != nil {
		c.fail(http.StatusBadRequest, codeBadRequest, "Invalid filter: "+err.Error()+".", "filter")
		return nil, false
	}
	return f, true
}

// The sessions that a request can name. Each list is the caller's own.

func (h *hub) all() []*session { return slices.Collect(maps.Values(h.sessions)) }

func (h *hub) ofUser(user string) []*session { return slices.Clone(h.users[user]) }

func (h *hub) ofGroup(name string) []*session {
	if g := h.groups[name]; g != nil {
		return slices.Clone(g.members)
	}
	return nil
}

func (h *hub) one(id string) []*session {
	if s := h.sessions[id]; s != nil {
		return []*session{s}
	}
	return nil
}

// each runs fn on the core for every session that pick returns, if the hub has any.
func (c *call) each(pick func(*hub) []*session, fn func(core *core, s *session)) (found bool) {
	c.server.do(func(core *core) {
		h := core.hubs[c.hub]
		if h == nil {
			return
		}
		for _, s := range pick(h) {
			found = true
			fn(core, s)
		}
	})
	return found
}
