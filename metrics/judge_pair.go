package metrics

import (
	"math"
	"sort"
	"time"
)

// view is the address being judged.
type view struct {
	source
	group uint32
	state *slot
	pub   *Publisher
	total [outcomes]uint64
	// unowed are the copies that the subscriber being judged was not a member for.
	unowed [outcomes]uint64
	// instants caches Topology.Intended by message - 1; UnknownInstant = not asked yet.
	instants []time.Duration
}

// UnknownInstant stands for one that nothing tells.
const UnknownInstant = time.Duration(math.MinInt64)

func (v *view) sent() uint64 { return v.state.top - v.total[outcomeSkipped] }

// missing is a run of numbers [from, to) that one subscriber does not have.
type missing struct {
	gap
	trailing bool   // nothing of this publisher came after it
	got      uint64 // the number that came instead
}

// fate is what a missing copy is put down to.
type fate uint8

const (
	fateLost       fate = iota
	fateUnanswered      // undelivered: nothing says whether the service took the publish
	fateDetached        // undelivered: the subscriber was away at the end
	fateCut             // undelivered: the drain ended before its messages had
	fateExpired         // undelivered: it had a time to live, which may have passed
	fateRejected
	fateJoinRace
	fateDisconnect
	fateSessionEnded
	fateOverflow
	fateUnacknowledged
	fateUnknowable // no ack was asked for: it may have been lost on either side
	fates          // their number

	fateUnowed = fates // none: it was not a member
)

// judgePair judges every copy of the address for one subscriber.
func (j *judge) judgePair(connection int) {
	src := &j.src
	n := j.conns[connection]
	sub := &j.t.Subscribers[connection]
	class := classOf(sub.Reliable)
	pop := &j.pops[sub.Population]
	j.pairs[class]++
	j.verified[class]++
	sent := src.sent()
	src.unowed = [outcomes]uint64{}

	arrived := src.total
	miss := func(m missing) {
		src.state.each(m.from, min(m.to, src.state.top+1), func(from, to uint64, o Outcome) {
			arrived[o] -= to - from
			if o != outcomeSkipped {
				j.settle(connection, m, from, to, o)
			}
		})
	}
	if n.v == nil {
		miss(missing{gap: gap{from: 1, to: src.state.top + 1, after: frozen}, trailing: true})
	} else {
		j.eachMissing(n, connection, miss)
		j.judgeUnpublished(n, connection, arrived[outcomeSkipped])
	}

	var delivered uint64
	for o, n := range arrived {
		if Outcome(o) != outcomeSkipped {
			delivered += n
		}
	}
	owed := src.total
	for o, n := range src.unowed {
		owed[o] -= n
		sent -= n
	}
	pop.totals.Deliveries.Expected += sent
	pop.must[class] += owed[OutcomeOK]
	pop.rejected += owed[OutcomeFail]
	pop.totals.Deliveries.Delivered += delivered
	o := &pop.totals.Outcomes
	o.AckedDelivered += arrived[OutcomeOK]
	o.AckedMissing += owed[OutcomeOK] - arrived[OutcomeOK]
	o.UnackedDelivered += delivered - arrived[OutcomeOK]
	o.UnackedMissing += sent - owed[OutcomeOK] - (delivered - arrived[OutcomeOK])
	if src.pub.Acked {
		pop.totals.Deliveries.Recovered += delivered - arrived[OutcomeOK] - arrived[OutcomeFail]
	}
	if arrived[OutcomeFail] > 0 {
		j.chargeRejected(n, connection, arrived[OutcomeFail])
	}
	g := &j.groups[src.group]
	g.Expected += sent
	g.Delivered += delivered
}

// pair is the subscriber's state for the address being judged.
func (j *judge) pair(n owned[conn]) (p *pair, index int) {
	base := j.ix.slotBase[j.src.publisher]
	ordinal, _ := find(j.ix.slots[base:j.ix.slotBase[j.src.publisher+1]], j.src.group)
	first, _ := find(n.v.joins, j.src.group)
	index = n.v.first + int(first) + int(ordinal)
	return &n.shard.pairs[index], index
}

