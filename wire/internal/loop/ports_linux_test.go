package loop

import (
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// By default all of the first thousands of connections to one peer get ports of one
// parity, and later ones have to wait until the kernel has looked at all of those.
func TestPortsOfBothParities(t *testing.T) {
	var name unix.Utsname
	var major, minor int
	if err := unix.Uname(&name); err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Sscanf(unix.ByteSliceToString(name.Release[:]), "%d.%d", &major, &minor); err != nil {
		t.Fatal(err)
	}
	if major < 6 || major == 6 && minor < 8 {
		t.Skipf("Linux %d.%d chooses ports by parity", major, minor)
	}
	l := startLoop(t, Polled)
	polled := func(to, from netip.AddrPort) error {
		connected := make(chan time.Duration, 1)
		var err error
		call(t, l, func() {
			_, err = l.Connect(to, from, func(now time.Duration) { connected <- now }, &script{})
		})
		if err == nil {
			wait(t, connected)
		}
		return err
	}
	dialer := func(to, from netip.AddrPort) error {
		d := net.Dialer{Control: EasePorts}
		if from.IsValid() {
			d.LocalAddr = net.TCPAddrFromAddrPort(from)
		}
		nc, err := d.Dial("tcp", to.String())
		if err == nil {
			t.Cleanup(func() { _ = nc.Close() })
		}
		return err
	}
	tests := []struct {
		name    string
		connect func(to, from netip.AddrPort) error
		from    netip.AddrPort
	}{
		{"loop", polled, netip.AddrPort{}},
		{"loop, from an address", polled, netip.MustParseAddrPort("127.0.0.7:0")},
		{"net.Dialer", dialer, netip.AddrPort{}},
		{"net.Dialer, from an address", dialer, netip.MustParseAddrPort("127.0.0.7:0")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = ln.Close() }()
			var odd int
			const connections = 16
			for range connections {
				if err := tt.connect(netip.MustParseAddrPort(ln.Addr().String()), tt.from); err != nil {
					t.Fatal(err)
				}
				peer, err := ln.Accept()
				if err != nil {
					t.Fatal(err)
				}
				defer func() { _ = peer.Close() }()
				odd += peer.RemoteAddr().(*net.TCPAddr).Port & 1
			}
			if odd == 0 || odd == connections {
				t.Errorf("of %d ports %d are odd, want some of each", connections, odd)
			}
		})
	}
}
