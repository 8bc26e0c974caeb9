package runner

import "time"

// expectedRate adds to the series what the plan wanted delivered in each second.
func (r *run) expectedRate() {
	perTick := map[int]float64{}
	for _, p := range r.plan.Estimate().Phases {
		for _, w := range r.windows.Phases {
			if w.Name != p.Name {
				continue
			}
			from, to := r.t0+w.From-r.start, r.t0+min(w.To, r.publishEnd)-r.start
			if to <= from {
				continue // a stop has kept it from beginning
			}
			for tick := from / tickEvery; tick*tickEvery < to; tick++ {
				overlap := min(to, (tick+1)*tickEvery) - max(from, tick*tickEvery)
				perTick[int(tick)] += float64(p.Deliveries) * float64(overlap) / float64(p.Length)
			}
		}
	}
	for tick, n := range perTick {
		r.collector.SetColumn("expected_per_s", tick, n*float64(time.Second)/float64(tickEvery))
	}
}
