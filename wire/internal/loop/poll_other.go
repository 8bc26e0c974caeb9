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

func (*poller) handle() bool { return false }

func (*poller) adopt(*Conn, net.Conn) stream { return nil }

// CanConnect says whether Connect is possible: it is not.
func (*Loop) CanConnect() bool { return false }

// Connect is for Polled only.
func (*Loop) Connect(_, _ netip.AddrPort, _ func(now time.Duration), _ Handler) (*Conn, error) {
	return nil, ErrTransport
}

// polled is never made here.
type polled struct{}

func (*polled) seal([]byte) {}
