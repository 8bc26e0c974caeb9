package metrics

import (
	"math"
	"time"
)

// openTicks is how many ticks back an interval may still come in: workers end a
// tick nearly at once. A later one counts in the rates and the heat map of its
// tick, not in the percentiles.
const openTicks = 3

// seriesBuilder makes the per-tick columns of a record.
type seriesBuilder struct {
	ticks  []tickTotals // what grows with the run, together with cells
	open   [openTicks]openTick
	extra  map[string][]float64 // NaN = no value
	shown  int                  // ticks before it have been looked at by Latest
	latest Latest               // of tick shown-1
	cells  []heatCell
	told   func(tick int, m Metric, s *MetricSummary)
}

type tickTotals struct {
	seen                   bool
	parts                  int // workers whose interval has come in
	sent, acked, delivered uint64
	received, written      uint64
	open, recovering, gone int
	owed                   int64 // copies that went under way, less those that came
	budget                 BudgetPeak
	e2e                    [4]float64 // p50 p90 p99 p99.9, µs; NaN without samples
	ack                    float64    // p50, µs; NaN without samples
	lag, receive           float64    // p99, µs; NaN without samples
}

var noQuantiles = tickTotals{e2e: [4]float64{math.NaN(), math.NaN(), math.NaN(), math.NaN()}, ack: math.NaN(), lag: math.NaN(), receive: math.NaN()}

// openTick holds the distributions of a tick that more intervals may come for.
type openTick struct {
	used bool
	tick int
	of   [metricCount]distribution
	heat heatColumn
}

var seriesQuantiles = [4]struct {
	column string
	q      float64
}{{"e2e_p50_us", 0.5}, {"e2e_p90_us", 0.9}, {"e2e_p99_us", 0.99}, {"e2e_p99_9_us", 0.999}}

func (s *seriesBuilder) add(tick int, iv *Interval) {
	t := s.at(tick)
	t.seen = true
	t.parts++
	t.sent += iv.Sent
	t.acked += iv.Acked
	t.delivered += iv.Delivered
	t.written += iv.BytesSent
	t.received += iv.BytesReceived
	t.open += iv.Open
	t.recovering += iv.Recovering
	t.gone += iv.Gone
	t.owed += iv.Owed
	t.budget.Raise(iv.Budget)
	o := &s.open[tick%openTicks]
	if o.used && o.tick > tick { // too late
		s.cells = iv.heat.appendTo(s.cells, tick)
		for m := range iv.phases {
			for i := range iv.phases[m] {
				s.tell(tick, Metric(m), &iv.phases[m][i])
			}
		}
		return
	}
	if o.tick != tick {
		s.finish(o)
	}
	o.used, o.tick = true, tick
	o.heat.add(&iv.heat)
	for m := range iv.phases {
		for i := range iv.phases[m] {
			o.of[m].add(&iv.phases[m][i])
		}
	}
}

// at is the totals of a tick, made when it is new.
func (s *seriesBuilder) at(tick int) *tickTotals {
	for len(s.ticks) <= tick {
		s.ticks = append(s.ticks, noQuantiles)
	}
	return &s.ticks[tick]
}

// finish writes a tick's distributions down.
func (s *seriesBuilder) finish(o *openTick) {
	if !o.used {
		return
	}
	t := &s.ticks[o.tick]
	for i, q := range seriesQuantiles {
		t.e2e[i] = microsAt(&o.of[E2ELatency], q.q)
	}
	t.ack = microsAt(&o.of[AckRTT], 0.5)
	t.lag = microsAt(&o.of[ScheduleLag], 0.99)
	t.receive = microsAt(&o.of[ReceiveDelay], 0.99)
	s.cells = o.heat.appendTo(s.cells, o.tick)
	for m := range o.of {
		s.tell(o.tick, Metric(m), &o.of[m])
		o.of[m].reset()
	}
	o.heat = heatColumn{}
	o.used = false
}

// tell hands a tick's values of a metric to whoever wants them.
func (s *seriesBuilder) tell(tick int, m Metric, d *distribution) {
	if s.told != nil && d.count() > 0 {
		s.told(tick, m, d.summary(m, ""))
	}
}

func microsAt(d *distribution, q float64) float64 {
	v, ok := d.quantile(q)
	if !ok {
		return math.NaN()
	}
	return significant(float64(micros(v)))
}

