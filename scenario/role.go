package scenario

import "strings"

const (
	roleSend = "sendToGroup"
	roleJoin = "joinLeaveGroup"

	// More patterns than this for one permission are ignored silently by the
	// service (protocol.md 2.3).
	maxRolePatterns = 9
	maxRoleStars    = 5
)

// role is one role of a token (protocol.md 2.3).
type role struct {
	permission string // sendToGroup, joinLeaveGroup, …
	any        bool
	group      string // a literal name, else
	pattern    string
}

// parseRole reads a role; ok is false for one the service would ignore.
func parseRole(text string) (r role, ok bool) {
	rest, ok := strings.CutPrefix(text, "webpubsub.")
	if !ok {
		return role{}, false
	}
	name, arg, limited := strings.Cut(rest, ".")
	switch name {
	case roleSend, roleJoin, "setGroupState", "getGroupState":
		return role{permission: name, any: !limited, group: arg}, !limited || validGroup(arg)
	case roleSend + "s", roleJoin + "s":
		r = role{permission: strings.TrimSuffix(name, "s"), any: arg == "**", pattern: arg}
		return r, validPattern(arg)
	}
	return role{}, false
}

// ValidRole reports whether the service heeds a role; others it ignores without a word
// (protocol.md 2.3).
func ValidRole(text string) bool {
	_, ok := parseRole(text)
	return ok
}

// allows says whether the role lets a connection use a group.
func (r *role) allows(group string) bool {
	switch {
	case r.any:
		return true
	case r.pattern != "":
		return matchPattern(r.pattern, group)
	}
	return r.group == group
}

// neededRoles are the roles without which a population could not do its part.
func neededRoles(p *Population) []string {
	roles := []string{}
	if p.Publish != nil && p.Publish.Event == "" && p.Publish.Audience.Kind == "" {
		roles = append(roles, "webpubsub."+roleSend)
	}
	if len(p.Join) > 0 && p.Protocol != ProtocolSimple { // its token names the groups
		roles = append(roles, "webpubsub."+roleJoin)
	}
	return roles
}

// patternPart is one element of a role pattern.
type patternPart struct {
	literal rune
	kind    byte // 0 literal, ? one character but not a dot, * any number of those, A any number of anything
}

func patternParts(pattern string) (parts []patternPart, ok bool) {
	r := []rune(pattern)
	for i := 0; i < len(r); i++ {
		switch {
		case r[i] == '\\':
			i++
			if i == len(r) || !strings.ContainsRune(`*?\`, r[i]) {
				return nil, false
			}
			parts = append(parts, patternPart{literal: r[i]})
		case r[i] == '?':
			parts = append(parts, patternPart{kind: '?'})
		case r[i] == '*' && i+1 < len(r) && r[i+1] == '*':
			for i+1 < len(r) && r[i+1] == '*' {
				i++
			}
			parts = append(parts, patternPart{kind: 'A'})
		case r[i] == '*':
			parts = append(parts, patternPart{kind: '*'})
		default:
			parts = append(parts, patternPart{literal: r[i]})
		}
	}
	return parts, true
}

func validPattern(pattern string) bool {
	_, ok := patternParts(pattern)
	escaped := strings.Count(pattern, `\*`)
	return ok && pattern != "" && len([]rune(pattern)) <= maxGroupName &&
		strings.Count(pattern, "*")-escaped <= maxRoleStars
}

// matchPattern follows every way through the pattern at once, so its time is
// bounded by the product of the lengths.
func matchPattern(pattern, name string) bool {
	parts, ok := patternParts(pattern)
	if !ok {
		return false
	}
	// here[i]: the characters so far match parts[:i].
	here, next := make([]bool, len(parts)+1), make([]bool, len(parts)+1)
	here[0] = true
	skipStars(here, parts)
	for _, c := range name {
		clear(next)
		for i, part := range parts {
			if !here[i] {
				continue
			}
			switch part.kind {
			case 'A':
				next[i] = true
			case '*':
				next[i] = next[i] || c != '.'
			case '?':
				next[i+1] = c != '.'
			default:
				next[i+1] = c == part.literal
			}
		}
		skipStars(next, parts)
		here, next = next, here
	}
	return here[len(parts)]
}

// skipStars adds the states reached by letting a star match nothing.
func skipStars(states []bool, parts []patternPart) {
	for i, part := range parts {
		if states[i] && (part.kind == '*' || part.kind == 'A') {
			states[i+1] = true
		}
	}
}
