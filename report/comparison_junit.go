package report

import (
	"io"
	"slices"
	"strings"
	"time"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/report/compare"
)

// WriteComparisonJUnit writes a test case for the comparison as a whole and one per metric.
// A regression of a primary metric is a failure, one that could not be decided an error;
// the informational metrics are skipped, with what was found, and of an invalid
// comparison all of them.
func WriteComparisonJUnit(w io.Writer, c *compare.Result) error {
	at := time.Time{}
	if c.B.Run != nil {
		at = c.B.Run.Info.StartedAt
	}
	c = plain{commands: true}.copyFigures(c)
	cases := []junitCase{comparedCase(c)}
	for i := range c.Metrics {
		cases = append(cases, metricCase(c, &c.Metrics[i]))
	}
	name := c.A.Name + " against " + c.B.Name
	all := junitSuites{Name: "wpsbench compare " + name, Time: "0.000"}
	all.add(junitSuite{Name: "comparison", Time: "0.000", Timestamp: at.UTC().Format(time.RFC3339), Cases: cases}, "wpsbench")
	return all.write(w)
}

// comparedCase fails where no metric tells it: on a broken promise, and where too few runs
// or no primary metric were left.
func comparedCase(c *compare.Result) junitCase {
	out := junitCase{Name: "compared", Out: strings.Join(append([]string{c.Verdict.Headline}, comparisonNotes(c)...), "\n")}
	m := &junitMessage{Message: c.Verdict.Headline, Type: c.Verdict.Result}
	switch c.Verdict.Result {
	case metrics.ResultViolated:
		out.Failure = m
	case metrics.ResultInvalid:
		out.Error = m
	case metrics.ResultInconclusive:
		if !slices.ContainsFunc(c.Metrics, func(m compare.Metric) bool { return m.Primary }) {
			out.Error = m
		}
	}
	return out
}

func metricCase(of *compare.Result, m *compare.Metric) junitCase {
	found := []string{
		textNumbers.measuredOf(m.A, m.Unit) + " → " + textNumbers.measuredOf(m.B, m.Unit),
		changeOf(m.ChangeRatio), percent(of.Confidence) + " interval " + changeInterval(m.Interval), "margin " + marginText(m.MarginRatio),
	}
	if m.Reason != "" {
		found = append(found, m.Reason)
	}
	message := comparisonStyles[m.Verdict].word + ": " + strings.Join(found, ", ")
	c := junitCase{Name: m.Name}
	switch {
	case of.Verdict.Result == metrics.ResultInvalid:
		c.Skipped = &junitMessage{Message: "not judged: " + message}
	case !m.Primary:
		c.Skipped = &junitMessage{Message: "informational: " + message}
	case m.Verdict == compare.Regressed:
		c.Failure = &junitMessage{Message: message, Type: m.Verdict}
	case m.Verdict == compare.Inconclusive || m.Verdict == compare.NotCompared:
		c.Error = &junitMessage{Message: message, Type: m.Verdict}
	default:
		c.Out = message
	}
	return c
}
