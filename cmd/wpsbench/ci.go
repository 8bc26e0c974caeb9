package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/report"
)

func ciFlag() cli.Flag {
	return &cli.StringFlag{Name: "ci", Value: "auto", Usage: "annotate and summarize for a build `SERVER`: auto, github, azure or off"}
}

// parseCI is the build server to speak to, "" for none.
func parseCI(flag string) (report.CI, error) {
	switch flag {
	case "auto":
		switch {
		case os.Getenv("GITHUB_ACTIONS") == "true":
			return report.GitHub, nil
		case strings.EqualFold(os.Getenv("TF_BUILD"), "true"):
			return report.Azure, nil
		}
		return "", nil
	case "github", "azure":
		return report.CI(flag), nil
	case "off":
		return "", nil
	}
	return "", failf(exitUsage, "--ci %q: write auto, github, azure or off", flag)
}

// parseSoft returns the exit statuses that only warn.
func parseSoft(flag string) (map[int]bool, error) {
	soft := map[int]bool{}
	if flag == "" {
		return soft, nil
	}
	for word := range strings.SplitSeq(flag, ",") {
		switch strings.TrimSpace(word) {
		case "invalid":
			soft[metrics.ExitInvalid] = true
		case "inconclusive":
			soft[metrics.ExitInconclusive] = true
		default:
			return nil, failf(exitUsage, "--soft %q: write invalid, inconclusive or both with a comma", flag)
		}
	}
	return soft, nil
}

// announce tells a build server of a run: what went wrong as annotations in its log,
// and the Markdown as the step's summary.
func (a *app) announce(ci report.CI, log io.Writer, rec *metrics.Run, soft bool) error {
	if ci == "" {
		return nil
	}
	if err := report.WriteAnnotations(log, rec, ci, soft); err != nil {
		return err
	}
	var md bytes.Buffer
	if err := report.WriteMarkdown(&md, rec); err != nil {
		return err
	}
	return addSummary(ci, log, md.Bytes())
}

// addSummary hands a step's summary over. GitHub names a file to append to; Azure is
// told of a file, which it reads when the step has ended.
func addSummary(ci report.CI, log io.Writer, md []byte) error {
	if ci == report.Azure {
		f, err := os.CreateTemp(os.Getenv("AGENT_TEMPDIRECTORY"), "wpsbench-*.md")
		if err != nil {
			return err
		}
		_, err = f.Write(md)
		if err := errors.Join(err, f.Close()); err != nil {
			return err
		}
		_, err = io.WriteString(log, report.AzureSummary(f.Name()))
		return err
	}
	path := os.Getenv("GITHUB_STEP_SUMMARY")
	if path == "" {
		return nil
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(append(md, '\n'))
	return errors.Join(err, f.Close())
}
