package metrics

import "time"

// Each calls fn with the values of a metric over all phases so far, as its histograms
// hold them: n values of about v. Like all of a Collector it is for its one goroutine.
func (c *Collector) Each(m Metric, fn func(v time.Duration, n uint64)) {
	for i := range c.phases[m] {
		c.phases[m][i].cells(func(from, to, n int64) { fn(time.Duration(from+to)/2, uint64(n)) })
	}
}
