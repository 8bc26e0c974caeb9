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
				if n := spread(topology, owned); n >= 2*workers {
					t.Errorf("%d groups are spread over %d workers", n, workers)
				}
			})
		}
	}
}

// evenly checks that every worker has its share of every population.
func evenly(t *testing.T, populationOf func(int) int, all []int, owned [][]int) {
	t.Helper()
	count := func(connections []int) (n [3]int) {
		for _, c := range connections {
			n[populationOf(c)]++
		}
		return n
	}
	for i, o := range owned {
		for p, n := range count(o) {
			if share := float64(count(all)[p]) / float64(len(owned)); float64(n) < share-2 || float64(n) > share+2 {
				t.Errorf("worker %d has %d of population %d, want about %.1f", i, n, p, share)
			}
		}
	}
}

// spread counts the groups with members on more than one worker.
func spread(t *metrics.Topology, owned [][]int) (n int) {
	workers := map[uint32]map[int]bool{}
	for i, o := range owned {
		for _, c := range o {
			for _, g := range t.Subscribers[c].Groups {
				if workers[g] == nil {
					workers[g] = map[int]bool{}
				}
				workers[g][i] = true
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
