package loop

import (
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// timerfd is the alarm of Linux: a timer that is a file descriptor, waited for by
// the runtime's poller like any socket, with the precision of the kernel's timers.
type timerfd struct {
	file *os.File
	conn syscall.RawConn

	spec unix.ItimerSpec
	arm  func(fd uintptr) // sets spec; kept so that setting does not allocate
}

// newAlarm returns a timerfd, or the portable alarm where there is none to be had
// (no descriptor left, a sandbox that forbids it).
func newAlarm() watchedAlarm {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return newClockAlarm()
	}
	a := &timerfd{file: os.NewFile(uintptr(fd), "timerfd")}
	a.arm = func(fd uintptr) { _ = unix.TimerfdSettime(int(fd), 0, &a.spec, nil) }
	if a.conn, err = a.file.SyscallConn(); err != nil {
		_ = a.file.Close()
		return newClockAlarm()
	}
	return a
}

func (a *timerfd) set(d time.Duration) {
	// Zero would disarm it.
	a.spec.Value = unix.NsecToTimespec(max(d.Nanoseconds(), 1))
	_ = a.conn.Control(a.arm) // fails only once closed
}

func (a *timerfd) run(fire func()) {
	var expirations [8]byte
	for {
		if _, err := a.file.Read(expirations[:]); err != nil {
			return
		}
		fire()
	}
}

func (a *timerfd) close() { _ = a.file.Close() }
