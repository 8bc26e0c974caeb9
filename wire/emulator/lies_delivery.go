package emulator

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/wpsbench/wpsbench/wire"
)

// offer delivers a publication to s, or tells a lie about it.
func (c *core) offer(s *session, m *message) {
	if !c.liar.any || m.from == nil || s.doomed {
		c.deliver(s, m)
		return
	}
	switch {
	case c.tempted(LieDrop):
		c.told(LieDrop, 1)
		return
	case c.tempted(LieDuplicate):
		c.deliver(s, m)
		c.deliver(s, m)
		c.tellUnlessDoomed(LieDuplicate, s)
	case c.disguises(LieCorrupt, s, m, corrupted), c.disguises(LieWrongType, s, m, mistyped),
		s.encoding == wire.EncodingJSON && c.disguises(LieWrongUser, s, m, misnamed),
		!s.simple && c.disguises(LieWrongMetadata, s, m, mismarked):
	case s.reliable && c.tempted(LieSkipID):
		s.replay.skip()
		s.sequenceID++
		c.deliver(s, m)
		c.tellUnlessDoomed(LieSkipID, s)
	case s.reliable && s.socket != nil && s.sequenceID > 0 && c.tempted(LieReuseID):
		c.writeNumbered(s, m, s.sequenceID)
		c.told(LieReuseID, 1)
	case !s.reliable && !s.simple && c.tempted(LieStrayID):
		c.writeNumbered(s, m, 1)
		c.told(LieStrayID, 1)
	default:
		c.offerInTurn(s, m)
	}
	c.replayAcked(s)
}

// writeNumbered delivers m at once, under an id that is not the next one.
func (c *core) writeNumbered(s *session, m *message, id uint64) {
	c.frame = m.in(s.encoding).appendNumbered(c.frame[:0], id)
	s.socket.write(c.frame)
	c.countDelivery(m)
}

func (c *core) tellUnlessDoomed(l Lie, s *session) {
	if !s.doomed {
		c.told(l, 1)
	}
}

// disguises delivers another message in the place of m, if it is to and can.
func (c *core) disguises(l Lie, s *session, m *message, as func(d *wire.Downstream) bool) bool {
	if c.liar.lies[l].N == 0 {
		return false
	}
	d := *m.source
	d.Data = slices.Clone(d.Data)
	if !as(&d) || !c.tempted(l) {
		return false
	}
	other := c.messages.take(&d)
	other.from, other.group = m.from, m.group
	c.deliver(s, other)
	c.messages.release(other)
	c.tellUnlessDoomed(l, s)
	return true
}

// corrupted changes the last character; false where there is none to change.
func corrupted(d *wire.Downstream) bool {
	last := len(d.Data) - 1
	if d.DataType == wire.DataJSON {
		if last < 1 || d.Data[last] != '"' {
			return false // only in a string is any letter as good as any other
		}
		last--
	}
	if last < 0 || d.Data[last] >= 0x80 && d.DataType != wire.DataBinary {
		return false
	}
	if d.Data[last] != 'A' {
		d.Data[last] = 'A'
	} else {
		d.Data[last] = 'B'
	}
	return true
}

// mistyped changes the data type. Binary data has to become letters to be text.
func mistyped(d *wire.Downstream) bool {
	switch d.DataType {
	case wire.DataText, wire.DataJSON:
		d.DataType = wire.DataBinary
		return true
	case wire.DataBinary:
		d.DataType = wire.DataText
		d.Data = base64.RawURLEncoding.AppendEncode(nil, d.Data)
		return true
	default:
		return false
	}
}

// misnamed changes the sender.
func misnamed(d *wire.Downstream) bool {
	d.FromUserID = append([]byte("not "), d.FromUserID...)
	return true
}

// mismarked changes a value of the metadata, or makes some up.
func mismarked(d *wire.Downstream) bool {
	pairs := map[string]string{}
	if len(d.Metadata) > 0 && json.Unmarshal(d.Metadata, &pairs) != nil {
		return false
	}
	if len(pairs) == 0 {
		pairs["trace"] = ""
	}
	first := slices.Min(slices.Collect(maps.Keys(pairs)))
	pairs[first] = "not " + pairs[first]
	d.Metadata, _ = json.Marshal(pairs) // texts always encode
	return true
}

