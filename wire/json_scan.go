package wire

import "fmt"

// MaxDepth is how deeply objects and arrays may nest in a message, its envelope
// included. A deeper message is refused: a peer must not size our stack.
const MaxDepth = 256

// SyntaxError says that a message is not one that the subprotocol allows: not JSON
// (RFC 8259), or a field that breaks the rules of protocol.md 3.1 to 3.3.
type SyntaxError struct {
	Offset int    // byte of the message at which the offending value starts
	Msg    string // what is wrong; holds nothing of the message itself
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("message is invalid at byte %d: %s", e.Offset, e.Msg)
}

// ValidJSON says whether text is one JSON value that a message can carry: UTF-8, and no
// deeper than MaxDepth leaves it room inside an envelope.
func ValidJSON(text []byte) bool { return checkJSON(text) == nil }

// checkJSON returns what is wrong with such a value; nil = nothing.
func checkJSON(text []byte) *SyntaxError {
	s := scanner{text: text}
	if _, ok := s.value(1); ok {
		s.end()
	}
	return s.err
}

// valueKind is the type of a JSON value.
type valueKind uint8

const (
	kindAbsent valueKind = iota
	kindNull
	kindTrue
	kindFalse
	kindNumber
	kindString
	kindObject
	kindArray
)

// value locates one JSON value in the text it was scanned from. A string's span
// leaves out its quotes.
type value struct {
	start, end int
	kind       valueKind
	escaped    bool // a string with at least one backslash
}

// scanner reads JSON text once, from left to right, and validates every byte of
// it. The first failure sticks in err; the methods then return false.
type scanner struct {
	text []byte
	pos  int
	err  *SyntaxError
}

func (s *scanner) fail(offset int, msg string) bool {
	if s.err == nil {
		s.err = &SyntaxError{Offset: offset, Msg: msg}
	}
	return false
}

// space skips white space and returns the byte after it, 0 at the end of the text.
// A literal zero byte is as wrong as the end wherever this is asked.
func (s *scanner) space() byte {
	for s.pos < len(s.text) {
		switch c := s.text[s.pos]; c {
		case ' ', '\t', '\n', '\r':
			s.pos++
		default:
			return c
		}
	}
	return 0
}

// open enters the object that must stand here. Its members follow by next.
func (s *scanner) open() bool {
	if s.space() != '{' {
		return s.fail(s.pos, "not an object")
	}
	s.pos++
	return true
}

// next moves to the next member of an object and returns its key; the member's
// value must then be scanned. It returns false at the object's end and on failure.
// first says that no member has been read yet.
func (s *scanner) next(first bool) (key value, ok bool) {
	switch c := s.space(); {
	case c == '}':
		s.pos++
		return value{}, false
	case first:
	case c == ',':
		s.pos++
		s.space()
	default:
		return value{}, s.fail(s.pos, "expected a comma or the end of the object")
	}
	if key, ok = s.str(); !ok {
		return value{}, false
	}
	if s.space() != ':' {
		return value{}, s.fail(s.pos, "expected a colon")
	}
	s.pos++
	return key, true
}

// end checks that nothing but white space is left.
func (s *scanner) end() bool {
	if s.space(); s.pos < len(s.text) {
		return s.fail(s.pos, "data after the message")
	}
	return true
}

// value scans any one value; depth counts the objects and arrays around it.
func (s *scanner) value(depth int) (v value, ok bool) {
	switch c := s.space(); c {
	case '"':
		return s.str()
	case '{', '[':
		v.start = s.pos
		if depth >= MaxDepth {
			return v, s.fail(s.pos, "nested too deeply")
		}
		if c == '{' {
			v.kind, ok = kindObject, s.object(depth+1)
		} else {
			v.kind, ok = kindArray, s.array(depth+1)
		}
		v.end = s.pos
		return v, ok
	case 't':
		return s.literal("true", kindTrue)
	case 'f':
		return s.literal("false", kindFalse)
	case 'n':
		return s.literal("null", kindNull)
	default:
		return s.number()
	}
}

func (s *scanner) object(depth int) bool {
	s.open()
	for first := true; ; first = false {
		if _, ok := s.next(first); !ok {
			return s.err == nil
		}
		if _, ok := s.value(depth); !ok {
			return false
		}
	}
}

func (s *scanner) array(depth int) bool {
	s.pos++
	if s.space() == ']' {
		s.pos++
		return true
	}
	for {
		if _, ok := s.value(depth); !ok {
			return false
		}
		switch s.space() {
		case ',':
			s.pos++
		case ']':
			s.pos++
			return true
		default:
			return s.fail(s.pos, "expected a comma or the end of the array")
		}
	}
}

func (s *scanner) literal(word string, kind valueKind) (value, bool) {
	start := s.pos
	if len(s.text)-start < len(word) || string(s.text[start:start+len(word)]) != word {
		return value{}, s.fail(start, "expected a value")
	}
	s.pos += len(word)
	return value{start: start, end: s.pos, kind: kind}, true
}

// number scans -?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?
func (s *scanner) number() (value, bool) {
	start := s.pos
	s.skipByte('-')
	if !s.skipByte('0') && !s.digits() {
		return value{}, s.fail(start, "expected a value")
	}
	if s.skipByte('.') && !s.digits() {
		return value{}, s.fail(start, "malformed number")
	}
	if s.skipByte('e') || s.skipByte('E') {
		if !s.skipByte('+') {
			s.skipByte('-')
		}
		if !s.digits() {
			return value{}, s.fail(start, "malformed number")
		}
	}
	return value{start: start, end: s.pos, kind: kindNumber}, true
}

func (s *scanner) skipByte(c byte) bool {
	if s.pos < len(s.text) && s.text[s.pos] == c {
		s.pos++
		return true
	}
	return false
}

func (s *scanner) digits() bool {
	start := s.pos
	for s.pos < len(s.text) && s.text[s.pos]-'0' <= 9 {
		s.pos++
	}
	return s.pos > start
}
