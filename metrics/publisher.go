package metrics

import (
	"fmt"
	"slices"
	"sort"
	"time"
)

// Outcome is how a publish ended.
type Outcome uint8

// The outcomes. A publish without any is indeterminate as well.
const (
	// OutcomePending is no outcome (yet): the zero value, not to be reported.
	OutcomePending Outcome = iota
	// OutcomeOK: acknowledged with success, or with Duplicate.
	OutcomeOK
	// OutcomeFail: refused (Forbidden, BadRequest): it must not be delivered.
	OutcomeFail
	// OutcomeError: answered with another error: it may or may not be delivered.
	OutcomeError
	// OutcomeIndeterminateDisconnect: its connection dropped, without recovery.
	OutcomeIndeterminateDisconnect
	// OutcomeIndeterminateSessionEnded: its session could not be recovered.
	OutcomeIndeterminateSessionEnded
	// OutcomeIndeterminateOverflow: likewise, for the service had more to keep for it than it can.
	OutcomeIndeterminateOverflow

	outcomeSkipped // due, but never sent
	outcomes       // their number
)

// slot is what became of the messages of one address of one publisher: numbers
// 1 to top were due; those in no run are sent and have no outcome. Acks come
// nearly in order, so a healthy publisher has one run.
type slot struct {
	top    uint64
	runs   []run         // disjoint, ascending
	maxLag time.Duration // how long after its intended instant one left, the last time

	doubts []uint64 // ascending: void for now, see Checker.Doubt

	resent  []uint64 // under the same ack id
	retried []uint64 // under another ack id
	sorted  bool     // retried is
}

// run is messages [from, to) of one outcome.
type run struct {
	from, to uint64
	outcome  Outcome
}

// set gives message m its outcome. The first one stands; it is returned.
func (s *slot) set(m uint64, o Outcome) Outcome {
	last := len(s.runs) - 1
	if last < 0 || m >= s.runs[last].to {
		if last >= 0 && s.runs[last].to == m && s.runs[last].outcome == o {
			s.runs[last].to++
			return o
		}
		s.runs = append(s.runs, run{m, m + 1, o})
		return o
	}
	i := sort.Search(len(s.runs), func(i int) bool { return s.runs[i].to > m })
	if s.runs[i].from <= m {
		return s.runs[i].outcome
	}
	below := i > 0 && s.runs[i-1].to == m && s.runs[i-1].outcome == o
	above := s.runs[i].from == m+1 && s.runs[i].outcome == o
	switch {
	case below && above:
		s.runs[i-1].to = s.runs[i].to
		s.runs = slices.Delete(s.runs, i, i+1)
	case below:
		s.runs[i-1].to++
	case above:
		s.runs[i].from--
	default:
		s.runs = slices.Insert(s.runs, i, run{m, m + 1, o})
	}
	return o
}

// get is the outcome of message m.
func (s *slot) get(m uint64) Outcome {
	i := sort.Search(len(s.runs), func(i int) bool { return s.runs[i].to > m })
	if i < len(s.runs) && s.runs[i].from <= m {
		return s.runs[i].outcome
	}
	return OutcomePending
}

// each calls fn for every stretch [from, to) of one outcome within [lo, hi), in order.
func (s *slot) each(lo, hi uint64, fn func(from, to uint64, o Outcome)) {
	i := sort.Search(len(s.runs), func(i int) bool { return s.runs[i].to > lo })
	for lo < hi {
		if i == len(s.runs) || s.runs[i].from >= hi {
			fn(lo, hi, OutcomePending)
			return
		}
		r := s.runs[i]
		if lo < r.from {
			fn(lo, r.from, OutcomePending)
			lo = r.from
		}
		to := min(r.to, hi)
		fn(lo, to, r.outcome)
		lo = to
		i++
	}
}

// slot is the state of an owned publisher's address.
func (c *Checker) slot(publisher, index int) *slot {
	return &c.slots[int(c.byPublisher[publisher])+index]
}

// Sent says that a message left, lag after its intended instant. What is passed
// over counts as skipped until it is sent after all: older messages may wait in a
// queue while newer ones are given up.
func (c *Checker) Sent(publisher, slot int, message uint64, lag time.Duration) {
	if c.shard != nil {
		return
	}
	s := c.slot(publisher, slot)
	s.skipTo(message)
	if message <= s.top {
		s.unskip(message)
	}
	s.top = max(s.top, message)
	s.maxLag = max(s.maxLag, lag)
	if s.undoubt(message) {
		c.t.voids.put(source{uint32(publisher), uint32(slot)}, message, true)
	}
	c.progress.Expected += uint64(c.ix.fanout[c.ix.slotBase[publisher]+slot])
}

// Skipped says that a message was due but will never be sent.
func (c *Checker) Skipped(publisher, slot int, message uint64) {
	if c.shard != nil {
		return
	}
	s := c.slot(publisher, slot)
	s.skipTo(message)
	s.top = max(s.top, message)
	s.set(message, outcomeSkipped)
	s.undoubt(message)
	c.t.voids.put(source{uint32(publisher), uint32(slot)}, message, false)
}

// skipTo takes the numbers between top and m as skipped: nobody sent them (yet).
func (s *slot) skipTo(m uint64) {
	for s.top+1 < m {
		s.top++
		s.set(s.top, outcomeSkipped)
	}
}

// unskip takes message m out of the skipped ones.
func (s *slot) unskip(m uint64) {
	i := sort.Search(len(s.runs), func(i int) bool { return s.runs[i].to > m })
	if i == len(s.runs) || s.runs[i].from > m || s.runs[i].outcome != outcomeSkipped {
		return
	}
	switch r := &s.runs[i]; {
	case r.from+1 == r.to:
		s.runs = slices.Delete(s.runs, i, i+1)
	case m == r.from:
		r.from++
	case m == r.to-1:
		r.to--
	default:
		upper := run{m + 1, r.to, outcomeSkipped}
		r.to = m
		s.runs = slices.Insert(s.runs, i+1, upper)
	}
}

// Outcome says how a publish ended. A second answer, or one for a message that
// was not sent, is a violation of P1.
func (c *Checker) Outcome(publisher, slot int, message uint64, o Outcome) {
	if c.shard != nil {
		return
	}
	s := c.slot(publisher, slot)
	if message == 0 || message > s.top {
		c.chargeAck(publisher, slot, message)
		return
	}
	before := s.get(message)
	if before != OutcomePending {
		if o == OutcomeOK {
			c.chargeAck(publisher, slot, message)
		}
		return
	}
	s.set(message, o)
	if o == OutcomeFail {
		c.progress.Expected -= uint64(c.ix.fanout[c.ix.slotBase[publisher]+slot])
	}
	if s.undoubt(message) || o != OutcomeOK {
		c.t.voids.put(source{uint32(publisher), uint32(slot)}, message, o == OutcomeOK)
	}
}

// UnexpectedAck says that an ack came which no request was waiting for.
func (c *Checker) UnexpectedAck(now time.Duration, connection int, ackID uint64) {
	if c.shard != nil {
		return
	}
	n := c.conn(connection)
	o := offence{at: now, connection: connection, publisher: -1, group: -1, text: fmt.Sprintf("ack id %d answers no request", ackID)}
	c.charge(checkP1, n, o)
}

func (c *Checker) chargeAck(publisher, slot int, message uint64) {
	p := &c.t.Publishers[publisher]
	n := c.conn(p.Connection)
	c.charge(checkP1, n, offence{
		at: n.lastData, connection: p.Connection, publisher: int64(publisher), group: int64(p.Addresses[slot]), got: message,
		text: "a second success, or one for a message that was not sent",
	})
}
