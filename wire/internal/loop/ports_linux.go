package loop

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// EasePorts is the Control of a net.Dialer that opens many connections to one peer. It
// has the kernel choose a local port late and fast.
//
// Late is in connect, also where bind has named the address: there a port may be taken
// that is in use towards another peer. Fast is one port after another. By default the
// kernel tries every second one first, so that once they are all in use towards that
// peer, after 14,000 connections from one address, each further connect looks at all of
// those in vain: 4 ms, which the loop had to wait for. A socket with a range of its own
// is spared that (since Linux 6.8), and one that begins below the system's, without an
// end, stands for the system's.
//
// What the kernel does not know stays as it was.
func EasePorts(_, _ string, c syscall.RawConn) error {
	return c.Control(func(fd uintptr) { easePorts(int(fd)) })
}

func easePorts(fd int) {
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1)
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_LOCAL_PORT_RANGE, 1)
}
