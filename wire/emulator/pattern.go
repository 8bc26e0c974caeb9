package emulator

import (
	"unicode/utf8"
)

// pattern is the compiled form of a wildcard role (protocol.md 2.3): runes, and
// the negative values below.
type pattern []rune

const (
	anyOne          rune = -1 // ?   one character except '.'
	anyInName       rune = -2 // *   zero or more characters except '.'
	anyAtAll        rune = -3 // **  zero or more characters
	maxWilds             = 5  // unescaped '*' characters, so ** costs two
	maxPatternChars      = 1024
)

// compilePattern returns false for a pattern that is empty, too long, too wild
// or ends inside an escape.
func compilePattern(text string) (pattern, bool) {
	if text == "" || utf8.RuneCountInString(text) > maxPatternChars {
		return nil, false
	}
	var p pattern
	wilds, escaped := 0, false
	for _, r := range text {
		switch {
		case escaped:
			if r != '*' && r != '?' && r != '\\' {
				return nil, false
			}
			p, escaped = append(p, r), false
		case r == '\\':
			escaped = true
		case r == '?':
			p = append(p, anyOne)
		case r == '*':
			wilds++
			p = appendWild(p)
		default:
			p = append(p, r)
		}
	}
	return p, !escaped && wilds <= maxWilds
}

// appendWild adds one '*'; a run of two or more acts as one '**'.
func appendWild(p pattern) pattern {
	if n := len(p); n > 0 && (p[n-1] == anyInName || p[n-1] == anyAtAll) {
		p[n-1] = anyAtAll
		return p
	}
	return append(p, anyInName)
}

// retry is a wildcard to give one more character to when the match fails after it.
type retry struct {
	next int // in the pattern, after the wildcard
	at   int // in the name, where the wildcard's share ends; -1 = no such wildcard
}

// matches reports whether the whole name fits. Each wildcard takes as little as
// it can. After a mismatch it is enough to widen the latest '*', and if that has
// reached a dot the latest '**': an earlier one would only give up room.
func (p pattern) matches(name []byte) bool {
	star, all := retry{at: -1}, retry{at: -1}
	i, at := 0, 0
	for i < len(p) || at < len(name) {
		if i < len(p) && p[i] == anyInName {
			i++
			star = retry{i, at}
			continue
		}
		if i < len(p) && p[i] == anyAtAll {
			i++
			all, star = retry{i, at}, retry{at: -1}
			continue
		}
		if r, size := utf8.DecodeRune(name[at:]); i < len(p) && size > 0 && (p[i] == r || p[i] == anyOne && r != '.') {
			i, at = i+1, at+size
			continue
		}
		switch {
		case star.at >= 0 && star.at < len(name) && name[star.at] != '.':
			star.at += runeLen(name[star.at:])
			i, at = star.next, star.at
		case all.at >= 0 && all.at < len(name):
			all.at += runeLen(name[all.at:])
			i, at, star = all.next, all.at, retry{at: -1}
		default:
			return false
		}
	}
	return true
}

func runeLen(b []byte) int {
	_, size := utf8.DecodeRune(b)
	return size
}
