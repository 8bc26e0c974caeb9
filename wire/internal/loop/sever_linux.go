package loop

import (
	"os"

	"golang.org/x/sys/unix"
)

// Severs says whether Conn.Sever can work on this system.
const Severs = true

// dropInput attaches a filter to the socket that lets nothing in. It runs before TCP does
// (tcp_v4_rcv), takes no privilege, and is the socket's alone. Keep-alives of the kernel are
// turned off: they would leave, and show the peer that somebody is there.
func dropInput(fd int) error {
	nothing := unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K}
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_KEEPALIVE, 0); err != nil {
		return os.NewSyscallError("setsockopt SO_KEEPALIVE", err)
	}
	return os.NewSyscallError("setsockopt SO_ATTACH_FILTER",
		unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: 1, Filter: &nothing}))
}
