package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/report"
	"github.com/wpsbench/wpsbench/report/compare"
)

var comparisonWriters = map[string]func(io.Writer, *compare.Result) error{
	"json":  report.WriteComparisonJSON,
	"html":  report.WriteComparisonHTML,
	"md":    report.WriteComparisonMarkdown,
	"junit": report.WriteComparisonJUnit,
}

func (a *app) compareCommand() *cli.Command {
	return &cli.Command{
		Name:      "compare",
		Usage:     "tell whether B is slower than A",
		ArgsUsage: "A B",
		Description: "A and B are stored runs (run.json or report.html) or folders of repetitions (run --repeat).\n" +
			"A verdict needs six runs a side; they are paired where those of A and B were started by turns.",
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "margin", Value: "5%", Usage: "the smallest `CHANGE` that matters"},
			&cli.StringFlag{Name: "noise", Usage: "`FOLDER` of repetitions of one version, which tell how much this machine varies"},
			&cli.StringSliceFlag{Name: "out", Usage: "also write `FORMAT=PATH`: json, html (the report of B with the comparison in it), md or junit; PATH - is stdout"},
		}, progressFlags()...),
		UseShortOptionHandling: true, // -qq
		OnUsageError:           usageError,
		Action:                 a.compareAction,
	}
}

func (a *app) compareAction(c *cli.Context) error {
	if c.Args().Len() != 2 {
		return failf(exitUsage, "compare takes two stored runs or folders of them, got %d arguments", c.Args().Len())
	}
	outs, err := parseOuts(c.StringSlice("out"))
	if err != nil {
		return err
	}
	for _, o := range outs {
		if comparisonWriters[o.format] == nil {
			return failf(exitUsage, "--out %s: a comparison is written as json, html, md or junit", o.format)
		}
	}
	var o compare.Options
	if o.Margin, err = parseMargin(c.String("margin")); err != nil {
		return err
	}
	show, err := a.newShow(c, outs)
	if err != nil {
		return err
	}
	defer show.end()
	if c.IsSet("noise") {
		if o.Noise, err = a.readRuns(show.progress, c.String("noise")); err != nil {
			return failf(exitUsage, "--noise: %w", err)
		}
	}
	nameA, nameB := c.Args().Get(0), c.Args().Get(1)
	runsA, err := a.readRuns(show.progress, nameA)
	if err != nil {
		return failf(exitUsage, "%w", err)
	}
	runsB, err := a.readRuns(show.progress, nameB)
	if err != nil {
		return failf(exitUsage, "%w", err)
	}
	show.doing("comparing " + nameA + " with " + nameB)
	result, err := compare.Compare(nameA, runsA, nameB, runsB, o)
	if err != nil {
		return failf(exitUsage, "%w", err)
	}
	return a.showComparison(show, result, outs)
}

func (a *app) showComparison(show *show, result *compare.Result, outs []out) error {
	show.end()
	if err := report.WriteComparisonText(show.result, result, show.text); err != nil {
		return err
	}
	if _, err := a.putAll(outs, func(o out) ([]byte, error) {
		show.doing("writing " + o.path)
		var b bytes.Buffer
		err := comparisonWriters[o.format](&b, result)
		return b.Bytes(), err
	}); err != nil {
		show.end()
		return a.unwritten(result.Verdict.ExitCode, err)
	}
	return verdictError(metrics.Verdict{Headline: result.Verdict.Headline}, result.Verdict.ExitCode)
}

// parseMargin reads a share: 5% or 0.05.
func parseMargin(s string) (float64, error) {
	number, isPercent := strings.CutSuffix(strings.TrimSpace(s), "%")
	v, err := strconv.ParseFloat(number, 64)
	if isPercent {
		v /= 100
	}
	if err != nil || !(v > 0 && v < 1) {
		return 0, failf(exitUsage, "--margin %q: write a share between 0 and 100%%, e.g. 5%%", s)
	}
	return v, nil
}

// readRuns reads one stored run, or every run.json below a folder, in the order of their
// paths.
func (a *app) readRuns(p *progress, path string) ([]*metrics.Run, error) {
	p.doing("reading " + path)
	info, err := os.Stat(path)
	if err != nil && path != "-" {
		return nil, err
	}
	if path == "-" || !info.IsDir() {
		run, err := a.readRun(path)
		if err != nil {
			return nil, err
		}
		return []*metrics.Run{run}, nil
	}
	var files []string
	err = filepath.WalkDir(path, func(file string, d fs.DirEntry, err error) error {
		if err == nil && d.Name() == "run.json" && !d.IsDir() {
			files = append(files, file)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("%s: %w", path, errors.New("no run.json in it"))
	}
	slices.Sort(files)
	var runs []*metrics.Run
	for i, file := range files {
		p.reached(i, len(files), "")
		run, err := a.readRun(file)
		if err != nil {
			return nil, err
		}
		runs = append(runs, run)
	}
	return runs, nil
}
