package loop

import (
	"errors"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The system calls of a turn, on descriptors that never make them wait. They are made
// without telling the Go scheduler, which would keep its monitor awake: that thread
// looks every 20 µs for calls that take long, and sleeps while there are none. At
// 12,000 messages/s that was a quarter of a generator's CPU.
//
// What it does for everybody else it must go on doing while loops are busy all the
// time, see seenEvery.

// read reads what there is at present.
func read(fd int, b []byte) (int, error) {
	return raw(unix.SYS_READ, fd, unsafe.Pointer(unsafe.SliceData(b)), len(b))
}

// write writes what there is room for.
func write(fd int, b []byte) (int, error) {
	return raw(unix.SYS_WRITE, fd, unsafe.Pointer(unsafe.SliceData(b)), len(b))
}

func raw(call uintptr, fd int, p unsafe.Pointer, n int) (int, error) {
	for {
		r, _, errno := syscall.RawSyscall(call, uintptr(fd), uintptr(p), uintptr(n))
		switch errno {
		case 0:
			return int(r), nil
		case syscall.EINTR:
		default:
			return 0, errno
		}
	}
}

// accept takes a connection off a listening socket.
func accept(fd int) (int, error) {
	for {
		accepted, _, errno := syscall.RawSyscall6(unix.SYS_ACCEPT4, uintptr(fd),
			0, 0, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0, 0)
		switch errno {
		case 0:
			return int(accepted), nil
		case syscall.EINTR:
		default:
			return -1, errno
		}
	}
}

// lookAt fills events with what a set has at present and returns how many there are.
func lookAt(epoll int, events []unix.EpollEvent) int {
	for {
		n, _, errno := syscall.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(epoll),
			uintptr(unsafe.Pointer(unsafe.SliceData(events))), uintptr(len(events)), 0, 0, 0)
		switch errno {
		case 0:
			return int(n)
		case syscall.EINTR:
		default:
			return 0
		}
	}
}

// lookSeen is lookAt with the scheduler's knowledge.
func lookSeen(epoll int, events []unix.EpollEvent) int {
	for {
		n, err := unix.EpollWait(epoll, events, 0)
		if !errors.Is(err, unix.EINTR) {
			return max(n, 0)
		}
	}
}

// setTimer lets a timerfd expire after d.
func setTimer(fd int, d time.Duration) {
	// Zero would disarm it.
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(max(d.Nanoseconds(), 1))}
	// Fails only on nonsense.
	_, _, _ = syscall.RawSyscall6(unix.SYS_TIMERFD_SETTIME, uintptr(fd), 0, uintptr(unsafe.Pointer(&spec)), 0, 0, 0)
}
