package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/report"
	"github.com/wpsbench/wpsbench/scenario"
	"github.com/wpsbench/wpsbench/scenario/runner"
)

// show is what a person sees of a run: a block that is kept up to date or lines while
// it goes on (standard error), the summary at its end (standard output).
type show struct {
	*progress // what goes on outside of the run's phases
	quiet     bool
	text      report.TextOptions
	result    io.Writer

	live  *live         // once the run begins
	color bool          // of the block
	next  time.Duration // no line about rates before this instant
}

// progressFlags are common to the commands that end with a verdict.
func progressFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "color", Value: "auto", Usage: "`WHEN` there is colour: auto, always or never"},
		progressFlag(),
		&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Count: new(int), Usage: "print the verdict and errors only; -qq nothing, only the exit status"},
	}
}

func (a *app) newShow(c *cli.Context, outs []out) (*show, error) {
	p, err := a.newProgress(c)
	if err != nil {
		return nil, err
	}
	s := &show{progress: p, quiet: c.Count("quiet") > 0, result: a.stdout}
	if toStdout(outs) {
		s.result = a.stderr
	}
	color, err := useColor(c.String("color"), s.result)
	if err != nil {
		return nil, err
	}
	if s.color, err = useColor(c.String("color"), a.stderr); err != nil {
		return nil, err
	}
	s.text = report.TextOptions{Width: 80, Color: color, UTF8: utf8Locale(), VerdictOnly: s.quiet}
	if c.Count("quiet") > 1 {
		s.result, a.stderr = io.Discard, io.Discard
	}
	return s, nil
}

// begin says what the run is, once its target is known.
func (s *show) begin(plan *scenario.Plan, t *resolvedTarget) {
	kind := ""
	if t.embedded {
		kind = "EMULATOR "
	}
	head := fmt.Sprintf("wpsbench · %s · %s%s · seed %d", plan.Scenario.Name, kind, t.target.Endpoint, plan.Scenario.Seed)
	s.live = newLive(plan, report.Visible(s.app.redact.text(head), s.text.UTF8), s.color, s.text.UTF8)
	s.head = s.live.fit([]string{s.live.head}, 1<<10)
}

// observe shows every event at once and the state about once a second; as lines more
// and more rarely.
func (s *show) observe(p runner.Progress) {
	switch {
	case s.mode == progressNone:
	case p.Event != "":
		s.line(p.Since, report.Visible(s.app.redact.text(p.Event), s.text.UTF8))
	case p.Phase == "closing":
		s.doing("closing the sessions")
	case p.Phase == "judging":
		s.doing("judging what was delivered")
	case s.mode == progressLive:
		s.live.observe(&p)
		columns, _ := s.screen.size()
		s.screen.draw(s.live.lines(&p, columns-1))
	case p.Since >= s.next:
		s.next = p.Since.Truncate(time.Second) + lineEvery(p.Since)
		s.line(p.Since, stateLine(&p))
	}
}

// stateLine is the state of a run as keys and values, whose names and order are stable.
func stateLine(p *runner.Progress) string {
	return fmt.Sprintf("%s conns=%d recovering=%d sent=%.0f/s recv=%.0f/s p50=%s p99=%s lag=%s violations=%d",
		p.Phase, p.Open, p.Recovering, p.SentPerSec, p.DeliveredPerSec, millis(p.P50), millis(p.P99), millis(p.LagP99), p.Violations)
}

func (s *show) line(since time.Duration, text string) {
	_, _ = fmt.Fprintf(s.app.stderr, "%s t=%ds %s\n", s.clock().UTC().Format("15:04:05"), int(since.Seconds()), text)
}

// interrupted explains what a signal does.
func (s *show) interrupted(signals int) {
	if s.mode == progressNone {
		return
	}
	text := "interrupted: nothing more is sent; the report follows when what is on its way\n" +
		"has arrived, after 5 s at most. Once more: do not wait for it."
	if signals > 1 {
		text = "interrupted again: not waiting any more; the report follows. Once more ends it without one."
	}
	_, _ = fmt.Fprintln(s.app.stderr, text)
}

func millis(d time.Duration) string {
	if d < 0 {
		return "-"
	}
	return fmt.Sprintf("%.1fms", float64(d)/float64(time.Millisecond))
}

// summary prints the result, and whether all of it was written.
func (s *show) summary(rec *metrics.Run, files []report.File, written bool) {
	s.text.Files, s.text.Unwritten = files, !written
	_ = report.WriteText(s.result, rec, s.text) // app.status tells of what could not be printed
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
	return isTerminal(w), nil
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
