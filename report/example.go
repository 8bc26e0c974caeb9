package report

import (
	"fmt"
	"slices"

	"github.com/wpsbench/wpsbench/metrics"
)

// exampleText tells an example in a line: when, who to whom, what was wrong.
func exampleText(e *metrics.Example) string {
	text := "at " + instant(e.TS)
	if e.Publisher >= 0 {
		text += fmt.Sprintf(", publisher %d", e.Publisher)
	}
	if e.Group != "" {
		text += " in " + e.Group
	}
	return text + fmt.Sprintf(" to connection %d: ", e.Subscriber) + wrongText(e)
}

// wrongText says what was wrong, by message numbers where it was about messages.
func wrongText(e *metrics.Example) string {
	switch {
	case e.ExpectedMessage > 0 || e.GotMessage > 0:
		return offenceText(e)
	case e.SequenceID > 0:
		return fmt.Sprintf("sequence id %d came", e.SequenceID)
	case len(e.Context) > 0:
		return e.Context[0]
	}
	return "no more is known"
}

// moreText says how many violations there are beyond those shown, and how many of them
// have an example in the record; empty when there are none.
func moreText(n numbers, c *metrics.CheckResult, shown int) string {
	if c.Violations <= uint64(shown) {
		return ""
	}
	text := n.count(c.Violations-uint64(shown)) + " more"
	switch kept := len(c.Examples) - shown; {
	case kept <= 0:
		return text + ", of which the record keeps no example"
	case c.Violations > uint64(len(c.Examples)):
		return text + fmt.Sprintf(", %d of them in the record", kept)
	}
	return text + " in the record"
}

// closeContext is the lines nearest to the offence: at most before up to it, and after
// after it.
func closeContext(e *metrics.Example, before, after int) []string {
	upTo, behind := e.Context, []string(nil)
	if i := slices.Index(e.Context, metrics.OffenceMark); i >= 0 {
		upTo, behind = e.Context[:i], e.Context[i:]
	}
	lines := slices.Clone(upTo[max(0, len(upTo)-before):])
	return append(lines, behind[:min(len(behind), 1+after)]...)
}
