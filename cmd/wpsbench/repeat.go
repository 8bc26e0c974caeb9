package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/wpsbench/wpsbench/metrics"
)

// maxRepeat bounds --repeat.
const maxRepeat = 1000

func repeatFlag() cli.Flag {
	return &cli.IntFlag{Name: "repeat", Value: 1, Usage: "run `N` times, into 001, 002 and so on of --dir; see compare"}
}

// repeat runs a scenario as often as --repeat says. The exit status is the one that
// outranks the others. A run that was not or could not be made ends it, and so does a signal.
func (a *app) repeat(c *cli.Context, src source) error {
	n := c.Int("repeat")
	switch {
	case n < 1 || n > maxRepeat:
		return failf(exitUsage, "--repeat %d: write 1 to %d", n, maxRepeat)
	case n == 1:
		return a.execute(c, src)
	case c.String("dir") == "":
		return failf(exitUsage, "--repeat needs --dir, the folder for the repetitions")
	case len(c.StringSlice("out")) > 0:
		return failf(exitUsage, "--repeat writes a folder for each run; render them with `wpsbench report`, not --out")
	}
	var worst error
	began, stdout, stderr := time.Now(), a.stdout.Writer, a.stderr
	for i := range n {
		dir := filepath.Join(c.String("dir"), fmt.Sprintf("%03d", i+1))
		if c.Count("quiet") == 0 && progressMode(c.String("progress")) != progressNone {
			_, _ = fmt.Fprintln(a.stderr, repetition(i, n, dir, time.Since(began)))
		}
		err := a.executeInto(c, src, dir)
		a.stdout.Writer, a.stderr = stdout, stderr // the next run finds the terminal, not the block of this one
		if severity(err) > severity(worst) {
			worst = err
		}
		switch exitOf(err) {
		case exitInternal, exitUsage, exitSetup, exitSIGINT, exitSIGTERM:
			return worst
		}
		if exit := new(exitError); errors.As(err, &exit) && exit.interrupted {
			return worst // its verdict outranks the signal
		}
	}
	return worst
}

// repetition says which run of how many begins, and how long all that are left will take
// if they take as long as those before.
func repetition(done, n int, dir string, took time.Duration) string {
	text := fmt.Sprintf("run %d of %d into %s", done+1, n, dir)
	if done > 0 {
		text += ", about " + metrics.RoughLength(took.Seconds()/float64(done)*float64(n-done)) + " left"
	}
	return text
}

func exitOf(err error) int {
	var exit *exitError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &exit):
		return exit.code
	}
	return exitInternal
}

// severity orders exit statuses: 14 > 130 > 12 > 13 > 10 > 11, and what is no verdict
// above all of them.
func severity(err error) int {
	switch exitOf(err) {
	case exitOK:
		return 0
	case metrics.ExitInconclusive:
		return 1
	case metrics.ExitFail:
		return 2
	case metrics.ExitDegraded:
		return 3
	case metrics.ExitInvalid:
		return 4
	case exitSIGINT, exitSIGTERM:
		return 5
	case metrics.ExitViolated:
		return 6
	}
	return 7
}
