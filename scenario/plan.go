package scenario

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"sort"
	"time"
)

// Plan is a scenario expanded to global entities with dense ids: connections,
// groups and publishers, each from 0. Everything about an entity is a function of
// the plan, the seed and its id (design.md 1); nothing is stored per entity, so a
// plan of a million connections costs nothing. A Plan is immutable and safe for
// concurrent use.
type Plan struct {
	Scenario *Scenario
	// Hash is the SHA-256 of what defines the load: subprotocols, groups,
	// populations, phases and faults. Layout, comments, target, checks, thresholds
	// and the seed do not change it.
	Hash [32]byte

	Connections int
	Publishers  int
	Groups      int
	// Audiences counts the addresses beyond those of groups, see [Plan.Address]. Their ids
	// follow the groups'.
	Audiences   int
	Populations []PlanPopulation

	families  []idRange
	audiences []audience
	timeline  timeline
	root      uint64 // of every random choice: hash and seed
}

// PlanPopulation is where the ids of a population lie.
type PlanPopulation struct {
	First, Count               int // connection ids
	FirstPublisher, Publishers int // publisher ids; the first connections publish

	connectGap float64 // nanoseconds between two connects
	deals      []deal
	slots      []slotSource
	audience   int       // index into audiences; -1: publishes to groups, or nothing
	arrivals   *arrivals // nil: publishes nothing
}

// idRange is a run of ids.
type idRange struct{ first, count int }

// slotSource yields addresses of a publisher: the groups of one deal it joined, or
// a whole family.
type slotSource struct {
	deal   int // index into deals, or -1
	family idRange
}

// Plan expands a scenario that has no problems.
func (s *Scenario) Plan() *Plan {
	p := &Plan{Scenario: s, Hash: s.hash(), timeline: newTimeline(&s.Phases)}
	p.root = mix(binary.LittleEndian.Uint64(p.Hash[:]) ^ mix(s.Seed))
	families := make(map[string]int, len(s.Groups))
	for i := range s.Groups {
		families[s.Groups[i].Name] = i
		p.families = append(p.families, idRange{p.Groups, s.Groups[i].Count})
		p.Groups += s.Groups[i].Count
	}
	p.layAudiences()
	for i := range s.Populations {
		p.add(i, families)
	}
	return p
}

func (p *Plan) add(i int, families map[string]int) {
	from := &p.Scenario.Populations[i]
	pp := PlanPopulation{
		First: p.Connections, Count: from.Connections,
		FirstPublisher: p.Publishers,
		connectGap:     float64(time.Second) / float64(from.ConnectRate),
		audience:       p.audienceOf(i),
	}
	dealt := map[string]int{}
	for j := range from.Join {
		f := families[from.Join[j].Family]
		dealt[from.Join[j].Family] = j
		pp.deals = append(pp.deals, newDeal(p.families[f], from.Join[j].Count, mix(p.root^mix(uint64(i)<<32|uint64(f)))))
	}
	if b := from.Publish; b != nil {
		pp.Publishers = b.Senders.Of(from.Connections)
		pp.arrivals = newArrivals(&p.timeline, b.Arrival, from.SenderRate())
		for _, name := range b.To {
			source := slotSource{deal: -1, family: p.families[families[name]]}
			if j, joined := dealt[name]; joined {
				source.deal = j
			}
			pp.slots = append(pp.slots, source)
		}
		if pp.audience < 0 && len(b.To) == 0 {
			for j := range pp.deals {
				pp.slots = append(pp.slots, slotSource{deal: j})
			}
		}
	}
	p.Connections += pp.Count
	p.Publishers += pp.Publishers
	p.Populations = append(p.Populations, pp)
}

// SenderRate is the mean rate of one sender, 0 if the population sends nothing.
func (p *Population) SenderRate() Rate {
	switch {
	case p.Publish == nil:
		return 0
	case p.Publish.TotalRate > 0:
		return p.Publish.TotalRate / Rate(max(1, p.Publish.Senders.Of(p.Connections)))
	}
	return p.Publish.Rate
}

// hash covers the model, not the text: two files that mean the same load have one hash.
func (s *Scenario) hash() [32]byte {
	text, err := json.Marshal(struct {
		Version     int
		Groups      []Family
		Populations []Population
		Phases      Phases
		Faults      []Fault
	}{1, s.Groups, s.Populations, s.Phases, s.Faults})
	if err != nil {
		panic(fmt.Sprintf("scenario: the model holds a value without JSON form: %v", err))
	}
	return sha256.Sum256(text)
}

// GroupName names a group, as in the scenario. It formats: not for the hot path.
func (p *Plan) GroupName(group int) string {
	f, i := p.familyOf(group)
	return f.Group(i)
}

// familyOf returns the family a group belongs to and its index there.
func (p *Plan) familyOf(group int) (f *Family, i int) {
	n := p.familyIndex(group)
	return &p.Scenario.Groups[n], group - p.families[n].first
}

func (p *Plan) familyIndex(group int) int {
	return sort.Search(len(p.families), func(i int) bool { return p.families[i].first > group }) - 1
}

