package metrics

import (
	"slices"
	"testing"
)

func TestGaps(t *testing.T) {
	for _, tt := range []struct {
		name  string
		close []uint64
		want  []gap // from and to
		found []bool
	}{
		{"untouched", nil, []gap{{from: 3, to: 6}, {from: 8, to: 9}}, nil},
		{"first", []uint64{3}, []gap{{from: 4, to: 6}, {from: 8, to: 9}}, []bool{true}},
		{"last", []uint64{5}, []gap{{from: 3, to: 5}, {from: 8, to: 9}}, []bool{true}},
		{"middle", []uint64{4}, []gap{{from: 3, to: 4}, {from: 5, to: 6}, {from: 8, to: 9}}, []bool{true}},
		{"single", []uint64{8}, []gap{{from: 3, to: 6}}, []bool{true}},
		{"twice", []uint64{4, 4}, []gap{{from: 3, to: 4}, {from: 5, to: 6}, {from: 8, to: 9}}, []bool{true, false}},
		{"beside", []uint64{2, 6, 7, 9}, []gap{{from: 3, to: 6}, {from: 8, to: 9}}, []bool{false, false, false, false}},
		{"all", []uint64{5, 3, 8, 4}, nil, []bool{true, true, true, true}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var g gaps
			g.open(gap{from: 3, to: 6})
			g.open(gap{from: 8, to: 9})
			var found []bool
			for _, n := range tt.close {
				found = append(found, g.close(n))
			}
			if !slices.Equal(g, tt.want) || !slices.Equal(found, tt.found) {
				t.Errorf("got %v and %v, want %v and %v", g, found, tt.want, tt.found)
			}
		})
	}
}

// TestGapListOverflow: beyond the bound nothing is guessed. The totals still add
// up and the checks answer unknown.
func TestGapListOverflow(t *testing.T) {
	for _, reliable := range []bool{false, true} {
		w := newWorld(t, reliable, Strict)
		const sent = 2*maxGaps + 100
		for range sent {
			m := w.send(2, 0)
			w.ok(2, 0, m)
			if m%2 == 1 || m > 2*maxGaps+50 {
				w.deliver(2, 2, 0, m)
			}
		}
		w.deliver(2, 2, 0, 2)
		j := w.judge(JudgeOptions{})
		checkSums(t, j)
		d := j.Totals.Deliveries
		// Odd numbers up to the one that opens the 4,096th gap came, and 2 came late;
		// beyond it 74 of 99 came, nobody knows which.
		if d.Delivered != maxGaps+1+1+74 || d.Lost != maxGaps-1 || d.Undelivered != 25 {
			t.Errorf("reliable %v: got %+v", reliable, d)
		}
		for _, id := range map[bool][]string{false: {"N1", "N2"}, true: {"R5", "R6"}}[reliable] {
			c := j.check(id)
			if c.Result != CheckUnknown || c.Reason != "gap list overflow for 1 pairs" || c.CoverageRatio >= 1 {
				t.Errorf("%s: got %s (%s), coverage %v", id, c.Result, c.Reason, c.CoverageRatio)
			}
		}
	}
}
