package metrics

import "time"

// Latest is the newest tick that every worker has handed over, for people who
// watch. Latencies are negative without samples.
type Latest struct {
	SentPerSec, DeliveredPerSec float64
	P50, P99, LagP99            time.Duration
}

// Latest returns the newest tick of which that many intervals have come in; fresh
// is true once per tick.
func (c *Collector) Latest(workers int, tick time.Duration) (l Latest, fresh bool) {
	s := &c.series
	l = Latest{P50: -1, P99: -1, LagP99: -1}
	for i := len(s.ticks) - 1; i >= 0; i-- {
		t := &s.ticks[i]
		if t.parts < workers {
			continue
		}
		l.SentPerSec = float64(t.sent) / tick.Seconds()
		l.DeliveredPerSec = float64(t.delivered) / tick.Seconds()
		if o := &s.open[i%openTicks]; o.used && o.tick == i {
			l.P50, l.P99, l.LagP99 = durationAt(&o.e2e, 0.5), durationAt(&o.e2e, 0.99), durationAt(&o.lag, 0.99)
		}
		fresh = i >= s.shown
		s.shown = i + 1
		return l, fresh
	}
	return l, false
}

func durationAt(d *distribution, q float64) time.Duration {
	v, ok := d.quantile(q)
	if !ok {
		return -1
	}
	return time.Duration(v)
}
