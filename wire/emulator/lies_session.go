package emulator

import "github.com/wpsbench/wpsbench/wire"

// lieAboutAck answers a publish that was executed with one ack too few or too many.
func (c *core) lieAboutAck(s *session, ackID uint64) {
	switch {
	case c.tempted(LieLoseAck):
		c.told(LieLoseAck, 1)
		return
	case s.socket != nil && c.tempted(LieAckTwice):
		c.answer(s, ackID, failure{})
		c.told(LieAckTwice, 1)
	}
	c.answer(s, ackID, failure{})
}

// runTwice executes a publish again that has come again.
func (c *core) runTwice(s *session, up *wire.Upstream) {
	if c.liar.any && up.Kind == wire.SendToGroup && c.tempted(LieRunTwice) {
		c.execute(s, up)
		c.told(LieRunTwice, 1)
	}
}

// withheld reports whether a publish is to be acknowledged only, and counts the
// copies that nobody gets.
func (c *core) withheld(s *session, up *wire.Upstream) bool {
	if !c.liar.any || !up.HasAckID || !c.tempted(LieAckOnly) {
		return false
	}
	g := s.hub.groups[string(up.Group)]
	if g == nil {
		return true
	}
	copies := len(g.members)
	if _, member := g.index[s]; member && up.NoEcho {
		copies--
	}
	c.told(LieAckOnly, copies)
	return true
}

// lostReplay is the first sequence id that a recovery sends again.
func (c *core) lostReplay(s *session) (from uint64) {
	unseen := s.sequenceIDAtDrop + 1 // the first that the client cannot have
	if !c.liar.any || s.sequenceID < unseen || !c.tempted(LieLoseReplay) {
		return 0
	}
	c.told(LieLoseReplay, 1)
	return unseen + 1
}

// keepAcked keeps the newest message that the client has acknowledged, for LieReplayAcked.
func (c *core) keepAcked(s *session, upTo uint64) {
	if c.liar.lies[LieReplayAcked].N == 0 {
		return
	}
	s.replay.each(func(f *form, id uint64) {
		if id <= upTo {
			s.acked = f.appendNumbered(s.acked[:0], id)
		}
	})
}

// replayAcked sends it again, once after a recovery.
func (c *core) replayAcked(s *session) {
	if s.resumed && s.socket != nil && len(s.acked) > 0 {
		s.resumed = false
		if c.tempted(LieReplayAcked) {
			s.socket.write(s.acked)
			c.told(LieReplayAcked, 1)
		}
	}
}
