package report

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"reflect"
	"strconv"
	"strings"

	"github.com/wpsbench/wpsbench/report/compare"
	"github.com/wpsbench/wpsbench/report/svg"
)

// comparisonStyles is how the verdict on one metric appears.
var comparisonStyles = map[string]verdictStyle{
	compare.Regressed:    {"REGRESSED", svg.Octagon, svg.Fail, '✕'},
	compare.Improved:     {"IMPROVED", svg.Disc, svg.Pass, '✓'},
	compare.Equivalent:   {"EQUIVALENT", svg.Disc, svg.Pass, '✓'},
	compare.Shifted:      {"SHIFTED", svg.HalfDisc, svg.Muted, '◐'},
	compare.Inconclusive: {"INCONCLUSIVE", svg.Ring, svg.Warn, '○'},
	compare.NotCompared:  {"NOT COMPARED", svg.Ring, svg.Warn, '○'},
}

// WriteComparisonJSON writes a comparison as an indented JSON document.
func WriteComparisonJSON(w io.Writer, c *compare.Result) error {
	doc, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return fmt.Errorf("encode comparison: %w", err)
	}
	if _, err := w.Write(append(doc, '\n')); err != nil {
		return fmt.Errorf("write comparison: %w", err)
	}
	return nil
}

// copyFigures is copyComparison for outputs that do not show the runs.
func (p plain) copyFigures(c *compare.Result) *compare.Result {
	figures := *c
	figures.A.Run, figures.B.Run = nil, nil
	return p.copyComparison(&figures)
}

// copyComparison returns a deep copy whose texts are safe to show.
func (p plain) copyComparison(c *compare.Result) *compare.Result {
	return deepCopy(reflect.ValueOf(c), p.text).Interface().(*compare.Result)
}

// WriteComparisonText writes a comparison for a terminal. Its last line is the verdict.
func WriteComparisonText(w io.Writer, c *compare.Result, o TextOptions) error {
	if o.Width == 0 {
		o.Width = 80
	}
	s := &summary{o: o}
	c = plain{ascii: !o.UTF8, commands: true}.copyFigures(c)
	if !o.VerdictOnly {
		s.comparison(c)
	}
	style := styleOf(c.Verdict.Result)
	s.sentence("", "  ", string(style.mark)+" "+c.Verdict.Headline, style.token)
	if _, err := io.WriteString(w, s.b.String()); err != nil {
		return fmt.Errorf("write comparison: %w", err)
	}
	return nil
}

func (s *summary) comparison(c *compare.Result) {
	short := func(name string) string { return ellipsize(name, 30, "…") }
	s.wrap("", "  ", "   ", append([]string{"A " + short(c.A.Name), "B " + short(c.B.Name)}, comparisonFacts(c)...), "")
	row := func(t svg.Token, cells ...string) {
		s.line("  "+left(cells[0], 13)+right(cells[1], 10)+right(cells[2], 11)+right(cells[3], 10)+"  "+left(cells[4], 18)+cells[5], t)
	}
	if len(c.Metrics) > 0 {
		row("", "metric", "A", "B", "change", percent(c.Confidence)+" interval", "verdict")
	}
	for _, m := range c.Metrics {
		style := comparisonStyles[m.Verdict]
		word := style.word
		token := style.token
		switch {
		case !m.Primary:
			token = svg.Muted
		case m.Verdict == compare.Regressed:
			word += " " + string(style.mark)
		}
		row(token, m.Name, textNumbers.measuredOf(m.A, m.Unit), textNumbers.measuredOf(m.B, m.Unit), changeOf(m.ChangeRatio), changeInterval(m.Interval), word)
		var aside []string
		if !m.Primary {
			aside = append(aside, "informational")
		}
		if m.Reason != "" {
			aside = append(aside, m.Reason)
		}
		if len(aside) > 0 {
			s.sentence("      ", "      ", strings.Join(aside, ": "), svg.Muted)
		}
	}
	for _, line := range comparisonNotes(c) {
		s.sentence("  ", "    ", line, svg.Warn)
	}
}