// offerStrangers delivers m to those who should not get it, once its members have.
func (c *core) offerStrangers(h *hub, m *message, name []byte) {
	if c.liar.lies[LieWrongGroup].N > 0 && m.from != nil && m.group != nil {
		if s := h.stranger(m.group); s != nil && c.tempted(LieWrongGroup) {
			c.deliver(s, m)
			c.tellUnlessDoomed(LieWrongGroup, s)
		}
	}
	for _, s := range h.left[string(name)] {
		if m.from != nil && c.tempted(LieAfterLeave) {
			c.deliver(s, m)
			c.tellUnlessDoomed(LieAfterLeave, s)
		}
	}
}

// stranger is a member of another group that is not one of g: of the first of each group
// the one that came first, since a map has no order and a simulation must have one.
func (h *hub) stranger(g *group) (found *session) {
	for _, other := range h.groups {
		if other == g {
			continue
		}
		i := slices.IndexFunc(other.members, func(s *session) bool {
			_, member := g.index[s]
			return !member && !s.doomed
		})
		if i >= 0 && (found == nil || other.members[i].number < found.number) {
			found = other.members[i]
		}
	}
	return found
}

// remember notes for LieAfterLeave that s has left the group.
func (h *hub) remember(s *session, name string) {
	if h.core.liar.lies[LieAfterLeave].N == 0 {
		return
	}
	if h.left == nil {
		h.left = make(map[string][]*session)
	}
	h.left[name] = append(without(h.left[name], s), s)
}

// forget ends what remember began: s is a member again, or gone (name "").
func (h *hub) forget(s *session, name string) {
	for g, list := range h.left {
		if name == "" || name == g {
			h.left[g] = without(list, s)
		}
	}
}

// swapPatience bounds how long a delivery waits for the one that is to overtake
// it. Then, or when its session leaves, drops or ends, it goes out in its place
// and no lie was told.
const swapPatience = 2 * time.Second

// swapLie remembers what is held back.
type swapLie struct {
	timer timer
	held  []heldDelivery // oldest first; some may have gone out already
}

type heldDelivery struct {
	session *session
	until   time.Duration
}

// offerInTurn delivers m to s, or has the next one overtake it. A client's own echo
// would miss its place before the ack.
func (c *core) offerInTurn(s *session, m *message) {
	switch {
	case c.liar.lies[LieSwap].N == 0 || m.from == s:
		c.deliver(s, m)
	case s.held != nil:
		c.deliver(s, m)
		if s.held.from == m.from && s.held.group == m.group {
			c.tellSwap(s)
		}
	case c.tempted(LieSwap):
		c.hold(s, m)
	default:
		c.deliver(s, m)
	}
}
func (c *core) hold(s *session, m *message) {
	m.in(s.encoding) // what it is made of is lent for the fan-out only
	m.references++
	s.held, s.heldUntil = m, c.now+swapPatience
	if len(c.liar.swaps.held) == 0 {
		c.liar.swaps.timer.Set(s.heldUntil)
	}
	c.liar.swaps.held = append(c.liar.swaps.held, heldDelivery{s, s.heldUntil})
}

// tellSwap delivers what s was denied, after the message that overtook it.
func (c *core) tellSwap(s *session) {
	m := s.held
	s.held = nil
	c.deliver(s, m)
	if !s.doomed {
		c.told(LieSwap, 1)
	}
	c.messages.release(m)
}

// release delivers what s was denied before anything else happens to it. Not
// during a fan-out.
func (c *core) release(s *session) {
	m := s.held
	if m == nil {
		return
	}
	s.held = nil
	c.deliver(s, m)
	c.messages.release(m)
	c.settle()
}

// releaseOverdue releases what has waited too long.
func (c *core) releaseOverdue(now time.Duration) {
	c.now = now
	q := c.liar.swaps.held
	due := 0
	for ; due < len(q) && q[due].until <= now; due++ {
		if s := q[due].session; s.heldUntil == q[due].until {
			c.release(s)
		}
	}
	n := copy(q, q[due:])
	clear(q[n:])
	c.liar.swaps.held = q[:n]
	if n > 0 {
		c.liar.swaps.timer.Set(q[0].until)
	}
}
