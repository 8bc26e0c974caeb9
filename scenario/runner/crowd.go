package runner

import (
	"errors"
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

// crowd is whom one injection is for: all of a user or in a group.
type crowd struct {
	fault, ordinal int // which of the fault's injections, from 1
	incident       int
	by, name       string
}

func (c *crowd) audience() wire.Audience {
	if c.by == scenario.ByUser {
		return wire.ToUser(c.name)
	}
	return wire.ToGroup(c.name)
}

// strikeCrowd condemns those of the next injection's crowd that are this worker's, and
// tells the last worker to do so, who is to have the service close it: nobody is dropped
// before that.
func (n *nemesis) strikeCrowd(now time.Duration) (c crowd, last bool) {
	w, i := n.w, n.next.Incident
	n.struck++
	c = crowd{fault: w.run.incidents[i].Fault, ordinal: n.struck, incident: i, by: n.fault.By}
	if c.by == scenario.ByUser {
		c.name = w.run.plan.User(n.next.Connection)
	} else {
		c.name = w.run.topology.Groups[n.next.Group]
	}
	w.incidents[i].begin(now) // though there may be nobody
	w.run.calling(i)
	var condemned []*member
	for _, m := range n.crowds[c.name] {
		if m.closing || c.by == scenario.ByGroup && !m.inGroup(c.name, n.next.Group) {
			continue
		}
		m.condemn(now, i)
		condemned = append(condemned, m)
	}
	n.condemned[c.ordinal] = condemned
	return c, w.run.lastToStrike(c)
}

// inGroup tells whether the service may count the session as a member of a group.
// A leave may not have got there.
func (m *member) inGroup(name string, group int) bool {
	return m.simple() || m.client.InGroup(name) || m.churn.leaves(group)
}

// crowdTurn is one injection into a crowd.
type crowdTurn struct{ fault, ordinal int }

// lastToStrike is called by each worker once it has struck its part of a crowd, and tells
// the last of them that it is.
func (r *run) lastToStrike(c crowd) bool {
	t := crowdTurn{c.fault, c.ordinal}
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
		w.closeEach(to, func(j int, err error) {
			c := &hit[j]
			if err != nil && w.ctx.Err() == nil {
				w.run.note("note", c.by+" "+strconv.Quote(c.name)+" was not closed: "+err.Error())
			}
			for _, each := range w.run.workers {
				each.loop.Do(func(now time.Duration) { each.nemeses[c.fault].closed(now, c, err) })
			}
		})
	})
}

// closed is told that the call to close a crowd has come back. What it has done reaches the
// clients by other ways.
func (n *nemesis) closed(now time.Duration, c *crowd, err error) {
	refused := (*wire.RESTError)(nil)
	end := func(now time.Duration) {
		for _, m := range n.condemned[c.ordinal] {
			m.reprieve(now, c.incident, refused != nil)
		}
		delete(n.condemned, c.ordinal)
		n.w.run.called(c.incident, false)
	}
	if errors.As(err, &refused) {
		end(now)
		return
	}
	n.w.loop.NewTimer(end).Set(now + closeTravel)
}