// comparisonFacts says how the runs were compared.
func comparisonFacts(c *compare.Result) []string {
	facts := []string{fmt.Sprintf("%d and %d runs, unpaired: drift not controlled", c.A.Runs, c.B.Runs)}
	if c.Paired {
		facts[0] = fmt.Sprintf("%d pairs", c.Pairs)
	}
	lo, hi := 0.0, 0.0
	for i, m := range c.Metrics {
		if i == 0 {
			lo = m.MarginRatio
		}
		lo, hi = min(lo, m.MarginRatio), max(hi, m.MarginRatio)
	}
	if len(c.Metrics) == 0 {
		return facts
	}
	margin := "margin " + marginText(lo)
	if hi > lo {
		margin += " to " + marginText(hi)
	}
	return append(facts, margin)
}

// comparisonNotes says what a reader must know beside the figures.
func comparisonNotes(c *compare.Result) []string {
	var notes []string
	for _, d := range c.Differs {
		notes = append(notes, "differs: "+d.Key+" "+valueOrDash(d.A)+" → "+valueOrDash(d.B))
	}
	if c.ExcludedPairs > 0 {
		notes = append(notes, textNumbers.counted(uint64(c.ExcludedPairs), "pair", "pairs")+" excluded")
	}
	for _, side := range []struct {
		name string
		compare.Side
	}{{"A", c.A}, {"B", c.B}} {
		for _, e := range side.Excluded {
			notes = append(notes, "excluded from "+side.name+": run "+e.RunID+", "+e.Reason)
		}
		if side.Violated > 0 {
			notes = append(notes, fmt.Sprintf("delivery promises were broken in %d of the runs of %s", side.Violated, side.name))
		}
	}
	if !c.NoiseKnown {
		notes = append(notes, "the noise of this machine is not known (--noise): margin at least ±10 %")
	}
	return notes
}

// marginText writes a margin, which holds both ways.
func marginText(ratio float64) string { return "±" + strings.TrimPrefix(change(ratio), "+") }

func valueOrDash(s string) string {
	if s == "" {
		return dash
	}
	return ellipsize(s, 200, "…")
}

func changeOf(ratio *float64) string {
	if ratio == nil {
		return dash
	}
	return tenths(*ratio)
}

// tenths writes a change to a tenth of a percent: +16.3 %, 0.0 %, −7.1 %.
func tenths(ratio float64) string {
	p := math.Abs(ratio * 100)
	if math.IsNaN(p) || math.IsInf(p, 0) {
		return dash
	}
	text := strconv.FormatFloat(p, 'f', 1, 64)
	switch {
	case text == "0.0":
	case ratio < 0:
		text = "−" + text
	default:
		text = "+" + text
	}
	return text + " %"
}

func changeInterval(interval []float64) string {
	if len(interval) != 2 {
		return dash
	}
	short := func(v float64) string { return strings.TrimSuffix(tenths(v), " %") }
	return "[" + short(interval[0]) + ", " + short(interval[1]) + "]"
}

// WriteComparisonMarkdown writes a comparison for a pull request.
func WriteComparisonMarkdown(w io.Writer, c *compare.Result) error {
	c = plain{commands: true}.copyFigures(c)
	m := &markdown{}
	m.printf("## %c %s\n\n", styleOf(c.Verdict.Result).mark, escapeMarkdown(c.Verdict.Headline))
	m.printf("A %s · B %s · %s\n\n", escapeMarkdown(c.A.Name), escapeMarkdown(c.B.Name), strings.Join(comparisonFacts(c), " · "))
	m.head("metric", ">A", ">B", ">change", percent(c.Confidence)+" interval", "verdict", "note")
	for _, x := range c.Metrics {
		name := x.Name
		if !x.Primary {
			name += " (informational)"
		}
		style := comparisonStyles[x.Verdict]
		m.row(name, textNumbers.measuredOf(x.A, x.Unit), textNumbers.measuredOf(x.B, x.Unit), changeOf(x.ChangeRatio), changeInterval(x.Interval), string(style.mark)+" "+style.word, x.Reason)
	}
	m.printf("\n")
	for _, note := range comparisonNotes(c) {
		m.printf("- %s\n", escapeMarkdown(note))
	}
	if _, err := io.WriteString(w, m.text()); err != nil {
		return fmt.Errorf("write comparison: %w", err)
	}
	return nil
}
