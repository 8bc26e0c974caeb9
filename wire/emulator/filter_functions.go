package emulator

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// filterFunction is one function of the filter language. It gets its arguments
// evaluated, each of its type or null.
type filterFunction struct {
	result   valueKind
	args     []valueKind
	optional int // how many of the last may be left out
	apply    func(args []value) value
}

// filterFunctions are the functions of protocol.md 7.5. Positions and lengths count
// UTF-16 code units, as the service does. length is not here: it takes a text or a
// collection.
var filterFunctions = map[string]filterFunction{
	"tolower":    {result: kindText, args: []valueKind{kindText}, apply: mapText(strings.ToLower)},
	"toupper":    {result: kindText, args: []valueKind{kindText}, apply: mapText(strings.ToUpper)},
	"trim":       {result: kindText, args: []valueKind{kindText}, apply: mapText(strings.TrimSpace)},
	"contains":   {result: kindBool, args: []valueKind{kindText, kindText}, apply: testText(strings.Contains)},
	"startswith": {result: kindBool, args: []valueKind{kindText, kindText}, apply: testText(strings.HasPrefix)},
	"endswith":   {result: kindBool, args: []valueKind{kindText, kindText}, apply: testText(strings.HasSuffix)},
	"indexof":    {result: kindInt, args: []valueKind{kindText, kindText}, apply: indexOf},
	"concat":     {result: kindText, args: []valueKind{kindText, kindText}, apply: concat},
	"substring":  {result: kindText, args: []valueKind{kindText, kindInt, kindInt}, optional: 1, apply: substring},
}

// call compiles a function whose opening parenthesis has been read.
func (p *filterParser) call(name filterToken) term {
	if name.text == "length" {
		return p.length()
	}
	f, known := filterFunctions[name.text]
	if !known {
		p.fail(name.at, "%q is not a function", name.text)
		return term{}
	}
	args := make([]term, 0, len(f.args))
	for i, kind := range f.args {
		if i >= len(f.args)-f.optional && p.token.text == ")" {
			break
		}
		if i > 0 {
			p.expect(",")
		}
		at := p.token.at
		arg := p.or()
		p.want(at, arg, kind)
		args = append(args, arg)
	}
	p.expect(")")
	return term{f.result, func(s *session) value {
		values := make([]value, len(args))
		for i, arg := range args {
			values[i] = arg.eval(s)
		}
		return f.apply(values)
	}}
}

// length counts the characters of a text or the groups of the connection.
func (p *filterParser) length() term {
	at := p.token.at
	arg := p.or()
	p.expect(")")
	if arg.kind == kindGroups {
		return term{kindInt, func(s *session) value { return intValue(len(s.groups)) }}
	}
	p.want(at, arg, kindText)
	return term{kindInt, func(s *session) value {
		v := arg.eval(s)
		if v.kind == kindNull {
			return v
		}
		return intValue(utf16Len(v.text))
	}}
}

func mapText(f func(string) string) func([]value) value {
	return func(args []value) value {
		if args[0].kind == kindNull {
			return value{}
		}
		return textValue(f(args[0].text))
	}
}

func testText(f func(s, part string) bool) func([]value) value {
	return func(args []value) value {
		return boolValue(!anyNull(args) && f(args[0].text, args[1].text))
	}
}

// indexOf is -1 where there is nothing to find.
func indexOf(args []value) value {
	if anyNull(args) {
		return intValue(-1)
	}
	before, _, found := strings.Cut(args[0].text, args[1].text)
	if !found {
		return intValue(-1)
	}
	return intValue(utf16Len(before))
}

// concat takes null for nothing, unless both are.
func concat(args []value) value {
	if args[0].kind == kindNull && args[1].kind == kindNull {
		return value{}
	}
	if len(args[0].text)+len(args[1].text) > maxFilterText {
		return value{}
	}
	return textValue(args[0].text + args[1].text)
}

// substring is null where the range does not lie within the text.
func substring(args []value) value {
	if anyNull(args) {
		return value{}
	}
	units := utf16.Encode([]rune(args[0].text))
	start, end := args[1].number, len(units)
	if start < 0 || start > end {
		return value{}
	}
	if len(args) == 3 {
		if n := args[2].number; n < 0 || n > end-start {
			return value{}
		}
		end = start + args[2].number
	}
	return textValue(string(utf16.Decode(units[start:end])))
}

func anyNull(args []value) bool {
	for _, v := range args {
		if v.kind == kindNull {
			return true
		}
	}
	return false
}

func utf16Len(s string) int {
	n := utf8.RuneCountInString(s)
	for _, r := range s {
		if r > 0xffff {
			n++
		}
	}
	return n
}
