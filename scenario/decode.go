package scenario

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// decoder turns nodes into the model. It judges shape only: keys, and whether a
// value can be read as what it should be. What the values mean together is
// judged by Validate, on the model, which finds the places here.
type decoder struct {
	problems Problems
	places   places
}

// places remembers where each path of the file stands.
type places map[string]stand

type stand struct {
	key, value place
	spoiled    bool // the decoder told a problem here or further down
}

// spoil marks a path and all it is part of.
func (p places) spoil(path string) {
	for {
		s := p[path]
		s.spoiled = true
		p[path] = s
		if path == "" {
			return
		}
		path = path[:max(0, strings.LastIndexByte(path, '.'))]
	}
}

// spoiled says whether a path, or a part of it, already has a problem: what
// Validate finds there is a consequence. A path the file does not have shares the
// fate of what it would be part of.
func (p places) spoiled(path string) bool {
	for {
		s, ok := p[path]
		if ok || !strings.Contains(path, ".") {
			return s.spoiled
		}
		path = path[:strings.LastIndexByte(path, '.')]
	}
}

func (d *decoder) refuse(n *node, message, label, help string) {
	d.visit(n)
	d.places.spoil(n.path)
	d.problems = append(d.problems, n.value.problem(n.path, message, label, help))
}

func (d *decoder) visit(n *node) {
	s := d.places[n.path]
	s.key, s.value = n.key, n.value
	d.places[n.path] = s
}

// name is what messages call a node.
func (n *node) name() string {
	if n.path == "" {
		return "the scenario"
	}
	return quote(n.path)
}

// is says what a node is, for "this is …".
func (n *node) is() string {
	switch {
	case n.kind == mapping:
		return "this is a mapping"
	case n.kind == sequence:
		return "this is a list"
	case n.null:
		return "there is no value"
	}
	return "this is " + quote(n.text)
}

// field is a key of an object and what reads its value.
type field struct {
	key      string
	required bool
	into     func(*node)
}

func required(key string, into func(*node)) field { return field{key, true, into} }
func optional(key string, into func(*node)) field { return field{key, false, into} }

// object reads a mapping with known keys.
func (d *decoder) object(n *node, fields ...field) {
	if n.takes(mapping, func() shape { return d.objectShape(n.path, fields) }) {
		return
	}
	keys := make([]string, len(fields))
	for i := range fields {
		keys[i] = fields[i].key
	}
	if !d.mapping(n, "its keys are "+listed(keys, "and")) {
		return
	}
	for _, e := range n.entries {
		i := slices.Index(keys, e.key)
		if i < 0 {
			d.visit(e.value)
			d.problems = append(d.problems, e.value.key.problem(e.value.path,
				"unknown key "+quote(e.key), "not a key of "+n.name(), suggest(e.key, keys)))
			continue
		}
		fields[i].into(e.value)
	}
	var missing []string
	for i := range fields {
		if fields[i].required && n.slot(keys[i]) == nil {
			path := under(n.path, keys[i])
			d.places[path] = stand{key: n.key, value: n.value}
			d.places.spoil(path)
			missing = append(missing, keys[i])
		}
	}
	if len(missing) > 0 {
		d.problems = append(d.problems, n.key.problem(n.path, n.name()+" needs "+listed(missing, "and"), "not given", ""))
	}
}

// mapping checks that a node is a mapping without doubles, and visits its keys.
func (d *decoder) mapping(n *node, help string) bool {
	d.visit(n)
	if n.kind != mapping {
		d.refuse(n, n.name()+" needs a mapping", n.is(), help)
		return false
	}
	first := make(map[string]place, len(n.entries))
	for _, e := range n.entries {
		if p, twice := first[e.key]; twice {
			d.problems = append(d.problems, e.value.key.problem(e.value.path,
				"key "+quote(e.key)+" is given twice", firstGiven(p), ""))
			continue
		}
		first[e.key] = e.value.key
	}
	return true
}

func firstGiven(p place) string {
	if p.line == 0 {
		return "given before"
	}
	return fmt.Sprintf("first given in line %d", p.line)
}

// each reads a mapping whose keys are names.
func (d *decoder) each(n *node, example string, into func(name string, n *node)) {
	if n.takes(mapping, func() shape { return d.eachShape(n.path, into) }) {
		return
	}
	if !d.mapping(n, "write it like "+example) {
		return
	}
	for _, e := range n.entries {
		into(e.key, e.value)
	}
}

