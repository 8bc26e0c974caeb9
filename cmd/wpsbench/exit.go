package main

import (
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"github.com/wpsbench/wpsbench/metrics"
)

// The exit statuses. Those of a verdict are named in metrics, which writes them
// into the record; when several apply, 14 > 130 > 12 > 13 > 10 > 11.
const (
	exitOK       = metrics.ExitPass
	exitInternal = metrics.ExitInternal
	exitUsage    = metrics.ExitUsage
	exitSetup    = metrics.ExitNotRun

	exitSIGINT  = metrics.ExitInterrupted
	exitSIGTERM = metrics.ExitTerminated
)

var exitTable = []struct {
	code    int
	meaning string
}{
	{exitOK, "passed; of a comparison: equivalent or improved"},
	{exitInternal, "internal error (a bug: please report it)"},
	{exitUsage, "usage or scenario mistake; nothing was run"},
	{metrics.ExitFail, "a threshold was missed; a regression; messages of pub that failed"},
	{metrics.ExitInconclusive, "inconclusive: a check is unknown, a threshold had no samples, or too few\n      runs to compare"},
	{metrics.ExitInvalid, "INVALID RUN: the measurement cannot be trusted"},
	{metrics.ExitDegraded, "degraded: part of the generator was lost"},
	{metrics.ExitViolated, "violated: a delivery promise or a rule of the protocol was broken"},
	{exitSetup, "target not reached or refused, set-up failed, results not written"},
	{exitSIGINT, "interrupted (SIGINT); thresholds not judged"},
	{exitSIGTERM, "terminated (SIGTERM); thresholds not judged"},
}

func (a *app) helpCommand() *cli.Command {
	return &cli.Command{
		Name:      "help",
		Usage:     "explain a command, exit-codes, metrics, ci or lies",
		ArgsUsage: "[COMMAND | exit-codes | metrics | ci | lies]",
		Action: func(c *cli.Context) error {
			switch topic := c.Args().First(); topic {
			case "":
				return cli.ShowAppHelp(c)
			case "exit-codes":
				for _, row := range exitTable {
					_, _ = fmt.Fprintf(a.stdout, "%4d  %s\n", row.code, row.meaning)
				}
				return nil
			case "metrics":
				a.helpMetrics()
				return nil
			case "ci":
				_, err := io.WriteString(a.stdout, helpCI)
				return err
			case "lies":
				a.helpLies()
				return nil
			default:
				command := c.App.Command(topic)
				if command == nil || command.Hidden {
					return failf(exitUsage, "no help for %q; see `wpsbench --help`", topic)
				}
				_, err := io.WriteString(a.stdout, commandHelp(command))
				return err
			}
		},
	}
}
