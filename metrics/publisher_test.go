package metrics

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestSlotStaysCompact: acks in any order leave one run per stretch of one outcome.
func TestSlotStaysCompact(t *testing.T) {
	const n = 200
	rnd := rand.New(rand.NewPCG(3, 3))
	var s slot
	s.top = n
	for _, i := range rnd.Perm(n) {
		m := uint64(i + 1)
		o := OutcomeOK
		if m > 50 && m <= 60 {
			o = OutcomeFail
		}
		if got := s.set(m, o); got != o {
			t.Fatalf("set(%d) = %d, want %d", m, got, o)
		}
	}
	want := []run{{1, 51, OutcomeOK}, {51, 61, OutcomeFail}, {61, 201, OutcomeOK}}
	if !slices.Equal(s.runs, want) {
		t.Errorf("got %v, want %v", s.runs, want)
	}
	if got := s.set(55, OutcomeOK); got != OutcomeFail {
		t.Errorf("a second outcome replaced the first: got %d", got)
	}
}

func TestSlotEach(t *testing.T) {
	s := slot{top: 20, runs: []run{{3, 5, OutcomeOK}, {5, 6, OutcomeFail}, {10, 15, OutcomeOK}}}
	type part struct {
		from, to uint64
		o        Outcome
	}
	for _, tt := range []struct {
		name   string
		lo, hi uint64
		want   []part
	}{
		{"all", 1, 21, []part{{1, 3, 0}, {3, 5, OutcomeOK}, {5, 6, OutcomeFail}, {6, 10, 0}, {10, 15, OutcomeOK}, {15, 21, 0}}},
		{"inside a run", 11, 13, []part{{11, 13, OutcomeOK}}},
		{"from within a run to within a hole", 4, 8, []part{{4, 5, OutcomeOK}, {5, 6, OutcomeFail}, {6, 8, 0}}},
		{"inside a hole", 7, 9, []part{{7, 9, 0}}},
		{"nothing", 4, 4, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []part
			s.each(tt.lo, tt.hi, func(from, to uint64, o Outcome) { got = append(got, part{from, to, o}) })
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

// TestSentSkipsHoles: numbers that were passed over count as skipped.
func TestSentSkipsHoles(t *testing.T) {
	w := newWorld(t, false, Spec)
	w.c.Sent(0, 0, 1, 0)
	w.c.Sent(0, 0, 4, 0)
	p := w.judge(JudgeOptions{}).Totals.Publishes
	if p.Scheduled != 4 || p.Sent != 2 || p.Dropped != 2 || p.Indeterminate != 2 {
		t.Errorf("got %+v", p)
	}
}

func TestFanout(t *testing.T) {
	topo := worldTopology(false)
	for _, tt := range []struct{ publisher, slot, want int }{
		{0, 0, 3}, // its own echo included
		{1, 0, 3},
		{1, 1, 2}, // not a member
		{2, 0, 1}, // noEcho
	} {
		if got := topo.Fanout(tt.publisher, tt.slot); got != tt.want {
			t.Errorf("Fanout(%d, %d) = %d, want %d", tt.publisher, tt.slot, got, tt.want)
		}
	}
}

// TestUnskip: any part of what was passed over can still be sent.
func TestUnskip(t *testing.T) {
	s := slot{top: 20, runs: []run{{1, 2, OutcomeOK}, {2, 9, outcomeSkipped}, {9, 10, OutcomeOK}, {10, 11, outcomeSkipped}}}
	for _, m := range []uint64{2, 8, 5, 10, 1, 9, 5, 15} {
		s.unskip(m)
	}
	want := []run{{1, 2, OutcomeOK}, {3, 5, outcomeSkipped}, {6, 8, outcomeSkipped}, {9, 10, OutcomeOK}}
	if !slices.Equal(s.runs, want) {
		t.Errorf("got %v, want %v", s.runs, want)
	}
}
