package scenario

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// applySet edits the tree as one --set PATH=VALUE asks. A key that is missing is
// added, because most keys are optional; the decoder then refuses it if the
// format has none of that name, and points at the argument.
func applySet(root *node, arg string) *Problem {
	path, value, ok := strings.Cut(arg, "=")
	at := place{file: "--set " + printable(masked(arg))}
	refuse := func(p place, message, label, help string) *Problem {
		problem := p.problem("", message, label, help)
		return &problem
	}
	if !ok || path == "" {
		return refuse(at, "`--set` needs PATH=VALUE", "", "for example --set phases.steady=5s")
	}
	if strings.ContainsAny(arg, "\r\n") || !utf8.ValidString(arg) {
		return refuse(place{file: "--set " + printable(path)}, "the value of `--set` must be one line of text", "", "")
	}
	shift := utf8.RuneCountInString(path) + 1
	leaf, problem := setValue(at, value, shift)
	if problem != nil {
		return problem
	}

	n, column := root, 1
	segments := strings.Split(path, ".")
	for i, segment := range segments {
		here := place{file: at.file, column: column, length: max(1, utf8.RuneCountInString(segment))}
		column += utf8.RuneCountInString(segment) + 1
		last := i == len(segments)-1
		var slot **node
		switch n.kind {
		case mapping:
			slot = n.slot(segment)
			if slot == nil && i == 1 && (segments[0] == "populations" || segments[0] == "groups") {
				return refuse(here, "unknown path "+quote(path), "not in the file", suggest(segment, n.keys()))
			}
			if slot == nil {
				n.entries = append(n.entries, entry{key: segment, value: &node{kind: mapping, key: here, value: here}})
				slot = &n.entries[len(n.entries)-1].value
			}
		case sequence:
			k, err := strconv.Atoi(segment)
			if err != nil || k < 0 || k >= len(n.items) {
				return refuse(here, "unknown path "+quote(path), fmt.Sprintf("the list has items 0 to %d", len(n.items)-1), "")
			}
			slot = &n.items[k]
		case scalar:
			return refuse(here, "unknown path "+quote(path), "what is above it is a single value", "")
		}
		if last {
			leaf.key = here
			*slot = leaf
		}
		n = *slot
	}
	return nil
}

// setValue parses the value of an argument; its places become columns of it.
func setValue(at place, value string, shift int) (*node, *Problem) {
	leaf, problem := readTree(at.file, []byte(value))
	switch {
	case problem != nil:
		problem.Line, problem.Column = 0, problem.Column+shift
		return nil, problem
	case leaf == nil:
		return &node{null: true, value: place{file: at.file, column: shift, length: 1}}, nil
	}
	var move func(n *node)
	move = func(n *node) {
		for _, p := range []*place{&n.key, &n.value} {
			p.line, p.column = 0, p.column+shift
		}
		for i := range n.entries {
			move(n.entries[i].value)
		}
		for _, item := range n.items {
			move(item)
		}
	}
	move(leaf)
	return leaf, nil
}

// slot is where the value of a key is held, or nil.
func (n *node) slot(key string) **node {
	for i := range n.entries {
		if n.entries[i].key == key {
			return &n.entries[i].value
		}
	}
	return nil
}

func (n *node) keys() []string {
	keys := make([]string, len(n.entries))
	for i := range n.entries {
		keys[i] = n.entries[i].key
	}
	return keys
}

// ReadTarget reads a target written as one text: a client URL, the URL of a negotiate
// server, a connection string (also as ${NAME} or @file), or "emulator" for the embedded one.
func ReadTarget(text string) Target {
	t := Target{Set: true}
	switch {
	case text == embeddedTarget:
		return Target{}
	case targetKey(text) == "url":
		t.URL = text
	case targetKey(text) == "negotiate":
		t.Negotiate = text
	default:
		t.ConnectionString = text
	}
	return t
}

// targetKey is the key that such a text is the value of.
func targetKey(text string) string {
	switch {
	case strings.HasPrefix(text, "ws://"), strings.HasPrefix(text, "wss://"):
		return "url"
	case strings.HasPrefix(text, "http://"), strings.HasPrefix(text, "https://"):
		return "negotiate"
	default:
		return "connection_string"
	}
}

// overrideTarget puts what the --target option names into the tree. The hub of the
// file stays, all else of its target is dropped: headers and certificates belong to
// the target they were written for. A --set after it may give new ones.
func overrideTarget(root *node, text string) {
	here := place{file: "--target", column: 1, length: 1}
	target := &node{kind: mapping, key: here, value: here}
	old := root.slot("target")
	if old != nil {
		if hub := (*old).slot("hub"); hub != nil {
			target.entries = append(target.entries, entry{key: "hub", value: *hub})
		}
	}
	target.entries = append(target.entries, entry{key: targetKey(text), value: &node{key: here, value: here, text: text, quoted: true}})
	if old != nil {
		*old = target
	} else {
		root.entries = append(root.entries, entry{key: "target", value: target})
	}
}
