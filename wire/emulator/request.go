package emulator

import (
	"fmt"

	"github.com/gobwas/ws"

	"github.com/wpsbench/wpsbench/wire"
)

// received handles one message of a client: strictly one at a time, in the
// order of arrival (protocol.md 3.4).
func (c *core) received(s *session, op ws.OpCode, payload []byte) {
	if s.simple {
		c.receivedRaw(s, op, payload)
		return
	}
	if err := s.encoding.Upstream(&c.decoder, payload, &c.up); err != nil {
		s.socket.fail(closeInvalid, s.invalidMessage())
		return
	}
	switch up := &c.up; up.Kind {
	case wire.Ping:
		c.down = wire.Downstream{Kind: wire.Pong}
		s.socket.writeMessage(&c.down)
	case wire.SequenceAck: // ignored on the plain subprotocols, which keep nothing
		c.keepAcked(s, up.SequenceID)
		s.replay.release(up.SequenceID, &c.messages)
	default:
		c.request(s, up)
	}
}

// failure is why a request was not executed; the zero value means it was.
type failure struct{ name, text string }

// request executes what may carry an ack id, and answers if it does. Without an
// ack id success and failure are silent (protocol.md 3.4).
func (c *core) request(s *session, up *wire.Upstream) {
	ackID, wanted := up.AckID, up.HasAckID
	if wanted && s.acks.contains(ackID) {
		c.stats.Duplicates++
		c.runTwice(s, up)
		c.answer(s, ackID, failure{"Duplicate", fmt.Sprintf("Message with ack-id: %d has been processed", ackID)})
		return
	}
	if up.Kind != wire.SendEvent {
		publish := up.Kind == wire.SendToGroup
		f := c.execute(s, up)
		if c.liar.any && wanted && publish && f == (failure{}) {
			s.acks.add(ackID, c.opts.AckHistory)
			c.lieAboutAck(s, ackID)
			return
		}
		c.conclude(s, ackID, wanted, f)
		return
	}
	c.event(s, string(up.Event), up, func(err error) {
		var f failure
		if err != nil {
			f = failure{"InternalServerError", "Internal server error"}
		}
		c.conclude(s, ackID, wanted, f)
	})
}

// conclude remembers and answers a request that was executed, or failed.
func (c *core) conclude(s *session, ackID uint64, wanted bool, f failure) {
	if !wanted {
		return
	}
	if f == (failure{}) {
		s.acks.add(ackID, c.opts.AckHistory)
	}
	c.answer(s, ackID, f)
}

func (c *core) execute(s *session, up *wire.Upstream) failure {
	switch up.Kind {
	case wire.JoinGroup:
		if !s.join.allows(up.Group) {
			return forbidden("join", up.Group)
		}
		c.stats.Joins++
		s.hub.join(s, up.Group)
	case wire.LeaveGroup:
		if !s.join.allows(up.Group) {
			return forbidden("leave", up.Group)
		}
		s.hub.leave(s, up.Group)
	case wire.SendToGroup:
		if !s.send.allows(up.Group) {
			return forbidden("send to", up.Group)
		}
		if !c.withheld(s, up) {
			c.publish(s, up)
		}
	default: // nothing else has an ack id
	}
	return failure{}
}

func forbidden(act string, group []byte) failure {
	return failure{"Forbidden", fmt.Sprintf("The client does not have permission to %s group '%s'.", act, group)}
}

// publish fans a client's message out.
func (c *core) publish(s *session, up *wire.Upstream) {
	c.down = wire.Downstream{
		Kind:       wire.GroupMessage,
		Group:      up.Group,
		FromUserID: s.user,
		DataType:   up.DataType,
		Data:       up.Data,
		Metadata:   up.Metadata,
	}
	c.publishGroup(s.hub, s, up.NoEcho, nil, &c.down)
}

// rawMode is what a simple client's messages become (protocol.md 6).
type rawMode struct {
	toGroup bool // published to group; otherwise each is a user event named `message`
	group   []byte
	noEcho  bool
}

// rawEvent names the user events of simple clients (protocol.md 6).
const rawEvent = "message"

// receivedRaw handles one message of a simple client, which has no envelope and
// gets no ack: what fails closes the connection.
func (c *core) receivedRaw(s *session, op ws.OpCode, payload []byte) {
	c.up = wire.Upstream{Group: s.raw.group, NoEcho: s.raw.noEcho, DataType: wire.DataText, Data: payload}
	if op == ws.OpBinary {
		c.up.DataType = wire.DataBinary
	}
	if !s.raw.toGroup {
		c.event(s, rawEvent, &c.up, func(err error) {
			if err != nil && s.socket != nil {
				s.socket.fail(closeInternal, "The event could not be processed.")
			}
		})
		return
	}
	if !s.send.allows(s.raw.group) {
		s.socket.fail(closePolicy, "The connection is not authorized for raw sendToGroup mode.")
		return
	}
	c.publish(s, &c.up)
}
