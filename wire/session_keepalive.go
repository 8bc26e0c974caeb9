package wire

import "github.com/gobwas/ws"

// keepAlive sends a ping when nothing of ours has been sent for long enough. The
// deadline is not moved by each send, nor by a new socket, only when it is reached:
// that spares the owner of the timer most of the work.
func (s *Session) keepAlive() {
	if s.cfg.Ping <= 0 || s.now < s.pingAt || !s.established() {
		return
	}
	if s.now-s.lastSent >= s.cfg.Ping {
		s.ping()
	}
	s.pingAt = s.lastSent + s.cfg.Ping
}

// ping asks for a sign of life: with the subprotocol's `ping`, as the official
// client does (protocol.md 9), or by WebSocket where there is no envelope.
func (s *Session) ping() {
	s.stats.Pings++
	if s.cfg.Subprotocol == Simple {
		s.write(ws.OpPing, nil)
		return
	}
	s.writeMessage(s.compose(Ping))
}

// checkIdle gives up a transport over which nothing comes any more; like keepAlive
// it moves its deadline only when it is reached.
func (s *Session) checkIdle() {
	limit := s.cfg.IdleTimeout
	if limit <= 0 || s.now < s.idleAt || !s.established() {
		return
	}
	if s.idleAt = s.lastRead + limit; s.now >= s.idleAt {
		s.abort(ErrIdle)
	}
}
