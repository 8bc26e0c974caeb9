package report

import (
	"bytes"
	"strings"
	"testing"

	"github.com/wpsbench/wpsbench/metrics"
)

// A session that did not recover must be seen in the summary, whatever became of it.
func TestOtherOutcomes(t *testing.T) {
	for _, row := range []struct {
		inc  metrics.Incident
		want string
	}{
		{metrics.Incident{Outcomes: metrics.IncidentOutcomes{Resumed: 3, NewConnection: 2, GaveUp: 1}}, ""},
		{metrics.Incident{Outcomes: metrics.IncidentOutcomes{Overflow: 1, Open: 2}}, "1 queue overflow, 2 still out at the end"},
		{metrics.Incident{Outcomes: metrics.IncidentOutcomes{HitAgain: 2, Held: 1}, Missed: 4}, "2 hit again before they had caught up, 1 misbehaved and was not dropped, 4 had no transport to lose"},
	} {
		if got := otherOutcomes(&row.inc, textNumbers); got != row.want {
			t.Errorf("got %q, want %q", got, row.want)
		}
	}
	r := violatedRun(t)
	r.Incidents[0].Outcomes.Open = 7
	var b bytes.Buffer
	must(t, WriteText(&b, r, TextOptions{Width: 80, UTF8: true}))
	if !strings.Contains(b.String(), "7 still out at the end") {
		t.Errorf("the summary does not say who is still out:\n%s", b.String())
	}
}
