package main

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/wpsbench/wpsbench/report"
	"github.com/wpsbench/wpsbench/scenario"
	"github.com/wpsbench/wpsbench/scenario/runner"
)

// frameTrace is where the frames of one connection go while the run goes on. A nil one
// does nothing.
type frameTrace struct {
	Connection int
	Path       string // "-" = stderr, "" = with the results

	Open   string // the file being written; in the job of a process of the generator
	hidden bool   // Open has a name for the time being
	kept   bool
	file   *os.File
	to     *traceWriter
}

// traceOf reads --trace-frames.
func traceOf(c *cli.Context, plan *scenario.Plan) (*frameTrace, error) {
	value := c.String("trace-frames")
	if value == "" {
		return nil, nil //nolint:nilnil // nobody wants one
	}
	name, path, named := strings.Cut(value, "=")
	if named && path == "" {
		return nil, failf(exitUsage, "--trace-frames %q: write a path behind the =, or leave it out", value)
	}
	connection, err := plan.Connection(name)
	if err != nil {
		return nil, failf(exitUsage, "--trace-frames: %w", err)
	}
	population := &plan.Scenario.Populations[plan.PopulationOf(connection)]
	if population.Protocol == scenario.ProtocolREST {
		return nil, failf(exitUsage, "--trace-frames: %s publishes over REST, which has no frames", population.Name)
	}
	return &frameTrace{Connection: connection, Path: path}, nil
}

// open makes the place. dir is the folder for the results, "" if it has no name yet.
func (t *frameTrace) open(a *app, dir string) error {
	if t == nil {
		return nil
	}
	switch {
	case t.Path == "-":
		t.to = &traceWriter{w: a.stderr, redact: &a.redact}
		return nil
	case t.Path != "":
		t.Open = t.Path
	default:
		t.hidden = true
		dir = cmp.Or(dir, resultsFolder)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		f, err := os.CreateTemp(dir, ".writing-frames-")
		if err != nil {
			return err
		}
		t.Open = f.Name()
		if err := f.Close(); err != nil {
			return err
		}
		if err := os.Chmod(t.Open, 0o644); err != nil {
			return err
		}
	}
	var err error
	if t.Open, err = filepath.Abs(t.Open); err != nil {
		return err
	}
	return t.write(a, os.O_CREATE|os.O_TRUNC)
}

// join opens the place that the command has made, in one of its processes.
func (t *frameTrace) join(a *app) error {
	if t == nil {
		return nil
	}
	if t.Path == "-" {
		t.to = &traceWriter{w: a.stderr, redact: &a.redact}
		return nil
	}
	return t.write(a, 0)
}

func (t *frameTrace) write(a *app, how int) error {
	var err error
	t.file, err = os.OpenFile(t.Open, os.O_WRONLY|os.O_APPEND|how, 0o644)
	t.to = &traceWriter{w: t.file, redact: &a.redact}
	return err
}

func (t *frameTrace) config() *runner.FrameTrace {
	if t == nil {
		return nil
	}
	return &runner.FrameTrace{Connection: t.Connection, To: t.to}
}

// keep leaves the file where it belongs: in the folder with the results, if that was
// written.
func (t *frameTrace) keep(folder string) ([]report.File, error) {
	if t == nil || t.file == nil || t.hidden && folder == "" {
		return nil, nil
	}
	t.close()
	if err := t.failed(); err != nil {
		return nil, err
	}
	place := t.Path
	if t.hidden {
		place = filepath.Join(folder, "frames.txt")
		if err := os.Rename(t.Open, place); err != nil {
			return nil, err
		}
	}
	t.kept = true
	info, err := os.Stat(place)
	if err != nil {
		return nil, err
	}
	return []report.File{{Name: place, Bytes: info.Size()}}, nil
}

// discard removes a file that belongs to no results.
func (t *frameTrace) discard() {
	t.close()
	if t != nil && t.hidden && !t.kept {
		_ = os.Remove(t.Open)
	}
}

// failed says that the trace ended before its connection did.
func (t *frameTrace) failed() error {
	if t == nil || t.to.err == nil {
		return nil
	}
	return fmt.Errorf("--trace-frames: %w", t.to.err)
}

func (t *frameTrace) close() {
	if t != nil && t.file != nil {
		_ = t.file.Close() // written without a buffer
	}
}

// traceWriter keeps secrets out of what a server says, too, and remembers why it could not
// write.
type traceWriter struct {
	w      io.Writer
	redact *redactor
	err    error
}

func (w *traceWriter) Write(line []byte) (int, error) {
	if _, err := io.WriteString(w.w, w.redact.text(string(line))); err != nil {
		w.err = err
		return 0, err
	}
	return len(line), nil
}
