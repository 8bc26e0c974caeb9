package wire

import "github.com/wpsbench/wpsbench/wire/internal/loop"

// Transport says how a Loop, or the emulator, waits for its sockets.
type Transport = loop.Transport

// The transports.
const (
	TransportDefault   = loop.Default    // TransportLoop on Linux, elsewhere TransportGoroutine
	TransportLoop      = loop.Polled     // the loop's goroutine waits for all its sockets and serves them itself: Linux
	TransportGoroutine = loop.Goroutines // a goroutine reads each socket
)

// ParseTransport returns the transport of that name, "loop" or "goroutine"; "" is the
// default. An error says that there is none of it on this system.
func ParseTransport(name string) (Transport, error) { return loop.ParseTransport(name) }
