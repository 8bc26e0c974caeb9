package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/report"
	"github.com/wpsbench/wpsbench/scenario/runner"
)

// show is what a person sees of a run: lines while it goes on (standard error),
// the summary at its end (standard output).
type show struct {
	app    *app
	lines  bool
	quiet  bool
	text   report.TextOptions
	result io.Writer
	next   time.Duration // no line about rates before this instant
}

func (a *app) newShow(c *cli.Context, outs []out) (*show, error) {
	s := &show{app: a, quiet: c.Bool("quiet"), result: a.stdout}
	if toStdout(outs) {
		s.result = a.stderr
	}
	switch p := c.String("progress"); p {
	case "auto", "lines":
		s.lines = !s.quiet
	case "none":
	default:
		return nil, failf(exitUsage, "--progress %q: write auto, lines or none", p)
	}
	color, err := useColor(c.String("color"), s.result)
	if err != nil {
		return nil, err
	}
	s.text = report.TextOptions{Width: 80, Color: color, UTF8: utf8Locale()}
	return s, nil
}

// progress prints one line per event and, more and more rarely, one about the rates.
func (s *show) progress(p runner.Progress) {
	if !s.lines {
		return
	}
	head := fmt.Sprintf("%s t=%ds", time.Now().UTC().Format("15:04:05"), int(p.Since.Seconds()))
	if p.Event != "" {
		_, _ = fmt.Fprintf(s.app.stderr, "%s %s\n", head, report.Visible(s.app.redact.text(p.Event), s.text.UTF8))
		return
	}
	if p.Since < s.next {
		return
	}
	s.next = p.Since.Truncate(time.Second) + lineEvery(p.Since)
	_, _ = fmt.Fprintf(s.app.stderr, "%s %s conns=%d recovering=%d sent=%.0f/s recv=%.0f/s p50=%s p99=%s lag=%s\n",
		head, p.Phase, p.Open, p.Recovering, p.SentPerSec, p.DeliveredPerSec, millis(p.P50), millis(p.P99), millis(p.LagP99))
}

// lineEvery is 10 s for two minutes, 30 s until a quarter of an hour has passed, then a minute.
func lineEvery(since time.Duration) time.Duration {
	switch {
	case since < 2*time.Minute:
		return 10 * time.Second
	case since < 15*time.Minute:
		return 30 * time.Second
	default:
		return time.Minute
	}
}

func millis(d time.Duration) string {
	if d < 0 {
		return "-"
	}
	return fmt.Sprintf("%.1fms", float64(d)/float64(time.Millisecond))
}

// summary prints the result.
func (s *show) summary(rec *metrics.Run, files []report.File) {
	s.text.Files = files
	s.text.VerdictOnly = s.quiet
	if err := report.WriteText(s.result, rec, s.text); err != nil {
		_, _ = fmt.Fprintf(s.app.stderr, "wpsbench: print the summary: %v\n", err)
	}
}

// useColor decides by --color > NO_COLOR > CLICOLOR_FORCE, FORCE_COLOR > TERM=dumb > is it a terminal.
func useColor(flag string, w io.Writer) (bool, error) {
	switch flag {
	case "always":
		return true, nil
	case "never":
		return false, nil
	case "auto":
	default:
		return false, failf(exitUsage, "--color %q: write auto, always or never", flag)
	}
	forced := func(name string) bool { v := os.Getenv(name); return v != "" && v != "0" }
	switch {
	case os.Getenv("NO_COLOR") != "":
		return false, nil
	case forced("CLICOLOR_FORCE"), forced("FORCE_COLOR"):
		return true, nil
	case os.Getenv("TERM") == "dumb":
		return false, nil
	}
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd())), nil
}

// utf8Locale reads the locale as POSIX does: the first variable set decides. None set counts as UTF-8.
func utf8Locale() bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if v := strings.ToUpper(os.Getenv(name)); v != "" {
			return strings.Contains(v, "UTF-8") || strings.Contains(v, "UTF8")
		}
	}
	return true
}
