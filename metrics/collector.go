package metrics

import "time"

// Collector merges the intervals of all recorders: per phase, per view, and into
// the series of one value per tick. It is for one goroutine.
type Collector struct {
	w      *Windows
	views  []View
	slices []slice
	phases [metricCount][]distribution
	sliced []distribution         // by view
	steady [metricCount]stretches // once begun
	t0     time.Duration          // since tick 0
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

// ofMessages are the latencies of messages, of which every second has some. The others are
// of sessions, now and then, or about the generator itself.
var ofMessages = []Metric{E2ELatency, E2EService, AckLatency, AckRTT}

// Begin says when T0 is, since tick 0, and how long a tick is. Without it there are no
// Intervals; it is to be called before anything of steady state is added.
func (c *Collector) Begin(t0, tick time.Duration) {
	c.t0 = t0
	from, to := c.w.steady()
	for _, m := range ofMessages {
		c.steady[m] = newStretches(t0+from, to-from, tick)
	}
}

// Add merges one worker's interval of a tick (from 0) and gives it back to its
// recorder: the caller must not touch it afterwards. Intervals of a tick may come
// in any order and up to openTicks late.
func (c *Collector) Add(tick int, iv *Interval) {
	for m := range iv.phases {
		for i := range iv.phases[m] {
			c.phases[m][i].add(&iv.phases[m][i])
			if i < len(c.w.Phases) && c.w.Phases[i].Steady {
				c.steady[m].add(tick, &iv.phases[m][i])
			}
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
// openTicks later at the latest, or in Series at the end. Every value is told once: what
// comes later still, by itself. What never came is not told, since it has no value. It is
// to be called before the first Add.
func (c *Collector) OnTick(fn func(tick int, m Metric, s *MetricSummary)) { c.series.told = fn }

// Censor counts n copies, intended at that instant for that population, that
// never came: beyond every other value of both end-to-end metrics.
func (c *Collector) Censor(intended time.Duration, population int, n uint64) {
	phase := c.w.phase(intended)
	for _, m := range []Metric{E2ELatency, E2EService} {
		c.phases[m][phase].censored += n
		if phase < len(c.w.Phases) && c.w.Phases[phase].Steady {
			c.steady[m].censor(c.t0+intended, n)
		}
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

// Intervals are the 95 % intervals of the percentiles of s, which is what Steady says of
// m, in microseconds, by their keys: by a bootstrap over blocks of ten seconds, whose
// chance follows from the seed, and wider where seconds are alike for longer. A
// percentile that s does not give has none, nor has one whose upper end lies among what
// never came; there are none at all of less than a minute, and of metrics other than the
// latencies of messages.
func (c *Collector) Intervals(m Metric, s *MetricSummary, seed uint64) map[string][]int64 {
	out := map[string][]int64{}
	for key, ci := range c.steady[m].intervals(seed) {
		if s.Percentiles[key] != nil {
			out[key] = []int64{max(micros(ci[0]), *s.Min), min(micros(ci[1]), *s.Max)}
		}
	}
	return out
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
