package metrics

import "time"

// Collector merges the intervals of all recorders: per phase, per view, and into
// the series of one value per tick. It is for one goroutine.
type Collector struct {
	w      *Windows
	views  []View
	slices []slice
	phases [metricCount][]distribution
	sliced []distribution // by view
	series seriesBuilder
	total  Traffic
}

// NewCollector makes a collector of recorders with the same windows and views.
func NewCollector(w *Windows, views []View) *Collector {
	c := &Collector{w: w, views: views, slices: w.resolve(views), sliced: make([]distribution, len(views))}
	for m := range c.phases {
		c.phases[m] = make([]distribution, len(w.Phases)+1)
	}
	return c
}

// Add merges one worker's interval of a tick (from 0) and gives it back to its
// recorder: the caller must not touch it afterwards. Intervals of a tick may come
// in any order and up to openTicks late.
func (c *Collector) Add(tick int, iv *Interval) {
	for m := range iv.phases {
		for i := range iv.phases[m] {
			c.phases[m][i].add(&iv.phases[m][i])
		}
	}
	for i := range iv.views {
		c.sliced[i].add(&iv.views[i])
	}
	c.series.add(tick, iv)
	c.total.add(iv)
	iv.Release()
}

// OnTick has fn called with what each metric measured in a tick: once Latest has shown it,
// openTicks later at the latest, or in Series at the end. Every value is told once: what comes later still, by itself. What
// never came is not told, since it has no value. It is to be called before the first Add.
func (c *Collector) OnTick(fn func(tick int, m Metric, s *MetricSummary)) { c.series.told = fn }

// Censor counts n copies, intended at that instant for that population, that
// never came: beyond every other value of both end-to-end metrics.
func (c *Collector) Censor(intended time.Duration, population int, n uint64) {
	phase := c.w.phase(intended)
	for _, m := range []Metric{E2ELatency, E2EService} {
		c.phases[m][phase].censored += n
	}
	for i, v := range c.views {
		if (v.Metric == E2ELatency || v.Metric == E2EService) && c.slices[i].contains(phase, intended, population) {
			c.sliced[i].censored += n
		}
	}
}

// Summary is a metric over one phase; over what lay outside of all phases with an
// empty name. It is nil when there is no such phase.
func (c *Collector) Summary(m Metric, phase string) *MetricSummary {
	if phase == "" {
		return c.phases[m][len(c.w.Phases)].summary(m, "")
	}
	for i, p := range c.w.Phases {
		if p.Name == phase {
			return c.phases[m][i].summary(m, phase)
		}
	}
	return nil
}

// Steady is a metric over the whole of steady state.
func (c *Collector) Steady(m Metric) *MetricSummary {
	var d distribution
	defer d.reset()
	for i, p := range c.w.Phases {
		if p.Steady {
			d.add(&c.phases[m][i])
		}
	}
	return d.summary(m, "steady")
}

// Total is a metric over the whole run.
func (c *Collector) Total(m Metric) *MetricSummary {
	var d distribution
	defer d.reset()
	for i := range c.phases[m] {
		d.add(&c.phases[m][i])
	}
	return d.summary(m, "run")
}

// View is the i-th view.
func (c *Collector) View(i int) *MetricSummary {
	v := &c.views[i]
	during := v.During
	switch {
	case v.wholeRun():
		during = "run"
	case during == "":
		during = "steady"
	}
	return c.sliced[i].summary(v.Metric, during)
}
