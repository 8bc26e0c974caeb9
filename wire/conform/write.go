package conform

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"strings"
)

// WriteJSON writes the report as an indented document of format wpsbench.conform/1.
func (r *Report) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

// The JUnit document, as far as CI systems agree on it.
type junitSuite struct {
	XMLName  xml.Name    `xml:"testsuite"`
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Errors   int         `xml:"errors,attr"`
	Skipped  int         `xml:"skipped,attr"`
	Time     string      `xml:"time,attr"`
	Stamp    string      `xml:"timestamp,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Class   string        `xml:"classname,attr"`
	Name    string        `xml:"name,attr"`
	Time    string        `xml:"time,attr"`
	Failure *junitMessage `xml:"failure,omitempty"`
	Skipped *junitMessage `xml:"skipped,omitempty"`
	Out     string        `xml:"system-out,omitempty"`
}

type junitMessage struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// WriteJUnit writes the report as JUnit XML. A case that differs stands there as
// skipped: JUnit has no word between success and failure.
func (r *Report) WriteJUnit(w io.Writer) error {
	suite := junitSuite{
		Name: "wpsbench conform " + r.Target, Tests: len(r.Cases),
		Failures: r.Totals[Fail], Skipped: r.Totals[Skipped] + r.Totals[Differs],
		Time: seconds(r.Seconds), Stamp: r.StartedAt.Format("2006-01-02T15:04:05"),
	}
	for _, c := range r.Cases {
		area, name, _ := strings.Cut(c.ID, "/")
		jc := junitCase{Class: "conform." + area, Name: name + ": " + c.Title, Time: seconds(c.Seconds)}
		reasons, frames := strings.Join(c.Reasons, "; "), strings.Join(c.Frames, "\n")
		switch c.Outcome {
		case Fail:
			jc.Failure = &junitMessage{reasons, frames}
		case Differs:
			jc.Skipped, jc.Out = &junitMessage{Message: "differs: " + reasons}, frames
		case Skipped:
			jc.Skipped = &junitMessage{Message: reasons}
		case Pass:
		}
		suite.Cases = append(suite.Cases, jc)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(suite); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func seconds(s float64) string { return fmt.Sprintf("%.3f", s) }
