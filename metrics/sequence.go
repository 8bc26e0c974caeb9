package metrics

import (
	"fmt"
	"time"
)

// sequence follows the sequence ids of one reliable session (protocol.md 4.2)
// by itself, not by what the client made of them. An epoch is one WebSocket; hw
// is the largest id of the session.
//
//	id                                in which epoch             answer
//	0                                 any                        R1
//	≤ the epoch's last                any                        R1, or R3 when it repeats what was seen
//	                                                             before the recovery after live data came
//	≤ hw, above the epoch's last      recovered, prefix          replay
//	hw + 1                            any                        in order
//	> hw + 1                          first of a recovered one   R2 (strict)
//	> hw + 1                          any other                  R1s (strict)
//
// Ids that a jump left out stand in missing. One that comes later after all is
// charged to R1 and the jump is forgiven: one anomaly, one charge.
type sequence struct {
	hw        uint64
	hwAtOpen  uint64 // hw when the epoch began
	epochLast uint64 // 0 = no data in this epoch yet
	acked     uint64 // last sent sequenceAck
	resumed   bool   // the epoch is a recovered one
	missing   gaps   // of this session; before = 1: left out right after a recovery
	// What can no longer come: jumps by where they happened (as gap.before), and
	// how many ids they left out.
	jumps   [2]uint64
	leftOut uint64
}

func (q *sequence) openEpoch(resumed bool) {
	q.resumed = resumed
	q.hwAtOpen = q.hw
	q.epochLast = 0
}

// openSession forgets the ids of the session before, except what it left out.
func (q *sequence) openSession() {
	done := q.settled()
	*q = sequence{missing: q.missing[:0], jumps: done.jumps, leftOut: done.leftOut}
}

// settled is the sequence with everything that is missing charged.
func (q sequence) settled() sequence {
	for _, g := range q.missing {
		q.settle(g)
	}
	return q
}

// settle charges a jump for good.
func (q *sequence) settle(g gap) {
	q.jumps[g.before]++
	q.leftOut = saturatingAdd(q.leftOut, g.to-g.from)
}

// sequenced is what a sequence id says about its message.
type sequenced struct {
	repeated bool // not above the largest id of the session
	replay   bool // repeated, or the client's own de-duplication discards it
	fault    check
	jump     gap // the ids that it left out; none: to = 0
}

// sequenceID folds the id of one data message.
func (c *Checker) sequenceID(n *conn, id uint64) sequenced {
	q := &n.seq
	k := &c.counts[n.population]
	k.sequenced++
	if id == 0 {
		return sequenced{fault: checkR1}
	}
	first := q.epochLast == 0
	if first && q.resumed {
		k.resumptions++
	}
	if !first && id <= q.epochLast {
		c.forgive(n, id)
		if q.resumed && q.hw > q.hwAtOpen && id <= q.hwAtOpen {
			return sequenced{repeated: true, fault: checkR3}
		}
		return sequenced{repeated: true, fault: checkR1}
	}
	q.epochLast = id
	if id <= q.hw {
		c.forgive(n, id)
		return sequenced{repeated: true, fault: checkNone}
	}
	answer := sequenced{fault: checkNone}
	if id > q.hw+1 {
		answer.jump = q.jump(id, first && q.resumed)
	}
	q.hw = id
	return answer
}

// stray judges the id of a message on a subprotocol that has none, which only the strict
// profile minds: nothing depends on it. So it comes after everything else that may be
// wrong with the message.
func (c *Checker) stray(n *conn, id uint64) check {
	if n.reliable || id == 0 {
		return checkNone
	}
	c.counts[n.population].stray++
	if c.profile != Strict {
		return checkNone
	}
	return checkR1
}

// jump records ids that were left out.
func (q *sequence) jump(id uint64, recovered bool) gap {
	g := gap{from: q.hw + 1, to: id}
	if recovered {
		g.before = 1
	}
	if !q.missing.open(g) {
		q.settle(g)
	}
	return g
}

// noteJump keeps what a jump looked like, once its message is among the frames. h is that
// of a message of ours.
func (c *Checker) noteJump(now time.Duration, n *conn, g gap, h *Header, ours bool) {
	if c.profile != Strict {
		return
	}
	which := checkR1s
	if g.before == 1 {
		which = checkR2
	}
	o := offence{
		at: now, connection: n.id, publisher: -1, group: -1, sequence: g.to, from: g.from, to: g.to, session: n.session,
		text: fmt.Sprintf("sequence id %d came after %d", g.to, g.from-1),
	}
	if ours {
		o.publisher, o.group, o.got = int64(h.Publisher), int64(h.Address), h.Message
	}
	c.note(which, o)
}

// forgive takes an id that came after all out of what a jump left out.
func (c *Checker) forgive(n *conn, id uint64) {
	if n.seq.missing.close(id) {
		c.unnote(checkR1s, n.id, n.session, id)
		c.unnote(checkR2, n.id, n.session, id)
	}
}

// Numbered folds a message that carried a sequence id and is nothing to us otherwise,
// as group state is (protocol.md 4.2): the ids count it.
func (c *Checker) Numbered(now time.Duration, connection int, id uint64, fresh bool) {
	if c.shard != nil {
		return
	}
	n := c.conn(connection)
	n.lastData = now
	if !n.reliable {
		return
	}
	c.saw(frame{at: now, connection: uint32(connection), kind: frameOther, sequence: id})
	seq := c.sequenceID(n, id)
	if seq.jump.to != 0 {
		c.noteJump(now, n, seq.jump, nil, false)
	}
	if seq.repeated || !fresh {
		c.countReplay(n, id)
	}
	if seq.fault != checkNone {
		c.charge(seq.fault, n, offence{at: now, connection: n.id, publisher: -1, group: -1, sequence: id})
	}
}

// SequenceAcked says that sequenceAck of that id was sent.
func (c *Checker) SequenceAcked(connection int, id uint64) {
	if c.shard != nil {
		return
	}
	q := &c.conn(connection).seq
	q.acked = max(q.acked, id)
}
