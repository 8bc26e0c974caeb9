package metrics

import (
	"fmt"
	"testing"
	"time"
)

// Phases come one after the other, so a recorder holds histograms for those of an
// interval, not for all of the run.
func TestPhasesShareHistograms(t *testing.T) {
	const phases = 20
	w := &Windows{}
	for i := range phases {
		at := time.Duration(i) * time.Second
		w.Phases = append(w.Phases, Window{Name: fmt.Sprint("stage ", i), From: at, To: at + time.Second})
	}
	r, c := NewRecorder(w, nil), NewCollector(w, nil)
	for i := range phases {
		at := time.Duration(i) * time.Second
		for range fewValues + 1 {
			r.Record(E2ELatency, at, 0, time.Millisecond)
			r.Record(AckRTT, at, 0, time.Duration(i+1)*time.Millisecond)
		}
		c.Add(i, r.Swap())
	}
	if made := len(w.spare.histograms); made != 2 {
		t.Errorf("%d histograms were made for two metrics", made)
	}
	if made := len(w.spare.values); made != 2 {
		t.Errorf("room for few values was made %d times for two metrics", made)
	}
	for i, p := range w.Phases {
		if s := c.Summary(AckRTT, p.Name); s.Count != fewValues+1 || *s.Max != int64(i+1)*1000 {
			t.Errorf("%s: %d samples up to %d µs, want %d of %d", p.Name, s.Count, *s.Max, fewValues+1, (i+1)*1000)
		}
	}
}
