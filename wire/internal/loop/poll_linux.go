package loop

import (
	"encoding/binary"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const polling = true

const (
	// readsPerTurn is how many sockets at most are read before their bytes are handled.
	readsPerTurn = 64
	// arenaBytes is what the bytes of one turn lie in; what it has no room for stays
	// in the kernel until the next.
	arenaBytes = 16 * bufferBytes
	// seenEvery: of a loop that never parks one look in so many is made by a call which
	// the scheduler knows of. That wakes its monitor, should it sleep, without which
	// nobody would be preempted, nor a socket of package net be polled, while loops
	// keep every processor.
	seenEvery = 16
)

// poller is what a loop on Polled waits with: an epoll set of its sockets, of an
// eventfd by which other goroutines wake it, and of a timerfd, which is its alarm.
//
// The set is level-triggered: what a turn leaves unread is reported again. A report
// is turned into its socket, and the socket read, before any handler runs, so that
// none can meet a descriptor which a handler has closed and the kernel given to
// somebody else. The eventfd and the timerfd are edge-triggered, and never read.
//
// The set itself is waited for by the poller of the Go runtime, in which it is the
// only descriptor of ours: epoll sets nest. To block in epoll_wait instead keeps a
// thread, and its share of GOMAXPROCS until the runtime notices; at 12,000 messages/s
// over two loops it cost a generator 13 % more CPU, woke a sleeping loop later (p50
// 17 against 12 µs), and a round trip with a goroutine of the same process took
// 19 µs in place of 11.
type poller struct {
	loop    *Loop
	file    *os.File // the epoll set
	epoll   int      // its descriptor
	parked  syscall.RawConn
	look    func(fd uintptr) bool // p.foundOrParks, kept so that waiting does not allocate
	wakeup  int
	timer   int
	sampled int // sockets, see stamp
	unseen  int // looks since the loop parked, or let the scheduler know of it

	sockets []pollable // by descriptor
	doors   []*door
	ready   int // of events
	events  [readsPerTurn]unix.EpollEvent
	arena   []byte
	plain   []byte // of one TLS record
	news    []news // of the last wait
	at      time.Duration
	wall    time.Duration // at by the clock of the stamps, if any of news has one
	stamped stampedReader
}

// pollable is what a descriptor of the set stands for.
type pollable interface {
	// collect does what can be done about events before any handler runs: it reads
	// into buf, which has room for one read, and says in n what has come of it.
	collect(events uint32, buf []byte, n *news)
	// handle does the rest.
	handle(at time.Duration, n *news)
}

// news is what one socket had to say in a turn.
type news struct {
	of     pollable
	events uint32
	data   []byte
	err    error
	// arrived is when the last of data came, by the clock of the wall; 0 = not known.
	arrived time.Duration
}

const (
	readable = unix.EPOLLIN | unix.EPOLLERR | unix.EPOLLHUP
	writable = unix.EPOLLOUT | unix.EPOLLERR | unix.EPOLLHUP
)

func newPoller(l *Loop) (*poller, error) {
	p := &poller{loop: l, wakeup: -1, timer: -1}
	err := p.open()
	if err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

func (p *poller) open() (err error) {
	if p.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return os.NewSyscallError("epoll_create1", err)
	}
	_ = unix.SetNonblock(p.epoll, true) // tells NewFile that it can be polled
	p.file = os.NewFile(uintptr(p.epoll), "epoll")
	if p.parked, err = p.file.SyscallConn(); err != nil {
		return err
	}
	p.look = p.foundOrParks
	if p.wakeup, err = unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC); err != nil {
		return os.NewSyscallError("eventfd", err)
	}
	if p.timer, err = unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC); err != nil {
		return os.NewSyscallError("timerfd_create", err)
	}
	for _, fd := range []int{p.wakeup, p.timer} {
		if err = p.control(unix.EPOLL_CTL_ADD, fd, unix.EPOLLIN|unix.EPOLLET); err != nil {
			return err
		}
	}
	p.arena, p.plain = make([]byte, arenaBytes), make([]byte, bufferBytes)
	return nil
}

func (p *poller) control(op, fd int, events uint32) error {
	err := unix.EpollCtl(p.epoll, op, fd, &unix.EpollEvent{Events: events, Fd: int32(fd)})
	return os.NewSyscallError("epoll_ctl", err)
}

// watch says what fd stands for; its owner enters it in the set.
func (p *poller) watch(fd int, of pollable) {
	for fd >= len(p.sockets) {
		p.sockets = append(p.sockets, nil)
	}
	p.sockets[fd] = of
}

// unwatch forgets fd, which is about to be closed: that takes it out of the set.
func (p *poller) unwatch(fd int) { p.sockets[fd] = nil }

// one is what adds 1 to an eventfd.
var one = binary.NativeEndian.AppendUint64(nil, 1)

// wake ends a wait. Any goroutine.
func (p *poller) wake() {
	_, _ = write(p.wakeup, one) // it can but be full of earlier calls
}

// set lets a wait end after d, see alarm.
func (p *poller) set(d time.Duration) { setTimer(p.timer, d) }

// close gives up the descriptors; no socket is left and nobody calls wake any more.
func (p *poller) close() {
	if p.file != nil {
		_ = p.file.Close()
	}
	for _, fd := range []int{p.wakeup, p.timer} {
		if fd >= 0 {
			_ = unix.Close(fd)
		}
	}
}

// wait asks the kernel what there is, waiting for something if block is set, and
// reads it.
func (p *poller) wait(block bool) {
	if block {
		_ = p.parked.Read(p.look) // looks before it parks; fails only once closed
	} else {
		p.found()
	}
	room, stamped := p.arena, false
	for i := range p.events[:p.ready] {
		ev := &p.events[i]
		fd := int(ev.Fd)
		switch fd {
		case p.wakeup:
			continue
		case p.timer:
			p.loop.armed = false
			continue
		}
		if fd >= len(p.sockets) || p.sockets[fd] == nil {
			continue
		}
		if len(room) < bufferBytes {
			continue // reported again
		}
		p.news = append(p.news, news{of: p.sockets[fd], events: ev.Events})
		last := &p.news[len(p.news)-1]
		last.of.collect(ev.Events, room[:bufferBytes], last)
		room = room[len(last.data):]
		stamped = stamped || last.arrived > 0
	}
	if len(p.news) > 0 {
		p.at = p.loop.now()
	}
	if stamped {
		p.wall = wall()
	}
}

// foundOrParks is found for a wait that parks the goroutine if there is nothing.
func (p *poller) foundOrParks(uintptr) bool {
	if p.found() {
		return true
	}
	p.unseen = 0
	return false
}

// found fills events with what there is at present; false if that is nothing.
func (p *poller) found() bool {
	look := lookAt
	if p.unseen++; p.unseen == seenEvery {
		look, p.unseen = lookSeen, 0
	}
	p.ready = look(p.epoll, p.events[:])
	return p.ready > 0
}

// giveUp begins another arena: of a new one only as much exists as turns need, and a
// burst may have needed all of it. What lies in the old one can still be handled.
func (p *poller) giveUp() {
	if p != nil {
		p.arena = make([]byte, arenaBytes)
	}
}

// handle hands out what the last wait has found.
func (p *poller) handle() {
	if p == nil {
		return
	}
	for i := range p.news {
		n := &p.news[i]
		if n.arrived > 0 && n.arrived <= p.wall { // unless the wall's clock was set back
			p.loop.receiveDelay(p.at, p.wall-n.arrived)
		}
		n.of.handle(p.at, n)
		*n = news{}
	}
	p.news = p.news[:0]
}
