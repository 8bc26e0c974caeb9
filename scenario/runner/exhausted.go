package runner

import (
	"errors"
	"syscall"
)

// exhausted tells whether a socket could not be had for want of something of ours:
// descriptors, local ports, memory.
func exhausted(err error) bool {
	for _, want := range []error{syscall.EMFILE, syscall.ENFILE, syscall.EADDRNOTAVAIL, syscall.ENOBUFS, syscall.ENOMEM} {
		if errors.Is(err, want) {
			return true
		}
	}
	return false
}
