package runner

import (
	"cmp"
	"slices"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/scenario"
)

// dealt is which connections each worker of a process owns: those that the plan gives
// to all of them, in equal shares of the whole and of each population. Members of one
// group share a worker as far as that goes, because what is published to it comes to
// all of them at once: so it wakes one worker and not each.
func dealt(plan *scenario.Plan, t *metrics.Topology, share Share, workers int) [][]int {
	of := max(1, share.Of) * workers
	populations := make([][]int, len(plan.Scenario.Populations))
	for i := range workers {
		for _, c := range plan.Owned(share.Index*workers+i, of) {
			p := plan.PopulationOf(c)
			populations[p] = append(populations[p], c)
		}
	}
	// Where a connection stands among those of its population, from 0 to 1.
	type place struct {
		connection int
		at         float64
	}
	var places []place
	for _, connections := range populations {
		slices.SortFunc(connections, func(a, b int) int {
			return cmp.Or(slices.Compare(t.Subscribers[a].Groups, t.Subscribers[b].Groups), cmp.Compare(a, b))
		})
		for i, c := range connections {
			places = append(places, place{c, (float64(i) + 0.5) / float64(len(connections))})
		}
	}
	slices.SortStableFunc(places, func(a, b place) int { return cmp.Compare(a.at, b.at) })
	owned := make([][]int, workers)
	for i := range owned {
		for _, p := range places[len(places)*i/workers : len(places)*(i+1)/workers] {
			owned[i] = append(owned[i], p.connection)
		}
		slices.Sort(owned[i])
	}
	return owned
}
