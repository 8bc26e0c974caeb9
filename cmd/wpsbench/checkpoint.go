package main

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/report"
)

// checkpointFlag is for tests: a minute is long.
func checkpointFlag() cli.Flag {
	return &cli.DurationFlag{Name: "checkpoint-every", Hidden: true, Value: time.Minute}
}

// checkpoints keep the record of a run that goes on where its results will lie, so that
// one that is killed leaves it. The result replaces it.
type checkpoints struct {
	app      *app
	dir      string // "" until one is made for the first of them
	complete func(*metrics.Run) *metrics.Run
	kept     bool
	failed   bool
}

// keep writes a record whole or not at all. That it cannot is said once: the run goes on.
func (k *checkpoints) keep(rec *metrics.Run) {
	rec = k.complete(rec)
	var b bytes.Buffer
	err := report.WriteJSON(&b, rec)
	files := []content{{"run.json", b.Bytes()}}
	switch {
	case err != nil:
	case k.dir != "":
		if err = writeInto(k.dir, files); err == nil && !k.kept {
			// The page of an earlier run does not belong to this record.
			err = removeIfThere(filepath.Join(k.dir, "report.html"))
		}
	default:
		k.dir, err = writeFolder(resultsFolder, folderName(rec), files)
	}
	k.kept = k.kept || err == nil
	if err != nil && !k.failed {
		k.failed = true
		k.app.complain(err)
	}
}

func removeIfThere(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
