package emulator

import "slices"

// hub is a namespace of connections (protocol.md 0.2). It exists while it has a
// session, so that a client cannot fill memory with hub names.
type hub struct {
	core     *core
	name     string
	sessions map[string]*session
	users    map[string][]*session // few sessions each
	groups   map[string]*group
	left     map[string][]*session // by group, see LieAfterLeave
}

// group is a set of sessions. It exists while it has a member.
type group struct {
	name    string
	members []*session
	index   map[*session]int // position in members
}

// hub returns the hub of that (lower case) name, new if need be.
func (c *core) hub(name string) *hub {
	h := c.hubs[name]
	if h == nil {
		h = &hub{
			core: c, name: name,
			sessions: make(map[string]*session),
			users:    make(map[string][]*session),
			groups:   make(map[string]*group),
		}
		c.hubs[name] = h
	}
	return h
}

func (h *hub) add(s *session) {
	h.sessions[s.id] = s
	if user := string(s.user); user != "" {
		h.users[user] = append(h.users[user], s)
	}
}

// remove takes a session out of the hub and of every group.
func (h *hub) remove(s *session) {
	for _, g := range s.groups {
		h.drop(s, g)
	}
	s.groups = nil
	h.forget(s, "")
	delete(h.sessions, s.id)
	if user := string(s.user); user != "" {
		if rest := without(h.users[user], s); len(rest) > 0 {
			h.users[user] = rest
		} else {
			delete(h.users, user)
		}
	}
	if len(h.sessions) == 0 {
		delete(h.core.hubs, h.name)
	}
}

// join makes s a member of the group; joining twice is no error.
func (h *hub) join(s *session, name []byte) {
	g := h.groups[string(name)]
	if g == nil {
		g = &group{name: string(name), index: make(map[*session]int, 1)}
		h.groups[g.name] = g
	}
	if _, member := g.index[s]; member {
		return
	}
	h.forget(s, g.name)
	g.index[s] = len(g.members)
	g.members = append(g.members, s)
	s.groups = append(s.groups, g)
}

// leave ends the membership; leaving a group one is not in is no error.
func (h *hub) leave(s *session, name []byte) {
	h.core.release(s) // a delivery held back must not follow the leave
	g := h.groups[string(name)]
	if g == nil {
		return
	}
	if _, member := g.index[s]; !member {
		return
	}
	h.core.delayed.withdraw(s, g, &h.core.messages)
	s.groups = without(s.groups, g)
	h.drop(s, g)
	h.remember(s, g.name)
}

// drop takes s out of g alone.
func (h *hub) drop(s *session, g *group) {
	i, last := g.index[s], len(g.members)-1
	moved := g.members[last]
	g.members[i] = moved
	g.index[moved] = i
	g.members[last] = nil
	g.members = g.members[:last]
	delete(g.index, s)
	if last == 0 {
		delete(h.groups, g.name)
	}
}

// without removes v from s, whose order does not matter.
func without[T comparable](s []T, v T) []T {
	i := slices.Index(s, v)
	if i < 0 {
		return s
	}
	last := len(s) - 1
	s[i] = s[last]
	clear(s[last:])
	return s[:last]
}
