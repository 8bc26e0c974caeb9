package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/report"
)

// out is one --out: a format, and a path or "-" for standard output.
type out struct {
	format, path string
}

var writers = map[string]func(io.Writer, *metrics.Run) error{
	"json": report.WriteJSON,
	"html": report.WriteHTML,
}

func parseOuts(values []string) ([]out, error) {
	var outs []out
	stdout := 0
	for _, v := range values {
		format, path, ok := strings.Cut(v, "=")
		if !ok || path == "" {
			return nil, failf(exitUsage, "--out %q: write FORMAT=PATH, e.g. json=run.json", v)
		}
		if writers[format] == nil {
			return nil, failf(exitUsage, "--out %q: unknown format %q; formats are json and html", v, format)
		}
		if path == "-" {
			stdout++
		}
		outs = append(outs, out{format: format, path: path})
	}
	if stdout > 1 {
		return nil, failf(exitUsage, "only one --out can go to standard output")
	}
	return outs, nil
}

func toStdout(outs []out) bool {
	for _, o := range outs {
		if o.path == "-" {
			return true
		}
	}
	return false
}

// writeResults leaves the results folder and the further outputs. Everything is
// rendered before the first byte is written, and files appear whole or not at all.
func (a *app) writeResults(dir string, rec *metrics.Run, outs []out) ([]report.File, error) {
	rendered := map[string][]byte{}
	for format, write := range writers {
		var b bytes.Buffer
		if err := write(&b, rec); err != nil {
			return nil, fmt.Errorf("render %s: %w", format, err)
		}
		rendered[format] = b.Bytes()
	}
	folder := map[string][]byte{"run.json": rendered["json"], "report.html": rendered["html"]}
	name := dir
	var err error
	if dir != "" {
		err = writeInto(dir, folder)
	} else {
		name, err = writeFolder("results", folderName(rec), folder)
	}
	if err != nil {
		return nil, err
	}
	files := []report.File{
		{Name: filepath.Join(name, "report.html"), Bytes: int64(len(rendered["html"]))},
		{Name: filepath.Join(name, "run.json"), Bytes: int64(len(rendered["json"]))},
	}
	for _, o := range outs {
		if o.path == "-" {
			if _, err := a.stdout.Write(rendered[o.format]); err != nil {
				return nil, err
			}
			continue
		}
		if err := writeFile(o.path, rendered[o.format]); err != nil {
			return nil, err
		}
		files = append(files, report.File{Name: o.path, Bytes: int64(len(rendered[o.format]))})
	}
	return files, nil
}

// writeOut renders one form to its place.
func (a *app) writeOut(o out, rec *metrics.Run) error {
	var b bytes.Buffer
	if err := writers[o.format](&b, rec); err != nil {
		return err
	}
	if o.path == "-" {
		_, err := a.stdout.Write(b.Bytes())
		return err
	}
	return writeFile(o.path, b.Bytes())
}

// folderName is safe in every file system: the scenario's name is a user's text.
func folderName(rec *metrics.Run) string {
	name := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_', r == '.':
			return r
		default:
			return '-'
		}
	}, rec.Info.Name)
	if name = strings.TrimLeft(name, ".-"); name == "" {
		name = "run"
	}
	return name[:min(len(name), 100)] + "-" + rec.Info.StartedAt.UTC().Format("20060102T150405Z")
}

// writeFolder makes parent/name with its files in one rename; when the name is
// taken a number is added.
func writeFolder(parent, name string, files map[string][]byte) (string, error) {
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return "", err
	}
	tmp, err := os.MkdirTemp(parent, ".writing-")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(tmp) }() // gone already when all went well
	for file, data := range files {
		if err := os.WriteFile(filepath.Join(tmp, file), data, 0o644); err != nil {
			return "", err
		}
	}
	if err := os.Chmod(tmp, 0o755); err != nil {
		return "", err
	}
	for n := 1; ; n++ {
		path := filepath.Join(parent, name)
		if n > 1 {
			path += fmt.Sprintf("-%d", n)
		}
		if _, err := os.Lstat(path); err == nil && n < 1000 {
			continue
		}
		return path, os.Rename(tmp, path)
	}
}

// writeInto puts the files into an existing or new folder, each in one rename.
func writeInto(dir string, files map[string][]byte) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for file, data := range files {
		if err := writeFile(filepath.Join(dir, file), data); err != nil {
			return err
		}
	}
	return nil
}

// writeFile replaces a file in one rename.
func writeFile(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".writing-")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }() // gone already when all went well
	_, err = f.Write(data)
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Chmod(f.Name(), 0o644)
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	return err
}
