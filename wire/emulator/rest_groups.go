package emulator

import (
	"encoding/json"
	"net/http"
	"slices"

	"github.com/wpsbench/wpsbench/wire"
)

// Rows 13 to 20 of protocol.md 7.4: group membership. It needs no role, and
// reaches detached sessions too.

func (c *call) addConnectionToGroup() {
	if !c.validGroup(0) {
		return
	}
	if !c.join(func(h *hub) []*session { return h.one(c.args[1]) }, c.args[0]) {
		c.failNotExisted(codeNotExisted, c.args[1])
	}
}

func (c *call) removeConnectionFromGroup() {
	if c.validGroup(0) {
		c.leave(func(h *hub) []*session { return h.one(c.args[1]) }, c.args[0])
		c.w.WriteHeader(http.StatusNoContent)
	}
}

func (c *call) addUserToGroup() {
	if !c.validGroup(1) {
		return
	}
	if !c.join(func(h *hub) []*session { return h.ofUser(c.args[0]) }, c.args[1]) {
		c.fail(http.StatusNotFound, codeNotExisted, "User `"+c.args[0]+"` has no connection.", "User")
	}
}

func (c *call) removeUserFromGroup() {
	if c.validGroup(1) {
		c.leave(func(h *hub) []*session { return h.ofUser(c.args[0]) }, c.args[1])
		c.w.WriteHeader(http.StatusNoContent)
	}
}

func (c *call) removeUserFromAllGroups() {
	c.leaveAll(func(h *hub) []*session { return h.ofUser(c.args[0]) })
}

func (c *call) removeConnectionFromAllGroups() {
	c.leaveAll(func(h *hub) []*session { return h.one(c.args[0]) })
}

func (c *call) addToGroups() {
	if groups, f, ok := c.groupsRequest(); ok {
		c.join(func(h *hub) []*session { return h.filtered(f) }, groups...)
	}
}

func (c *call) removeFromGroups() {
	if groups, f, ok := c.groupsRequest(); ok {
		c.leave(func(h *hub) []*session { return h.filtered(f) }, groups...)
	}
}

// groupsRequest reads the body of the bulk operations; false if it has answered
// with an error.
func (c *call) groupsRequest() (groups []string, f *filter, ok bool) {
	body, dataType, ok := c.body()
	if !ok {
		return nil, nil, false
	}
	if dataType != wire.DataJSON {
		c.w.WriteHeader(http.StatusUnsupportedMediaType)
		return nil, nil, false
	}
	var request struct {
		Groups []string
		Filter string
	}
	if json.Unmarshal(body, &request) != nil {
		c.fail(http.StatusBadRequest, codeBadRequest, "The request body is not a valid groups request.", "Request")
		return nil, nil, false
	}
	invalid := func(group string) bool { return !wire.ValidGroup([]byte(group)) }
	if len(request.Groups) == 0 || slices.ContainsFunc(request.Groups, invalid) {
		c.fail(http.StatusBadRequest, codeBadRequest, "A non-empty list of valid group names is required.", "groups")
		return nil, nil, false
	}
	f, ok = c.filter(request.Filter)
	return request.Groups, f, ok
}

func (h *hub) filtered(f *filter) []*session {
	return slices.DeleteFunc(h.all(), func(s *session) bool { return !f.matches(s) })
}

func (c *call) join(pick func(*hub) []*session, groups ...string) (found bool) {
	return c.each(pick, func(_ *core, s *session) {
		for _, name := range groups {
			s.hub.join(s, []byte(name))
		}
	})
}

func (c *call) leave(pick func(*hub) []*session, groups ...string) {
	c.each(pick, func(_ *core, s *session) {
		for _, name := range groups {
			s.hub.leave(s, []byte(name))
		}
	})
}

func (c *call) leaveAll(pick func(*hub) []*session) {
	c.each(pick, func(_ *core, s *session) {
		for _, g := range slices.Clone(s.groups) {
			s.hub.leave(s, []byte(g.name))
		}
	})
	c.w.WriteHeader(http.StatusNoContent)
}
