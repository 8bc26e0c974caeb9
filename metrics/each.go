package metrics

import "time"

// Each calls fn with the values of a metric over all phases so far, as its histograms
// hold them: n values of about v. Like all of a Collector it is for its one goroutine.
func (c *Collector) Each(m Metric, fn func(v time.Duration, n uint64)) {
	for i := range c.phases[m] {
		d := &c.phases[m][i]
		if d.count() == 0 {
			continue
		}
		for _, bar := range d.counts.Distribution() {
			if bar.Count > 0 {
				fn(time.Duration(bar.From+bar.To)/2, uint64(bar.Count))
			}
		}
	}
}
