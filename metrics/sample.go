package metrics

import (
	"cmp"
	"slices"
)

// Sample bounds the pairs of a publisher's address and a subscription that are judged
// message by message: if the topology has more, the subscribers beyond a sample, which
// the seed decides, become Counted. At least one stays. Call it before the first Checker
// is made; 0 = no bound.
func (t *Topology) Sample(pairs int, seed uint64) {
	publishing := make([]int, len(t.Groups)) // addresses by group
	for _, p := range t.Publishers {
		for _, g := range p.Addresses {
			publishing[g]++
		}
	}
	cost := make([]int, len(t.Subscribers))
	total := 0
	var order []int
	for c, s := range t.Subscribers {
		for _, g := range slices.Concat(s.Groups, s.Later) {
			cost[c] += publishing[g]
		}
		if total += cost[c]; cost[c] > 0 {
			order = append(order, c)
		}
	}
	if pairs == 0 || total <= pairs {
		return
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(lot(seed, a), lot(seed, b)) })
	for i, c := range order {
		if pairs -= cost[c]; i > 0 && pairs < 0 {
			t.Subscribers[c].Counted = true
		}
	}
}

// lot is what a connection draws (splitmix64).
func lot(seed uint64, connection int) uint64 {
	z := seed + uint64(connection+1)*0x9E3779B97F4A7C15
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return z ^ z>>31
}

// Sampled tells whether some subscribers are outside of the sample: only counted.
func (t *Topology) Sampled() bool {
	return slices.ContainsFunc(t.Subscribers, func(s Subscriber) bool { return s.Counted })
}

// sampled counts the subscribers, and those of them that are judged message by message.
func (t *Topology) sampled() (verified, all int) {
	for _, s := range t.Subscribers {
		if len(s.Groups)+len(s.Later) == 0 {
			continue
		}
		if all++; !s.Counted {
			verified++
		}
	}
	return verified, all
}
