package scenario

import (
	"math"
	"time"
)

// census counts what only adds up over all connections: who is a member where, and
// what flows into each group. It is the one thing of the package whose size grows
// with the plan: 48 bytes per address, while an estimate is made.
type census struct {
	plan          *Plan
	members       [notations][]int32   // by address
	inRate        []float64            // publishes per second to the address, at factor 1
	sources       []int32              // publishers that send to the address
	inBytes       [notations][]float64 // their size as delivered
	subscriptions int
	joinBytes     int // of the acks to the joins
	pairs         int
	total         flow
}

func newCensus(p *Plan) *census {
	c := &census{
		plan:   p,
		inRate: make([]float64, p.Groups+p.Audiences), sources: make([]int32, p.Groups+p.Audiences),
	}
	for n := range notations {
		c.members[n] = make([]int32, p.Groups+p.Audiences)
		c.inBytes[n] = make([]float64, p.Groups+p.Audiences)
	}
	for i := range p.Populations {
		pp := &p.Populations[i]
		members, ack := c.members[c.notation(i)], c.notation(i).ackFrame()
		for j := range pp.deals {
			pp.deals[j].all(pp.Count, func(_ int, groups []int) {
				for _, g := range groups {
					members[g]++
				}
				c.subscriptions += len(groups)
				c.joinBytes += len(groups) * ack
			})
		}
	}
	if p.Audiences > 0 {
		var heard []int
		for connection := range p.Connections {
			members := c.members[c.notation(p.PopulationOf(connection))]
			heard = p.Hears(heard[:0], connection)
			for _, address := range heard {
				if address >= p.Groups {
					members[address]++
				}
			}
		}
	}
	for i := range p.Populations {
		c.addFlow(i)
	}
	c.addVisits()
	return c
}

// addVisits counts the pairs of those who switch to a group in the course of the run.
func (c *census) addVisits() {
	var visited []int
	for connection := range c.plan.Connections {
		visited = c.plan.Visits(visited[:0], connection)
		for _, g := range visited {
			c.pairs += int(c.sources[g])
		}
	}
}

func (c *census) notation(population int) notation {
	return notationOf(c.plan.Scenario.Populations[population].Protocol)
}

// addFlow follows what a population publishes into the groups.
func (c *census) addFlow(i int) {
	pp, from := &c.plan.Populations[i], &c.plan.Scenario.Populations[i]
	if pp.Publishers == 0 {
		return
	}
	if pp.audience >= 0 {
		c.addServed(i)
		return
	}
	slots := 0
	for _, s := range pp.slots {
		if s.deal >= 0 {
			slots += pp.deals[s.deal].each
		} else {
			slots += s.family.count
		}
	}
	b, rate := from.Publish, float64(from.SenderRate())*from.Churn.presence()
	perSlot := rate / float64(slots)
	own := c.notation(i)

	// send adds rate messages per second into a group, of which so many receivers of
	// the sender's own population get no copy. It returns the copies of each.
	send := func(g int, rate float64, withoutEcho int) (copies int) {
		family, i := c.plan.familyOf(g)
		name := family.groupBytes(i)
		c.inRate[g] += rate
		c.total.in += rate * float64(own.publishFrame(b, name))
		for n := range notations {
			to, size := int(c.members[n][g]), rate*float64(n.messageFrame(b, name))
			if n == own {
				to -= withoutEcho
			}
			copies += to
			c.inBytes[n][g] += size
			c.total.out += size * float64(to)
		}
		c.total.deliveries += rate * float64(copies)
		return copies
	}
	echoes := 0
	if b.NoEcho {
		echoes = 1
	}
	for _, s := range pp.slots {
		if s.deal < 0 {
			for g := s.family.first; g < s.family.first+s.family.count; g++ {
				c.pairs += pp.Publishers * send(g, perSlot*float64(pp.Publishers), 0)
				c.sources[g] += int32(pp.Publishers)
			}
			continue
		}
		pp.deals[s.deal].all(pp.Publishers, func(_ int, groups []int) {
			for _, g := range groups {
				c.pairs += send(g, perSlot, echoes)
				c.sources[g]++
			}
		})
	}
	c.total.publishes += rate * float64(pp.Publishers)
	if b.Ack {
		c.total.out += rate * float64(pp.Publishers) * float64(own.ackFrame())
	}
}

