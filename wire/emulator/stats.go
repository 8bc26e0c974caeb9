package emulator

import "maps"

// Stats counts what a server has done since it started.
type Stats struct {
	Connections      int    // WebSockets open now
	ConnectionsTotal uint64 // WebSockets opened, recoveries included
	Refused          uint64 // handshakes answered with an HTTP error
	// HandshakesDropped counts the connections closed at once: Options.MaxHandshakes.
	HandshakesDropped uint64
	Sessions          int // logical connections there are now, detached ones included
	SessionsTotal     uint64
	Detached          int // sessions without a WebSocket, within their recovery window

	Joins      uint64 // joinGroup requests executed
	Publishes  uint64 // messages accepted from clients and over REST
	Events     uint64 // user events of clients
	Deliveries uint64 // messages given to sessions, replays not counted
	Acks       uint64 // acks sent, errors included
	Duplicates uint64 // requests whose ack id had succeeded before

	EventsFailed  uint64 // events of any kind that no handler took: none matched, or it failed
	EventsDropped uint64 // connected and disconnected, not sent because too many were under way

	RecoveriesAccepted uint64
	RecoveriesRefused  uint64
	Takeovers          uint64 // recoveries of a session that was still attached
	Replays            uint64 // messages sent again on recovery
	Expired            uint64 // sessions whose recovery window passed
	Overflows          uint64 // sessions ended because their client was too slow
	PingTimeouts       uint64 // WebSockets dropped because nothing came back

	// Closes counts the WebSockets that ended by the code of the first close
	// frame either way; 1005 = one without a code, 1006 = none.
	Closes map[int]uint64
	// Lies counts the lies told, by the name of the Lie: "swap".
	Lies map[string]uint64
}

// clone returns a copy that shares nothing with s.
func (s *Stats) clone() Stats {
	c := *s
	c.Closes = maps.Clone(s.Closes)
	c.Lies = maps.Clone(s.Lies)
	return c
}
