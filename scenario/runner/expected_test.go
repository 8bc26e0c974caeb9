package runner

import (
	"testing"
	"time"
)

// The column of what the plan wants delivered holds each second's share of its phases, up to
// where publishing ended. Twelve members in three rooms at 10/s each are 480 copies a second.
func TestExpectedRate(t *testing.T) {
	t.Parallel()
	const none = -1
	for _, row := range []struct {
		name string
		end  time.Duration // of publishing, since T0
		want []float64     // by second of the run; T0 is 300 ms into it
	}{
		// Warm-up from 0.3 to 1.7, then a to 2.7 and, at three times the rate, b to 3.7.
		{"as planned", 3400 * time.Millisecond, []float64{0.7 * 480, 480, 0.7*480 + 0.3*1440, 0.7 * 1440}},
		{"stopped in the warm-up", 1200 * time.Millisecond, []float64{0.7 * 480, 0.5 * 480, none, none}},
		{"stopped in a stage", 2200 * time.Millisecond, []float64{0.7 * 480, 480, 0.5 * 480, none}},
		{"stopped before it began", 0, []float64{none, none, none, none}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			r := newRun(newFake(t, script{}).config(t, planOf(t, base, "phases.warmup=1400ms", "phases.steady=[{name: a, for: 1s}, {name: b, for: 1s, rate: x3}]")))
			r.t0, r.publishEnd = r.start+300*time.Millisecond, row.end
			r.expectedRate()
			column := r.collector.SeriesSoFar(0, tickEvery).Columns["expected_per_s"]
			for i, want := range row.want {
				got := float64(none)
				if i < len(column) && column[i] != nil {
					got = *column[i]
				}
				if d := got - want; d > 0.001 || d < -0.001 {
					t.Errorf("second %d: %v, want %v", i, got, want)
				}
			}
		})
	}
}