// addServed follows what reaches its receivers as messages of the server: events, which
// come back from their handler, and what is sent over REST to others than groups.
func (c *census) addServed(i int) {
	pp, from := &c.plan.Populations[i], &c.plan.Scenario.Populations[i]
	b, each := from.Publish, float64(from.SenderRate())*from.Churn.presence()
	own := c.notation(i)
	var addresses []int
	for publisher := range pp.Publishers {
		addresses = c.plan.Addresses(addresses[:0], pp.FirstPublisher+publisher)
		perSlot := each / float64(len(addresses))
		for _, address := range addresses {
			c.inRate[address] += perSlot
			for n := range notations {
				to, size := int(c.members[n][address]), perSlot*float64(n.serverFrame(b))
				c.pairs += to
				c.inBytes[n][address] += size
				c.total.out += size * float64(to)
				c.total.deliveries += perSlot * float64(to)
			}
		}
	}
	rate := each * float64(pp.Publishers)
	c.total.publishes += rate
	if b.Event != "" {
		c.total.in += rate * float64(own.eventFrame(b))
		c.total.hooks += rate * float64(b.Size)
	} else {
		c.total.in += rate * float64(own.publishFrame(b, 0))
	}
	if b.Ack {
		c.total.out += rate * float64(own.ackFrame())
	}
}

// budgets finds the busiest subscriber of each reliable population. Its own
// messages count even with no_echo: they are too few to matter here.
func (c *census) budgets(peak float64) []Budget {
	var all []Budget
	for i := range c.plan.Populations {
		pp, from := &c.plan.Populations[i], &c.plan.Scenario.Populations[i]
		inBytes := c.inBytes[c.notation(i)]
		rate, bytes := 0.0, 0.0
		for j := range pp.deals {
			// The busiest of each family: exact for one family, an upper bound for several.
			r, b := 0.0, 0.0
			pp.deals[j].all(pp.Count, func(_ int, groups []int) {
				sumRate, sumBytes := 0.0, 0.0
				for _, g := range groups {
					sumRate += c.inRate[g]
					sumBytes += inBytes[g]
				}
				r, b = max(r, sumRate), max(b, sumBytes)
			})
			rate, bytes = rate+r*peak, bytes+b*peak
		}
		r, b := c.served(i)
		rate, bytes = rate+r*peak, bytes+b*peak
		if rate == 0 || !reliable(from.Protocol) {
			continue
		}
		between := from.Client.AckEvery.Seconds()
		if n := from.Client.AckMessages; n > 0 {
			between = min(between, float64(n)/rate)
		}
		full := min(bufferMessages/rate, bufferBytes/bytes)
		all = append(all, Budget{
			Population: from.Name,
			PerSec:     rate,
			Messages:   rate * between,
			Bytes:      bytes * between,
			Detached:   time.Duration(min(full, math.MaxInt64/2e9) * float64(time.Second)),
		})
	}
	return all
}

// served is what the busiest connection of a population gets beside groups' messages,
// at factor 1.
func (c *census) served(i int) (perSec, bytes float64) {
	if c.plan.Audiences == 0 {
		return 0, 0
	}
	pp, inBytes := &c.plan.Populations[i], c.inBytes[c.notation(i)]
	var heard []int
	for connection := pp.First; connection < pp.First+pp.Count; connection++ {
		r, b := 0.0, 0.0
		heard = c.plan.Hears(heard[:0], connection)
		for _, address := range heard {
			if address >= c.plan.Groups {
				r, b = r+c.inRate[address], b+inBytes[address]
			}
		}
		perSec, bytes = max(perSec, r), max(bytes, b)
	}
	return perSec, bytes
}

// joined lists the groups a population joins or may switch to, in ascending order.
func (p *Plan) joined(i int) []int {
	used := make([]bool, p.Groups)
	pp, churn := &p.Populations[i], p.Scenario.Populations[i].Churn
	for j := range pp.deals {
		if d := &pp.deals[j]; churn != nil && rateOf(churn.Switch, p.Scenario.Populations[i].Join[j].Family) > 0 {
			for g := range d.groups.count {
				used[d.groups.first+g] = true
			}
			continue
		}
		pp.deals[j].all(pp.Count, func(_ int, groups []int) { mark(used, groups) })
	}
	return marked(used)
}

// addressed lists the groups a population sends to, in ascending order.
func (p *Plan) addressed(i int) []int {
	used := make([]bool, p.Groups)
	pp := &p.Populations[i]
	for _, s := range pp.slots {
		if s.deal >= 0 {
			pp.deals[s.deal].all(pp.Publishers, func(_ int, groups []int) { mark(used, groups) })
			continue
		}
		for g := s.family.first; g < s.family.first+s.family.count; g++ {
			used[g] = true
		}
	}
	return marked(used)
}

func mark(used []bool, groups []int) {
	for _, g := range groups {
		used[g] = true
	}
}

func marked(used []bool) []int {
	var list []int
	for g, is := range used {
		if is {
			list = append(list, g)
		}
	}
	return list
}
