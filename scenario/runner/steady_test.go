package runner

import (
	"testing"
	"time"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/wire"
	"github.com/wpsbench/wpsbench/wire/emulator"
)

func TestSteadyAgain(t *testing.T) {
	const none = -1
	for _, row := range []struct {
		name       string
		p99s       []float64 // of seconds 0, 1, …; 0 = no samples
		start, end float64   // of the incident; end none = open
		want       float64   // none = nil
	}{
		{"at once", []float64{100, 100, 100, 900, 140, 100}, 3.2, 3.9, 4},
		{"exactly at the limit", []float64{100, 100, 100, 900, 150, 100}, 3.2, 3.9, 4},
		{"just above the limit", []float64{100, 100, 100, 900, 151, 100}, 3.2, 3.9, 5},
		{"not before all have caught up", []float64{100, 100, 100, 90, 90, 100, 120}, 3.2, 5.5, 6},
		{"seconds without samples are not steady", []float64{100, 100, 100, 900, 0, 0, 120}, 3.2, 3.9, 6},
		{"never", []float64{100, 100, 100, 900, 800, 700}, 3.2, 3.9, none},
		{"still out", []float64{100, 100, 100, 100, 100}, 3.2, none, none},
		{"nothing before it", []float64{0, 100, 100, 100}, 1.5, 1.9, none},
		{"the connect phase is no measure", []float64{5, 100, 110, 900, 140}, 3.2, 3.9, 4},
		{"the second of the fault is none either", []float64{0, 100, 900, 140}, 2.9, 2.95, 3},
		{"a median", []float64{0, 100, 5000, 90, 900, 151, 149}, 4.1, 4.2, 6},
		{"of the last ten", []float64{0, 900, 900, 900, 900, 900, 900, 900, 900, 900, 900, 900, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 9, 2, 1}, 22.1, 22.2, 24},
	} {
		t.Run(row.name, func(t *testing.T) {
			columns := map[string][]*float64{}
			for i, p99 := range row.p99s {
				columns["t_s"] = append(columns["t_s"], new(float64(i)))
				columns["e2e_p99_us"] = append(columns["e2e_p99_us"], nil)
				if p99 > 0 {
					columns["e2e_p99_us"][i] = new(p99)
				}
			}
			in := &metrics.Incident{StartS: row.start}
			if row.end != none {
				in.EndS = new(row.end)
			}
			got := steadyAgain(columns, 1, in)
			if row.want == none && got != nil || row.want != none && (got == nil || *got != row.want) {
				t.Errorf("steady at %v, want %v", got, row.want)
			}
		})
	}
}

// A service that greets who has recovered shows when it did; and what happens to some
// sessions is soon over for all of them.
func TestStagesOfARecovery(t *testing.T) {
	const text = `name: stages
groups:
  room: {count: 1}
populations:
  members:
    connections: 10
    join: {room: 1}
    publish: {to: room, rate: 5/s, size: 100}
phases: {warmup: 5s, steady: 30s, drain: 30s}
faults: [{name: F1, at: 8s, population: members, hit: 4, kind: rst}]
`
	for _, greets := range []bool{true, false} {
		w := world{seed: 3, text: text, link: wire.Link{Delay: 5 * time.Millisecond}, options: emulator.Options{ConnectedOnRecovery: greets}}
		rec, _ := simulate(t, w)
		wantHonest(t, w, rec)
		in := rec.Incidents[0]
		connected := in.Stages["connected"]
		if (connected != nil) != greets || greets && (connected.N != 4 || *connected.Max > 10_000) {
			t.Errorf("greets %t: connected %+v, want 4 close behind the open socket", greets, connected)
		}
		if in.EndS == nil || in.SteadyS == nil || *in.SteadyS < *in.EndS || *in.SteadyS > *in.EndS+3 {
			t.Errorf("greets %t: caught up at %v, steady at %v", greets, in.EndS, in.SteadyS)
		}
	}
}