// either wants exactly one of some keys of an object.
func (d *decoder) either(n *node, label, help string, keys ...string) {
	n.eitherOf(keys...)
	if n.probe != nil || n.kind != mapping {
		return
	}
	given := 0
	for _, key := range keys {
		if n.slot(key) != nil {
			given++
		}
	}
	if given != 1 {
		d.places.spoil(n.path)
		d.problems = append(d.problems, n.key.problem(n.path, n.name()+" needs either "+listed(keys, "or"), label, help))
	}
}

// list reads a list; a single scalar stands for a list of one where one is allowed.
func (d *decoder) list(n *node, oneAllowed bool, into func(*node)) {
	if n.probe != nil && (n.kind == sequence || !oneAllowed) {
		n.takes(sequence, func() shape { return d.listShape(n.path, into) })
		return
	}
	d.visit(n)
	switch {
	case n.kind == sequence:
		for _, item := range n.items {
			into(item)
		}
	case oneAllowed && !n.null:
		into(n)
	default:
		d.refuse(n, n.name()+" needs a list", n.is(), "")
	}
}

// scalar reads a single value; convert says in words why it cannot.
func (d *decoder) scalar(n *node, needs string, convert func(text string) *unreadable) {
	if n.takesOne(shape{"type": []string{"string", "number", "boolean"}}) {
		return
	}
	d.visit(n)
	if n.kind != scalar || n.null {
		d.refuse(n, n.name()+" needs "+needs, n.is(), "")
		return
	}
	if bad := convert(n.text); bad != nil {
		label := bad.label
		if label == "" {
			label = n.is()
		}
		d.refuse(n, n.name()+" needs "+needs, label, bad.help)
	}
}

// text reads any text. Bare numbers and booleans are refused: they change their
// look in other tools.
func (d *decoder) text(dst *string) func(*node) {
	return func(n *node) {
		if n.takesOne(shape{"type": "string"}) {
			return
		}
		d.scalar(n, "a text", func(text string) *unreadable {
			_, err := strconv.ParseFloat(text, 64)
			if !n.quoted && (err == nil || text == "true" || text == "false") {
				return &unreadable{help: `write "` + text + `"`}
			}
			*dst = text
			return nil
		})
	}
}

func (d *decoder) flag(dst *bool) func(*node) {
	return func(n *node) {
		if n.takesOne(shape{"type": "boolean"}) {
			return
		}
		d.scalar(n, "true or false", func(text string) *unreadable {
			if n.quoted || (text != "true" && text != "false") {
				return &unreadable{}
			}
			*dst = text == "true"
			return nil
		})
	}
}

func (d *decoder) whole(dst *int) func(*node) {
	return func(n *node) {
		if n.takesOne(shape{"type": "integer"}) {
			return
		}
		d.scalar(n, "a whole number", func(text string) *unreadable {
			v, err := strconv.ParseInt(text, 10, 32)
			if err != nil || n.quoted {
				return &unreadable{}
			}
			*dst = int(v)
			return nil
		})
	}
}

func (d *decoder) seed(dst *uint64) func(*node) {
	return func(n *node) {
		if n.takesOne(shape{"type": "integer", "minimum": 0}) {
			return
		}
		d.scalar(n, "a whole number from 0 to 2^64-1", func(text string) *unreadable {
			v, err := strconv.ParseUint(text, 10, 64)
			if err != nil || n.quoted {
				return &unreadable{}
			}
			*dst = v
			return nil
		})
	}
}

// value reads one of the format's own kinds of value with its parser.
func value[T any](d *decoder, dst *T, needs string, parse func(string) (T, *unreadable)) func(*node) {
	return func(n *node) {
		if n.takesOne(valueShape(dst)) {
			return
		}
		d.scalar(n, needs, func(text string) *unreadable {
			v, bad := parse(text)
			if bad == nil {
				*dst = v
			}
			return bad
		})
	}
}

// choice reads one of some words. Words that are known but have no code yet say so.
func (d *decoder) choice(dst *string, words []string, later ...string) func(*node) {
	return func(n *node) {
		if n.takesOne(shape{"enum": words}) {
			return
		}
		d.scalar(n, oneOf(words), func(text string) *unreadable {
			if slices.Contains(later, text) {
				return &unreadable{label: quote(text) + " is not available yet"}
			}
			if !slices.Contains(words, text) {
				return &unreadable{help: suggest(text, words)}
			}
			*dst = text
			return nil
		})
	}
}

func oneOf(words []string) string {
	if len(words) == 1 {
		return quote(words[0])
	}
	return listed(words, "or")
}

// listed writes `a`, `b` and `c`.
func listed(words []string, last string) string {
	var b strings.Builder
	for i, word := range words {
		switch {
		case i == 0:
		case i == len(words)-1:
			b.WriteString(" " + last + " ")
		default:
			b.WriteString(", ")
		}
		b.WriteString(quote(word))
	}
	return b.String()
}