// PopulationOf returns the index of the population a connection belongs to.
func (p *Plan) PopulationOf(connection int) int {
	return sort.Search(len(p.Populations), func(i int) bool { return p.Populations[i].First > connection }) - 1
}

// User is the user id of a connection. It formats: not for the hot path.
func (p *Plan) User(connection int) string {
	return userID(p.Scenario.Populations[p.PopulationOf(connection)].Users, connection)
}

// Joins appends the groups a connection joins to dst. The members of the groups
// of a family differ by at most 1 per population.
func (p *Plan) Joins(dst []int, connection int) []int {
	pp := &p.Populations[p.PopulationOf(connection)]
	for i := range pp.deals {
		dst = pp.deals[i].groupsOf(dst, connection-pp.First)
	}
	return dst
}

// PublisherOf returns the publisher on a connection, or -1. The publishers of a
// population are its first connections: any beginning of a deal is even, so
// every group has its share of them.
func (p *Plan) PublisherOf(connection int) int {
	pp := &p.Populations[p.PopulationOf(connection)]
	if i := connection - pp.First; i < pp.Publishers {
		return pp.FirstPublisher + i
	}
	return -1
}

// ConnectionOf returns the connection a publisher sends on.
func (p *Plan) ConnectionOf(publisher int) int {
	pp := p.publishing(publisher)
	return pp.First + publisher - pp.FirstPublisher
}

func (p *Plan) publishing(publisher int) *PlanPopulation {
	i := sort.Search(len(p.Populations), func(i int) bool {
		return p.Populations[i].FirstPublisher+p.Populations[i].Publishers > publisher
	})
	return &p.Populations[i]
}

// Addresses appends the groups a publisher sends to in slot order to dst:
// message k, counted from 0, goes to slot k mod len and has there the number
// k/len + 1. Of a family its population joined these are the groups it joined;
// of another one they are all groups, each publisher starting at the next. Users and
// connections are dealt: every publisher has its own, unless there are too few of
// them. A publisher of events has one address: its own connection.
func (p *Plan) Addresses(dst []int, publisher int) []int {
	pp := p.publishing(publisher)
	i := publisher - pp.FirstPublisher
	if pp.audience >= 0 {
		a := &p.audiences[pp.audience]
		every := pp.Publishers
		if p.Scenario.Populations[p.PopulationOf(pp.First)].Publish.Event != "" {
			every = a.count // its own only
		}
		for j := i % a.count; j < a.count; j += every {
			dst = append(dst, a.first+j)
		}
		return dst
	}
	for _, s := range pp.slots {
		if s.deal >= 0 {
			dst = pp.deals[s.deal].groupsOf(dst, i)
			continue
		}
		dst = slices.Grow(dst, s.family.count)
		for j := range s.family.count {
			dst = append(dst, s.family.first+(i+j)%s.family.count)
		}
	}
	return dst
}

// ConnectAt is when a connection opens, since the start of the connect phase.
func (p *Plan) ConnectAt(connection int) time.Duration {
	pp := &p.Populations[p.PopulationOf(connection)]
	return time.Duration(math.Round(float64(connection-pp.First) * pp.connectGap))
}

// Schedule returns the schedule of a publisher, positioned at its first message.
func (p *Plan) Schedule(publisher int) *Schedule {
	return newSchedule(p.publishing(publisher).arrivals, publisher, mix(p.root^mix(^uint64(publisher))))
}

// PublishEnd is the end of the steady state, since T0: no message is due then or later.
func (p *Plan) PublishEnd() time.Duration { return p.timeline.end }

// Length is the longest a run can take: connect, warm-up, steady state and the
// whole drain.
func (p *Plan) Length() time.Duration {
	return p.connectTime() + p.timeline.end + p.Scenario.Phases.Drain
}

// connectTime is when the last connection opens.
func (p *Plan) connectTime() time.Duration {
	var d time.Duration
	for i := range p.Populations {
		d = max(d, p.ConnectAt(p.Populations[i].First+p.Populations[i].Count-1))
	}
	return d
}

// Worker returns which of so many workers owns a connection: the seeded order of
// all connections is cut at floor(C·i/W) (design.md 1).
func (p *Plan) Worker(connection, workers int) int {
	x := uint64(p.cut().index(connection))
	return int(((x+1)*uint64(workers) - 1) / uint64(p.Connections))
}

// Owned returns the connections of one worker in ascending order. The workers'
// sets cover all connections and do not overlap.
func (p *Plan) Owned(worker, workers int) []int {
	bound := func(i int) int { return int(uint64(p.Connections) * uint64(i) / uint64(workers)) }
	order := p.cut()
	owned := make([]int, 0, bound(worker+1)-bound(worker))
	for x := bound(worker); x < bound(worker+1); x++ {
		owned = append(owned, order.at(x))
	}
	slices.Sort(owned)
	return owned
}

func (p *Plan) cut() permutation { return newPermutation(p.Connections, mix(p.root+2)) }
