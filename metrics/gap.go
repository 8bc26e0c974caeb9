package metrics

import (
	"slices"
	"sort"
)

// maxGaps bounds the open gaps of one list. A peer that scatters numbers makes
// the verdict unknown, not the memory unbounded.
const maxGaps = 4096

// gap is a run of missing numbers [from, to). For message numbers before and
// after are the subscriber's sessions in which its neighbours came (before 0 =
// nothing came yet): equal ones mean that the gap lies inside one session.
type gap struct {
	from, to      uint64
	before, after uint32
}

// gaps are disjoint, in ascending order. They are opened at the upper end only,
// since numbers jump forward, and closed anywhere, since any message may be late.
type gaps []gap

// open appends; it reports false when the list is full.
func (g *gaps) open(n gap) bool {
	if len(*g) >= maxGaps {
		return false
	}
	*g = append(*g, n)
	return true
}

// at finds the gap that holds n.
func (g gaps) at(n uint64) (i int, ok bool) {
	i = sort.Search(len(g), func(i int) bool { return g[i].to > n })
	return i, i < len(g) && g[i].from <= n
}

// close takes n out of the list; it reports false when n is not missing, and when
// splitting a gap would exceed the bound, which keeps n missing.
func (g *gaps) close(n uint64) bool {
	i, ok := g.at(n)
	if !ok {
		return false
	}
	s := *g
	switch x := &s[i]; {
	case x.from+1 == x.to:
		*g = slices.Delete(s, i, i+1)
	case n == x.from:
		x.from++
	case n == x.to-1:
		x.to--
	case len(s) >= maxGaps:
		return false
	default:
		upper := *x
		upper.from = n + 1
		x.to = n
		*g = slices.Insert(s, i+1, upper)
	}
	return true
}

func saturatingAdd(a, b uint64) uint64 {
	if a+b < a {
		return ^uint64(0)
	}
	return a + b
}
