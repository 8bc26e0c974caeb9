package metrics

import (
	"sync"

	hdr "github.com/HdrHistogram/hdrhistogram-go"
)

// spare is the memory of distributions that nobody uses: empty histograms, 196 KB each,
// and room for few values. Phases come one after the other and intervals are merged as
// soon as they are handed over, so that few are in use at once; the lock is taken once
// per distribution and interval. The zero value has none.
type spare struct {
	mu         sync.Mutex
	histograms []*hdr.Histogram
	values     [][]int64
}

func (s *spare) take() *hdr.Histogram {
	s.mu.Lock()
	defer s.mu.Unlock()
	if h, ok := pop(&s.histograms); ok {
		return h
	}
	return hdr.New(histogramLowest, histogramHighest, histogramDigits)
}

func (s *spare) takeValues() []int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if v, ok := pop(&s.values); ok {
		return v
	}
	return make([]int64, 0, fewValues)
}

func pop[T any](stack *[]T) (top T, ok bool) {
	last := len(*stack) - 1
	if last < 0 {
		return top, false
	}
	top = (*stack)[last]
	*stack = (*stack)[:last]
	return top, true
}

// empty empties d and takes its memory.
func (s *spare) empty(d *distribution) {
	d.reset()
	if d.values == nil && d.counts == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if d.values != nil {
		s.values = append(s.values, d.values)
	}
	if d.counts != nil {
		s.histograms = append(s.histograms, d.counts)
	}
	*d = distribution{}
}
