package scenario

import (
	"fmt"
	"math"
	"time"
)

// Incident is one occurrence of a fault: a fault that comes again makes one each
// time, any other exactly one.
type Incident struct {
	ID    string        // the fault's name; of one that comes again with the number of the time: F1.2
	Fault int           // index into Scenario.Faults
	At    time.Duration // since T0, of the first injection or, drawn ones, of the first that may come
	Until time.Duration // since T0: no injection comes then or later, but one at At
}

// Injection is one connection being hit, or, by a fault with By, all of a user or a group.
type Injection struct {
	At         time.Duration // since T0
	Incident   int           // index into Plan.Incidents
	Connection int           // ByUser: whose user it is; ByGroup: -1
	Group      int           // ByGroup: its id; else -1
}

// Incidents lists the occurrences of all faults, fault by fault, each in order of time.
func (p *Plan) Incidents() []Incident {
	var all []Incident
	steady := p.Scenario.Phases.Steady()
	for i := range p.Scenario.Faults {
		f := &p.Scenario.Faults[i]
		n := f.occurrences(steady)
		for k := range n {
			in := Incident{ID: f.Name, Fault: i, At: p.Scenario.Phases.Warmup + f.At + time.Duration(k)*f.Every}
			if n > 1 {
				in.ID = fmt.Sprintf("%s.%d", f.Name, k+1)
			}
			in.Until = in.At + f.Over
			if f.Rate > 0 {
				in.Until = in.At + f.lasts(steady)
			}
			all = append(all, in)
		}
	}
	return all
}

// lasts is for how long a fault goes on, of a steady state of that length.
func (f *Fault) lasts(steady time.Duration) time.Duration {
	if f.For > 0 {
		return min(f.For, steady-f.At)
	}
	return steady - f.At
}

// occurrences counts how often the fault comes, at most one more than there may be.
// One whose injections would not fit into the steady state does not come.
func (f *Fault) occurrences(steady time.Duration) int {
	if f.Every <= 0 || f.At >= steady {
		return 1
	}
	room := min(f.lasts(steady)-1, steady-f.At-f.Over)
	return 1 + int(min(max(0, room/f.Every), MaxIncidents))
}

// Injections goes through the injections of one fault in the order of time. All of it
// is arithmetic on the seed: whoever asks gets the same, and nothing is stored.
type Injections struct {
	fault     *Fault
	base      int        // index of the fault's first incident
	incidents []Incident // those of the fault
	victims   []idRange  // ids of the connections, or ByGroup of the groups, to choose from
	hit       int        // how many of them an occurrence hits, or are at risk
	count     int        // of them all
	key       uint64

	occurrence int
	order      permutation
	position   int // of the next injection in its occurrence
	drawn      float64
}

// Injections returns those of a fault, positioned at the first.
func (p *Plan) Injections(fault int) *Injections {
	f := &p.Scenario.Faults[fault]
	x := &Injections{fault: f, base: -1, key: mix(p.root+1) + uint64(fault)}
	for i, in := range p.Incidents() {
		if in.Fault != fault {
			continue
		}
		if x.base < 0 {
			x.base = i
		}
		x.incidents = append(x.incidents, in)
	}
	x.victims = p.victims(f)
	for _, r := range x.victims {
		x.count += r.count
	}
	x.hit = f.Hit.Of(x.count)
	x.order = x.orderOf(0)
	return x
}

// victims are the ids that a fault chooses from.
func (p *Plan) victims(f *Fault) []idRange {
	if f.Population == "" {
		return []idRange{{0, p.Connections}}
	}
	i := p.Scenario.population(f.Population)
	from, pp := &p.Scenario.Populations[i], &p.Populations[i]
	switch f.By {
	case ByGroup:
		families := make([]idRange, len(pp.deals))
		for j := range pp.deals {
			families[j] = pp.deals[j].groups
		}
		return families
	case ByUser:
		return []idRange{{pp.First, from.userCount()}}
	}
	return []idRange{{pp.First, pp.Count}}
}

// victim makes an injection hit the k-th of the ids.
func (x *Injections) victim(in Injection, k int) Injection {
	i := 0
	for ; k >= x.victims[i].count; i++ {
		k -= x.victims[i].count
	}
	in.Connection, in.Group = x.victims[i].first+k, -1
	if x.fault.By == ByGroup {
		in.Connection, in.Group = -1, in.Connection
	}
	return in
}

// orderOf is the order in which the victims stand for an occurrence: its first
// ones are hit.
func (x *Injections) orderOf(occurrence int) permutation {
	return newPermutation(x.count, x.key^uint64(occurrence)<<32)
}

// Next returns the next injection; false past the last one.
func (x *Injections) Next() (in Injection, ok bool) {
	if x.fault.Rate > 0 {
		return x.draw()
	}
	if x.position == x.hit {
		x.occurrence++
		x.position = 0
		x.order = x.orderOf(x.occurrence)
	}
	if x.occurrence >= len(x.incidents) {
		return Injection{}, false
	}
	in = x.victim(Injection{At: x.incidents[x.occurrence].At + x.offset(), Incident: x.base + x.occurrence}, x.order.at(x.position))
	x.position++
	return in, true
}

// offset is when the present position is hit since the start of its occurrence: a
// spread one at j/n of the time, a batch at b/batches of it.
func (x *Injections) offset() time.Duration {
	n, j := x.hit, x.position
	if b := x.fault.Batches; b > 0 {
		n, j = b, int(int64(j)*int64(b)/int64(n))
	}
	return time.Duration(math.Round(float64(x.fault.Over) * (float64(j) / float64(n))))
}

// draw returns the next point of a Poisson process of all connections at risk and the
// one it hits: that many processes of their own, laid over each other, are the same
// (superposition theorem), and one needs no state per connection.
func (x *Injections) draw() (in Injection, ok bool) {
	i := &x.incidents[0]
	gap := float64(time.Second) / (float64(x.fault.Rate) * float64(x.hit))
	seed := mix(x.key ^ mix(uint64(x.position)))
	x.position++
	x.drawn += float64(exponential(seed) * gap)
	if x.drawn >= float64(i.Until-i.At) {
		x.drawn = math.Inf(1)
		return Injection{}, false
	}
	victim := x.order.at(int(mix(seed+1) % uint64(x.hit)))
	return x.victim(Injection{At: i.At + time.Duration(x.drawn), Incident: x.base}, victim), true
}

// Expected is how many injections the fault makes, on average where they are drawn.
func (x *Injections) Expected() float64 {
	if x.fault.Rate > 0 {
		return float64(x.hit) * float64(x.fault.Rate) * (x.incidents[0].Until - x.incidents[0].At).Seconds()
	}
	return float64(x.hit) * float64(len(x.incidents))
}
