package scenario

import (
	"math"
	"time"
)

// Never is later than every instant of a plan.
const Never time.Duration = math.MaxInt64

// timeline maps run time to load time and back. Load time runs at the factor of
// the stage: what is evenly spaced in it arrives five times as fast in a stage of
// x5. Both start at T0; the warm-up has factor 1.
type timeline struct {
	segments []segment
	end      time.Duration // of publishing
}

type segment struct {
	start  time.Duration
	load   float64 // load time at start, nanoseconds
	factor float64
}

func newTimeline(p *Phases) timeline {
	var t timeline
	load := 0.0
	add := func(length time.Duration, factor float64) {
		if length == 0 {
			return
		}
		t.segments = append(t.segments, segment{t.end, load, factor})
		t.end += length
		load += float64(length) * factor
	}
	add(p.Warmup, 1)
	for i := range p.Stages {
		add(p.Stages[i].For, p.Stages[i].Factor)
	}
	return t
}

// loadAt returns the load time at an instant from 0 to the end.
func (t *timeline) loadAt(at time.Duration) float64 {
	i := len(t.segments) - 1
	for i > 0 && t.segments[i].start > at {
		i--
	}
	s := &t.segments[i]
	return s.load + float64(at-s.start)*s.factor
}

// instant returns when a load time is reached, to the nearest nanosecond, or
// Never if that is not before the end. It never decreases as load grows.
func (t *timeline) instant(load float64) time.Duration {
	i := len(t.segments) - 1
	for i > 0 && t.segments[i].load > load {
		i--
	}
	s := &t.segments[i]
	since := math.Round((load - s.load) / s.factor)
	if since >= float64(t.end-s.start) {
		return Never
	}
	return s.start + time.Duration(since)
}
