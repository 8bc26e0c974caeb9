package metrics

import (
	"fmt"
	"slices"
	"time"
)

// maxMessage bounds message numbers: no schedule reaches it, and arithmetic on
// numbers below it cannot wrap.
const maxMessage = 1 << 48

// Delivery is one data message as the connection received it. Every message that
// the service numbers must be shown, our own or not: sequence ids count them all.
type Delivery struct {
	Group      []byte // wire name; empty for a message to no group
	User       []byte // of the sender; empty when anonymous, see Named
	Data       []byte // borrowed until Deliver returns
	Metadata   []byte // a JSON object beside the data, or empty; borrowed likewise
	Kind       PayloadKind
	SequenceID uint64 // 0 = none, as on subprotocols without
	Fresh      bool   // not discarded by the client's own de-duplication
	Named      bool   // the subprotocol tells whose message it is: JSON, to a group (protocol.md 3.3)
}

// DeliveryResult says what Deliver made of a message.
type DeliveryResult struct {
	Header   Header
	Counted  bool // the first delivery of one of our messages, beyond doubt which: record its latency
	CaughtUp bool // this delivery completed a catch-up
	Replayed bool // a repetition, by the sequence ids
	// Redundant: it was acknowledged before. Implies Replayed.
	Redundant bool
}

// Deliver folds one data message of an owned connection.
func (c *Checker) Deliver(now time.Duration, connection int, d *Delivery) DeliveryResult {
	if c.shard != nil {
		return DeliveryResult{}
	}
	n := c.conn(connection)
	h, status := parsePayload(d.Data, d.Kind, c.t.RunID, &c.raw)
	if status == HeaderForeign {
		h, status = c.parseMistyped(d)
	}
	n.lastData = now
	f := frame{
		at: now, connection: uint32(connection), kind: frameData,
		publisher: h.Publisher, group: h.Address, message: h.Message, sequence: d.SequenceID,
	}
	switch status {
	case HeaderForeign:
		f.kind = frameForeign
	case HeaderCorrupt:
		f.kind = frameCorrupt
	default:
	}
	seq := sequenced{fault: checkNone}
	if n.reliable {
		seq = c.sequenceID(n, d.SequenceID)
		seq.replay = seq.repeated || !d.Fresh
	}
	redundant := false
	if seq.replay {
		if f.kind == frameData {
			f.kind = frameReplay
		}
		redundant = c.countReplay(n, d.SequenceID)
	}
	c.saw(f)
	if seq.jump.to != 0 {
		c.noteJump(now, n, seq.jump, &h, status == HeaderOK)
	}
	r := DeliveryResult{Header: h, Replayed: seq.replay, Redundant: redundant}
	if status == HeaderOK {
		c.deliverOurs(now, n, d, &r, seq)
		return r
	}
	c.deliverOther(now, n, d, &h, status, seq)
	return r
}

// parseMistyped looks for a header of ours in a payload that came as another kind than
// it was sent as.
func (c *Checker) parseMistyped(d *Delivery) (Header, HeaderStatus) {
	for _, kind := range [...]PayloadKind{PayloadText, PayloadJSON, PayloadBinary} {
		if kind == d.Kind {
			continue
		}
		if h, status := parsePayload(d.Data, kind, c.t.RunID, &c.raw); status != HeaderForeign {
			return h, status
		}
	}
	return Header{}, HeaderForeign
}

// countReplay counts a repetition; true says that it had been acknowledged.
func (c *Checker) countReplay(n *conn, id uint64) (redundant bool) {
	k := &c.counts[n.population]
	k.replayed++
	if redundant = id <= n.seq.acked; redundant {
		k.redundant++
	}
	return redundant
}

