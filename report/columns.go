package report

import (
	"strings"
	"unicode"

	"golang.org/x/text/width"
)

// columns returns how many terminal columns a text takes.
func columns(s string) int {
	n := 0
	for _, r := range s {
		n += runeColumns(r)
	}
	return n
}

func runeColumns(r rune) int {
	if r < 0x300 {
		return 1
	}
	if unicode.In(r, unicode.Mn, unicode.Me) {
		return 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	default:
		return 1
	}
}

// left pads s with spaces on its right to a number of columns.
func left(s string, width int) string {
	return s + strings.Repeat(" ", max(0, width-columns(s)))
}

// right pads s with spaces on its left.
func right(s string, width int) string {
	return strings.Repeat(" ", max(0, width-columns(s))) + s
}
