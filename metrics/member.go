package metrics

import (
	"fmt"
	"time"
)

// membership is what a connection has to do with one of its groups, see G1 and G2.
type membership uint8

const (
	memberAsked membership = 1 << iota // it has asked to join, or need not
	memberHeard                        // a new message came since the WebSocket opened
)

// steady is the membership on which every message but a few arrives.
const memberSteady = memberAsked | memberHeard

// resetMembers begins a session, or (resumed) another epoch of one.
func (c *Checker) resetMembers(n *conn, resumed bool) {
	asks := c.t.Subscribers[n.id].Asks
	for i, j := range n.joins {
		switch {
		case resumed:
			n.members[i] &^= memberHeard
		case asks && c.t.Groups[j.group] != "":
			n.members[i] = 0
		default:
			n.members[i] = memberAsked
		}
	}
}

// Joining says that the connection has asked to join all of the groups that it is in.
func (c *Checker) Joining(connection int) {
	if c.shard == nil {
		c.conn(connection).ask()
	}
}

// ask notes that all groups have been asked for but those that it has left, or is to
// join later.
func (n *conn) ask() {
	for i, j := range n.joins {
		if w := n.away(j.group); w == nil || w.asked != 0 {
			n.members[i] |= memberAsked
		}
	}
}

// Rejoining says that the connection has asked to join one of its groups, which it
// had left, or a later one for the first time; Rejoined that the ack has come.
func (c *Checker) Rejoining(now time.Duration, connection int, group uint32) {
	n := c.conn(connection)
	i, ok := position(n.joins, group)
	if c.shard != nil || !ok {
		return
	}
	n.members[i] = memberAsked
	if w := n.away(group); w != nil {
		w.asked = now
	}
}

// Leaving says that the connection has asked to leave one of its groups: from here on
// messages may come, but need not. They are excused until Rejoined.
func (c *Checker) Leaving(now time.Duration, connection int, group uint32) {
	c.leave(now, connection, group, windowLeft)
}

// Moving is Leaving of a group that the connection goes from for good, or for long: from
// Left on, and until Rejoining, no copy of its messages is expected.
func (c *Checker) Moving(now time.Duration, connection int, group uint32) {
	c.leave(now, connection, group, windowElsewhere)
}

func (c *Checker) leave(now time.Duration, connection int, group uint32, class windowClass) {
	n := c.conn(connection)
	if _, ok := position(n.joins, group); c.shard == nil && ok && n.away(group) == nil {
		n.windows = append(n.windows, window{class: class, group: group, open: true, from: now})
	}
}

// Left says that the ack of a leave has come: from here on nothing may come.
func (c *Checker) Left(now time.Duration, connection int, group uint32) {
	n := c.conn(connection)
	i, ok := position(n.joins, group)
	if c.shard != nil || !ok {
		return
	}
	n.members[i] = 0
	if w := n.away(group); w != nil && !w.gone() {
		w.left = now
	}
}

// Rejoined says that the ack of a join has come after a leave: from here on messages
// are due again.
func (c *Checker) Rejoined(now time.Duration, connection int, group uint32) {
	if n := c.conn(connection); c.shard == nil {
		if w := n.away(group); w != nil {
			w.open = false
			w.to = now
		}
	}
}

// away is the open window of a group that the connection has left, or nil.
func (n *conn) away(group uint32) *window {
	for i := range n.windows {
		if w := &n.windows[i]; w.open && w.ofGroup() && w.group == group {
			return w
		}
	}
	return nil
}

// surelyIn tells whether the connection is a member of a group of its joins for all that is
// known, maybeIn whether it may be: from the request to join to the answer to a leave.
func (n *conn) surelyIn(at int) bool { return n.away(n.joins[at].group) == nil }
func (n *conn) maybeIn(at int) bool  { return n.members[at]&memberAsked != 0 }

// gone tells whether the leave is known to be done.
func (w *window) gone() bool { return w.never || w.left != 0 }

// unusual takes a message of a group on which the connection is not known to be
// settled: it is the first one since the WebSocket opened, or has no business here.
func (c *Checker) unusual(n *conn, h *Header) check {
	i, _ := position(n.joins, h.Address)
	k := &c.counts[n.population]
	if n.members[i]&memberAsked == 0 {
		if w := n.away(h.Address); w != nil && !w.never && c.profile != Strict {
			k.afterLeave++
			return checkNone
		}
		return checkG1
	}
	n.members[i] |= memberHeard
	if n.seq.resumed {
		k.continued++
	}
	return checkNone
}

// forgotten tells whether the last recovery has cost the connection this membership:
// nothing came since, while messages of other groups did.
func (n *conn) forgotten(group uint32) bool {
	if !n.seq.resumed {
		return false
	}
	others := false
	for i, j := range n.joins {
		heard := n.members[i]&memberHeard != 0
		if j.group == group && heard {
			return false
		}
		others = others || heard
	}
	return others
}

// noteForgotten keeps lost copies that follow from a membership which is gone.
func (j *judge) noteForgotten(connection int, m missing, k uint64) {
	key := [2]int{connection, int(j.src.group)}
	if j.forgotten[key] == 0 {
		o := j.offence(connection)
		o.at = j.intended(m.from) + j.o.T0
		o.expected = m.from
		o.text = "nothing of this group came after the recovery, though others' did"
		shard := j.conns[connection].shard
		j.violations[checkG2]++
		j.keep(checkG2, o, func() witness { return shard.ring.around(o.at, &o) })
	}
	j.forgotten[key] += k
}

// recoveryWindow is how long a service keeps a session that has lost its WebSocket
// (protocol.md 4.5).
const recoveryWindow = 30 * time.Second

// recoveryEdge is the end of the window in which a refusal accuses nobody. The window is
// the service's, from when it lost the WebSocket to when it gets the request. What came
// last may have been sent, and the WebSocket lost, before we had it, by as much as it was
// longer on its way than the refusal: in the last second two clocks can both be right.
const recoveryEdge = time.Second

// refused judges a recovery that the service has refused.
func (c *Checker) refused(now time.Duration, n *conn) {
	if !n.reliable || n.outage == 0 {
		return
	}
	switch silence := now - n.outage; {
	case silence > recoveryWindow:
		return
	case silence > recoveryWindow-recoveryEdge:
		c.counts[n.population].refusedEdge++
		return
	}
	c.counts[n.population].refused++
	if c.profile != Strict {
		return
	}
	c.charge(checkC1, n, offence{
		at: now, connection: n.id, publisher: -1, group: -1,
		text: fmt.Sprintf("recovery refused %.3f s after the last sign of life", (now - n.outage).Seconds()),
	})
}
