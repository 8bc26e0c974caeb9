package emulator

import "fmt"

// filter is a compiled `filter` expression: the part of OData that picks the
// connections of a REST operation (protocol.md 7.5). nil picks all.
//
//	userId eq null
//	'room' in groups and not startswith(userId,'bot-')
//	length(groups) gt 2 or connectionId in ('a','b')
//
// Types are checked when it is compiled, so that an expression that makes no sense
// is refused before anything has happened; evaluating it cannot fail. Operands of
// eq, ne and in may differ in type, and are unequal then.
type filter struct{ test func(s *session) value }

// Bounds on one expression, whose every part is evaluated for every connection.
const (
	maxFilterBytes = 16 << 10
	maxFilterDepth = 100      // as in the official emulator
	maxFilterText  = 64 << 10 // bytes of a text that concat makes; beyond it is null
)

// parseFilter compiles text; "" gives nil.
func parseFilter(text string) (*filter, error) {
	if text == "" {
		return nil, nil
	}
	if len(text) > maxFilterBytes {
		return nil, fmt.Errorf("it is longer than %d bytes", maxFilterBytes)
	}
	p := filterParser{lexer: filterLexer{text: text}}
	p.next()
	t := p.or()
	if p.err == nil && p.token.kind != tokenEnd {
		p.failExpecting("the end")
	}
	if p.err == nil && t.kind != kindBool {
		p.fail(0, "the expression is a %s, not a condition", t.kind)
	}
	if p.err != nil {
		return nil, p.err
	}
	return &filter{t.eval}, nil
}

// matches says whether s is picked.
func (f *filter) matches(s *session) bool { return f == nil || f.test(s).yes }

// valueKind is a type of the expressions.
type valueKind uint8

const (
	kindNull   valueKind = iota // every text and number may be null too
	kindText                    // 'text'
	kindInt                     // 32 bits
	kindBool                    // true, false: never null
	kindGroups                  // the names of the connection's groups: for length and in only
)

func (k valueKind) String() string {
	return [...]string{"null", "text", "number", "condition", "collection"}[k]
}

// value is what an expression comes to for one connection. Two are equal exactly
// if == says so: the fields that its kind has no use for are zero.
type value struct {
	kind   valueKind
	text   string
	number int
	yes    bool
}

func textValue(s string) value { return value{kind: kindText, text: s} }
func intValue(n int) value     { return value{kind: kindInt, number: n} }
func boolValue(b bool) value   { return value{kind: kindBool, yes: b} }

// term is a compiled part of an expression.
type term struct {
	kind valueKind // of every value but null
	eval func(s *session) value
}

func constant(v value) term {
	return term{v.kind, func(*session) value { return v }}
}

// identifiers are what an expression may know of a connection; their names are in
// lower case, for they are compared in any case.
var identifiers = map[string]term{
	"connectionid": {kindText, func(s *session) value { return textValue(s.id) }},
	"userid": {kindText, func(s *session) value {
		if len(s.user) == 0 {
			return value{}
		}
		return textValue(string(s.user))
	}},
	"protocol": {kindText, func(s *session) value {
		if s.subprotocol == "" {
			return value{}
		}
		return textValue(string(s.subprotocol))
	}},
	"groups": {kindGroups, nil},
}

// memberOf tests whether the value of t names a group of the connection.
func memberOf(t term) term {
	return term{kindBool, func(s *session) value {
		name := t.eval(s)
		if name.kind == kindText {
			for _, g := range s.groups {
				if g.name == name.text {
					return boolValue(true)
				}
			}
		}
		return boolValue(false)
	}}
}

// oneOf tests whether the value of t is that of a member of list.
func oneOf(t term, list []term) term {
	return term{kindBool, func(s *session) value {
		v := t.eval(s)
		for _, item := range list {
			if item.eval(s) == v {
				return boolValue(true)
			}
		}
		return boolValue(false)
	}}
}

func equal(a, b term, want bool) term {
	return term{kindBool, func(s *session) value { return boolValue((a.eval(s) == b.eval(s)) == want) }}
}

// compare orders numbers; with null it is false, whatever the operator.
func compare(a, b term, holds func(a, b int) bool) term {
	return term{kindBool, func(s *session) value {
		x, y := a.eval(s), b.eval(s)
		return boolValue(x.kind == kindInt && y.kind == kindInt && holds(x.number, y.number))
	}}
}

func both(a, b term) term {
	return term{kindBool, func(s *session) value { return boolValue(a.eval(s).yes && b.eval(s).yes) }}
}

func either(a, b term) term {
	return term{kindBool, func(s *session) value { return boolValue(a.eval(s).yes || b.eval(s).yes) }}
}

func negated(t term) term {
	return term{kindBool, func(s *session) value { return boolValue(!t.eval(s).yes) }}
}
