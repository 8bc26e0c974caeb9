package report

import (
	"html/template"
	"io"
	"slices"
	"strconv"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/report/compare"
)

// WriteComparisonHTML writes the page of the run that stands for B, with a section that
// compares it with A. Like every page it carries its record, which ReadRun reads back.
func WriteComparisonHTML(w io.Writer, c *compare.Result) error {
	return writePage(w, c.B.Run, c)
}

// compared heads a banner with the verdict of the comparison, unless that of the run shown
// outranks it; the other one has the first line below.
func (b *banner) compared(r *metrics.Run, c *compare.Result) {
	result := c.Verdict.Result
	if slices.Index(verdictOrder, r.Verdict.Result) < slices.Index(verdictOrder, result) {
		b.Lines = slices.Insert(b.Lines, 0, fact{"Comparison", c.Verdict.Headline})
		return
	}
	b.Lines = slices.Insert(b.Lines, 0, fact{"The run shown", r.Verdict.Headline})
	style := styleOf(result)
	b.Icon, b.Class = icon(style.shape, style.token, bannerIcon), string(style.token)
	b.Word, b.Sentence, b.Href = style.word, sentenceOf(result, c.Verdict.Headline), "#compare"
}

// compareSection answers: better or worse?
type compareSection struct {
	Icon     template.HTML
	Class    string
	Headline string
	Sides    []fact
	Facts    []string
	Metrics  *table
	Notes    []string
	Charts   []*figure
}

// newCompareSection builds the section from a comparison whose texts are safe to show;
// nil without one.
func newCompareSection(c *compare.Result, d detail) *compareSection {
	if c == nil {
		return nil
	}
	style := styleOf(c.Verdict.Result)
	s := &compareSection{
		Icon:     icon(style.shape, style.token, 18),
		Class:    wordClass(style),
		Headline: c.Verdict.Headline,
		Sides:    []fact{sideFact("A", &c.A), sideFact("B", &c.B)},
		Facts:    comparisonFacts(c),
		Metrics:  comparisonTable(c),
		Notes:    comparisonNotes(c),
	}
	if f := aligned(c, d); f != nil {
		s.Charts = append(s.Charts, f)
	}
	s.Charts = append(s.Charts, difference(c))
	return s
}

func sideFact(letter string, s *compare.Side) fact {
	text := s.Name
	if s.Run != nil {
		text += " · shown here: run " + s.RunID + " of " + s.Run.Info.StartedAt.UTC().Format("2006-01-02 15:04:05") + " UTC"
	}
	return fact{letter, text}
}

func comparisonTable(c *compare.Result) *table {
	t := &table{Caption: "Change of B against A, by the geometric mean over runs", Head: heads(
		"metric", "verdict", ">A", ">B", ">change", ">"+percent(c.Confidence)+" interval", ">margin", ">p beyond margin", ">p of any change", "note")}
	for _, m := range c.Metrics {
		name := cell{Text: m.Name}
		if !m.Primary {
			name.Sub = "informational"
		}
		style := comparisonStyles[m.Verdict]
		t.add(name,
			cell{Text: style.word, Class: wordClass(style), Icon: icon(style.shape, style.token, 14)},
			valueCell(m.A, m.Unit), valueCell(m.B, m.Unit), numCell(changeOf(m.ChangeRatio)), numCell(changeInterval(m.Interval)),
			numCell(marginText(m.MarginRatio)), numCell(probability(m.P)), numCell(probability(m.SignFlipP)), textCell(m.Reason))
	}
	return t
}

// probability writes a p-value to three decimals.
func probability(p *float64) string {
	switch {
	case p == nil:
		return dash
	case *p < 0.001:
		return "< 0.001"
	}
	return strconv.FormatFloat(*p, 'f', 3, 64)
}

// baselineOf is the run that stands for A; nil without a comparison.
func baselineOf(c *compare.Result) *metrics.Run {
	if c == nil {
		return nil
	}
	return c.A.Run
}
