package scenario

import (
	"math"
	"time"
)

// Churn is the coming and going of a population's sessions while messages are
// published. The zero value is none.
type Churn struct {
	// Session is the mean time after which a session ends for good and, Away later, a
	// new one begins in its place; 0 = it stays.
	Session time.Duration `json:",omitzero"`
	// Leave says how often a connection leaves each group that it joined of a family,
	// to join it again Away later.
	Leave []LeaveRate   `json:",omitempty"`
	Away  time.Duration `json:",omitzero"` // default 5s
	Pos   Pos           `json:"-"`
}

// LeaveRate is how often each group of a family is left by each of its members.
type LeaveRate struct {
	Family string
	Rate   Rate
}

// defaultAway is how long a session, or a member of a group, stays away.
const defaultAway = 5 * time.Second

func (d *decoder) churn(n *node, p *Population) {
	c := &Churn{Away: defaultAway, Pos: n.key.pos()}
	p.Churn = c
	d.object(n,
		optional("session", func(n *node) {
			d.object(n, required("mean", value(d, &c.Session, needsDuration, parseDuration)))
		}),
		optional("away", value(d, &c.Away, needsDuration, parseDuration)),
		optional("leave", func(n *node) {
			d.each(n, "{room: 1/2m}", func(family string, n *node) {
				l := LeaveRate{Family: family}
				value(d, &l.Rate, needsRate, parseRate)(n)
				c.Leave = append(c.Leave, l)
			})
		}),
	)
}

// churn refuses what could not be judged exactly, or would do nothing.
func (v *validator) churn(path string, p *Population) {
	c := p.Churn
	if c.Session == 0 && len(c.Leave) == 0 {
		v.refuseKey(path, "`churn` needs `session` or `leave`", "nobody would come or go", "")
	}
	if _, given := v.s.places[path+".session"]; given {
		v.duration(path+".session.mean", c.Session, time.Second, MaxPublishing)
	}
	v.duration(path+".away", c.Away, 100*time.Millisecond, time.Hour)
	switch {
	case p.Protocol == ProtocolREST:
		v.refuseKey(path, "`churn` is for sessions", quote(p.Name)+" has none: its protocol is rest", "")
	case p.Publish != nil:
		v.refuseKey(path, "a population with `churn` cannot publish", "who is away sends nothing, and the schedule does not wait", "let another population publish to its groups")
	case p.Protocol == ProtocolSimple && len(c.Leave) > 0:
		v.refuseKey(path+".leave", "simple clients cannot leave a group", "their token makes them members", "")
	}
	for _, l := range c.Leave {
		at := under(path+".leave", l.Family)
		v.rate(at, l.Rate)
		joined := false
		for _, j := range p.Join {
			joined = joined || j.Family == l.Family
		}
		if !joined {
			v.refuseKey(at, quote(p.Name)+" joins no group of "+quote(l.Family), "only who has joined can leave", "")
		}
	}
}

// Parting is one connection's going away at an instant since T0: for good, or out of
// one group.
type Parting struct {
	At    time.Duration
	Group int // of the plan; -1 = the session ends
}

// Partings go through those of one connection in the order of time: a Poisson process
// for the session and one for each group, seeded by the plan. Whoever is away already
// when one comes lets it pass.
type Partings struct {
	seed, k uint64
	load    float64 // instant of the last, in nanoseconds
	end     time.Duration
	session float64 // partings per nanosecond
	total   float64
	groups  []int
	rates   []float64 // of groups
}

// Partings returns those of a connection, positioned at the first; nil if there are none.
func (p *Plan) Partings(connection int) *Partings {
	population := p.PopulationOf(connection)
	c := p.Scenario.Populations[population].Churn
	if c == nil {
		return nil
	}
	x := &Partings{seed: mix(p.root+2) ^ mix(uint64(connection)+1), end: p.PublishEnd()}
	if c.Session > 0 {
		x.session = 1 / float64(c.Session)
	}
	x.total = x.session
	for _, group := range p.Joins(nil, connection) {
		family, _ := p.familyOf(group)
		for _, l := range c.Leave {
			if l.Family == family.Name {
				rate := float64(l.Rate) / float64(time.Second)
				x.groups, x.rates = append(x.groups, group), append(x.rates, rate)
				x.total += rate
			}
		}
	}
	return x
}

// Next returns the next parting; false past the last one.
func (x *Partings) Next() (Parting, bool) {
	x.load += float64(exponential(x.seed+x.k*0xd1342543de82ef95) / x.total)
	if !(x.load < float64(x.end)) {
		return Parting{}, false
	}
	choice := float64(mix(x.seed^^x.k)>>11) / (1 << 53) * x.total
	x.k++
	out := Parting{At: time.Duration(math.Round(x.load)), Group: -1}
	choice -= x.session
	for i := range x.groups {
		if choice < 0 {
			break
		}
		out.Group = x.groups[i]
		choice -= x.rates[i]
	}
	return out, true
}
