package main

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/report"
)

// resultsFolder gets a folder for each run that has none of its own.
const resultsFolder = "results"

// out is one --out: a format, and a path or "-" for standard output.
type out struct {
	format, path string
}

var writers = map[string]func(io.Writer, *metrics.Run) error{
	"json":     report.WriteJSON,
	"html":     report.WriteHTML,
	"junit":    report.WriteJUnit,
	"md":       report.WriteMarkdown,
	"benchfmt": report.WriteBenchfmt,
	"hlog":     report.WriteHistogramLog,
}

// outUsage explains --out.
const outUsage = "write `FORMAT=PATH`: json, html, junit, md, benchfmt or hlog; PATH - is stdout"

func parseOuts(values []string) ([]out, error) {
	var outs []out
	stdout := 0
	for _, v := range values {
		format, path, ok := strings.Cut(v, "=")
		if !ok || path == "" {
			return nil, failf(exitUsage, "--out %q: write FORMAT=PATH, e.g. json=run.json", v)
		}
		if writers[format] == nil {
			return nil, failf(exitUsage, "--out %q: unknown format %q; formats are json, html, junit, md, benchfmt and hlog", v, format)
		}
		if path == "-" {
			stdout++
		} else if slices.ContainsFunc(outs, func(o out) bool { return filepath.Clean(o.path) == filepath.Clean(path) }) {
			return nil, failf(exitUsage, "--out %q: another --out writes the same file", v)
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
// rendered before the first byte is written, and files appear whole or not at all. What
// cannot be written does not keep the rest from its place: the folder ("" = it was not
// written) and the files are returned beside an error, too.
func (a *app) writeResults(dir string, rec *metrics.Run, outs []out) (folder string, files []report.File, err error) {
	rendered := map[string][]byte{}
	for _, o := range append([]out{{format: "json"}, {format: "html"}}, outs...) {
		if rendered[o.format] == nil {
			if rendered[o.format], err = render(o.format, rec); err != nil {
				return "", nil, err
			}
		}
	}
	contents := []content{{"report.html", rendered["html"]}, {"run.json", rendered["json"]}}
	if folder = dir; dir != "" {
		err = writeInto(dir, contents)
	} else {
		folder, err = writeFolder(resultsFolder, folderName(rec), contents)
	}
	if err != nil {
		folder, err = "", fmt.Errorf("write results: %w", err)
	} else {
		for _, c := range contents {
			files = append(files, report.File{Name: filepath.Join(folder, c.name), Bytes: int64(len(c.data))})
		}
	}
	further, failed := a.putAll(outs, func(o out) ([]byte, error) { return rendered[o.format], nil })
	return folder, append(files, further...), errors.Join(err, failed)
}

func render(format string, rec *metrics.Run) ([]byte, error) {
	var b bytes.Buffer
	if err := writers[format](&b, rec); err != nil {
		return nil, fmt.Errorf("render %s: %w", format, err)
	}
	return b.Bytes(), nil
}

// putAll brings every form to its place: one that fails does not keep the others from
// theirs. The files that were written are returned beside the errors of the others.
func (a *app) putAll(outs []out, data func(out) ([]byte, error)) (files []report.File, err error) {
	for _, o := range outs {
		text, failed := data(o)
		if failed == nil {
			failed = a.put(o, text)
		}
		switch {
		case failed != nil:
			err = errors.Join(err, fmt.Errorf("write %s: %w", o.path, failed))
		case o.path != "-":
			files = append(files, report.File{Name: o.path, Bytes: int64(len(text))})
		}
	}
	return files, err
}

// unwritten tells of everything that could not be written, a line each, and ends the
// command: with the status of its verdict, or if that is 0 with its own.
func (a *app) unwritten(verdict int, err error) error {
	for _, e := range each(err) {
		if cause := a.stdout.err(); cause == nil || !errors.Is(e, cause) { // that one is told by status
			a.complain(e)
		}
	}
	return &exitError{code: cmp.Or(verdict, exitSetup), err: err, silent: true}
}

// each takes apart what errors.Join has joined.
func each(err error) []error {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var all []error
	for _, e := range joined.Unwrap() {
		all = append(all, each(e)...)
	}
	return all
}

// put writes what is rendered to its place.
func (a *app) put(o out, data []byte) error {
	if o.path == "-" {
		_, err := a.stdout.Write(data)
		return err
	}
	return writeFile(o.path, data)
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

// content is what a file is to hold.
type content struct {
	name string
	data []byte
}

// writeFolder makes parent/name with its files in one rename; when the name is
// taken a number is added.
func writeFolder(parent, name string, files []content) (string, error) {
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return "", err
	}
	path := filepath.Join(parent, name)
	tmp, err := os.MkdirTemp(parent, ".writing-")
	if err != nil {
		return "", naming(path, err)
	}
	defer func() { _ = os.RemoveAll(tmp) }() // gone already when all went well
	for _, f := range files {
		if err := os.WriteFile(filepath.Join(tmp, f.name), f.data, 0o644); err != nil {
			return "", naming(filepath.Join(path, f.name), err)
		}
	}
	if err := os.Chmod(tmp, 0o755); err != nil {
		return "", naming(path, err)
	}
	for n := 2; n <= 1000; n++ {
		if _, err := os.Lstat(path); err != nil {
			break
		}
		path = filepath.Join(parent, fmt.Sprintf("%s-%d", name, n))
	}
	if err := os.Rename(tmp, path); err != nil {
		return "", naming(path, err)
	}
	return path, nil
}

// writeInto puts the files into an existing or new folder, each in one rename.
func writeInto(dir string, files []content) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	placed := make([]content, len(files))
	for i, f := range files {
		placed[i] = content{filepath.Join(dir, f.name), f.data}
	}
	return writeFiles(placed)
}

// writeFile writes one file as writeFiles does.
func writeFile(path string, data []byte) error { return writeFiles([]content{{path, data}}) }

// writeFiles writes each file whole or not at all: a regular one is replaced in one
// rename, where a symbolic link leads to; into a pipe or a device it is written. The first
// is replaced once all are on the disk, so that one which is full leaves all as they were.
func writeFiles(files []content) error {
	type replacement struct{ tmp, path string }
	var ready []replacement
	defer func() {
		for _, r := range ready {
			_ = os.Remove(r.tmp) // gone already when all went well
		}
	}()
	for _, f := range files {
		path := leadsTo(f.name)
		if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
			if err := writeThrough(path, f.data); err != nil {
				return err
			}
			continue
		}
		r := replacement{filepath.Join(filepath.Dir(path), ".writing-"+rand.Text()), path}
		ready = append(ready, r)
		if err := os.WriteFile(r.tmp, f.data, 0o666); err != nil {
			return naming(path, err)
		}
	}
	for _, r := range ready {
		if err := os.Rename(r.tmp, r.path); err != nil {
			return naming(r.path, err)
		}
	}
	return nil
}

// writeThrough writes into what is no regular file.
func writeThrough(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Close())
}

