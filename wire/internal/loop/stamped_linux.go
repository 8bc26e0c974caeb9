package loop

import (
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// stampEvery: of so many sockets one has the kernel note when its bytes came. A read
// with a stamp costs twice one without.
const stampEvery = 64

// stampedReader reads sockets whose bytes the kernel stamps (SO_TIMESTAMPING, software).
type stampedReader struct {
	header  unix.Msghdr
	vector  unix.Iovec
	control [128]byte
}

// stamp lets the kernel stamp what comes on fd if it is that socket's turn.
func (p *poller) stamp(fd int) bool {
	if p.loop.receiveDelay == nil {
		return false
	}
	p.sampled++
	return p.sampled%stampEvery == 1 && unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPING,
		unix.SOF_TIMESTAMPING_RX_SOFTWARE|unix.SOF_TIMESTAMPING_SOFTWARE) == nil
}

// read is the function read, and says by the clock of the wall when the last of the
// bytes came; 0 = not known, as at first: the kernel takes a while to begin.
func (r *stampedReader) read(fd int, b []byte) (n int, arrived time.Duration, err error) {
	r.vector.Base = unsafe.SliceData(b)
	r.vector.SetLen(len(b))
	r.header = unix.Msghdr{Iov: &r.vector, Iovlen: 1, Control: &r.control[0]}
	r.header.SetControllen(len(r.control))
	for {
		k, _, errno := syscall.RawSyscall(unix.SYS_RECVMSG, uintptr(fd), uintptr(unsafe.Pointer(&r.header)), 0)
		switch errno {
		case 0:
			return int(k), r.arrived(), nil
		case syscall.EINTR:
		default:
			return 0, 0, errno
		}
	}
}

func (r *stampedReader) arrived() time.Duration {
	for rest := r.control[:r.header.Controllen]; len(rest) >= unix.SizeofCmsghdr; {
		h, data, next, err := unix.ParseOneSocketControlMessage(rest)
		if err != nil {
			return 0
		}
		if h.Level == unix.SOL_SOCKET && h.Type == unix.SCM_TIMESTAMPING && len(data) >= int(unsafe.Sizeof(unix.Timespec{})) {
			return time.Duration((*unix.Timespec)(unsafe.Pointer(&data[0])).Nano())
		}
		rest = next
	}
	return 0
}

// wall is the clock of the stamps.
func wall() time.Duration { return time.Duration(time.Now().UnixNano()) }
