package conform

import (
	"fmt"
	"io"
	"strings"
)

// WriteText writes one case: a line, and unless it passed what was found and the
// frames that led to it.
func (r *Result) WriteText(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%-8s %-32s %s (%s)\n", r.Outcome, r.ID, r.Title, r.Rule)
	for _, reason := range r.Reasons {
		fmt.Fprintf(&b, "           %s\n", reason)
	}
	for _, f := range r.Frames {
		fmt.Fprintf(&b, "             | %s\n", f)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// Summary is the totals in one line.
func (r *Report) Summary() string {
	return fmt.Sprintf("%d cases: %d pass, %d fail, %d differ from the emulator, %d skipped; %.1f s",
		len(r.Cases), r.Totals[Pass], r.Totals[Fail], r.Totals[Differs], r.Totals[Skipped], r.Seconds)
}
