package emulator

import (
	"strings"

	"github.com/wpsbench/wpsbench/wire"
)

// Limits on the roles of one connection, per permission (protocol.md 2.3).
const (
	maxLiterals = 1000
	maxPatterns = 9
)

// permission says for which groups a connection may do one thing.
type permission struct {
	all      bool
	literals map[string]bool // granted or denied by name; nil when there are none
	patterns []pattern
}

// roles returns the permissions to publish and to join or leave that a token's
// roles grant. A role that is unknown, malformed or beyond the limits grants
// nothing and is no error (protocol.md 2.3).
func roles(list []string) (send, join permission) {
	for _, role := range list {
		name, isOurs := strings.CutPrefix(role, "webpubsub.")
		if !isOurs {
			continue
		}
		what, group, scoped := strings.Cut(name, ".")
		switch what {
		case "sendToGroup":
			send.grant(group, scoped)
		case "joinLeaveGroup":
			join.grant(group, scoped)
		case "sendToGroups":
			send.grantPattern(group)
		case "joinLeaveGroups":
			join.grantPattern(group)
		}
	}
	return send, join
}

func (p *permission) grant(group string, scoped bool) {
	if !scoped {
		p.all = true
		return
	}
	if len(p.literals) >= maxLiterals || !wire.ValidGroup([]byte(group)) {
		return
	}
	p.put(group, true)
}

func (p *permission) put(group string, allowed bool) {
	if p.literals == nil {
		p.literals = make(map[string]bool)
	}
	p.literals[group] = allowed
}

// set grants or denies one group at run time. It keeps a literal only where the
// rest would decide otherwise, and returns false when there is no room for one.
func (p *permission) set(group string, allowed bool) bool {
	delete(p.literals, group)
	if p.allows([]byte(group)) == allowed {
		return true
	}
	if len(p.literals) >= maxLiterals {
		return false
	}
	p.put(group, allowed)
	return true
}

func (p *permission) grantPattern(text string) {
	if len(p.patterns) >= maxPatterns {
		return
	}
	if compiled, ok := compilePattern(text); ok {
		p.patterns = append(p.patterns, compiled)
	}
}

// allows says whether the group is permitted: by its name if that was granted or
// denied, else by a grant of all or of a pattern.
func (p *permission) allows(group []byte) bool {
	if allowed, ok := p.literals[string(group)]; ok {
		return allowed
	}
	if p.all {
		return true
	}
	for _, pat := range p.patterns {
		if pat.matches(group) {
			return true
		}
	}
	return false
}
