package metrics

import (
	"fmt"
	"slices"
	"time"
)

// Subscribers outside of the sample have no pairs. What reaches them is counted by
// group, after the client's own de-duplication, and set against what was sent: so the
// totals stay exact, and more or fewer copies than there can be are seen. Which copy is
// missing, twice or out of order is not.

// deliverCounted judges a message whose header is sound, at a subscriber that is only
// counted: by itself, and by its sequence id.
func (c *Checker) deliverCounted(now time.Duration, n *conn, d *Delivery, r *DeliveryResult, seq sequenced, member membership, fault check) {
	h := &r.Header
	c.noteConnection(h)
	if fault == checkNone {
		fault = seq.fault
	}
	if fault == checkNone && !seq.replay && member != memberSteady {
		fault = c.unusual(n, h)
	}
	if fault == checkNone {
		fault = c.stray(n, d.SequenceID)
	}
	if fault != checkNone {
		c.charge(fault, n, c.offence(now, n, h, d, 0))
	}
	if seq.replay {
		if fault == checkR1 {
			n.unplaced++ // the client discards it, though it may be new
		}
		return
	}
	c.count(n, h)
	r.Counted = true
	longest := &c.longest[classOf(n.reliable)]
	*longest = max(*longest, now-h.Intended)
	r.CaughtUp = n.catchUp.counted(h)
}

// count adds a copy to those of its group.
func (c *Checker) count(n *conn, h *Header) {
	at, _ := position(n.joins, h.Address)
	n.arrived[at]++
	c.progress.Delivered++
}

// counted tells whether the arrival completes the catch-up of a subscriber that is only
// counted: a session's messages come in the order in which they were queued, so one that
// was due after the socket opened has everything else before it.
func (u *catchUp) counted(h *Header) bool {
	if u.pending == 0 {
		return false
	}
	if u.pending--; h.Intended > u.since {
		u.pending = 0
	}
	return u.pending == 0
}

// behind is by how many copies a subscriber that is only counted is short of what was
// due in the groups that in tells of, and by how many bytes of payload, at the mean.
func (c *Checker) behind(n *conn, in func(at int) bool, due func(publisher, slot int) uint64) (messages, bytes uint64) {
	for at, j := range n.joins {
		if !in(at) {
			continue
		}
		owed, size := c.due(n, j.group, due)
		if short := int64(owed) - int64(n.arrived[at]) - n.before[at]; short > 0 {
			messages += uint64(short)
			bytes += size / owed * uint64(short)
		}
	}
	return messages, bytes
}

// due is how many messages of a group were due to a subscriber, and their payload.
func (c *Checker) due(n *conn, group uint32, due func(publisher, slot int) uint64) (messages, bytes uint64) {
	for _, src := range c.ix.sources[group] {
		if !c.t.ownEcho(src.publisher, n.id) {
			k := due(int(src.publisher), int(src.slot))
			messages += k
			bytes += k * uint64(c.t.Publishers[src.publisher].PayloadBytes)
		}
	}
	return messages, bytes
}

// copies counts those of one group and one subscriber by what a missing one would be
// put down to.
type copies [fates]uint64

func (k *copies) total() (n uint64) {
	for _, x := range k {
		n += x
	}
	return n
}

// countedFates is the order in which missing copies that are only counted are put down
// to their fates: what is lost beyond doubt comes last.
var countedFates = [fates]fate{
	fateRejected, fateJoinRace, fateDisconnect, fateSessionEnded, fateOverflow, fateUnacknowledged,
	fateUnknowable, fateUnanswered, fateExpired, fateDetached, fateCut, fateLost,
}

// account is what was sent of one group to one subscriber.
type account struct {
	copies copies
	acked  uint64
}

// judgeCounted sets what arrived at the members of a group outside of the sample
// against what was sent.
func (j *judge) judgeCounted(group uint32) {
	members := j.ix.counted[group]
	if len(members) == 0 {
		return
	}
	usual := &account{} // of those to whom nothing happened
	accounts := make([]*account, len(members))
	for i, c := range members {
		accounts[i] = usual
		if n := j.conns[c].v; n == nil || !n.uneventful(j.o.T0) || j.echoes(group, int(c)) {
			accounts[i] = &account{}
		}
	}
	steady := &conn{attached: true}
	known := true
	for _, s := range j.ix.sources[group] {
		state := j.slots[j.ix.slotBase[s.publisher]+int(s.slot)]
		if state == nil {
			known = false
			continue
		}
		j.look(group, s, state)
		j.owe(usual, steady)
		for i, c := range members {
			if accounts[i] != usual && !j.t.ownEcho(s.publisher, int(c)) {
				j.owe(accounts[i], j.conns[c].v)
			}
		}
	}
	for i, c := range members {
		j.pairs[classOf(j.t.Subscribers[c].Reliable)] += uint64(len(j.ix.sources[group]))
		j.settleCounted(group, int(c), accounts[i], known)
	}
}

