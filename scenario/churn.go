package scenario

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// Churn is the coming and going of a population's sessions while messages are
// published. The zero value is none. What a session publishes is due while it is there
// only: what the schedule has for the time that it is away is not sent.
type Churn struct {
	// Session is the mean time after which a session ends for good and, Away later, a
	// new one begins in its place; 0 = it stays.
	Session time.Duration `json:",omitzero"`
	// Leave says how often a connection leaves each group that it is in of a family,
	// to join it again Away later.
	Leave []LeaveRate `json:",omitempty"`
	// Switch says how often it leaves each of them to join another one of the family
	// instead, at random. Where it publishes to stays the same.
	Switch []LeaveRate   `json:",omitempty"`
	Away   time.Duration `json:",omitzero"` // default 5s
	Pos    Pos           `json:"-"`
}

// LeaveRate is how often each group of a family is left by each of its members.
type LeaveRate struct {
	Family string
	Rate   Rate
}

// rateOf is 0 for a family that is not left.
func rateOf(rates []LeaveRate, family string) float64 {
	for _, l := range rates {
		if l.Family == family {
			return float64(l.Rate)
		}
	}
	return 0
}

// maxChurnRate is per second, of one member: who leaves more often is never there.
const maxChurnRate = 10

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
		optional("leave", d.leaveRates(&c.Leave)),
		optional("switch", d.leaveRates(&c.Switch)),
	)
}

func (d *decoder) leaveRates(rates *[]LeaveRate) func(*node) {
	return func(n *node) {
		d.each(n, "{room: 1/2m}", func(family string, n *node) {
			l := LeaveRate{Family: family}
			value(d, &l.Rate, needsRate, parseRate)(n)
			*rates = append(*rates, l)
		})
	}
}

// churn refuses what could not be judged exactly, or would do nothing.
func (v *validator) churn(path string, p *Population) {
	c := p.Churn
	if c.Session == 0 && len(c.Leave) == 0 && len(c.Switch) == 0 {
		v.refuseKey(path, "`churn` needs `session`, `leave` or `switch`", "nobody would come or go", "")
	}
	if _, given := v.s.places[path+".session"]; given {
		v.duration(path+".session.mean", c.Session, time.Second, MaxPublishing)
	}
	v.duration(path+".away", c.Away, 100*time.Millisecond, time.Hour)
	switch {
	case p.Protocol == ProtocolREST:
		v.refuseKey(path, "`churn` is for sessions", quote(p.Name)+" has none: its protocol is rest", "")
	case p.Protocol == ProtocolSimple && len(c.Leave) > 0:
		v.refuseKey(path+".leave", "simple clients cannot leave a group", "their token makes them members", "")
	case p.Protocol == ProtocolSimple && len(c.Switch) > 0:
		v.refuseKey(path+".switch", "simple clients cannot leave a group", "their token makes them members", "")
	}
	v.leaveRates(path+".leave", p, c.Leave)
	v.leaveRates(path+".switch", p, c.Switch)
	for _, l := range c.Switch {
		joins, groups := p.joins(l.Family), v.family(l.Family)
		if groups != nil && joins >= groups.Count {
			v.refuseKey(under(path+".switch", l.Family), quote(p.Name)+" joins every group of "+quote(l.Family), "there is no other one to go to", "")
		}
	}
}

func (v *validator) leaveRates(path string, p *Population, rates []LeaveRate) {
	for _, l := range rates {
		at := under(path, l.Family)
		if v.rate(at, l.Rate); l.Rate > maxChurnRate && l.Rate <= maxRate {
			v.refuse(at, fmt.Sprintf("%s must be up to %d/s", quote(at), maxChurnRate), fmt.Sprintf("this is %g/s", float64(l.Rate)), "it is the rate of each member by itself")
		}
		if p.joins(l.Family) == 0 {
			v.refuseKey(at, quote(p.Name)+" joins no group of "+quote(l.Family), "only who has joined can leave", "")
		}
	}
}

// joins is how many groups of a family each connection joins.
func (p *Population) joins(family string) int {
	for _, j := range p.Join {
		if j.Family == family {
			return j.Count
		}
	}
	return 0
}

// Parting is one connection's going away at an instant since T0: for good, or out of
// one group.
type Parting struct {
	At    time.Duration
	Group int // of the plan; -1 = the session ends
	To    int // the group that it joins instead; -1 = it comes back to Group
}

// Partings go through those of one connection in the order of time: a Poisson process
// for the session and one for each group that it is in, seeded by the plan. Whoever is
// away already when one comes lets it pass, but for a switch, which is made up for.
type Partings struct {
	seed, k uint64
	load    float64 // instant of the last, in nanoseconds
	end     time.Duration
	session float64 // partings per nanosecond
	total   float64
	seats   []seat
}

// seat is a connection's place in one of the groups of a family.
type seat struct {
	group         int
	family        idRange
	leave, change float64 // partings per nanosecond
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
		n := p.familyIndex(group)
		name := p.Scenario.Groups[n].Name
		s := seat{group: group, family: p.families[n]}
		s.leave, s.change = rateOf(c.Leave, name)/float64(time.Second), rateOf(c.Switch, name)/float64(time.Second)
		x.seats = append(x.seats, s)
		x.total += s.leave + s.change
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
	out := Parting{At: time.Duration(math.Round(x.load)), Group: -1, To: -1}
	if choice -= x.session; choice < 0 {
		return out, true
	}
	for i := range x.seats {
		s := &x.seats[i]
		if choice -= s.leave; choice < 0 && s.leave > 0 {
			out.Group = s.group
			return out, true
		}
		if choice -= s.change; choice < 0 && s.change > 0 {
			out.Group, out.To = s.group, x.another(s.family)
			s.group = out.To
			return out, true
		}
	}
	return x.Next() // rounding has left nothing to choose
}

// another draws a group of a family that the connection is not in.
func (x *Partings) another(family idRange) int {
	var taken []int
	for i := range x.seats {
		if x.seats[i].family == family {
			taken = append(taken, x.seats[i].group)
		}
	}
	slices.Sort(taken)
	to := family.first + int(mix(x.seed+^x.k)%uint64(family.count-len(taken)))
	for _, t := range taken {
		if t <= to {
			to++
		}
	}
	return to
}

// Visits appends the groups to dst that a connection is not in from the beginning, but
// switches to at some time.
func (p *Plan) Visits(dst []int, connection int) []int {
	c := p.Scenario.Populations[p.PopulationOf(connection)].Churn
	if c == nil || len(c.Switch) == 0 {
		return dst
	}
	first, joined := len(dst), p.Joins(nil, connection)
	x := p.Partings(connection)
	for parting, ok := x.Next(); ok; parting, ok = x.Next() {
		if to := parting.To; to >= 0 && !slices.Contains(joined, to) && !slices.Contains(dst[first:], to) {
			dst = append(dst, to)
		}
	}
	return dst
}
