package wire

import "syscall"

// resets are the errors of a socket that the peer has reset.
var resets = []error{syscall.WSAECONNRESET}
