package emulator

import "net/http"

// Rows 6 to 12 of protocol.md 7.4: who is there, and closing.

func (c *call) connectionExists() {
	c.exists(func(h *hub) bool { return h.sessions[c.args[0]] != nil })
}

func (c *call) groupExists() {
	if c.validGroup(0) {
		c.exists(func(h *hub) bool { return h.groups[c.args[0]] != nil })
	}
}

func (c *call) userExists() {
	c.exists(func(h *hub) bool { return len(h.users[c.args[0]]) > 0 })
}

func (c *call) exists(test func(*hub) bool) {
	c.do(func(core *core) int {
		if h := core.hubs[c.hub]; h != nil && test(h) {
			return http.StatusOK
		}
		return http.StatusNotFound
	})
}

func (c *call) closeConnection() {
	c.close(&selection{}, func(h *hub) []*session { return h.one(c.args[0]) })
}

func (c *call) closeAll() { c.close(&selection{excluded: c.excluded()}, (*hub).all) }

func (c *call) closeGroup() {
	if c.validGroup(0) {
		c.close(&selection{excluded: c.excluded()}, func(h *hub) []*session { return h.ofGroup(c.args[0]) })
	}
}

func (c *call) closeUser() {
	c.close(&selection{excluded: c.excluded()}, func(h *hub) []*session { return h.ofUser(c.args[0]) })
}

func (c *call) close(sel *selection, pick func(*hub) []*session) {
	reason := c.query.Get("reason")
	c.each(pick, func(core *core, s *session) {
		if sel.takes(s) {
			core.disconnect(s, reason)
		}
	})
	c.w.WriteHeader(http.StatusNoContent)
}