// look makes an address the one being judged.
func (j *judge) look(group uint32, s source, state *slot) {
	j.src = view{source: s, group: group, state: state, pub: &j.t.Publishers[s.publisher], instants: j.src.instants[:0]}
}

// echoes tells whether the connection publishes to the group under noEcho.
func (j *judge) echoes(group uint32, connection int) bool {
	for _, s := range j.ix.echoless[group] {
		if j.t.ownEcho(s.publisher, connection) {
			return true
		}
	}
	return false
}

// uneventful tells whether nothing excuses what the connection misses.
func (n *conn) uneventful(t0 time.Duration) bool {
	return n.attached && len(n.windows) == 1 && !n.windows[0].open && n.windows[0].to <= t0
}

// parts tells whether the connection left a group: what came on its heels was not owed.
func (n *conn) parts() bool {
	return slices.ContainsFunc(n.windows, func(w window) bool { return w.ofGroup() })
}

// owe adds the copies of the address to a subscriber's account.
func (j *judge) owe(a *account, n *conn) {
	all := missing{gap: gap{from: 1, to: j.src.state.top + 1, after: frozen}, trailing: true}
	j.src.state.each(all.from, all.to, func(lo, hi uint64, o Outcome) {
		switch o {
		case outcomeSkipped:
			return
		case OutcomeOK:
			a.acked += hi - lo
		default:
		}
		j.fates(n, all, lo, hi, o, func(lo, hi uint64, f fate) {
			switch {
			case lo >= hi:
			case f != fateUnowed:
				a.copies[f] += hi - lo
			case o == OutcomeOK:
				a.acked -= hi - lo
			}
		})
	})
}

// settleCounted files the copies of one group and one subscriber. Unless all of its
// publishers are known, more may have been sent.
func (j *judge) settleCounted(group uint32, connection int, a *account, known bool) {
	sub := &j.t.Subscribers[connection]
	pop := &j.pops[sub.Population]
	expected, acked := a.copies.total(), a.acked
	var came uint64
	if n := j.conns[connection].v; n != nil {
		at, _ := position(n.joins, group)
		came = n.arrived[at]
	}
	delivered := min(came, expected)
	if came > expected && known && !j.conns[connection].v.parts() {
		j.surplus(group, connection, came-expected)
	}
	d, o := &pop.totals.Deliveries, &pop.totals.Outcomes
	d.Expected += expected
	d.Delivered += delivered
	ackedDelivered := min(delivered, acked)
	o.AckedDelivered += ackedDelivered
	o.AckedMissing += acked - ackedDelivered
	o.UnackedDelivered += delivered - ackedDelivered
	o.UnackedMissing += expected - acked - (delivered - ackedDelivered)
	j.groups[group].Expected += expected
	j.groups[group].Delivered += delivered
	missing := expected - delivered
	for _, f := range countedFates {
		k := min(missing, a.copies[f])
		if missing -= k; k == 0 {
			continue
		}
		pop.missing[classOf(sub.Reliable)][f] += k
		why := d.miss(f, k)
		if f == fateLost {
			j.loseCounted(group, connection, k)
		}
		if j.o.OnMissing != nil {
			for range k {
				j.o.OnMissing(UnknownInstant, sub.Population, why)
			}
		}
	}
}

// loseCounted charges copies that never came, whichever they were.
func (j *judge) loseCounted(group uint32, connection int, k uint64) {
	j.lost[connection] += k
	o := offence{at: j.o.T0, connection: connection, publisher: -1, group: int64(group), text: fmt.Sprintf("copies that never came: %d; which is not known of a subscriber outside of the sample", k)}
	j.keep(lossCheck(j.t.Subscribers[connection].Reliable), o, func() witness { return witness{} })
}

// surplus charges copies beyond those that were sent, unless a client may have sent
// them twice itself.
func (j *judge) surplus(group uint32, connection int, k uint64) {
	sub := &j.t.Subscribers[connection]
	for _, s := range j.ix.sources[group] {
		if j.t.Publishers[s.publisher].Renumbers {
			j.pops[sub.Population].totals.Deliveries.ClientRetry += k
			return
		}
	}
	which := checkN2
	if sub.Reliable {
		which = checkR5
	}
	j.violations[which] += k
	j.pops[sub.Population].totals.Deliveries.Duplicated += k
	o := offence{at: j.o.T0, connection: connection, publisher: -1, group: int64(group), text: fmt.Sprintf("copies beyond those that were sent: %d; which is not known of a subscriber outside of the sample", k)}
	j.keep(which, o, func() witness { return witness{} })
}
