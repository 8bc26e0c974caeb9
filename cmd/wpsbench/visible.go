package main

import (
	"strconv"
	"strings"
	"unicode"
)

// visible makes foreign text fit for one line of a terminal: whatever is not a
// character to be seen becomes an escape, so that nobody else writes on our screen.
func visible(s string) string {
	var b strings.Builder
	for _, r := range s {
		if r == '\t' || unicode.IsPrint(r) {
			b.WriteRune(r)
			continue
		}
		quoted := strconv.QuoteRune(r)
		b.WriteString(quoted[1 : len(quoted)-1])
	}
	return b.String()
}
