//go:build !windows

package wire

import "syscall"

// resets are the errors of a socket that the peer has reset: on reading, and on writing after it.
var resets = []error{syscall.ECONNRESET, syscall.EPIPE}
