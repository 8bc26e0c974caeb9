package metrics

import "time"

// catchUp follows one recovery until the subscriber has what was due when its
// socket opened (design.md 7.7).
type catchUp struct {
	pending int
	resumed bool
	since   time.Duration // of the socket, since T0; of one that is only counted
	targets []target      // by pair of the connection, kept for the next recovery
}

// target is reached when the pair's next number is above due and, on a resumed
// session, nothing from start to due is missing that is owed. A new connection is owed nothing
// of the time without one, so there a later number alone proves that it caught up.
type target struct {
	source
	floor      uint64 // what was due before it joined is not owed to it: up to here
	start, due uint64
	pending    bool
}

// ExpectCatchUp starts a catch-up, replacing a running one. since is the instant since
// T0 at which the socket opened, due gives the number of messages of an address that the
// plan had due by then. It reports true when nothing is outstanding: there is then no
// Deliver that completes it.
func (c *Checker) ExpectCatchUp(connection int, since time.Duration, due func(publisher, slot int) uint64) (already bool) {
	n := c.conn(connection)
	u := &n.catchUp
	u.pending = 0
	u.resumed = n.seq.resumed
	if n.counted {
		behind, _ := c.behind(n, n.surelyIn, due)
		u.pending, u.since = int(behind), since
		return behind == 0
	}
	n.needTargets()
	for _, j := range n.joins {
		away := n.away(j.group) != nil
		for o, src := range c.ix.sources[j.group] {
			k := int(j.value) + o
			p, t := &c.pairs[n.first+k], &u.targets[k]
			t.source = src
			t.start, t.due = max(p.next, t.floor+1), due(int(src.publisher), int(src.slot))
			t.pending = t.start <= t.due && p.session != frozen && !away && !c.t.ownEcho(src.publisher, n.id)
			if t.pending {
				u.pending++
			}
		}
	}
	return u.pending == 0
}

// OwedFrom says that nothing is owed to a connection that was due by now, in one group
// or (-1) in all: it has only just joined. due is as for ExpectCatchUp.
func (c *Checker) OwedFrom(connection, group int, due func(publisher, slot int) uint64) {
	n := c.conn(connection)
	n.needTargets()
	for at, j := range n.joins {
		if group >= 0 && int(j.group) != group {
			continue
		}
		if n.counted {
			owed, _ := c.due(n, j.group, due)
			n.before[at] = int64(owed) - int64(n.arrived[at])
			continue
		}
		for o, src := range c.ix.sources[j.group] {
			n.catchUp.targets[int(j.value)+o].floor = due(int(src.publisher), int(src.slot))
		}
	}
}

// needTargets makes room for them: most connections never recover.
func (n *conn) needTargets() {
	if len(n.catchUp.targets) < n.pairs {
		n.catchUp.targets = make([]target, n.pairs)
	}
}

// Outstanding is how many messages the plan had due that have not come to a
// connection, and how many bytes of payload: what a service may hold for it, which need
// not have got to a leave yet.
func (c *Checker) Outstanding(connection int, due func(publisher, slot int) uint64) (messages, bytes uint64) {
	n := c.conn(connection)
	if n.counted {
		return c.behind(n, n.maybeIn, due)
	}
	for at, j := range n.joins {
		if !n.maybeIn(at) {
			continue
		}
		for o, src := range c.ix.sources[j.group] {
			p := &c.pairs[n.first+int(j.value)+o]
			if c.t.ownEcho(src.publisher, n.id) {
				continue
			}
			had := p.next - 1
			if len(n.catchUp.targets) > 0 {
				had = max(had, n.catchUp.targets[int(j.value)+o].floor)
			}
			behind := due(int(src.publisher), int(src.slot))
			behind -= min(behind, had)
			messages += behind
			bytes += behind * uint64(c.t.Publishers[src.publisher].PayloadBytes)
		}
	}
	return messages, bytes
}

// CancelCatchUp forgets a running catch-up.
func (c *Checker) CancelCatchUp(connection int) { c.conn(connection).catchUp.pending = 0 }

// caughtUp tells whether the arrival at pair i completes the catch-up.
func (c *Checker) caughtUp(n *conn, i int) bool {
	u := &n.catchUp
	if u.pending == 0 {
		return false
	}
	t := &u.targets[i-n.first]
	p := &c.pairs[i]
	if !t.pending || p.next <= t.due && p.session != frozen || u.resumed && c.missingWithin(p, t) {
		return false
	}
	return u.reach(t)
}

// reach notes that a target is reached; it reports true when it was the last.
func (u *catchUp) reach(t *target) bool {
	t.pending = false
	u.pending--
	return u.pending == 0
}

// missingWithin tells whether a number that is owed is missing from start to due.
func (c *Checker) missingWithin(p *pair, t *target) bool {
	g := c.gapsOf(p)
	for i, _ := g.at(t.start); i < len(g) && g[i].from <= t.due; i++ {
		if !c.t.voids.cover(t.source, max(g[i].from, t.start), min(g[i].to, t.due+1)) {
			return true
		}
	}
	return false
}

// RecheckCatchUp looks again at what a running catch-up waits for: meanwhile it may
// have become known that nobody owes some of it. It reports true when that completes the
// catch-up.
func (c *Checker) RecheckCatchUp(connection int) bool {
	n := c.conn(connection)
	if n.catchUp.pending == 0 || n.counted {
		return false
	}
	u := &n.catchUp
	for k := range u.targets {
		t, p := &u.targets[k], &c.pairs[n.first+k]
		switch {
		case !t.pending:
		case p.next <= t.due && p.session != frozen:
			owed := !c.t.voids.cover(t.source, max(p.next, t.start), t.due+1) || u.resumed && c.missingWithin(p, t)
			if !owed && u.reach(t) {
				return true
			}
		case c.caughtUp(n, n.first+k):
			return true
		}
	}
	return false
}
