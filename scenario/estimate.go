package scenario

import (
	"math"
	"time"
)

// The service's limits on a reliable session's unacknowledged messages (protocol.md 4.4).
const (
	bufferMessages = 1000
	bufferBytes    = 16 << 20
)

// What Azure charges by (protocol.md 11.1).
const (
	billingMessageBytes = 2048
	unitConnections     = 1000
)

// descriptorMargin is what a process opens besides its connections.
const descriptorMargin = 64

// Estimate is the arithmetic of a plan: what it asks of the target, the machine
// and the account. Rates and totals are means, exact for constant arrivals whose
// interval divides the phases. In is towards the service, out towards the clients.
// Bytes are WebSocket frames with typical field widths, without TLS and TCP.
type Estimate struct {
	Connections   int
	Groups        int
	Publishers    int
	Subscriptions int // (connection, group)
	Pairs         int // (publisher, subscription), with those of groups that are switched to

	ConnectTime time.Duration // until the last connection opens
	Length      time.Duration // of the run, at most

	Steady Traffic // mean over the steady state
	Peak   Traffic // in its busiest stage
	Phases []PhaseEstimate
	// Publishes and Deliveries are totals over all phases.
	Publishes  uint64
	Deliveries uint64

	Churn   ChurnEstimate
	Budgets []Budget // of the populations with a reliable subprotocol that receive anything

	Descriptors int    // of one process; an embedded emulator is another one and needs as many
	Ports       int    // local ports, one address to one address
	MemoryBytes uint64 // at least: sessions and verification state

	BillingMessages uint64 // outbound bytes of the whole run by 2 KB
	Units           int    // by connections; the service has them up to 1,000
}

// Traffic is what flows per second.
type Traffic struct {
	Publishes  float64
	Deliveries float64
	InBytes    float64
	OutBytes   float64
}

// PhaseEstimate is the load of the warm-up or of a stage.
type PhaseEstimate struct {
	Name       string
	Length     time.Duration
	Publishes  uint64
	Deliveries uint64
}

// Budget compares the busiest subscriber of a population, in the busiest stage,
// with the service's limit of 1,000 messages and 16 MiB unacknowledged.
type Budget struct {
	Population string
	PerSec     float64       // messages received
	Messages   float64       // between two sequenceAcks
	Bytes      float64       // between two sequenceAcks
	Detached   time.Duration // until the buffer of a dropped connection is full; Never if nothing arrives
}

// ChurnEstimate is how much coming and going there is: means, over all populations.
type ChurnEstimate struct {
	Ends     uint64 // sessions that end, to return
	Leaves   uint64 // of groups, to join them again
	Switches uint64 // of groups, for another one
}

// add counts what a population does until the end of the schedule. Who is away
// does not leave, but has a switch to make up for.
func (e *ChurnEstimate) add(p *Population, publishing time.Duration) {
	c := p.Churn
	if c == nil {
		return
	}
	each := float64(p.Connections) * publishing.Seconds()
	if c.Session > 0 {
		e.Ends += uint64(math.Round(each / (c.Session + c.Away).Seconds()))
	}
	for _, l := range c.Leave {
		out := float64(l.Rate) * c.Away.Seconds() // for each second in
		e.Leaves += uint64(math.Round(each * float64(p.joins(l.Family)) * float64(l.Rate) * c.presence() / (1 + out)))
	}
	for _, l := range c.Switch {
		e.Switches += uint64(math.Round(each * float64(p.joins(l.Family)) * float64(l.Rate)))
	}
}

// presence is the share of the time that a session is there.
func (c *Churn) presence() float64 {
	if c == nil || c.Session == 0 {
		return 1
	}
	return float64(c.Session) / float64(c.Session+c.Away)
}

// flow is what one population publishes per second at factor 1. Hooks are the bytes of
// events to their handler, which are charged for like those to clients.
type flow struct{ publishes, deliveries, in, out, hooks float64 }

// Estimate computes the arithmetic of the plan. It looks at every subscription
// once or twice: about 0.1 s for a million.
func (p *Plan) Estimate() Estimate {
	c := newCensus(p)
	e := Estimate{
		Connections: p.Connections, Groups: p.Groups, Publishers: p.Publishers,
		Subscriptions: c.subscriptions, Pairs: c.pairs,
		ConnectTime: p.connectTime(), Length: p.Length(),
		Descriptors: p.Connections + descriptorMargin,
		Ports:       p.Connections,
		Units:       units(p.Connections),
	}
	memory := p.Connections * connectionBytes
	if !p.Scenario.Target.Set {
		memory += p.Connections * connectionBytes
	}
	judged := c.pairs
	if bound := p.Scenario.Checks.Pairs; bound > 0 {
		judged = min(judged, bound)
	}
	e.MemoryBytes = uint64(memory) + uint64(judged)*pairBytes
	for i := range p.Scenario.Populations {
		e.Churn.add(&p.Scenario.Populations[i], p.timeline.end)
	}
	outBytes := e.addPhases(p, c.total)
	// Joins are acknowledged too, once each.
	outBytes += float64(c.joinBytes)
	e.BillingMessages = uint64(math.Ceil(outBytes / billingMessageBytes))
	e.Budgets = c.budgets(p.peakFactor())
	return e
}

// The least that a connection and a (publisher, subscription) pair cost in memory.
const (
	connectionBytes = 4 << 10
	pairBytes       = 32 // design.md 7.5
)

// addPhases fills in rates and totals and returns the bytes sent out.
func (e *Estimate) addPhases(p *Plan, f flow) (outBytes float64) {
	ph := &p.Scenario.Phases
	add := func(name string, length time.Duration, factor float64) {
		n := length.Seconds() * factor
		pe := PhaseEstimate{name, length, uint64(math.Round(f.publishes * n)), uint64(math.Round(f.deliveries * n))}
		e.Phases = append(e.Phases, pe)
		e.Publishes += pe.Publishes
		e.Deliveries += pe.Deliveries
		outBytes += (f.out + f.hooks) * n
	}
	if ph.Warmup > 0 {
		add("warmup", ph.Warmup, 1)
	}
	mean := 0.0
	for i := range ph.Stages {
		s := &ph.Stages[i]
		add(s.Name, s.For, s.Factor)
		mean += s.Factor * (float64(s.For) / float64(ph.Steady()))
	}
	e.Steady, e.Peak = f.times(mean), f.times(p.peakFactor())
	return outBytes
}

func (f flow) times(factor float64) Traffic {
	return Traffic{f.publishes * factor, f.deliveries * factor, f.in * factor, f.out * factor}
}

func (p *Plan) peakFactor() float64 {
	peak := 0.0
	for i := range p.Scenario.Phases.Stages {
		peak = max(peak, p.Scenario.Phases.Stages[i].Factor)
	}
	return peak
}

// units rounds up to the sizes the service is sold in: 1 to 10, 20 to 100 by 10,
// 200 to 1,000 by 100.
func units(connections int) int {
	n := (connections + unitConnections - 1) / unitConnections
	step := 1
	switch {
	case n > 100:
		step = 100
	case n > 10:
		step = 10
	}
	return (n + step - 1) / step * step
}
