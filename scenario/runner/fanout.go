package runner

import "github.com/wpsbench/wpsbench/metrics"

// fanoutOneIn follows from the plan alone, so every process samples the same publishes.
func (r *run) fanoutOneIn() uint64 { return metrics.FanoutOneIn(r.plan.Estimate().Deliveries) }

func (r *run) fanout() *metrics.Fanout {
	shards := make([]metrics.FanoutShard, len(r.left))
	for i, w := range r.left {
		shards[i] = w.fanout
	}
	return metrics.NewFanout(r.topology, r.fanoutOneIn(), shards...)
}
