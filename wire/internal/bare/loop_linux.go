package bare

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// maxOpening bounds the connections between connect and the answer to their
	// upgrade: a listener's queue is finite.
	maxOpening = 256
	// readBytes is the one buffer that every socket is read into.
	readBytes = 64 << 10
	// waitEvents is how many ready sockets one call of epoll_wait may name.
	waitEvents = 256
	// timerIndex stands for the timerfd among the indices of sockets.
	timerIndex = -1
)

// Loop holds open WebSockets. It is for one goroutine.
type Loop struct {
	epoll, timer int
	sockets      []socket
	events       [waitEvents]unix.EpollEvent
	buffer       [readBytes]byte

	request  []byte // of the upgrade
	peer     unix.SockaddrInet4
	started  int    // sockets[:started] are at least connecting
	opened   int    // have been upgraded
	received uint64 // frames
	reads    uint64 // that brought some
	debts    debts

	armed   bool // the timer is, to expire at armedAt
	armedAt time.Duration
}

// socket is one connection: how much of a frame, or of its header, is still to come.
type socket struct {
	fd      int32
	skip    int32
	head    [4]byte
	headLen uint8
	state   socketState
	queued  bool   // in debts
	owed    uint32 // frames that are not acknowledged
}

type socketState uint8

const (
	connecting socketState = iota
	upgrading
	open
)

// Open connects n WebSockets to the server at peer. request is the whole upgrade
// request, the same for each.
func Open(peer netip.AddrPort, n int, request []byte) (*Loop, error) {
	l := &Loop{sockets: make([]socket, n), request: request}
	l.peer = unix.SockaddrInet4{Port: int(peer.Port()), Addr: peer.Addr().As4()}
	var err error
	if l.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	if l.timer, err = unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC); err != nil {
		return nil, os.NewSyscallError("timerfd_create", err)
	}
	if err := l.watch(unix.EPOLL_CTL_ADD, l.timer, timerIndex, unix.EPOLLIN|unix.EPOLLET); err != nil {
		return nil, err
	}
	for l.opened < n {
		for l.started < n && l.started-l.opened < maxOpening {
			if err := l.connect(l.started); err != nil {
				return nil, err
			}
			l.started++
		}
		if err := l.turn(); err != nil {
			return nil, err
		}
	}
	return l, nil
}

func (l *Loop) watch(op, fd, index int, events uint32) error {
	err := unix.EpollCtl(l.epoll, op, fd, &unix.EpollEvent{Events: events, Fd: int32(index)})
	return os.NewSyscallError("epoll_ctl", err)
}

func (l *Loop) connect(i int) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	if err := unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1); err != nil {
		return os.NewSyscallError("setsockopt", err)
	}
	if err := unix.Connect(fd, &l.peer); err != nil && !errors.Is(err, unix.EINPROGRESS) {
		return os.NewSyscallError("connect", err)
	}
	l.sockets[i].fd = int32(fd)
	return l.watch(unix.EPOLL_CTL_ADD, fd, i, unix.EPOLLOUT)
}

// turn waits for sockets or the timer and handles what is ready.
func (l *Loop) turn() error {
	n, err := unix.EpollWait(l.epoll, l.events[:], -1)
	if errors.Is(err, unix.EINTR) {
		return nil
	}
	if err != nil {
		return os.NewSyscallError("epoll_wait", err)
	}
	if l.debts.frame != nil {
		l.debts.clock = now()
	}
	for i := range l.events[:n] {
		index := int(l.events[i].Fd)
		if index == timerIndex {
			l.armed = false
			continue
		}
		if err := l.ready(index); err != nil {
			return fmt.Errorf("connection %d: %w", index, err)
		}
	}
	return l.pay()
}

func (l *Loop) ready(i int) error {
	s := &l.sockets[i]
	if s.state == connecting {
		if code, err := unix.GetsockoptInt(int(s.fd), unix.SOL_SOCKET, unix.SO_ERROR); err != nil || code != 0 {
			return os.NewSyscallError("connect", unix.Errno(code))
		}
		s.state = upgrading
		if err := l.write(i, l.request); err != nil {
			return err
		}
		return l.watch(unix.EPOLL_CTL_MOD, int(s.fd), i, unix.EPOLLIN)
	}
	n, err := unix.Read(int(s.fd), l.buffer[:])
	switch {
	case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EINTR):
		return nil
	case err != nil:
		return os.NewSyscallError("read", err)
	case n == 0:
		return errors.New("closed by the server")
	}
	data := l.buffer[:n]
	if s.state == upgrading {
		if data, err = answered(data); err != nil {
			return err
		}
		s.state = open
		l.opened++
	}
	frames := s.count(data)
	l.received += frames
	l.reads++
	if l.debts.frame == nil {
		return nil
	}
	return l.owe(i, frames)
}