// naming has the error of a file that has another name for the time being name the one
// that was asked for.
func naming(path string, err error) error {
	var file *fs.PathError
	var link *os.LinkError
	switch {
	case errors.As(err, &file):
		return &fs.PathError{Op: file.Op, Path: path, Err: file.Err}
	case errors.As(err, &link):
		return &fs.PathError{Op: "write", Path: path, Err: link.Err}
	}
	return err
}

// checkPlaces refuses, before anything runs, places that cannot be written to. It
// writes nothing: what it cannot see, such as a full disk, shows at the end.
func checkPlaces(dir string, outs []out) error {
	if dir != "" {
		if err := writableFolder(dir); err != nil {
			return fmt.Errorf("--dir %s: %w", dir, err)
		}
	} else if err := writableFolder(resultsFolder); err != nil {
		return fmt.Errorf("the results: %w; write them elsewhere with --dir", err)
	}
	for _, o := range outs {
		if o.path == "-" {
			continue
		}
		info, err := os.Stat(o.path)
		switch {
		case err == nil && info.IsDir():
			err = errors.New("is a folder")
		case err == nil && !info.Mode().IsRegular():
			err = nil
		default:
			folder := filepath.Dir(leadsTo(o.path))
			switch info, err = os.Stat(folder); {
			case err != nil:
			case !info.IsDir():
				err = errors.New("its folder is a file")
			default:
				err = mayWrite(folder)
			}
		}
		if err != nil {
			return fmt.Errorf("--out %s=%s: %w", o.format, o.path, err)
		}
	}
	return nil
}

// writableFolder accepts a folder that can be written to, or a path whose nearest existing
// ancestor is one.
func writableFolder(dir string) error {
	for {
		info, err := os.Stat(dir)
		switch {
		case err == nil && info.IsDir():
			return mayWrite(dir)
		case err == nil:
			return fmt.Errorf("%s is not a folder", dir)
		case !errors.Is(err, fs.ErrNotExist):
			return err
		case isLink(dir):
			return fmt.Errorf("%s is a link to nowhere", dir)
		case filepath.Dir(dir) == dir:
			return err
		}
		dir = filepath.Dir(dir)
	}
}

func isLink(path string) bool {
	info, err := os.Lstat(path)
	return err == nil && info.Mode()&fs.ModeSymlink != 0
}

// leadsTo is the file behind a symbolic link, or the path itself.
func leadsTo(path string) string {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		return target
	}
	return path
}
