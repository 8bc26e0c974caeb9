//go:build unix

package main

import (
	"io/fs"

	"golang.org/x/sys/unix"
)

// mayWrite asks whether files can be made in a folder. It does not try: a folder of a file
// system that is full may be written to.
func mayWrite(dir string) error {
	if err := unix.Access(dir, unix.W_OK|unix.X_OK); err != nil {
		return &fs.PathError{Op: "write to", Path: dir, Err: err}
	}
	return nil
}
