package scenario

import (
	"cmp"
	"fmt"
	"slices"
)

// Endpoints says which of several targets, none of which knows of the others, a
// connection of the plan goes to. What a message must reach is all at one: a group, and
// every connection that joins it or publishes to it.
type Endpoints struct {
	plan *Plan
	n    int
	of   []int32 // by address id: groups and audiences
}

// Endpoints deals the plan out to n targets so that each has about as many connections.
// The error says that the plan cannot be cut so often: its groups hang together through
// connections that are in several.
func (p *Plan) Endpoints(n int) (*Endpoints, error) {
	e := &Endpoints{plan: p, n: n, of: make([]int32, p.Groups+p.Audiences)}
	sets := newDisjointSets(len(e.of))
	p.joinFamilies(sets)
	var ids []int
	for c := range p.Connections {
		ids = p.touches(ids[:0], c)
		for _, id := range ids[min(1, len(ids)):] {
			sets.join(ids[0], id)
		}
	}
	connections := make([]int, len(e.of)) // by root
	for c := range p.Connections {
		if ids = p.touches(ids[:0], c); len(ids) > 0 {
			connections[sets.root(ids[0])]++
		}
	}
	var roots []int
	for root, count := range connections {
		if count > 0 {
			roots = append(roots, root)
		}
	}
	if len(roots) < n {
		return nil, fmt.Errorf("the groups and their connections fall into %d separate sets, %d targets need as many", len(roots), n)
	}
	slices.SortStableFunc(roots, func(a, b int) int { return cmp.Compare(connections[b], connections[a]) })
	load, to := make([]int, n), make([]int32, len(e.of))
	for _, root := range roots {
		least := slices.Index(load, slices.Min(load))
		to[root] = int32(least)
		load[least] += connections[root]
	}
	for id := range e.of {
		e.of[id] = to[sets.root(id)]
	}
	return e, nil
}

// Of returns the target of a connection, from 0.
func (e *Endpoints) Of(connection int) int {
	if ids := e.plan.touches(nil, connection); len(ids) > 0 {
		return int(e.of[ids[0]])
	}
	return connection % e.n // it neither hears nor says anything
}

// joinFamilies joins the groups of each family that somebody publishes to as a whole.
func (p *Plan) joinFamilies(sets disjointSets) {
	for i := range p.Populations {
		pp := &p.Populations[i]
		for _, s := range pp.slots {
			for j := 1; s.deal < 0 && j < s.family.count; j++ {
				sets.join(s.family.first, s.family.first+j)
			}
		}
	}
}

// touches appends the addresses that a connection gets messages of or sends to, of a
// family as a whole the first: there may be as many others as there are publishers.
func (p *Plan) touches(dst []int, connection int) []int {
	dst = p.Visits(p.Hears(dst, connection), connection)
	publisher := p.PublisherOf(connection)
	if publisher < 0 {
		return dst
	}
	pp := p.publishing(publisher)
	if pp.audience >= 0 {
		return p.Addresses(dst, publisher)
	}
	for _, s := range pp.slots {
		if s.deal < 0 { // what it has joined it hears
			dst = append(dst, s.family.first)
		}
	}
	return dst
}

// disjointSets joins elements to sets; each element leads to its set's root.
type disjointSets []int32

func newDisjointSets(n int) disjointSets {
	s := make(disjointSets, n)
	for i := range s {
		s[i] = int32(i)
	}
	return s
}

func (s disjointSets) root(i int) int {
	for s[i] != int32(i) {
		s[i] = s[s[i]]
		i = int(s[i])
	}
	return i
}

func (s disjointSets) join(i, j int) { s[s.root(j)] = int32(s.root(i)) }
