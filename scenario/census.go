package scenario

import (
	"math"
	"time"
)

// census counts what only adds up over all connections: who is a member where, and
// what flows into each group. It is the one thing of the package whose size grows
// with the plan: 20 bytes per group, while an estimate is made.
type census struct {
	plan          *Plan
	members       []int32   // by group
	inRate        []float64 // publishes per second into the group, at factor 1
	inBytes       []float64 // their size as delivered
	subscriptions int
	pairs         int
	total         flow
}

func newCensus(p *Plan) *census {
	c := &census{
		plan:    p,
		members: make([]int32, p.Groups),
		inRate:  make([]float64, p.Groups),
		inBytes: make([]float64, p.Groups),
	}
	for i := range p.Populations {
		pp := &p.Populations[i]
		for j := range pp.deals {
			pp.deals[j].all(pp.Count, func(_ int, groups []int) {
				for _, g := range groups {
					c.members[g]++
				}
				c.subscriptions += len(groups)
			})
		}
	}
	for i := range p.Populations {
		c.addFlow(i)
	}
	return c
}

// addFlow follows what a population publishes into the groups.
func (c *census) addFlow(i int) {
	pp, from := &c.plan.Populations[i], &c.plan.Scenario.Populations[i]
	if pp.Publishers == 0 {
		return
	}
	if pp.events {
		c.addEchoes(pp, from)
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
	b, rate := from.Publish, float64(from.SenderRate())
	perSlot := rate / float64(slots)
	in, out := publishBytes(b), messageBytes(b)

	send := func(g int, rate, copies float64) {
		family, i := c.plan.familyOf(g)
		name := family.groupBytes(i)
		c.inRate[g] += rate
		c.inBytes[g] += rate * float64(frameBytes(out+name, false))
		c.total.in += rate * float64(frameBytes(in+name, true))
		c.total.deliveries += rate * copies
		c.total.out += rate * copies * float64(frameBytes(out+name, false))
	}
	for _, s := range pp.slots {
		if s.deal < 0 {
			for g := s.family.first; g < s.family.first+s.family.count; g++ {
				send(g, perSlot*float64(pp.Publishers), float64(c.members[g]))
				c.pairs += pp.Publishers * int(c.members[g])
			}
			continue
		}
		pp.deals[s.deal].all(pp.Publishers, func(_ int, groups []int) {
			for _, g := range groups {
				copies := int(c.members[g])
				if b.NoEcho {
					copies--
				}
				send(g, perSlot, float64(copies))
				c.pairs += copies
			}
		})
	}
	c.total.publishes += rate * float64(pp.Publishers)
	if b.Ack {
		c.total.out += rate * float64(pp.Publishers) * float64(frameBytes(len(typicalAck), false))
	}
}

// addEchoes follows events to the handler and back: one copy each.
func (c *census) addEchoes(pp *PlanPopulation, from *Population) {
	b, rate := from.Publish, float64(from.SenderRate())*float64(pp.Publishers)
	c.pairs += pp.Publishers
	c.total.publishes += rate
	c.total.deliveries += rate
	in := len(typicalEvent) + len(b.Event) + dataBytes(b.DataType, b.Size)
	if !b.Ack {
		in -= len(`"ackId":123456,`)
	}
	c.total.in += rate * float64(frameBytes(in, true))
	c.total.out += rate * float64(frameBytes(echoBytes(b), false))
	c.total.hooks += rate * float64(b.Size)
	if b.Ack {
		c.total.out += rate * float64(frameBytes(len(typicalAck), false))
	}
}

func echoBytes(b *Publish) int { return len(typicalEcho) + dataBytes(b.DataType, b.Size) }

// publishBytes and messageBytes are encoded lengths without the group's name.
func publishBytes(b *Publish) int {
	n := len(typicalPublish) + dataBytes(b.DataType, b.Size)
	if b.NoEcho {
		n += len(`"noEcho":true,`)
	}
	if !b.Ack {
		n -= len(`"ackId":123456,`)
	}
	return n
}

func messageBytes(b *Publish) int { return len(typicalMessage) + dataBytes(b.DataType, b.Size) }

// budgets finds the busiest subscriber of each reliable population. Its own
// messages count even with no_echo: they are too few to matter here.
func (c *census) budgets(peak float64) []Budget {
	var all []Budget
	for i := range c.plan.Populations {
		pp, from := &c.plan.Populations[i], &c.plan.Scenario.Populations[i]
		rate, bytes := 0.0, 0.0
		for j := range pp.deals {
			// The busiest of each family: exact for one family, an upper bound for several.
			r, b := 0.0, 0.0
			pp.deals[j].all(pp.Count, func(_ int, groups []int) {
				sumRate, sumBytes := 0.0, 0.0
				for _, g := range groups {
					sumRate += c.inRate[g]
					sumBytes += c.inBytes[g]
				}
				r, b = max(r, sumRate), max(b, sumBytes)
			})
			rate, bytes = rate+r*peak, bytes+b*peak
		}
		if pp.events {
			own := float64(from.SenderRate()) * peak
			rate, bytes = rate+own, bytes+own*float64(frameBytes(echoBytes(from.Publish), false))
		}
		if rate == 0 || from.Protocol != ProtocolJSONReliable {
			continue
		}
		between := min(from.Client.AckEvery.Seconds(), float64(from.Client.AckMessages)/rate)
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

// joined lists the groups a population joins, in ascending order.
func (p *Plan) joined(i int) []int {
	used := make([]bool, p.Groups)
	pp := &p.Populations[i]
	for j := range pp.deals {
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
