package metrics

import (
	"maps"
	"math/rand/v2"
	"testing"
	"time"
)

// A stretch holds the same whether it is written down or not, what came late for it and
// what never came included, and takes a byte or two for each cell once it is.
func TestStretchesAreWrittenDown(t *testing.T) {
	const ticks = 300 // five to a stretch
	s := newStretches(0, ticks*time.Second, time.Second)
	want := make([]distribution, len(s.all))
	rnd := rand.New(rand.NewPCG(5, 2))
	for tick := range ticks {
		for _, late := range []int{0, 0, 7} {
			var a, b distribution
			for range 300 {
				v := time.Duration(rnd.ExpFloat64() * float64(time.Millisecond))
				a.record(v)
				b.record(v)
			}
			of := max(0, tick-late)
			s.add(of, &a)
			want[of/5].add(&b)
		}
	}
	s.censor(12*time.Second, 3)
	want[2].censored += 3
	for i := range s.all {
		if got, want := maps.Collect(s.all[i].cells()), maps.Collect(want[i].cells()); !maps.Equal(got, want) {
			t.Fatalf("stretch %d holds %v, want %v", i, got, want)
		}
		if got, want := s.all[i].ranks(), want[i].ranks(); got != want {
			t.Errorf("stretch %d: %d ranks, want %d", i, got, want)
		}
		if written := len(s.all[i].written); i < len(s.all)-1 && (written == 0 || written > 2*len(maps.Collect(want[i].cells())) || s.all[i].packed != nil) {
			t.Errorf("stretch %d takes %d bytes written down", i, written)
		}
	}
}
