package loop

import (
	"errors"
	"fmt"
)

// Transport says how a Loop waits for its sockets.
type Transport string

const (
	// Default is Polled where there is such a thing, otherwise Goroutines.
	Default Transport = ""
	// Polled has the loop's goroutine wait for all of its sockets at once and do the
	// reads and writes itself: epoll, on Linux only.
	Polled Transport = "loop"
	// Goroutines has a goroutine read each socket and the loop wait for those.
	Goroutines Transport = "goroutine"
	// Simulated has a World stand for sockets and clock; see World.NewLoop.
	Simulated Transport = "simulated"
)

// ErrTransport says that there is no such transport here.
var ErrTransport = errors.New("no such transport")

// ParseTransport returns the transport of that name; "" is the default.
func ParseTransport(name string) (Transport, error) {
	switch t := Transport(name); {
	case t == Default, t == Goroutines, t == Polled && polling:
		return t.Resolve(), nil
	case t == Polled:
		return "", fmt.Errorf("%w: %q is to be had on Linux only", ErrTransport, name)
	default:
		return "", fmt.Errorf("%w: %q is neither %q nor %q", ErrTransport, name, Polled, Goroutines)
	}
}

// Resolve returns the transport that t stands for on this system.
func (t Transport) Resolve() Transport {
	switch {
	case t != Default:
		return t
	case polling:
		return Polled
	default:
		return Goroutines
	}
}
