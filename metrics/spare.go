package metrics

import (
	"sync"

	hdr "github.com/HdrHistogram/hdrhistogram-go"
)

// spareHistograms are the empty ones of a run, 196 KB each. Phases come one after the
// other and intervals are merged as soon as they are handed over, so that few are in
// use at once; the lock is taken once per distribution and interval. The zero value
// has none.
type spareHistograms struct {
	mu   sync.Mutex
	free []*hdr.Histogram
}

func (s *spareHistograms) take() *hdr.Histogram {
	s.mu.Lock()
	defer s.mu.Unlock()
	last := len(s.free) - 1
	if last < 0 {
		return hdr.New(histogramLowest, histogramHighest, histogramDigits)
	}
	h := s.free[last]
	s.free = s.free[:last]
	return h
}

// empty empties d and takes its histogram.
func (s *spareHistograms) empty(d *distribution) {
	if d.reset(); d.counts == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.free = append(s.free, d.counts)
	d.counts = nil
}
