package report

import (
	"strings"
	"testing"

	"github.com/wpsbench/wpsbench/metrics"
)

// Where connections are lost the funnel tells what most of them met; where none are, nothing.
func TestFunnelTellsWhy(t *testing.T) {
	c := &metrics.Connections{
		Funnel: metrics.Funnel{Planned: 100, Attempted: 100, Opened: 90, Connected: 90, Joined: 89, AtEnd: 60, FailedDials: 10, FailedJoins: 1},
		CloseReasons: []metrics.CloseReason{
			{Side: "us", Code: 1000, Count: 60}, {Side: "peer", Code: 1006, Count: 4}, {Side: "peer", Code: 1008, Text: "quota", Count: 25},
		},
	}
	f := funnel(c)
	for i, want := range []string{"", "", "10 failed dials", "", "1 failed join", "25 closed by the peer with 1008 quota"} {
		if got := f.Table.Rows[i].Cells[3].Sub; got != want {
			t.Errorf("%s: got %q, want %q", f.Table.Rows[i].Cells[0].Text, got, want)
		}
		if want != "" && !strings.Contains(string(f.SVG), "; "+want+"</title>") {
			t.Errorf("hovering does not tell %q", want)
		}
	}
	c.CloseReasons = []metrics.CloseReason{{Side: "peer", Count: 29}}
	if got, want := funnel(c).Table.Rows[5].Cells[3].Sub, "29 closed by the peer without a close frame"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
