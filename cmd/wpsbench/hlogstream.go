package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/report"
	"github.com/wpsbench/wpsbench/scenario/runner"
)

// hlogStreams write the histograms of every second while a run goes on, so that one that
// is killed leaves them up to its last seconds.
type hlogStreams []*hlogStream

type hlogStream struct {
	path   string
	stdout io.Writer // for the path -
	file   *os.File  // otherwise, once there is something to write
	log    *report.HistogramLog
	err    error
}

// streamHlogs takes over what --out hlog= names; the rest is written at the end.
func (a *app) streamHlogs(outs []out) (streams hlogStreams, rest []out) {
	for _, o := range outs {
		if o.format == "hlog" {
			streams = append(streams, &hlogStream{path: o.path, stdout: a.stdout})
		} else {
			rest = append(rest, o)
		}
	}
	return streams, rest
}

// seconds is what a run is to call; nil when nobody wants it.
func (s hlogStreams) seconds() func(runner.Second) {
	if len(s) == 0 {
		return nil
	}
	return func(x runner.Second) {
		for _, f := range s {
			if f.begin(x.Started); f.err == nil {
				f.log.Add(x.Metric.String(), x.From, x.To, x.Summary)
			}
		}
	}
}

// begin opens the log, once.
func (f *hlogStream) begin(start time.Time) {
	if f.log != nil || f.err != nil {
		return
	}
	w := f.stdout
	if f.path != "-" {
		if f.file, f.err = os.Create(f.path); f.err != nil {
			return
		}
		w = f.file
	}
	f.log = report.NewHistogramLog(w, start)
}

// finish ends the logs of a run, which hold all of it by now. A log that could not be
// written is no file that was.
func (s hlogStreams) finish(rec *metrics.Run) (files []report.File, err error) {
	for _, f := range s {
		if f.begin(rec.Info.StartedAt); f.err == nil {
			f.err = f.log.Err()
		}
		if f.file == nil {
			if f.err != nil {
				err = errors.Join(err, fmt.Errorf("write %s: %w", f.path, f.err))
			}
			continue
		}
		info, statErr := f.file.Stat()
		if failed := cmp.Or(f.err, statErr, f.file.Close()); failed != nil {
			err = errors.Join(err, fmt.Errorf("write %s: %w", f.path, failed))
			continue
		}
		files = append(files, report.File{Name: f.path, Bytes: info.Size()})
	}
	return files, err
}
