package emulator

import "maps"

// Stats counts what a server has done since it started. As JSON it is the answer of
// /wpsbench/stats, see Options.Admin.
type Stats struct {
	Connections      int    `json:"connections"`       // WebSockets open now
	ConnectionsTotal uint64 `json:"connections_total"` // WebSockets opened, recoveries included
	Refused          uint64 `json:"refused"`           // handshakes answered with an HTTP error
	// HandshakesDropped counts the connections closed at once: Options.MaxHandshakes.
	HandshakesDropped uint64 `json:"handshakes_dropped"`
	Sessions          int    `json:"sessions"` // logical connections there are now, detached ones included
	SessionsTotal     uint64 `json:"sessions_total"`
	Detached          int    `json:"detached"` // sessions without a WebSocket, within their recovery window

	Joins      uint64 `json:"joins"`      // joinGroup requests executed
	Publishes  uint64 `json:"publishes"`  // messages accepted from clients and over REST
	Events     uint64 `json:"events"`     // user events of clients
	Deliveries uint64 `json:"deliveries"` // messages given to sessions, replays not counted
	// ServerDeliveries are those of Deliveries that are no group's: of the server, over REST or from an event handler.
	ServerDeliveries uint64 `json:"server_deliveries"`
	Acks             uint64 `json:"acks"`       // acks sent, errors included
	Duplicates       uint64 `json:"duplicates"` // requests whose ack id had succeeded before

	EventsFailed  uint64 `json:"events_failed"`  // events of any kind that no handler took: none matched, or it failed
	EventsDropped uint64 `json:"events_dropped"` // connected and disconnected, not sent because too many were under way

	RecoveriesAccepted uint64 `json:"recoveries_accepted"`
	RecoveriesRefused  uint64 `json:"recoveries_refused"`
	Takeovers          uint64 `json:"takeovers"`     // recoveries of a session that was still attached
	Replays            uint64 `json:"replays"`       // messages sent again on recovery
	Expired            uint64 `json:"expired"`       // sessions whose recovery window passed
	Overflows          uint64 `json:"overflows"`     // sessions ended because their client was too slow
	PingTimeouts       uint64 `json:"ping_timeouts"` // WebSockets dropped because nothing came back

	// Closes counts the WebSockets that ended by the code of the first close
	// frame either way; 1005 = one without a code, 1006 = none.
	Closes map[int]uint64 `json:"closes"`
	// Lies counts the lies told, by the name of the Lie: "swap".
	Lies map[string]uint64 `json:"lies"`
}

// clone returns a copy that shares nothing with s.
func (s *Stats) clone() Stats {
	c := *s
	c.Closes = maps.Clone(s.Closes)
	c.Lies = maps.Clone(s.Lies)
	return c
}

func (c *core) countDelivery(m *message) {
	c.stats.Deliveries++
	if m.group == nil {
		c.stats.ServerDeliveries++
	}
}
