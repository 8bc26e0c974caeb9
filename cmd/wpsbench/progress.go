package main

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"
	"time"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/report"
)

// progress tells on standard error what a command is about, step by step: nothing of a
// step that takes less than a second, then at the bottom of a terminal a line that is
// kept up to date, elsewhere one now and then. All but reached belongs to one goroutine.
type progress struct {
	app    *app
	mode   progressMode
	clock  func() time.Time
	screen *screen // of mode live
	head   string  // stands above the step; "" = nothing
	step   *step   // nil = none
}

type progressMode string

const (
	progressLive  progressMode = "live"
	progressLines progressMode = "lines"
	progressNone  progressMode = "none"
)

func progressFlag() cli.Flag {
	return &cli.StringFlag{Name: "progress", Value: "auto", Usage: "`HOW` what goes on is shown: auto, live, lines or none"}
}

// newProgress reads --progress and --quiet. In mode live the block has the terminal:
// what is written to either stream from now on goes by above it.
func (a *app) newProgress(c *cli.Context) (*progress, error) {
	p := &progress{app: a, clock: time.Now}
	var err error
	if p.mode, err = progressOf(cmp.Or(c.String("progress"), "auto"), a.stderr); err != nil {
		return nil, err
	}
	if c.Count("quiet") > 0 {
		p.mode = progressNone
	}
	if p.mode == progressLive {
		p.screen = &screen{w: a.stderr, size: sizeOf(a.stderr)}
		if sameTerminal(a.stdout, a.stderr) {
			a.stdout.Writer = p.screen
		}
		a.stderr = p.screen
	}
	return p, nil
}

// progressOf decides how a command is shown: as a block where one can be kept up to date.
func progressOf(flag string, w io.Writer) (progressMode, error) {
	switch mode := progressMode(flag); mode {
	case progressLive, progressLines, progressNone:
		if mode == progressLive && !isTerminal(w) {
			return "", failf(exitUsage, "--progress live: standard error is no terminal; write auto, lines or none")
		}
		return mode, nil
	case "auto":
	default:
		return "", failf(exitUsage, "--progress %q: write auto, live, lines or none", flag)
	}
	oldConsole := runtime.GOOS == "windows" && os.Getenv("WT_SESSION") == "" // may not know escapes
	if !isTerminal(w) || os.Getenv("CI") != "" || os.Getenv("TERM") == "dumb" || oldConsole {
		return progressLines, nil
	}
	if columns, rows := sizeOf(w)(); columns < 76 || rows < 16 {
		return progressLines, nil
	}
	return progressLive, nil
}

// step is one thing that a command does.
type step struct {
	what        string
	stop, ended chan struct{}

	mu          sync.Mutex
	done, total int    // total 0 = nobody knows
	detail      string // where it is
}

// doing begins a step, which lasts until the next one.
func (p *progress) doing(what string) {
	if p.mode == progressNone || p.step != nil && p.step.what == what {
		return
	}
	p.stop()
	p.step = &step{what: what, stop: make(chan struct{}), ended: make(chan struct{})}
	go p.watch(p.step)
}

func (p *progress) stop() {
	if p.step != nil {
		close(p.step.stop)
		<-p.step.ended
		p.step = nil
	}
}

// end ends the step and takes away what stands on the terminal.
func (p *progress) end() {
	p.stop()
	if p.screen != nil {
		p.screen.draw(nil)
	}
}

// reached says how far the step is: so many of so many things are done, and it is at one
// that detail names. Each may be left out.
func (p *progress) reached(done, total int, detail string) {
	if s := p.step; s != nil {
		s.mu.Lock()
		s.done, s.total, s.detail = done, total, detail
		s.mu.Unlock()
	}
}

// watch shows a step every second; as lines at first and then more and more rarely.
func (p *progress) watch(s *step) {
	defer close(s.ended)
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	var next time.Duration
	for since := time.Second; ; since += time.Second {
		select {
		case <-s.stop:
			return
		case <-tick.C:
		}
		text := report.Visible(p.app.redact.text(s.text(since)), utf8Locale())
		switch {
		case p.mode == progressLive && p.head != "":
			p.screen.draw([]string{p.head, "  " + text})
		case p.mode == progressLive:
			p.screen.draw([]string{text})
		case since >= next:
			every := lineEvery(since)
			next = since.Truncate(every) + every
			_, _ = fmt.Fprintf(p.app.stderr, "%s %s\n", p.clock().UTC().Format("15:04:05"), text)
		}
	}
}

// text is a step after so long: what it is, how far it is, and where or how long it will
// take if it goes on like that.
func (s *step) text(since time.Duration) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	text := s.what
	if s.total > 0 {
		text += fmt.Sprintf(" %d of %d", s.done, s.total)
	}
	text += fmt.Sprintf(": %d s", int(since.Seconds()))
	switch {
	case s.detail != "": // things with names are unlike one another
		text += ", " + s.detail
	case s.done > 0 && s.done < s.total:
		text += ", about " + metrics.RoughLength(since.Seconds()/float64(s.done)*float64(s.total-s.done)) + " left"
	}
	return text
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

func isTerminal(w io.Writer) bool {
	f, ok := fileOf(w)
	return ok && term.IsTerminal(int(f.Fd()))
}

// sameTerminal tells whether both streams are one terminal.
func sameTerminal(a, b io.Writer) bool {
	if !isTerminal(a) || !isTerminal(b) {
		return false
	}
	if runtime.GOOS == "windows" { // a process has one console, whose handles tell nothing
		return true
	}
	fileA, _ := fileOf(a)
	fileB, _ := fileOf(b)
	infoA, errA := fileA.Stat()
	infoB, errB := fileB.Stat()
	return errA == nil && errB == nil && os.SameFile(infoA, infoB)
}

// sizeOf asks a terminal for its size; what does not say has 80 × 24.
func sizeOf(w io.Writer) func() (columns, rows int) {
	f, ok := fileOf(w)
	return func() (int, int) {
		if ok {
			if columns, rows, err := term.GetSize(int(f.Fd())); err == nil && columns > 0 {
				return columns, rows
			}
		}
		return 80, 24
	}
}
