package emulator

import (
	"fmt"
	"strconv"
	"strings"
)

// filterParser compiles an expression by recursive descent. After the first error
// it goes on with terms that are never evaluated, and remembers that error.
//
//	or         = and { "or" and }
//	and        = comparison { "and" comparison }
//	comparison = unary { ("eq" | "ne" | "gt" | "ge" | "lt" | "le") unary | "in" ("groups" | list) }
//	unary      = "not" unary | primary
//	primary    = literal | identifier | function "(" or { "," or } ")" | "(" or ")"
//	list       = "(" [ or { "," or } ] ")"
//
// Operators, functions and constants are case-sensitive, identifiers are not.
type filterParser struct {
	lexer filterLexer
	token filterToken
	depth int
	err   error
}

func (p *filterParser) next() { p.token = p.lexer.next() }

// fail remembers the first error and ends the input, so that every rule returns.
func (p *filterParser) fail(at int, format string, args ...any) {
	if p.err == nil {
		p.err = fmt.Errorf("at %d: %s", at, fmt.Sprintf(format, args...))
	}
	p.lexer.pos = len(p.lexer.text)
	p.token = filterToken{kind: tokenEnd}
}

func (p *filterParser) failExpecting(what string) {
	got := strconv.Quote(p.token.text)
	if p.token.kind == tokenEnd {
		got = "the end"
	}
	p.fail(p.token.at, "%s where %s is expected", got, what)
}

// accept takes the token if it is that word or character.
func (p *filterParser) accept(kind tokenKind, text string) bool {
	if p.token.kind != kind || p.token.text != text {
		return false
	}
	p.next()
	return true
}

func (p *filterParser) expect(text string) {
	if !p.accept(tokenSpecial, text) {
		p.failExpecting(text)
	}
}

// want refuses a term of another type; null does for texts and numbers.
func (p *filterParser) want(at int, t term, kind valueKind) {
	if t.kind == kind || t.kind == kindNull && kind != kindBool && kind != kindGroups {
		return
	}
	p.fail(at, "a %s where a %s is expected", t.kind, kind)
}

func (p *filterParser) or() term {
	if p.depth++; p.depth > maxFilterDepth {
		p.fail(p.token.at, "nested deeper than %d", maxFilterDepth)
		return term{}
	}
	defer func() { p.depth-- }()
	return p.chain("or", p.and, either)
}

func (p *filterParser) and() term { return p.chain("and", p.comparison, both) }

// chain compiles a row of conditions with one operator between them.
func (p *filterParser) chain(operator string, part func() term, join func(a, b term) term) term {
	at := p.token.at
	left := part()
	for p.accept(tokenWord, operator) {
		p.want(at, left, kindBool)
		at = p.token.at
		right := part()
		p.want(at, right, kindBool)
		left = join(left, right)
	}
	return left
}

// orders are the operators on numbers.
var orders = map[string]func(a, b int) bool{
	"gt": func(a, b int) bool { return a > b },
	"ge": func(a, b int) bool { return a >= b },
	"lt": func(a, b int) bool { return a < b },
	"le": func(a, b int) bool { return a <= b },
}

func (p *filterParser) comparison() term {
	at := p.token.at
	left := p.unary()
	for p.token.kind == tokenWord {
		operator := p.token.text
		switch operator {
		case "eq", "ne":
			p.next()
			p.single(at, left)
			at = p.token.at
			right := p.unary()
			p.single(at, right)
			left = equal(left, right, operator == "eq")
		case "gt", "ge", "lt", "le":
			p.next()
			p.want(at, left, kindInt)
			at = p.token.at
			right := p.unary()
			p.want(at, right, kindInt)
			left = compare(left, right, orders[operator])
		case "in":
			p.next()
			p.single(at, left)
			left = p.in(left)
		default:
			return left
		}
	}
	return left
}

// single refuses a collection.
func (p *filterParser) single(at int, t term) {
	if t.kind == kindGroups {
		p.fail(at, "a collection is not a single value")
	}
}

func (p *filterParser) in(left term) term {
	if p.token.kind == tokenSpecial && p.token.text == "(" {
		p.next()
		return oneOf(left, p.list())
	}
	at := p.token.at
	p.want(at, p.unary(), kindGroups)
	return memberOf(left)
}

// list compiles what follows an opening parenthesis, up to the closing one.
func (p *filterParser) list() (items []term) {
	if p.accept(tokenSpecial, ")") {
		return nil
	}
	for {
		at := p.token.at
		item := p.or()
		p.single(at, item)
		items = append(items, item)
		if !p.accept(tokenSpecial, ",") {
			p.expect(")")
			return items
		}
	}
}

// unary binds stronger than a comparison: `not userId eq 'a'` is no condition.
func (p *filterParser) unary() term {
	negations := 0
	at := p.token.at
	for p.accept(tokenWord, "not") {
		negations++
		at = p.token.at
	}
	t := p.primary()
	if negations == 0 {
		return t
	}
	p.want(at, t, kindBool)
	if negations%2 == 1 {
		return negated(t)
	}
	return t
}

func (p *filterParser) primary() term {
	token := p.token
	switch token.kind {
	case tokenText:
		p.next()
		return constant(textValue(token.text))
	case tokenNumber:
		p.next()
		n, err := strconv.ParseInt(token.text, 10, 32)
		if err != nil {
			p.fail(token.at, "%s is not an integer of 32 bits", token.text)
		}
		return constant(intValue(int(n)))
	case tokenWord:
		p.next()
		return p.named(token)
	case tokenSpecial:
		if p.accept(tokenSpecial, "(") {
			t := p.or()
			p.expect(")")
			return t
		}
	default:
	}
	p.failExpecting("a value")
	return term{}
}

// named compiles a constant, a function call or an identifier.
func (p *filterParser) named(name filterToken) term {
	switch name.text {
	case "null":
		return constant(value{})
	case "true", "false":
		return constant(boolValue(name.text == "true"))
	}
	if p.accept(tokenSpecial, "(") {
		return p.call(name)
	}
	t, known := identifiers[strings.ToLower(name.text)]
	if !known {
		p.fail(name.at, "%q is unknown", name.text)
	}
	return t
}