// significant rounds to the digits that a histogram tells apart: those behind them would be
// most of what a column takes.
func significant(v float64) float64 {
	unit := 1.0
	for v >= unit*1e4 {
		unit *= 10
	}
	return math.Round(v/unit) * unit
}

// measured is the value of a column, nil for NaN.
func measured(v float64) *float64 {
	if math.IsNaN(v) {
		return nil
	}
	return &v
}

// SetColumn sets one value of a further column, such as expected_per_s.
func (c *Collector) SetColumn(name string, tick int, v float64) {
	c.series.at(tick)
	if c.series.extra == nil {
		c.series.extra = make(map[string][]float64)
	}
	column := c.series.extra[name]
	for len(column) <= tick {
		column = append(column, math.NaN())
	}
	column[tick] = v
	c.series.extra[name] = column
}

// Excuse says that n copies due in a tick are not owed any more: no subscriber waits
// for them.
func (c *Collector) Excuse(tick int, n int64) { c.series.at(max(tick, 0)).owed -= n }

// Series is one value per tick of that length; start is the instant of tick 0
// since the start of the run. Ticks without an interval have no values.
func (c *Collector) Series(start, tick time.Duration) Series {
	s := &c.series
	for i := range s.open { // the oldest first
		s.finish(&s.open[(len(s.ticks)+i)%openTicks])
	}
	return c.SeriesSoFar(start, tick)
}

// SeriesSoFar is Series while intervals still come in: the newest ticks have no
// percentiles yet.
func (c *Collector) SeriesSoFar(start, tick time.Duration) Series {
	s := &c.series
	out := Series{IntervalS: tick.Seconds(), Columns: make(map[string][]*float64)}
	column := func(name string, value func(i int, t *tickTotals) *float64) {
		values := make([]*float64, len(s.ticks))
		for i := range s.ticks {
			values[i] = value(i, &s.ticks[i])
		}
		out.Columns[name] = values
	}
	column("t_s", func(i int, _ *tickTotals) *float64 {
		return new((start + time.Duration(i)*tick).Seconds())
	})
	rate := func(name string, count func(t *tickTotals) uint64) {
		column(name, func(_ int, t *tickTotals) *float64 {
			if !t.seen {
				return nil
			}
			return new(float64(count(t)) / tick.Seconds())
		})
	}
	rate("published_per_s", func(t *tickTotals) uint64 { return t.sent })
	rate("delivered_per_s", func(t *tickTotals) uint64 { return t.delivered })
	rate("acked_per_s", func(t *tickTotals) uint64 { return t.acked })
	rate("sent_bytes_per_s", func(t *tickTotals) uint64 { return t.written })
	rate("received_bytes_per_s", func(t *tickTotals) uint64 { return t.received })
	gauge := func(name string, value func(t *tickTotals) int) {
		column(name, func(_ int, t *tickTotals) *float64 {
			if !t.seen {
				return nil
			}
			return new(float64(value(t)))
		})
	}
	gauge("open", func(t *tickTotals) int { return t.open })
	gauge("recovering", func(t *tickTotals) int { return t.recovering })
	gauge("gone", func(t *tickTotals) int { return t.gone })
	undelivered := int64(0)
	column("undelivered", func(_ int, t *tickTotals) *float64 {
		undelivered += t.owed
		if !t.seen {
			return nil
		}
		return new(float64(max(undelivered, 0)))
	})
	gauge("unacked_messages", func(t *tickTotals) int { return int(t.budget.UnackedMessages) })
	gauge("unacked_bytes", func(t *tickTotals) int { return int(t.budget.UnackedBytes) })
	gauge("acks_in_flight", func(t *tickTotals) int { return int(t.budget.AcksInFlight) })
	for q := range seriesQuantiles {
		column(seriesQuantiles[q].column, func(_ int, t *tickTotals) *float64 { return measured(t.e2e[q]) })
	}
	column("ack_p50_us", func(_ int, t *tickTotals) *float64 { return measured(t.ack) })
	column("lag_p99_us", func(_ int, t *tickTotals) *float64 { return measured(t.lag) })
	column("receive_delay_p99_us", func(_ int, t *tickTotals) *float64 { return measured(t.receive) })
	for name, values := range s.extra {
		column(name, func(i int, _ *tickTotals) *float64 {
			if i >= len(values) {
				return nil
			}
			return measured(values[i])
		})
	}
	out.Heatmap = heatmap(s.cells)
	return out
}
