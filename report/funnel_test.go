package report

import (
	"strings"
	"testing"

	"github.com/wpsbench/wpsbench/metrics"
)

// Where connections are lost the funnel tells what can have been the cause; where none are,
// nothing.
func TestFunnelTellsWhy(t *testing.T) {
	r := &metrics.Run{Connections: metrics.Connections{
		Funnel: metrics.Funnel{Planned: 100, Attempted: 100, Opened: 90, Connected: 90, Joined: 89, AtEnd: 60, FailedDials: 10, FailedJoins: 1},
		CloseReasons: []metrics.CloseReason{
			{Side: "us", Code: 1000, Count: 60}, {Side: "peer", Code: 1006, Count: 4}, {Side: "peer", Code: 1008, Text: "quota", Count: 25},
		},
	}}
	f := funnel(r)
	for i, want := range []string{"", "", "10 failed dials in all, redials included", "", "1 failed join in all, rejoins included",
		`most frequent close by the service, apart from faults: 25 × 1008 "quota"`} {
		if got := f.Table.Rows[i].Cells[3].Sub; got != want {
			t.Errorf("%s: got %q, want %q", f.Table.Rows[i].Cells[0].Text, got, want)
		}
		if want != "" && !strings.Contains(string(f.SVG), "; "+strings.ReplaceAll(want, `"`, "&#34;")+"</title>") {
			t.Errorf("hovering does not tell %q", want)
		}
	}
}

// What ended connections in the end is not what ended them for a moment.
func TestLostAtEnd(t *testing.T) {
	const most = "most frequent close by the service, apart from faults: "
	restarted := metrics.CloseReason{Side: "peer", Code: 1001, Text: "restart", Count: 1000}
	quota := metrics.CloseReason{Side: "peer", Code: 1008, Text: "quota", Count: 3}
	more := func(c metrics.CloseReason, n uint64) metrics.CloseReason { c.Count += n; return c }
	for _, row := range []struct {
		name     string
		closes   []metrics.CloseReason
		faults   []metrics.CloseReason
		coverage *metrics.Coverage
		want     string
	}{
		{name: "nobody closed"},
		{name: "only we did", closes: []metrics.CloseReason{{Side: "us", Code: 1000, Count: 9}}},
		{name: "no close frame", closes: []metrics.CloseReason{{Side: "peer", Count: 29}}, want: most + "29 × no close frame"},
		{name: "no close frame, with a text", closes: []metrics.CloseReason{{Side: "peer", Text: "EOF", Count: 4}}, want: most + `4 × no close frame: "EOF"`},
		{name: "a fault, and a quota", closes: []metrics.CloseReason{restarted, quota}, faults: []metrics.CloseReason{restarted}, want: most + `3 × 1008 "quota"`},
		{name: "a fault only", closes: []metrics.CloseReason{restarted}, faults: []metrics.CloseReason{restarted}},
		{name: "as a fault does, and more often", closes: []metrics.CloseReason{more(restarted, 7), quota}, faults: []metrics.CloseReason{restarted}, want: most + `7 × 1001 "restart"`},
		{name: "a fault of ours, the close of the service", closes: []metrics.CloseReason{quota}, faults: []metrics.CloseReason{{Side: "us", Code: 1008, Text: "quota", Count: 3}}, want: most + `3 × 1008 "quota"`},
		{name: "a lost process", closes: []metrics.CloseReason{restarted}, coverage: &metrics.Coverage{Processes: 4, LostProcesses: 1, Connections: 100, LostConnections: 25},
			want: "25 were in the lost process"},
		{name: "lost processes", coverage: &metrics.Coverage{Processes: 4, LostProcesses: 2, Connections: 100, LostConnections: 50}, want: "50 were in the lost processes"},
	} {
		t.Run(row.name, func(t *testing.T) {
			r := &metrics.Run{Incidents: []metrics.Incident{{Closes: row.faults}}}
			r.Connections.CloseReasons, r.Totals.Coverage = row.closes, row.coverage
			if got := lostAtEnd(r); got != row.want {
				t.Errorf("got %q, want %q", got, row.want)
			}
		})
	}
}
