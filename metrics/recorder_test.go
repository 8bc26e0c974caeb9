package metrics

import (
	"fmt"
	"testing"
	"time"
)

// Phases come one after the other, so an interval that has been merged keeps nothing of
// the phase it was of.
func TestIntervalsKeepNothing(t *testing.T) {
	const phases, values = 20, 500
	w := &Windows{}
	for i := range phases {
		at := time.Duration(i) * time.Second
		w.Phases = append(w.Phases, Window{Name: fmt.Sprint("stage ", i), From: at, To: at + time.Second})
	}
	r, c := NewRecorder(w, nil), NewCollector(w, nil)
	for i := range phases {
		at := time.Duration(i) * time.Second
		for range values {
			r.Record(E2ELatency, at, 0, time.Millisecond)
			r.Record(AckRTT, at, 0, time.Duration(i+1)*time.Millisecond)
		}
		iv := r.Swap()
		c.Add(i, iv)
		for m := range iv.phases {
			for k := range iv.phases[m] {
				if iv.phases[m][k] != (distribution{}) {
					t.Fatalf("tick %d: %v of phase %d is %+v after it was merged", i, Metric(m), k, iv.phases[m][k])
				}
			}
		}
	}
	for i, p := range w.Phases {
		if s := c.Summary(AckRTT, p.Name); s.Count != values || *s.Max != int64(i+1)*1000 {
			t.Errorf("%s: %d samples up to %d µs, want %d of %d", p.Name, s.Count, *s.Max, values, (i+1)*1000)
		}
	}
}
