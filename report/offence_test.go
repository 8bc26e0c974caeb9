package report

import (
	"slices"
	"strings"
	"testing"

	"github.com/wpsbench/wpsbench/metrics"
)

func TestFirstOffence(t *testing.T) {
	arrivals := func(messages ...uint64) []metrics.Arrival {
		var all []metrics.Arrival
		for _, m := range messages {
			all = append(all, metrics.Arrival{Message: m})
		}
		return all
	}
	replayed := arrivals(1, 2, 1, 2, 3)
	replayed[2].Replayed, replayed[3].Replayed = true, true
	tests := []struct {
		name    string
		example metrics.Example
		sent    []uint64
		answers string // of the arrivals
		missing bool
	}{
		{"swapped", metrics.Example{ExpectedMessage: 5, GotMessage: 3, Arrivals: arrivals(1, 2, 4, 3)}, []uint64{1, 2, 3, 4}, ",,,out of order", false},
		{"twice", metrics.Example{ExpectedMessage: 4, GotMessage: 2, Arrivals: arrivals(1, 2, 3, 2)}, []uint64{1, 2, 3}, ",,,again", false},
		{"lost", metrics.Example{ExpectedMessage: 3, GotMessage: 4, Arrivals: arrivals(1, 2, 4)}, []uint64{1, 2, 3, 4}, ",,", true},
		{"replayed by right", metrics.Example{Arrivals: replayed}, []uint64{1, 2, 3}, ",,,,", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			l := newLanes(&test.example)
			if !slices.Equal(l.sent, test.sent) {
				t.Errorf("sent %v, want %v", l.sent, test.sent)
			}
			if got := strings.Join(l.answers, ","); got != test.answers {
				t.Errorf("answers %q, want %q", got, test.answers)
			}
			if got := strings.Contains(string(l.draw(&figure{ID: "x"})), "never came"); got != test.missing {
				t.Errorf("a message never came: %v, want %v", got, test.missing)
			}
		})
	}
}

// Of several broken rules the diagram shows the one that broke first.
func TestFirstOffenceIsTheEarliest(t *testing.T) {
	r := violatedRun(t)
	early := r.Checks[3].Examples[0]
	early.TS = 12
	r.Checks[1].Result, r.Checks[1].Examples = "violated", []metrics.Example{early}
	if f := firstOffence(r); f == nil || !strings.HasPrefix(f.Title, "First offence: R4 ") {
		t.Errorf("%+v is not of R4, which broke first", f)
	}
	if f := firstOffence(passedRun(t)); f != nil {
		t.Errorf("an offence of a run without one: %s", f.Title)
	}
}
