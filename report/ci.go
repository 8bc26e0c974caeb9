package report

import (
	"cmp"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/wpsbench/wpsbench/metrics"
)

// CI is a build server that reads commands from a log.
type CI string

// The build servers.
const (
	GitHub CI = "github" // GitHub Actions
	Azure  CI = "azure"  // Azure Pipelines
)

// maxAnnotations is how many a step of GitHub Actions shows.
const maxAnnotations = 10

// annotation is one line of the build's list of problems.
type annotation struct {
	warning bool
	source  metrics.Source
	text    string
}

// WriteAnnotations writes what went wrong as commands to a build server: missed
// thresholds at their line of the scenario, then the verdict's other reasons. soft
// makes all of them warnings.
func WriteAnnotations(w io.Writer, r *metrics.Run, ci CI, soft bool) error {
	r = plain{commands: true}.copyRun(r)
	var b strings.Builder
	for _, a := range annotations(r) {
		a.warning = a.warning || soft
		if ci == Azure {
			b.WriteString(a.azure())
		} else {
			b.WriteString(a.github())
		}
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write annotations: %w", err)
	}
	return nil
}

func annotations(r *metrics.Run) []annotation {
	if r.Verdict.Result == metrics.ResultPass {
		return nil
	}
	all := []annotation{{
		warning: r.Verdict.Result == metrics.ResultInconclusive,
		source:  metrics.Source{File: r.Scenario.File},
		text:    cmp.Or(r.Verdict.Headline, styleOf(r.Verdict.Result).word),
	}}
	for _, t := range byRank(r.Thresholds) {
		if t.Result != metrics.ThresholdFail && t.Result != metrics.ThresholdNoSamples {
			continue
		}
		text := t.Metric + " " + limitText(t) + ": measured " + textNumbers.measuredOf(t.Measured, t.Unit)
		if t.Result == metrics.ThresholdNoSamples {
			text = t.Metric + " " + limitText(t) + ": no samples"
		}
		all = append(all, annotation{t.Result == metrics.ThresholdNoSamples, t.Source, text})
	}
	for _, c := range r.Checks {
		if c.Result == metrics.CheckViolated {
			all = append(all, annotation{false, metrics.Source{File: r.Scenario.File}, fmt.Sprintf("%s %s: %d violations", c.ID, c.Name, c.Violations)})
		}
	}
	return all[:min(len(all), maxAnnotations)]
}

// github is a workflow command. In its values % and line ends are encoded, in its
// properties : and , too.
func (a annotation) github() string {
	level := "error"
	if a.warning {
		level = "warning"
	}
	data := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	property := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
	var b strings.Builder
	b.WriteString("::" + level + " ")
	if a.source.File != "" {
		b.WriteString("file=" + property.Replace(a.source.File) + ",")
	}
	if a.source.Line > 0 {
		b.WriteString("line=" + strconv.Itoa(a.source.Line) + ",col=" + strconv.Itoa(max(a.source.Column, 1)) + ",")
	}
	b.WriteString("title=wpsbench::" + data.Replace(a.text) + "\n")
	return b.String()
}

// azure is a logging command; its properties end at ; and ].
func (a annotation) azure() string {
	level := "error"
	if a.warning {
		level = "warning"
	}
	var b strings.Builder
	b.WriteString("##vso[task.logissue type=" + level + ";")
	if a.source.File != "" {
		b.WriteString("sourcepath=" + azureProperty.Replace(a.source.File) + ";")
	}
	if a.source.Line > 0 {
		b.WriteString("linenumber=" + strconv.Itoa(a.source.Line) + ";columnnumber=" + strconv.Itoa(max(a.source.Column, 1)) + ";")
	}
	b.WriteString("]" + azureData.Replace(a.text) + "\n")
	return b.String()
}

var (
	azureData     = strings.NewReplacer("%", "%AZP25", "\r", "%0D", "\n", "%0A")
	azureProperty = strings.NewReplacer("%", "%AZP25", "\r", "%0D", "\n", "%0A", ";", "%3B", "]", "%5D")
)

// AzureSummary is the command that attaches a Markdown file to an Azure Pipelines run.
func AzureSummary(path string) string {
	return "##vso[task.uploadsummary]" + azureData.Replace(strings.ReplaceAll(path, "##", "# #")) + "\n"
}