// eachMissing calls fn for every run of numbers that did not arrive, ascending.
func (j *judge) eachMissing(n owned[conn], connection int, fn func(missing)) {
	p, index := j.pair(n)
	for _, g := range n.shard.gapsOf(p) {
		fn(missing{gap: g, got: g.to})
	}
	tail := missing{gap: gap{from: p.next, to: j.src.state.top + 1, before: p.session, after: frozen}, trailing: true}
	if p.session == frozen {
		// Of the messages from next on it is only known how many came.
		j.frozen[classOf(j.t.Subscribers[connection].Reliable)]++
		tail.from = j.skipSent(p.next, n.shard.frozen[index])
	}
	if tail.from < tail.to {
		fn(tail)
	}
}

// skipSent is the number after the first n sent ones from m on.
func (j *judge) skipSent(m, n uint64) uint64 {
	at := m
	j.src.state.each(m, j.src.state.top+1, func(from, to uint64, o Outcome) {
		switch {
		case n == 0:
		case o == outcomeSkipped:
			at = to
		default:
			k := min(n, to-from)
			n -= k
			at = from + k
		}
	})
	return at
}

// settle gives the missing copies [lo, hi) of one outcome their fate.
func (j *judge) settle(connection int, m missing, lo, hi uint64, o Outcome) {
	j.fates(j.conns[connection].v, m, lo, hi, o, func(lo, hi uint64, f fate) {
		if f == fateUnowed {
			j.src.unowed[o] += hi - min(lo, hi)
			return
		}
		j.put(connection, m, lo, hi, f)
	})
}

// fates tells the fates of the missing copies [lo, hi) of one outcome, ascending.
func (j *judge) fates(n *conn, m missing, lo, hi uint64, o Outcome, put func(lo, hi uint64, f fate)) {
	if n != nil {
		for i := range n.windows {
			w := &n.windows[i]
			if !w.spanned(m, j.src.group) {
				continue
			}
			from, to := j.windowNumbers(n, w, lo, hi)
			put(lo, from, j.fate(n, m, o))
			excuse := windowFates[w.class]
			if o == OutcomeFail {
				excuse = fateRejected
			}
			goneBy, backBy := j.unowedNumbers(n, w, from, to)
			put(from, goneBy, excuse)
			put(goneBy, backBy, fateUnowed)
			put(backBy, to, excuse)
			lo = to
		}
	}
	put(lo, hi, j.fate(n, m, o))
}

// spanned tells whether a gap can have come of the window: one of a whole connection
// lies between two sessions, one of a group may lie within one.
func (w *window) spanned(m missing, group uint32) bool {
	if w.ofGroup() {
		return w.group == group
	}
	return m.before < m.after && (w.open || m.before < w.last) && m.after > w.first
}

var windowFates = [...]fate{
	windowJoin: fateJoinRace, windowDisconnect: fateDisconnect, windowSession: fateSessionEnded, windowOverflow: fateOverflow,
	windowLeft: fateJoinRace, windowElsewhere: fateJoinRace,
}

// windowNumbers narrows [lo, hi) to the messages that may have been under way in
// the window: intended from the last sign of life on, less the time that one may
// be late or in flight, and before the join. That end needs no such margin: what
// is intended after the join ack is sent after it, too.
func (j *judge) windowNumbers(n *conn, w *window, lo, hi uint64) (from, to uint64) {
	from, to = lo, hi
	if w.from != math.MinInt64 {
		from = j.firstFrom(lo, hi, w.from-j.o.T0-j.flight(n))
	}
	if !w.open {
		to = j.firstFrom(from, hi, w.to-j.o.T0)
	}
	return from, to
}

// flight is how long a message of the address may be late or under way to a subscriber.
func (j *judge) flight(n *conn) time.Duration {
	return j.longest[classOf(n.reliable)] + j.src.state.maxLag
}

