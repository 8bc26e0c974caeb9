package report

import (
	"encoding/xml"
	"fmt"
	"io"
	"time"

	"github.com/wpsbench/wpsbench/metrics"
)

// The elements of a JUnit report, in the dialect that Jenkins, GitLab and Azure
// Pipelines all read.
type (
	junitSuites struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Name     string       `xml:"name,attr"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Errors   int          `xml:"errors,attr"`
		Time     string       `xml:"time,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name      string      `xml:"name,attr"`
		Tests     int         `xml:"tests,attr"`
		Failures  int         `xml:"failures,attr"`
		Errors    int         `xml:"errors,attr"`
		Skipped   int         `xml:"skipped,attr"`
		Time      string      `xml:"time,attr"`
		Timestamp string      `xml:"timestamp,attr"`
		Cases     []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Class   string        `xml:"classname,attr"`
		Name    string        `xml:"name,attr"`
		Time    string        `xml:"time,attr"`
		Skipped *junitMessage `xml:"skipped"`
		Error   *junitMessage `xml:"error"`
		Failure *junitMessage `xml:"failure"`
		Out     string        `xml:"system-out,omitempty"`
	}
	junitMessage struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr,omitempty"`
		Text    string `xml:",chardata"`
	}
)

// WriteJUnit writes a test case per threshold, check and gate, and one for the run as a
// whole. A broken promise or a missed limit is a failure. What could not be decided or
// measured is an error: an invalid run leaves its thresholds skipped.
func WriteJUnit(w io.Writer, r *metrics.Run) error {
	r = plain{commands: true}.copyRun(r)
	all := junitSuites{Name: "wpsbench " + r.Info.Name, Time: fmt.Sprintf("%.3f", r.Info.DurationS)}
	add := func(name string, cases []junitCase) {
		length := "0.000"
		if name == "run" {
			length = all.Time
		}
		all.add(junitSuite{Name: name, Time: length, Timestamp: r.Info.StartedAt.UTC().Format(time.RFC3339), Cases: cases}, "wpsbench."+r.Info.Name)
	}
	add("run", []junitCase{runCase(r)})
	add("thresholds", thresholdCases(r))
	add("checks", checkCases(r))
	add("gates", gateCases(r))
	return all.write(w)
}

// add counts how the cases of a suite came out, and names them by a class.
func (all *junitSuites) add(s junitSuite, class string) {
	for i := range s.Cases {
		c := &s.Cases[i]
		c.Class, c.Time = class+"."+s.Name, s.Time
		s.Tests++
		switch {
		case c.Failure != nil:
			s.Failures++
		case c.Error != nil:
			s.Errors++
		case c.Skipped != nil:
			s.Skipped++
		}
	}
	all.Tests, all.Failures, all.Errors = all.Tests+s.Tests, all.Failures+s.Failures, all.Errors+s.Errors
	all.Suites = append(all.Suites, s)
}

func (all *junitSuites) write(w io.Writer) error {
	doc, err := xml.MarshalIndent(all, "", "  ")
	if err != nil {
		return fmt.Errorf("encode JUnit report: %w", err)
	}
	if _, err := io.WriteString(w, xml.Header+string(doc)+"\n"); err != nil {
		return fmt.Errorf("write JUnit report: %w", err)
	}
	return nil
}

// runCase fails where nothing else tells it: a run that is not whole, or not to be
// believed.
func runCase(r *metrics.Run) junitCase {
	c := junitCase{Name: "measured", Out: r.Verdict.Headline}
	if of := coverageOf(r); of != "" {
		c.Out += "; these totals are " + of
	}
	switch {
	case r.Verdict.Result == metrics.ResultNotRun, r.Verdict.Result == metrics.ResultInvalid,
		r.Verdict.Result == metrics.ResultDegraded, r.Info.Status == metrics.RunInterrupted:
		c.Error = &junitMessage{Message: r.Verdict.Headline, Type: r.Verdict.Result}
	}
	return c
}

func thresholdCases(r *metrics.Run) []junitCase {
	var cases []junitCase
	for _, t := range r.Thresholds {
		c := junitCase{Name: t.Metric + " " + limitText(t)}
		message := "no samples"
		switch {
		case t.Measured != nil:
			message = "measured " + textNumbers.measuredOf(t.Measured, t.Unit)
		case t.Result == "not_judged":
			message = r.Verdict.Headline
		}
		if at := sourceText(t); at != "" {
			message += ", limit at " + at
		}
		c.setAnswer(t.Result, message)
		cases = append(cases, c)
	}
	return cases
}

func checkCases(r *metrics.Run) []junitCase {
	var cases []junitCase
	for i := range r.Checks {
		k := &r.Checks[i]
		message := k.Reason
		if k.Result == metrics.CheckViolated {
			message = fmt.Sprintf("%d violations in %d checked", k.Violations, k.Checked)
		}
		c := junitCase{Name: k.ID + " " + k.Name}
		c.setAnswer(k.Result, message)
		if c.Failure != nil {
			for _, e := range k.Examples {
				c.Failure.Text += fmt.Sprintf("t+%.1f s group %s publisher %d subscriber %d: expected message %d, got %d\n",
					e.TS, e.Group, e.Publisher, e.Subscriber, e.ExpectedMessage, e.GotMessage)
			}
			if more := moreText(textNumbers, k, len(k.Examples)); more != "" {
				c.Failure.Text += more + "\n"
			}
		}
		cases = append(cases, c)
	}
	return cases
}

func gateCases(r *metrics.Run) []junitCase {
	var cases []junitCase
	for _, g := range r.Health.Gates {
		message := gateText(textNumbers, &g, r.Health.Windows)
		switch {
		case g.Result == "not_measured":
			message = unmeasured(r, &g)
		case g.Advice != "":
			message += "; what helps: " + g.Advice
		}
		c := junitCase{Name: g.ID}
		c.setAnswer(g.Result, message)
		cases = append(cases, c)
	}
	return cases
}

// unmeasured is why a gate has no value, as far as the record knows.
func unmeasured(r *metrics.Run, g *metrics.Gate) string {
	if g.ID == metrics.GateCeiling.String() && r.Health.CeilingPerS == nil {
		return "this machine is not calibrated (wpsbench calibrate)"
	}
	return "this system does not tell it, or there was nothing to measure"
}

// setAnswer says how a threshold, a check or a gate came out. An answer that is not
// known, from a newer minor version, is never taken for a pass.
func (c *junitCase) setAnswer(result, message string) {
	m := &junitMessage{Message: message, Type: result}
	switch result {
	case "ok", "pass", "valid":
	case "warn":
		c.Out = "warns: " + message
	case "fail", "violated":
		c.Failure = m
	case "not_judged", "not_exercised", "not_measured":
		m.Type = ""
		m.Message = answerOf(result).word
		if message != "" {
			m.Message += ": " + message
		}
		c.Skipped = m
	default: // invalid, unknown, no_samples
		c.Error = m
	}
}