// answered checks the answer to an upgrade, which comes in one piece, and returns
// what follows it.
func answered(data []byte) ([]byte, error) {
	head, rest, ok := bytes.Cut(data, []byte("\r\n\r\n"))
	if !ok || !bytes.HasPrefix(head, []byte("HTTP/1.1 101 ")) {
		return nil, fmt.Errorf("upgrade refused: %.200q", data)
	}
	return rest, nil
}

// count returns how many frames end in data, which goes on where the last call ended.
func (s *socket) count(data []byte) (frames uint64) {
	for {
		n := min(int(s.skip), len(data))
		s.skip -= int32(n)
		data = data[n:]
		if len(data) == 0 {
			return frames
		}
		// A header of an unmasked frame below 64 KiB: 2 or 4 bytes.
		size := 2
		if s.headLen >= 2 && s.head[1] == 126 {
			size = 4
		}
		n = copy(s.head[s.headLen:size], data)
		s.headLen += uint8(n)
		data = data[n:]
		switch {
		case int(s.headLen) < size || size == 2 && s.head[1] == 126:
			continue
		case size == 2:
			s.skip = int32(s.head[1])
		default:
			s.skip = int32(binary.BigEndian.Uint16(s.head[2:]))
		}
		s.headLen = 0
		frames++
	}
}

// write sends b whole. When the kernel has no room it reads meanwhile: the server
// may be waiting for just that.
func (l *Loop) write(i int, b []byte) error {
	for {
		n, err := unix.Write(int(l.sockets[i].fd), b)
		switch {
		case errors.Is(err, unix.EAGAIN):
			if err := l.turn(); err != nil {
				return err
			}
		case err != nil && !errors.Is(err, unix.EINTR):
			return os.NewSyscallError("write", err)
		default:
			if b = b[max(n, 0):]; len(b) == 0 {
				return nil
			}
		}
	}
}

// Send writes frame to connection i.
func (l *Loop) Send(i int, frame []byte) error { return l.write(i, frame) }

// Receive reads until so many frames have come since Open began, or until the timeout.
func (l *Loop) Receive(frames uint64, timeout time.Duration) error {
	end := now() + timeout
	l.wakeAt(end)
	for l.received < frames {
		if now() >= end {
			return fmt.Errorf("%d of %d frames came within %v", l.received, frames, timeout)
		}
		if err := l.turn(); err != nil {
			return err
		}
	}
	return nil
}

// Publish sends the given frames, one per connection in turn, evenly spread at
// perSecond in sum, for that long; next prepares the frame of connection i. Of a burst
// all are due with its first.
func (l *Loop) Publish(perSecond float64, burst uint64, d time.Duration, next func(i int) []byte) (sent uint64, err error) {
	start := now()
	total := uint64(perSecond * d.Seconds())
	due := func(k uint64) time.Duration { return start + time.Duration(float64(k-k%burst)*1e9/perSecond) }
	for sent < total {
		at := due(sent)
		if now() < at {
			l.wakeAt(l.debts.next(at))
			if err := l.turn(); err != nil {
				return sent, err
			}
		}
		for clock := now(); sent < total && due(sent) <= clock; sent++ {
			i := int(sent % uint64(len(l.sockets)))
			if err := l.write(i, next(i)); err != nil {
				return sent, err
			}
		}
	}
	return sent, nil
}

// Received is how many frames have come since Open began.
func (l *Loop) Received() uint64 { return l.received }

// Reads is how many reads have brought something since Open began.
func (l *Loop) Reads() uint64 { return l.reads }

// wakeAt lets a turn end at that instant at the latest. A timer that is set to an
// earlier one is left as it is, as wpsbench's loop does.
func (l *Loop) wakeAt(at time.Duration) {
	if l.armed && l.armedAt <= at {
		return
	}
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(max(at-now(), 1).Nanoseconds())}
	_ = unix.TimerfdSettime(l.timer, 0, &spec, nil) // the descriptor is ours
	l.armed, l.armedAt = true, at
}

// began is the origin of the clock, which is read without a system call.
var began = time.Now()

func now() time.Duration { return time.Since(began) }
