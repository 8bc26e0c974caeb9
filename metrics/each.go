package metrics

import "time"

// Each calls fn with the values of a metric over all phases so far, as its histograms
// hold them: n values of about v. Like all of a Collector it is for its one goroutine.
func (c *Collector) Each(m Metric, fn func(v time.Duration, n uint64)) {
	for i := range c.phases[m] {
		for v, n := range c.phases[m][i].cells() {
			fn(time.Duration(v+(cellWidth(v)-1)/2), uint64(n))
		}
	}
}
