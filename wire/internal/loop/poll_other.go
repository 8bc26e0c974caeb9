//go:build !linux

package loop

import (
	"net"
	"net/netip"
	"time"
)

const polling = false

// poller is not to be had here: a loop has none, and nil knows it.
type poller struct{ alarm }

func newPoller(*Loop) (*poller, error) { return nil, ErrTransport }

func (*poller) wake() {}

func (*poller) wait(bool) {}

func (*poller) giveUp() {}
func (*poller) handle() {}

func (*poller) adopt(*Conn, net.Conn) stream { return nil }

// CanConnect says whether Connect is possible: in a World only.
func (l *Loop) CanConnect() bool { return l.world != nil }

// Connect is for loops of a World only.
func (l *Loop) Connect(to, _ netip.AddrPort, connected func(now time.Duration), h Handler) (*Conn, error) {
	if l.world == nil {
		return nil, ErrTransport
	}
	return l.world.connect(l, to, connected, h)
}

func (*poller) closeDoors() {}

// Listen is not to be had here.
func (*Loop) Listen(net.Listener, func(time.Duration, *Conn) Handler) error { return ErrTransport }

// Release is not to be had here.
func (*Conn) Release() (net.Conn, error) { return nil, ErrTransport }

// polled is never made here.
type polled struct{}

func (*polled) seal([]byte) {}
