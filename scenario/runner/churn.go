package runner

import (
	"time"

	"github.com/wpsbench/wpsbench/scenario"
	"github.com/wpsbench/wpsbench/wire"
)

// churner makes one member come and go as the plan has it. What the checker is told
// around it decides what must arrive, may, and must not.
type churner struct {
	m        *member
	partings *scenario.Partings
	next     scenario.Parting
	away     time.Duration
	timer    *wire.Timer // of the next parting
	resting  restState
	absences []absence // of groups, at most one each
	stopped  bool
}

// restState is how far the end of a session and the return of the next one are.
type restState uint8

const (
	restNone    restState = iota
	restLeaving           // our close frame is out
	restAbsent            // until the next connection is named
)

// absence is a member's from one group: it has asked to leave, and, once back is
// reached, to join again.
type absence struct {
	group     int
	back      *wire.Timer
	rejoining bool
}

// newChurner returns nil for a member that stays.
func newChurner(m *member) *churner {
	plan := m.w.run.plan
	partings := plan.Partings(m.id)
	if partings == nil {
		return nil
	}
	c := &churner{m: m, partings: partings, away: plan.Scenario.Populations[m.population].Churn.Away}
	c.timer = m.w.loop.NewTimer(c.part)
	return c
}

// begin starts the churn with the schedule.
func (c *churner) begin() {
	if c != nil {
		c.advance()
	}
}

// stop lets nobody go any more; who is away returns.
func (c *churner) stop() {
	if c != nil {
		c.stopped = true
		c.timer.Stop()
	}
}

func (c *churner) advance() {
	var more bool
	if c.next, more = c.partings.Next(); more && !c.stopped {
		c.timer.Set(c.m.w.t0 + c.next.At)
	}
}

// part is called when a parting is due. Nobody leaves who is not there.
func (c *churner) part(now time.Duration) {
	m := c.m
	group := c.next.Group
	c.advance()
	if !m.client.Ready() || m.away || m.recovery != nil || m.closing || !m.everReady || c.resting != restNone {
		return
	}
	if group < 0 {
		c.resting = restLeaving
		m.w.funnel.SessionsLeft++
		m.goAway()
		m.w.checker.CancelCatchUp(m.id)
		m.client.Rest(now, c.away)
		return
	}
	if c.absence(group) == nil {
		c.leave(now, group)
	}
}

func (c *churner) leave(now time.Duration, group int) {
	m := c.m
	m.w.funnel.GroupsLeft++
	m.w.checker.Leaving(now, m.id, uint32(group))
	c.absences = append(c.absences, absence{group: group, back: m.w.loop.NewTimer(func(now time.Duration) { c.rejoin(now, group) })})
	c.absences[len(c.absences)-1].back.Set(now + c.away)
	m.client.Leave(now, m.w.run.topology.Groups[group])
}

func (c *churner) rejoin(now time.Duration, group int) {
	if c.m.closing {
		return
	}
	c.absence(group).rejoining = true
	c.m.w.checker.Rejoining(c.m.id, uint32(group))
	c.m.client.Join(now, c.m.w.run.topology.Groups[group])
}

func (c *churner) absence(group int) *absence {
	for i := range c.absences {
		if c.absences[i].group == group {
			return &c.absences[i]
		}
	}
	return nil
}

// answered takes the answer to a join or a leave.
func (c *churner) answered(now time.Duration, req *wire.Request, success bool) {
	if c == nil || !success {
		return
	}
	for _, a := range c.absences {
		switch {
		case c.m.w.run.topology.Groups[a.group] != req.Group:
		case req.Kind == wire.LeaveGroup && !a.rejoining:
			c.m.w.checker.Left(c.m.id, uint32(a.group))
		case req.Kind == wire.JoinGroup && a.rejoining:
			c.returned(now, a.group)
			return
		}
	}
}

func (c *churner) returned(now time.Duration, group int) {
	c.m.w.checker.Rejoined(now, c.m.id, uint32(group))
	for i := range c.absences {
		if c.absences[i].group == group {
			c.absences = append(c.absences[:i], c.absences[i+1:]...)
			return
		}
	}
}

// rejoined is told that all groups of a new connection are joined: those that the
// session had asked to join again are among them.
func (c *churner) rejoined(now time.Duration) {
	if c == nil {
		return
	}
	for i := len(c.absences) - 1; i >= 0; i-- {
		if c.absences[i].rejoining {
			c.returned(now, c.absences[i].group)
		}
	}
}

// left takes the end of a WebSocket; true if it is the one that the plan has ended.
func (c *churner) left() bool {
	if c == nil || c.resting != restLeaving {
		return false
	}
	c.resting = restAbsent
	return true
}

// named takes a new connection; true if it is one that returns.
func (c *churner) named() bool {
	if c == nil || c.resting != restAbsent {
		return false
	}
	c.resting = restNone
	c.m.w.funnel.SessionsReturned++
	return true
}
