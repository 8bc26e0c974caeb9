package main

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/report"
	"github.com/wpsbench/wpsbench/report/compare"
)

func (a *app) historyCommand() *cli.Command {
	return &cli.Command{
		Name:      "history",
		Usage:     "print stored runs as CSV, a line each, for tools that look for a change in many",
		ArgsUsage: "RUN...",
		Description: "RUN is a stored run (run.json or report.html) or a folder with runs in it. The columns are time, commit (the tag of the " +
			"scenario, else wpsbench's), run and the figures that compare judges. Apache Otava reads it. Runs that are no measurement " +
			"are left out, and so is a figure that some run does not have.",
		Flags:        []cli.Flag{progressFlag()},
		OnUsageError: usageError,
		Action:       a.historyAction,
	}
}

func (a *app) historyAction(c *cli.Context) error {
	if !c.Args().Present() {
		return failf(exitUsage, "history takes stored runs or folders of them")
	}
	progress, err := a.newProgress(c)
	if err != nil {
		return err
	}
	defer progress.end()
	var runs []*metrics.Run
	for _, path := range c.Args().Slice() {
		more, err := a.readRuns(progress, path)
		if err != nil {
			return failf(exitUsage, "%w", err)
		}
		runs = append(runs, more...)
	}
	progress.end()
	h := compare.NewHistory(runs)
	for _, x := range h.Excluded {
		a.complain(fmt.Errorf("run %s is left out: %s", x.RunID, x.Reason))
	}
	if len(h.Missing) > 0 {
		a.complain(fmt.Errorf("not every run has %s", strings.Join(h.Missing, ", ")))
	}
	return report.WriteHistory(a.stdout, h)
}