// deliverOurs judges a message whose header is sound.
func (c *Checker) deliverOurs(now time.Duration, n *conn, d *Delivery, r *DeliveryResult, seq sequenced) {
	h := &r.Header
	k := &c.counts[n.population]
	k.headers++
	i, member, fault := c.locate(n, h, d)
	if fault == checkNone && len(d.Metadata) == 0 && !n.bare && c.t.Publishers[h.Publisher].Metadata.any() {
		k.unmarked++
	}
	if i < 0 || fault == checkG3 {
		c.deliverMisplaced(now, n, d, h, i, fault, seq)
		return
	}
	if n.counted {
		c.deliverCounted(now, n, d, r, seq, member, fault)
		return
	}
	p := &c.pairs[i]
	next, before := p.next, p.session
	where := c.place(i, h.Message, n.session)
	arrived := where.arrived()
	c.noteConnection(h)
	switch {
	case fault != checkNone:
		if !seq.replay {
			k.judged[classOf(n.reliable)]++
			if c.orderOf(where, n, h) != checkNone {
				k.outOfOrder++
			}
		}
	case seq.fault != checkNone:
		fault = seq.fault
	case seq.repeated && arrived && where != placedFrozen:
		fault = checkR1 // an id that the session has seen, on a message that it has not
	case !seq.replay:
		k.judged[classOf(n.reliable)]++
		fault = c.orderOf(where, n, h)
		if fault == checkNone && member != memberSteady {
			fault = c.unusual(n, h)
		}
	}
	if fault == checkNone {
		fault = c.stray(n, d.SequenceID)
	}
	switch {
	case fault == checkNone:
	case c.t.mayRetry(h.Publisher, fault):
		c.suspect(fault, n, c.offence(now, n, h, d, next))
	default:
		c.charge(fault, n, c.offence(now, n, h, d, next))
		c.noteRepeated(fault, h)
	}
	if !arrived {
		return
	}
	c.progress.Delivered++
	switch where {
	case placedAhead:
		if before == n.session {
			c.noteGap(now, n, d, h, next)
		}
	case placedLate:
		c.unnoteGap(n, h)
	default:
	}
	if seq.replay {
		k.dedupLost++
	} else {
		r.Counted = true
		longest := &c.longest[classOf(n.reliable)]
		*longest = max(*longest, now-h.Intended)
	}
	r.CaughtUp = c.caughtUp(n, i)
}

// deliverMisplaced judges a message that has no place here: nobody published it,
// or not for this subscriber. pair is where it would belong, or -1.
func (c *Checker) deliverMisplaced(now time.Duration, n *conn, d *Delivery, h *Header, pair int, fault check, seq sequenced) {
	if fault != checkX1 {
		if seq.fault != checkNone {
			fault = seq.fault
		} else if seq.replay {
			return // charged when it came first
		}
	}
	if pair >= 0 {
		n.unplaced++
	}
	c.counts[n.population].unexpected++
	c.charge(fault, n, c.offence(now, n, h, d, 0))
}

// orderOf is the check that a message breaks by its place in the order.
func (c *Checker) orderOf(where placing, n *conn, h *Header) check {
	switch where {
	case placedLate:
		if !c.ordered(h) {
			return checkNone
		}
		if n.reliable {
			return checkR6
		}
		return checkN1
	case placedRepeated:
		if n.reliable {
			return checkR5
		}
		return checkN2
	default:
		return checkNone
	}
}

// locate finds the pair of a message. Without one (-1) the fault says why it has
// no place here; with one, G3 says that it came under another group's name and X1
// that it changed its type, its sender or its metadata on the way.
func (c *Checker) locate(n *conn, h *Header, d *Delivery) (int, membership, check) {
	if int64(h.Publisher) >= int64(len(c.t.Publishers)) || h.Message == 0 || h.Message >= maxMessage {
		return -1, 0, checkX1
	}
	base, end := c.ix.slotBase[h.Publisher], c.ix.slotBase[h.Publisher+1]
	ordinal, ok := find(c.ix.slots[base:end], h.Address)
	if !ok {
		return -1, 0, checkX1
	}
	at, ok := position(n.joins, h.Address)
	if !ok || c.t.ownEcho(h.Publisher, n.id) {
		return -1, 0, checkG3
	}
	i, member := n.first+int(n.joins[at].value)+int(ordinal), n.members[at]
	if !n.bare && string(d.Group) != c.t.Groups[h.Address] {
		return i, member, checkG3
	}
	if d.Kind != c.t.Publishers[h.Publisher].Kind || c.misnamed(h, d) || c.mismarked(n, h, d) {
		return i, member, checkX1
	}
	return i, member, checkNone
}

// misnamed reports whether a message names another user than its publisher's.
func (c *Checker) misnamed(h *Header, d *Delivery) bool {
	return d.Named && !c.ix.names.called(h.Publisher, d.User)
}

