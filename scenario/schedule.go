package scenario

import (
	"math"
	"time"
)

// arrivals is what the publishers of a population have in common.
type arrivals struct {
	timeline *timeline
	poisson  bool
	interval float64 // mean load time between messages, nanoseconds
	burst    uint64  // messages of a burst; 1: none
	spread   float64 // load time between two messages of a burst
}

func newArrivals(t *timeline, a Arrival, rate Rate) *arrivals {
	r := &arrivals{timeline: t, interval: float64(time.Second) / float64(rate), burst: 1}
	switch a.Kind {
	case ArrivalPoisson:
		r.poisson = true
	case ArrivalBurst:
		r.burst = uint64(a.Burst)
		r.spread = float64(a.Within) / float64(a.Burst)
	}
	return r
}

// Schedule is the arrival process of one publisher. Instants count from T0, the
// start of the warm-up, never decrease, and lie before [Plan.PublishEnd].
//
// Constant and burst arrivals are arithmetic: message k is due at a phase plus k
// intervals, and never the sum of k roundings. The phases of the publishers are a
// golden-ratio sequence, so that the messages of any number of them are spread
// evenly. Poisson arrivals are a seeded stream that At and DueBy run through
// again. A stage's factor speeds all of it up, a burst's within too.
//
// The methods Next, Pass and Done move or read the position and are for one goroutine;
// the others are safe for concurrent use.
type Schedule struct {
	*arrivals
	phase float64 // load time at which the first burst began; below 0 when it is under way at T0
	first uint64  // messages of that burst that were due before T0
	seed  uint64

	k    uint64 // the message Next will return
	load float64
	due  time.Duration
}

func newSchedule(a *arrivals, publisher int, seed uint64) *Schedule {
	const perTurn = 1 << 64
	turn := float64(uint64(publisher)*0x9e3779b97f4a7c15) / perTurn
	s := &Schedule{arrivals: a, seed: seed, phase: turn * a.interval * float64(a.burst)}
	switch {
	case a.poisson:
		s.load = s.gap(0)
	case a.burst > 1:
		// Whoever is in the middle of a burst at T0 finishes it: the rate is the
		// mean from the start on, and over any whole number of periods exactly.
		s.phase -= a.interval * float64(a.burst)
		for s.first < a.burst && s.phase+float64(float64(s.first)*a.spread) < 0 {
			s.first++
		}
	}
	s.due = s.instantAt(0, s.load)
	return s
}

// Next returns the instant of the next message and moves on to the one after it.
// Past the last message it returns [Never]. It takes constant time.
func (s *Schedule) Next() time.Duration {
	due := s.due
	if due != Never {
		s.k++
		if s.poisson {
			s.load += s.gap(s.k)
		}
		s.due = s.instantAt(s.k, s.load)
	}
	return due
}

// Pass moves past every message that is due by t and returns how many messages of
// the whole schedule those are: DueBy, for a t that only grows, in time in
// proportion to what is passed.
func (s *Schedule) Pass(t time.Duration) uint64 {
	for s.due <= t && s.due != Never {
		s.Next()
	}
	return s.k
}

// Done says that there is no next message.
func (s *Schedule) Done() bool { return s.due == Never }

// At returns the instant of message k, counted from 0, or [Never] if the
// publishing ends before. For Poisson arrivals it takes time in proportion to k.
func (s *Schedule) At(k uint64) time.Duration {
	if !s.poisson {
		return s.instantAt(k, 0)
	}
	load := 0.0
	for i := uint64(0); i <= k; i++ {
		if load += s.gap(i); s.timeline.instant(load) == Never {
			return Never
		}
	}
	return s.timeline.instant(load)
}

// DueBy returns how many messages have At ≤ t. For Poisson arrivals it takes time
// in proportion to the answer.
func (s *Schedule) DueBy(t time.Duration) uint64 {
	if t < 0 {
		return 0
	}
	t = min(t, s.timeline.end-1)
	k := uint64(0)
	if s.poisson {
		for load := s.gap(0); s.timeline.instant(load) <= t; k++ {
			load += s.gap(k + 1)
		}
		return k
	}
	k = max(s.guess(s.timeline.loadAt(t)-s.phase), s.first) - s.first
	// The guess and At round differently; At decides.
	for k > 0 && s.instantAt(k-1, 0) > t {
		k--
	}
	for s.instantAt(k, 0) <= t {
		k++
	}
	return k
}

// Count returns how many messages there are, as DueBy does.
func (s *Schedule) Count() uint64 { return s.DueBy(s.timeline.end) }

// guess inverts instantAt up to rounding: the messages due a load time after the
// phase, those before T0 included.
func (s *Schedule) guess(load float64) uint64 {
	if load < 0 {
		return 0
	}
	period := s.interval * float64(s.burst)
	bursts := math.Floor(load / period)
	within := s.burst
	if left := load - bursts*period; left < s.spread*float64(s.burst-1) {
		within = uint64(left/s.spread) + 1
	}
	return uint64(bursts)*s.burst + within
}

// instantAt is At; for Poisson arrivals, load is where message k stands.
func (s *Schedule) instantAt(k uint64, load float64) time.Duration {
	if !s.poisson {
		k += s.first
		period := float64(s.interval * float64(s.burst))
		load = s.phase + float64(float64(k/s.burst)*period) + float64(float64(k%s.burst)*s.spread)
	}
	return s.timeline.instant(load)
}

// gap is the load time between messages k-1 and k of a Poisson process. The
// conversions to float64 here and above forbid fused multiplication, which would
// let the same plan differ between processors.
func (s *Schedule) gap(k uint64) float64 {
	return float64(exponential(s.seed+k*0xd1342543de82ef95) * s.interval)
}

// exponential draws from the exponential distribution of mean 1.
func exponential(seed uint64) float64 {
	const scale = 1.0 / (1 << 53)
	uniform := float64(mix(seed)>>11) * scale // 0 ≤ uniform < 1
	return -math.Log1p(-uniform)
}
