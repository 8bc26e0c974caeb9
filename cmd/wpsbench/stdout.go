package main

import (
	"io"
	"os"
	"sync/atomic"
)

// output is standard output that remembers that it could not be written: what is printed
// by the way is not asked about it, and a full disk must not look like success.
type output struct {
	io.Writer
	failed atomic.Pointer[error]
}

func (o *output) Write(p []byte) (int, error) {
	n, err := o.Writer.Write(p)
	if err != nil {
		o.failed.CompareAndSwap(nil, &err)
	}
	return n, err
}

// err is what the first write that failed has said.
func (o *output) err() error {
	if first := o.failed.Load(); first != nil {
		return *first
	}
	return nil
}

// fileOf is the file behind a stream, if it is one.
func fileOf(w io.Writer) (*os.File, bool) {
	switch w := w.(type) {
	case *output:
		return fileOf(w.Writer)
	case *screen:
		return fileOf(w.w)
	case *os.File:
		return w, true
	}
	return nil, false
}
