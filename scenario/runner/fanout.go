package runner

import "github.com/wpsbench/wpsbench/metrics"

// fanoutOneIn follows from the plan alone, so every process samples the same publishes.
func (r *run) fanoutOneIn() uint64 { return metrics.FanoutOneIn(r.copies) }

// newSampler is for a worker of that many sessions, which gets its share of the copies.
func (r *run) newSampler(sessions int) *metrics.FanoutSampler {
	mine := float64(r.copies) * float64(sessions) / float64(max(1, r.plan.Connections))
	return metrics.NewFanoutSampler(r.fanoutOneIn(), r.plan.Scenario.Phases.Warmup, uint64(mine))
}

func (r *run) fanout() *metrics.Fanout {
	shards := make([]metrics.FanoutShard, len(r.left))
	for i, w := range r.left {
		shards[i] = w.fanout
	}
	return metrics.NewFanout(r.topology, r.fanoutOneIn(), shards...)
}
