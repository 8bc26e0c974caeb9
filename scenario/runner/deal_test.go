package runner

import (
	"fmt"
	"slices"
	"testing"

	"github.com/wpsbench/wpsbench/metrics"
)

func TestDealt(t *testing.T) {
	const two = `name: two
protocol: json.webpubsub.azure.v1
groups:
  room: {count: 25}
populations:
  members: {connections: 100, connect_rate: 1000/s, join: {room: 1}, publish: {to: room, rate: 1/s, size: 64}}
  silent: {connections: 50, connect_rate: 1000/s, join: {room: 1}}
  alone: {connections: 9, connect_rate: 1000/s, publish: {to: room, rate: 1/s, size: 64}}
phases: {warmup: 0s, steady: 1s, drain: 1s}
`
	plan := planOf(t, two)
	topology := newTopology(plan, &Target{}, 1)
	for _, workers := range []int{1, 2, 3, 7} {
		for _, share := range []Share{{}, {Index: 0, Of: 2}, {Index: 1, Of: 2}} {
			t.Run(fmt.Sprintf("%d workers of %+v", workers, share), func(t *testing.T) {
				var want, got []int
				for i := range workers {
					want = append(want, plan.Owned(share.Index*workers+i, max(1, share.Of)*workers)...)
				}
				owned := dealt(plan, topology, share, workers)
				for _, o := range owned {
					got = append(got, o...)
					if !slices.IsSorted(o) || len(o) != len(want)/workers && len(o) != (len(want)+workers-1)/workers {
						t.Errorf("a share of %d in order: %t", len(o), slices.IsSorted(o))
					}
				}
				slices.Sort(want)
				if slices.Sort(got); !slices.Equal(got, want) {
					t.Errorf("the workers own %v, the plan gives them %v", got, want)
				}
				evenly(t, plan.PopulationOf, want, owned)
				// Each of the two populations with groups is cut workers-1 times.
				if n := spread(topology, owned); n > 2*(workers-1) {
					t.Errorf("of %d groups the members of one population are spread over %d workers", n, workers)
				}
			})
		}
	}
}

// evenly checks that every worker has its share of every population. Places are rounded
// to one connection at either end of a share, and the ends moved by the rounding of all
// populations together.
func evenly(t *testing.T, populationOf func(int) int, all []int, owned [][]int) {
	t.Helper()
	const populations = 3
	count := func(connections []int) (n [populations]int) {
		for _, c := range connections {
			n[populationOf(c)]++
		}
		return n
	}
	whole := count(all)
	for i, o := range owned {
		for p, n := range count(o) {
			share := float64(whole[p]) / float64(len(owned))
			off := 1 + populations*float64(whole[p])/float64(len(all))
			if float64(n) < share-off || float64(n) > share+off {
				t.Errorf("worker %d has %d of population %d, want about %.1f", i, n, p, share)
			}
		}
	}
}

// spread counts the groups of which members of one population are on more than one worker.
func spread(t *metrics.Topology, owned [][]int) (n int) {
	type members struct {
		population int
		group      uint32
	}
	workers := map[members]map[int]bool{}
	for i, o := range owned {
		for _, c := range o {
			s := &t.Subscribers[c]
			for _, g := range s.Groups {
				of := members{s.Population, g}
				if workers[of] == nil {
					workers[of] = map[int]bool{}
				}
				workers[of][i] = true
			}
		}
	}
	for _, by := range workers {
		if len(by) > 1 {
			n++
		}
	}
	return n
}
