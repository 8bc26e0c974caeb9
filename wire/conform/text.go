package conform

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// WriteText writes one case: a line, and unless it passed what was found and the
// frames that led to it.
func (r *Result) WriteText(w io.Writer) error {
	var b strings.Builder
	wrap(&b, fmt.Sprintf("%-8s %-32s ", r.Outcome, r.ID), 42, fmt.Sprintf("%s (%s)", r.Title, r.Rule))
	for _, reason := range r.Reasons {
		wrap(&b, strings.Repeat(" ", 11), 11, reason)
	}
	for _, f := range r.Frames {
		fmt.Fprintf(&b, "             | %s\n", f)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// wrap writes words behind a first text, and goes on in the next line, indented, where 80
// columns are full.
func wrap(b *strings.Builder, first string, indent int, words string) {
	b.WriteString(first)
	column := utf8.RuneCountInString(first)
	for i, word := range strings.Fields(words) {
		n := utf8.RuneCountInString(word)
		switch {
		case i == 0:
		case column+1+n > 80:
			b.WriteString("\n" + strings.Repeat(" ", indent))
			column = indent
		default:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += n
	}
	b.WriteByte('\n')
}

// Summary is the totals in one line.
func (r *Report) Summary() string {
	return fmt.Sprintf("%d cases: %d pass, %d fail, %d differ from the emulator, %d skipped; %.1f s",
		len(r.Cases), r.Totals[Pass], r.Totals[Fail], r.Totals[Differs], r.Totals[Skipped], r.Seconds)
}
