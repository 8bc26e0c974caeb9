package emulator

import "strings"

// tokenKind is a class of words of the filter language.
type tokenKind uint8

const (
	tokenEnd     tokenKind = iota
	tokenWord              // identifier, operator, function or constant
	tokenNumber            // digits, perhaps with a sign
	tokenText              // 'text', with the quotes undone
	tokenSpecial           // ( ) ,
	tokenInvalid
)

type filterToken struct {
	kind tokenKind
	text string
	at   int // byte offset in the expression
}

// filterLexer cuts an expression into tokens.
type filterLexer struct {
	text string
	pos  int
}

func (l *filterLexer) next() filterToken {
	for l.pos < len(l.text) && isFilterSpace(l.text[l.pos]) {
		l.pos++
	}
	start := l.pos
	if start == len(l.text) {
		return filterToken{tokenEnd, "", start}
	}
	switch c := l.text[start]; {
	case isWordStart(c):
		l.skip(func(c byte) bool { return isWordStart(c) || isDecimal(c) })
		return filterToken{tokenWord, l.text[start:l.pos], start}
	case isDecimal(c) || c == '-':
		l.pos++
		l.skip(isDecimal)
		if l.pos < len(l.text) && (isWordStart(l.text[l.pos]) || l.text[l.pos] == '.') {
			return filterToken{tokenInvalid, l.text[start : l.pos+1], start} // 1.5, 1e3, 7L
		}
		return filterToken{tokenNumber, l.text[start:l.pos], start}
	case c == '\'':
		return l.quoted()
	case c == '(' || c == ')' || c == ',':
		l.pos++
		return filterToken{tokenSpecial, l.text[start:l.pos], start}
	default:
		return filterToken{tokenInvalid, l.text[start : start+1], start}
	}
}

func (l *filterLexer) skip(while func(c byte) bool) {
	for l.pos < len(l.text) && while(l.text[l.pos]) {
		l.pos++
	}
}

// quoted reads a text, in which a doubled quote stands for one.
func (l *filterLexer) quoted() filterToken {
	start := l.pos
	for l.pos++; l.pos < len(l.text); l.pos++ {
		if l.text[l.pos] != '\'' {
			continue
		}
		if l.pos++; l.pos == len(l.text) || l.text[l.pos] != '\'' {
			return filterToken{tokenText, strings.ReplaceAll(l.text[start+1:l.pos-1], "''", "'"), start}
		}
	}
	return filterToken{tokenInvalid, "an unfinished text", start}
}

func isFilterSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

func isDecimal(c byte) bool { return '0' <= c && c <= '9' }

func isWordStart(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' || c == '_' }
