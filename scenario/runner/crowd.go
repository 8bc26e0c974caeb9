package runner

import (
	"strconv"
	"time"

	"github.com/wpsbench/wpsbench/scenario"
	"github.com/wpsbench/wpsbench/wire"
)

// crowds are a worker's sessions that one call may close: by user, or by the groups that
// they are ever in.
type crowds map[string][]*member

// newCrowds returns nil for a fault that hits each session by itself.
func newCrowds(w *worker, f *scenario.Fault) crowds {
	if f.By == "" {
		return nil
	}
	all := crowds{}
	for _, m := range w.members {
		if f.By == scenario.ByUser {
			user := w.run.plan.User(m.id)
			all[user] = append(all[user], m)
			continue
		}
		s := &w.run.topology.Subscribers[m.id]
		for _, groups := range [][]uint32{s.Groups, s.Later} {
			for _, g := range groups {
				name := w.run.topology.Groups[g]
				all[name] = append(all[name], m)
			}
		}
	}
	return all
}

// crowd is whom one injection hits: all of a user or in a group.
type crowd struct {
	incident int
	by, name string
}

func (c *crowd) audience() wire.Audience {
	if c.by == scenario.ByUser {
		return wire.ToUser(c.name)
	}
	return wire.ToGroup(c.name)
}

// strikeCrowd strikes those of the next injection's crowd that are this worker's, and
// tells the last worker to do so, who is to have the service close it: nobody is dropped
// before it has been struck. Until then a session is held, and one that the service does
// not count in was not hit.
func (n *nemesis) strikeCrowd(now time.Duration) (c crowd, last bool) {
	w := n.w
	c = crowd{incident: n.next.Incident, by: n.fault.By}
	if c.by == scenario.ByUser {
		c.name = w.run.plan.User(n.next.Connection)
	} else {
		c.name = w.run.topology.Groups[n.next.Group]
	}
	w.incidents[c.incident].begin(now) // though there may be nobody
	for _, m := range n.crowds[c.name] {
		if c.by == scenario.ByGroup && !m.inGroup(c.name) {
			continue
		}
		if m.strike(now, c.incident, n.fault) {
			w.run.struck(c.incident)
		}
	}
	n.passed++
	return c, w.run.lastToStrike(crowdTurn{w.run.incidents[c.incident].Fault, n.passed})
}

// inGroup tells whether the service may count the session as a member of a group.
func (m *member) inGroup(name string) bool { return m.simple() || m.client.InGroup(name) }

// crowdTurn is one injection into a crowd: of a fault, by its number from 1.
type crowdTurn struct{ fault, ordinal int }

// lastToStrike is called by each worker once it has struck its part of a crowd, and tells
// the last of them that it is.
func (r *run) lastToStrike(t crowdTurn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.turns == nil {
		r.turns = map[crowdTurn]int{}
	}
	r.turns[t]++
	if r.turns[t] < len(r.workers) {
		return false
	}
	delete(r.turns, t)
	return true
}

// closeCrowds has the service close crowds that all workers have struck, beside the loop.
func (w *worker) closeCrowds(hit []crowd) {
	to := make([]wire.Audience, len(hit))
	for j := range hit {
		to[j] = hit[j].audience()
	}
	w.run.driver.beside(&w.calls, func() {
		for j, err := range w.closeEach(to) {
			if err != nil {
				w.run.note("note", hit[j].by+" "+strconv.Quote(hit[j].name)+" was not closed: "+err.Error())
			}
			w.run.called(hit[j].incident, false)
		}
	})
}
