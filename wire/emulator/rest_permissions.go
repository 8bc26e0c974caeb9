package emulator

import (
	"net/http"
	"strings"

	"github.com/wpsbench/wpsbench/wire"
)

// Rows 22 to 24 of protocol.md 7.4: permissions of a connection at run time, for one
// group by its literal name. They survive recovery.

func (c *call) grantPermission() { c.setPermission(true, http.StatusOK, http.StatusNotFound) }

func (c *call) revokePermission() { c.setPermission(false, http.StatusNoContent, http.StatusNoContent) }

func (c *call) setPermission(allowed bool, done, missing int) {
	of, group, ok := c.permissionTarget()
	if !ok {
		return
	}
	status := missing
	c.each(func(h *hub) []*session { return h.one(c.args[1]) }, func(_ *core, s *session) {
		if status = done; !of(s).set(group, allowed) {
			status = http.StatusConflict
		}
	})
	switch status {
	case http.StatusNotFound:
		c.failNotExisted(infoNotExisted, c.args[1])
	case http.StatusConflict:
		c.fail(status, codeConflict, "The connection has too many permissions of this kind.", "Connection")
	default:
		c.w.WriteHeader(status)
	}
}

func (c *call) checkPermission() {
	of, group, ok := c.permissionTarget()
	if !ok {
		return
	}
	c.exists(func(h *hub) bool {
		s := h.sessions[c.args[1]]
		return s != nil && of(s).allows([]byte(group))
	})
}

// permissionTarget reads which permission of a session the request is about, and
// for which group; false if it has answered with an error.
func (c *call) permissionTarget() (of func(*session) *permission, group string, ok bool) {
	switch strings.ToLower(c.args[0]) {
	case "sendtogroup", "1":
		of = func(s *session) *permission { return &s.send }
	case "joinleavegroup", "2":
		of = func(s *session) *permission { return &s.join }
	default:
		c.invalid("permission")
		return nil, "", false
	}
	group = c.query.Get("targetName")
	if !wire.ValidGroup([]byte(group)) {
		c.invalid("targetName")
		return nil, "", false
	}
	return of, group, true
}
