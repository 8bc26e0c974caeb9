package metrics

import "time"

// Latest is the newest tick that every worker has handed over, for people who
// watch. Latencies are negative without samples.
type Latest struct {
	SentPerSec, AckedPerSec, DeliveredPerSec float64

	P50, P99, P999 time.Duration // end to end, response time
	AckP50, AckP99 time.Duration
	LagP99         time.Duration

	// Total counts everything handed over so far, this tick and what is newer included.
	Total Traffic
}

// Traffic is what the sessions moved.
type Traffic struct {
	Sent, Acked, Delivered   uint64 // messages
	BytesSent, BytesReceived uint64 // over the sockets, WebSocket framing included
}

func (t *Traffic) add(iv *Interval) {
	t.Sent += iv.Sent
	t.Acked += iv.Acked
	t.Delivered += iv.Delivered
	t.BytesSent += iv.BytesSent
	t.BytesReceived += iv.BytesReceived
}

// Latest returns the newest tick of which that many intervals have come in; fresh
// is true once per tick. Asking again before there is a newer one costs nothing.
func (c *Collector) Latest(workers int, tick time.Duration) (l Latest, fresh bool) {
	s := &c.series
	for i := len(s.ticks) - 1; i >= s.shown; i-- {
		if s.ticks[i].parts >= workers {
			s.latest, s.shown = s.tickLatest(i, tick), i+1
			if o := &s.open[i%openTicks]; o.tick == i {
				s.finish(o) // all of it is here
			}
			fresh = true
			break
		}
	}
	l = s.latest
	if s.shown == 0 {
		l = noLatencies
	}
	l.Total = c.total
	return l, fresh
}

var noLatencies = Latest{P50: -1, P99: -1, P999: -1, AckP50: -1, AckP99: -1, LagP99: -1}

func (s *seriesBuilder) tickLatest(i int, tick time.Duration) Latest {
	l, t := noLatencies, &s.ticks[i]
	l.SentPerSec = float64(t.sent) / tick.Seconds()
	l.AckedPerSec = float64(t.acked) / tick.Seconds()
	l.DeliveredPerSec = float64(t.delivered) / tick.Seconds()
	if o := &s.open[i%openTicks]; o.used && o.tick == i {
		l.P50, l.P99, l.P999 = durationAt(&o.of[E2ELatency], 0.5), durationAt(&o.of[E2ELatency], 0.99), durationAt(&o.of[E2ELatency], 0.999)
		l.AckP50, l.AckP99 = durationAt(&o.of[AckRTT], 0.5), durationAt(&o.of[AckRTT], 0.99)
		l.LagP99 = durationAt(&o.of[ScheduleLag], 0.99)
	}
	return l
}

func durationAt(d *distribution, q float64) time.Duration {
	v, ok := d.quantile(q)
	if !ok {
		return -1
	}
	return time.Duration(v)
}