// mismarked reports whether a message came with other metadata than it was published
// with. To leave it out is, as written, a service's choice (protocol.md 13).
func (c *Checker) mismarked(n *conn, h *Header, d *Delivery) bool {
	m := c.t.Publishers[h.Publisher].Metadata
	if n.bare || m == nil || m.same(d.Metadata) {
		return false
	}
	return c.profile == Strict || len(d.Metadata) > 0
}

// deliverOther judges a message of another run or a damaged one.
func (c *Checker) deliverOther(now time.Duration, n *conn, d *Delivery, h *Header, status HeaderStatus, seq sequenced) {
	k := &c.counts[n.population]
	if status == HeaderForeign {
		k.foreign++
		fault := seq.fault
		if fault == checkNone {
			fault = c.stray(n, d.SequenceID)
		}
		if fault != checkNone {
			o := c.offence(now, n, h, d, 0)
			o.publisher, o.group, o.text = -1, -1, ""
			c.charge(fault, n, o)
		}
		return
	}
	k.headers++
	k.corrupt++
	o := c.offence(now, n, h, d, 0)
	o.text = "" // it may be the ids of the header that are damaged, not the names of the delivery
	c.charge(checkX1, n, o)
	// Most damage is in the padding. A header that names the very message that is
	// due next is believed, so that one anomaly does not look like a loss as well.
	i, _, fault := c.locate(n, h, d)
	switch {
	case fault == checkNone && n.counted:
		if !seq.replay {
			c.count(n, h)
		}
	case fault == checkNone && c.pairs[i].next == h.Message:
		c.place(i, h.Message, n.session)
		c.progress.Delivered++
	case i >= 0 || fault == checkX1:
		n.unplaced++ // damaged ids: it may stand for any copy
	default:
	}
}

// noteGap keeps the surroundings of numbers that are missing inside one session:
// if they stay away, they are lost. The judge finds the note by its numbers.
func (c *Checker) noteGap(now time.Duration, n *conn, d *Delivery, h *Header, next uint64) {
	o := c.offence(now, n, h, d, next)
	o.from, o.to = next, h.Message
	c.note(lossCheck(n.reliable), o)
}

// unnoteGap takes the note back: one of its numbers has come late.
func (c *Checker) unnoteGap(n *conn, h *Header) {
	notes := &c.offences[lossCheck(n.reliable)]
	*notes = slices.DeleteFunc(*notes, func(o offence) bool {
		return o.connection == n.id && o.publisher == int64(h.Publisher) && o.group == int64(h.Address) &&
			o.from <= h.Message && h.Message < o.to
	})
}

func lossCheck(reliable bool) check {
	if reliable {
		return checkR4
	}
	return checkN3
}

// offence describes a delivery. next is the message number that was due, 0 = none.
func (c *Checker) offence(now time.Duration, n *conn, h *Header, d *Delivery, next uint64) offence {
	o := offence{
		at: now, connection: n.id, publisher: int64(h.Publisher), group: int64(h.Address),
		expected: next, got: h.Message, sequence: d.SequenceID,
	}
	if name := c.t.groupName(o.group); len(d.Group) > 0 && string(d.Group) != name {
		o.text = fmt.Sprintf("delivered to group %.80q", d.Group)
	} else if int(h.Publisher) < len(c.ix.names) {
		switch {
		case c.misnamed(h, d):
			o.text = fmt.Sprintf("delivered as from user %.80q", d.User)
		case c.mismarked(n, h, d):
			o.text = fmt.Sprintf("delivered with metadata %.80q", d.Metadata)
		case !n.reliable && d.SequenceID != 0:
			o.text = fmt.Sprintf("delivered with sequence id %d, where there are none", d.SequenceID)
		}
	}
	return o
}

// classOf indexes what is kept apart for non-reliable and reliable subscribers.
func classOf(reliable bool) int {
	if reliable {
		return 1
	}
	return 0
}

// ordered says whether a message that came late broke a promise: order is one of a
// publisher's connection, so what an older connection left behind may come after
// the messages of the next one; REST sends have none (protocol.md 12).
func (c *Checker) ordered(h *Header) bool {
	return !c.t.Publishers[h.Publisher].Unordered && h.Session == c.connectionOf[h.Publisher]
}

// noteConnection keeps the newest connection of a publisher; the number wraps.
func (c *Checker) noteConnection(h *Header) {
	if newest := &c.connectionOf[h.Publisher]; int8(h.Session-*newest) > 0 {
		*newest = h.Session
	}
}