// unowedNumbers narrows [lo, hi), which the window covers, to the messages that were
// sent while the subscriber was in another group: after the answer to its leave, and not
// so late that its request to join may have come first.
func (j *judge) unowedNumbers(n *conn, w *window, lo, hi uint64) (from, to uint64) {
	if w.class != windowElsewhere || !w.gone() {
		return hi, hi
	}
	from, to = lo, hi
	if !w.never {
		from = j.firstFrom(lo, hi, w.left-j.o.T0)
	}
	if w.asked != 0 {
		to = j.firstFrom(from, hi, w.asked-j.o.T0-j.flight(n))
	}
	return from, to
}

// firstFrom is the first number of [lo, hi) intended at or after at.
func (j *judge) firstFrom(lo, hi uint64, at time.Duration) uint64 {
	return lo + uint64(sort.Search(int(hi-lo), func(i int) bool { return j.intended(lo+uint64(i)) >= at }))
}

// intended asks each instant of the address once.
func (j *judge) intended(m uint64) time.Duration {
	v := &j.src
	for uint64(len(v.instants)) < v.state.top {
		v.instants = append(v.instants, UnknownInstant)
	}
	at := &v.instants[m-1]
	if *at == UnknownInstant {
		*at = j.t.Intended(int(v.publisher), int(v.slot), m)
	}
	return *at
}

// fate is that of a missing copy outside of the subscriber's windows.
func (j *judge) fate(n *conn, m missing, o Outcome) fate {
	switch o {
	case OutcomeOK:
	case OutcomeFail:
		return fateRejected
	case OutcomeIndeterminateDisconnect:
		return fateDisconnect
	case OutcomeIndeterminateSessionEnded:
		return fateSessionEnded
	case OutcomeIndeterminateOverflow:
		return fateOverflow
	case OutcomePending:
		// An ack was asked for and none came while the connection stood: nothing was
		// promised, and nothing says that it was not to be delivered either.
		if j.src.pub.Acked {
			return fateUnanswered
		}
		return fateUnknowable
	default:
		return fateUnacknowledged
	}
	switch {
	case n == nil || m.trailing && !n.attached:
		return fateDetached
	case m.trailing && (j.o.DrainCut || m.before == frozen):
		return fateCut
	case j.src.pub.Expires:
		return fateExpired
	default:
		return fateLost
	}
}

// put counts the copies [lo, hi) under their fate.
func (j *judge) put(connection int, m missing, lo, hi uint64, f fate) {
	if lo >= hi {
		return
	}
	sub := &j.t.Subscribers[connection]
	pop := &j.pops[sub.Population]
	d := &pop.totals.Deliveries
	k := hi - lo
	pop.missing[classOf(sub.Reliable)][f] += k
	why := d.miss(f, k)
	if f == fateLost {
		if m.trailing && j.conns[connection].v.forgotten(j.src.group) {
			m.from = lo
			j.noteForgotten(connection, m, k)
		} else {
			j.lost[connection] += k
			j.noteLost(connection, m, lo, hi)
		}
	}
	if j.o.OnMissing == nil {
		return
	}
	for i := lo; i < hi; i++ {
		j.o.OnMissing(j.intended(i), sub.Population, why)
	}
}

// miss counts k missing copies under their fate.
func (d *Deliveries) miss(f fate, k uint64) Missing {
	switch f {
	case fateLost:
		d.Lost += k
		return MissingLost
	case fateUnanswered, fateDetached, fateCut, fateExpired:
		d.Undelivered += k
		return MissingUndelivered
	case fateRejected:
		d.Excused.Rejected += k
		return MissingRejected
	default:
		*d.Excused.class(f) += k
		return MissingExcused
	}
}

// class is the counter of a fate.
func (e *Excused) class(f fate) *uint64 {
	switch f {
	case fateJoinRace:
		return &e.JoinRace
	case fateDisconnect:
		return &e.Disconnect
	case fateSessionEnded:
		return &e.SessionEnded
	case fateOverflow:
		return &e.Overflow
	default:
		return &e.Unacknowledged
	}
}
