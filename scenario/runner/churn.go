package runner

import (
	"slices"
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
	patience time.Duration      // until when an end waits for answers
	absences []absence          // of groups, at most one each
	moves    []scenario.Parting // switches that are due, oldest first; of the first one may be under way
	moving   bool
	left     bool // of the move under way: the answer to the leave is here
	stopped  bool
}

// restState is how far the end of a session and the return of the next one are.
type restState uint8

const (
	restNone      restState = iota
	restFinishing           // it publishes no more, and waits for the answers it is owed
	restLeaving             // our close frame is out
	restAbsent              // until the next connection is named
)

// finishWithin bounds how long the end of a session waits for answers.
const finishWithin = 5 * time.Second

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

// there says that the session is, with nothing to make up for.
func (c *churner) there() bool {
	m := c.m
	return m.client.Ready() && !m.away && m.recovery == nil && !m.closing && m.everReady
}

// part is called when a parting is due. Nobody leaves who is not there.
func (c *churner) part(now time.Duration) {
	p := c.next
	c.advance()
	switch {
	case p.To >= 0:
		c.moves = append(c.moves, p)
		c.move(now)
	case !c.there() || c.resting != restNone:
	case p.Group < 0:
		c.finish(now)
	case c.absence(p.Group) == nil && !c.toMove(p.Group):
		c.leave(now, p.Group)
	}
}

// finish begins the end of the session: what it has published is to be answered first.
func (c *churner) finish(now time.Duration) {
	c.m.w.funnel.SessionsLeft++
	c.resting, c.patience = restFinishing, now+finishWithin
	if c.m.publisher != nil {
		c.m.publisher.absent = true
	}
	c.rest(now)
}

// rest ends the session, unless something is still to be answered.
func (c *churner) rest(now time.Duration) {
	m := c.m
	busy := m.publisher != nil && m.client.InFlight()+len(m.publisher.backlog) > 0 && now < c.patience
	if c.resting != restFinishing || !c.there() || busy {
		return
	}
	c.resting = restLeaving
	m.goAway()
	m.w.checker.CancelCatchUp(m.id)
	m.client.Rest(now, c.away)
}

// beat goes on with what could not be done when it was due.
func (c *churner) beat(now time.Duration) {
	if c != nil {
		c.rest(now)
		c.move(now)
	}
}

func (c *churner) leave(now time.Duration, group int) {
	m := c.m
	m.w.funnel.GroupsLeft++
	m.w.checker.Leaving(now, m.id, uint32(group))
	c.absences = append(c.absences, absence{group: group, back: m.w.loop.NewTimer(func(now time.Duration) { c.rejoin(now, group) })})
	c.absences[len(c.absences)-1].back.Set(now + c.away)
	m.client.Leave(now, c.name(group))
}

func (c *churner) rejoin(now time.Duration, group int) {
	if c.m.closing {
		return
	}
	c.absence(group).rejoining = true
	c.m.w.checker.Rejoining(now, c.m.id, uint32(group))
	c.m.client.Join(now, c.name(group))
}

// move makes the switch that is due first, one at a time. Who is not there, or has left
// the group for a while, makes up for it.
func (c *churner) move(now time.Duration) {
	m := c.m
	if c.moving || c.stopped || len(c.moves) == 0 || c.resting != restNone || !c.there() || c.absence(c.moves[0].Group) != nil {
		return
	}
	p := c.moves[0]
	c.moving, c.left = true, false
	m.w.funnel.GroupsSwitched++
	m.w.checker.Moving(now, m.id, uint32(p.Group))
	m.w.checker.Rejoining(now, m.id, uint32(p.To))
	m.client.Leave(now, c.name(p.Group))
	m.client.Join(now, c.name(p.To))
}

// moved ends the switch under way: the member is where it was to go.
func (c *churner) moved(now time.Duration) {
	c.joined(now, c.moves[0].To)
	c.moves, c.moving = slices.Delete(c.moves, 0, 1), false
	c.move(now)
}

// toMove tells of a group that a switch still waits to leave, or to join.
func (c *churner) toMove(group int) bool {
	return slices.ContainsFunc(c.moves, func(p scenario.Parting) bool { return p.Group == group || p.To == group })
}

// leaves tells of a group that the member is leaving, or has left for a while.
func (c *churner) leaves(group int) bool {
	return c != nil && (c.absence(group) != nil || c.moving && c.moves[0].Group == group)
}

func (c *churner) name(group int) string { return c.m.w.run.topology.Groups[group] }

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
	if c.moving {
		switch p := c.moves[0]; {
		case req.Kind == wire.LeaveGroup && req.Group == c.name(p.Group):
			c.left = true
			c.m.w.checker.Left(now, c.m.id, uint32(p.Group))
			return
		case req.Kind == wire.JoinGroup && req.Group == c.name(p.To) && c.left:
			c.moved(now)
			return
		}
	}
	for _, a := range c.absences {
		switch {
		case c.name(a.group) != req.Group:
		case req.Kind == wire.LeaveGroup && !a.rejoining:
			c.m.w.checker.Left(now, c.m.id, uint32(a.group))
		case req.Kind == wire.JoinGroup && a.rejoining:
			c.returned(now, a.group)
			return
		}
	}
}

func (c *churner) returned(now time.Duration, group int) {
	c.m.w.funnel.GroupsRejoined++
	c.joined(now, group)
	c.absences = slices.DeleteFunc(c.absences, func(a absence) bool { return a.group == group })
}

func (c *churner) joined(now time.Duration, group int) {
	c.m.w.checker.Rejoined(now, c.m.id, uint32(group))
	c.m.owedFrom(now, group)
}

// rejoined is told that all groups of a new connection are joined: those that the
// session had asked to join again, or to switch to, are among them.
func (c *churner) rejoined(now time.Duration) {
	if c == nil {
		return
	}
	for i := len(c.absences) - 1; i >= 0; i-- {
		if c.absences[i].rejoining {
			c.returned(now, c.absences[i].group)
		}
	}
	if c.moving {
		c.moved(now)
	}
}

// ended takes the end of a WebSocket; true if it is the one that the plan has ended.
func (c *churner) ended() bool {
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
	if c.m.publisher != nil {
		c.m.publisher.absent = false
	}
	return true
}
