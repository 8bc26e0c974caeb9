package report

import (
	"bytes"
	"math"
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
		{metrics.Incident{Outcomes: metrics.IncidentOutcomes{Resumed: 3, NewConnection: 2}}, ""},
		{metrics.Incident{Outcomes: metrics.IncidentOutcomes{GaveUp: 1}}, "1 gave up recovering and connected anew"},
		{metrics.Incident{Outcomes: metrics.IncidentOutcomes{Overflow: 1, Open: 2}}, "1 had more waiting than a service keeps (1 000 messages, 16 MiB) and connected anew, 2 still out at the end"},
		{metrics.Incident{Outcomes: metrics.IncidentOutcomes{HitAgain: 2, Held: 1}, Missed: 4}, "2 hit again before they had caught up, 1 misbehaved and was not dropped, 4 had no transport to lose"},
	} {
		if got := otherOutcomes(&row.inc, textNumbers); got != row.want {
			t.Errorf("got %q, want %q", got, row.want)
		}
	}
	closes := []metrics.CloseReason{
		{Side: "us", Text: "connection reset on purpose", Count: 9}, {Side: "peer", Code: 1008, Text: "The connection could not be recovered.", Count: 1500},
		{Side: "peer", Text: "EOF", Count: 4}, {Side: "peer", Code: 1000, Count: 2}, {Side: "peer", Code: 1001, Text: "bye", Count: 1}, {Side: "peer", Code: 1011, Count: 1},
	}
	for _, row := range []struct {
		closes []metrics.CloseReason
		want   string
	}{
		{closes[:1], ""},
		{closes[:3], "closed by the service: 1 500 × 1008 \"The connection could not be recovered.\", 4 × no close frame: \"EOF\""},
		{[]metrics.CloseReason{{Side: "peer", Count: 4}}, "closed by the service: 4 × no close frame"},
		{closes, "closed by the service: 1 500 × 1008 \"The connection could not be recovered.\", 4 × no close frame: \"EOF\", 2 × 1000, 2 others"},
	} {
		if got := peerCloses(&metrics.Incident{Closes: row.closes}, textNumbers); got != row.want {
			t.Errorf("got %q, want %q", got, row.want)
		}
	}
	r := violatedRun(t)
	r.Incidents[0].Outcomes.Open = 7
	r.Incidents[0].Closes = closes[1:2]
	r.Incidents[0].ID, r.Incidents[0].Kind = "stall", "slow-reader"
	r.Connections.Budget = &metrics.Budget{Peak: metrics.BudgetPeak{UnackedMessages: 1000, UnackedBytes: 320_000, AcksInFlight: 16}, Limit: metrics.ServiceBudget, SelfInflicted: 3}
	var b bytes.Buffer
	must(t, WriteText(&b, r, TextOptions{Width: 80, UTF8: true}))
	for _, want := range []string{"7 still out at the end", "closed by the service: 1 500 × 1008 \"The connection could not be recovered.\"", "stall slow-reader", "320 kB of 16 MiB"} {
		if !strings.Contains(strings.Join(strings.Fields(b.String()), " "), strings.Join(strings.Fields(want), " ")) {
			t.Errorf("the summary does not say %q:\n%s", want, b.String())
		}
	}
}

// The page says the same, and that the service has closed connections for want of our acks.
func TestOutcomesOnPage(t *testing.T) {
	r := violatedRun(t)
	in := &r.Incidents[0]
	in.ID, in.Outcomes.Overflow = "mute", 3
	in.Closes = []metrics.CloseReason{{Side: "peer", Code: 1008, Text: "The reliable message buffer is full.", Count: 3}}
	r.Connections.Budget = &metrics.Budget{Limit: metrics.ServiceBudget, SelfInflicted: 3}
	page := renderHTML(t, r)
	for _, want := range []string{
		"<p>mute: 3 had more waiting than a service keeps (1 000 messages, 16 MiB) and connected anew; closed by the service: 3 × 1008 &#34;The reliable message buffer is full.&#34;</p>",
		"<li>3 drops of our own doing: our sequenceAcks came too late</li>",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
}

// The bands of a recovery, laid end to end, are as long as the outage: what counts from
// the open socket on does not count twice.
func TestStageBandsAddUp(t *testing.T) {
	stages := func(micros map[string]int64) metrics.Incident {
		inc := metrics.Incident{Stages: map[string]*metrics.StageSummary{}}
		for name, us := range micros {
			inc.Stages[name] = &metrics.StageSummary{P50: &us, N: 1}
		}
		return inc
	}
	for _, row := range []struct {
		name string
		inc  metrics.Incident
		want float64
	}{
		{"resumed", stages(map[string]int64{"detect": 100, "backoff": 1000, "tcp": 20, "upgrade": 30, "connected": 5, "first_data": 400, "catch_up": 900}), 2050},
		{"nothing came", stages(map[string]int64{"detect": 100, "backoff": 1000, "tcp": 20, "upgrade": 30, "catch_up": 900}), 2050},
		{"new connection", stages(map[string]int64{"detect": 100, "backoff": 1000, "tcp": 20, "upgrade": 30, "rejoin": 200, "catch_up": 200}), 1350},
		{"data beside the join", stages(map[string]int64{"backoff": 1000, "rejoin": 200, "first_data": 150, "catch_up": 210}), 1210},
	} {
		sum := 0.0
		for _, band := range stageBands {
			sum += bandMicros(row.inc, band.keys, band.within)
		}
		if sum != row.want {
			t.Errorf("%s: %v µs, want %v", row.name, sum, row.want)
		}
	}
}

// Whoever has caught up counts from its own drop: the bands of the timeline end where the
// clock says, not where the first drop would have it.
func TestCaughtUpAt(t *testing.T) {
	shares := map[string]*float64{"p50": new(0.3), "p99": new(0.8), "p100": new(0.9)}
	for _, row := range []struct {
		name      string
		inc       metrics.Incident
		half, all float64
	}{
		{"at once", metrics.Incident{StartS: 10, EndS: new(10.9), CaughtUpS: shares}, 10.3, 10.8},
		{"dropped five seconds into its misbehaviour", metrics.Incident{StartS: 10, EndS: new(15.9), CaughtUpS: shares}, 15.3, 15.8},
		{"some are still out", metrics.Incident{StartS: 10, CaughtUpS: map[string]*float64{"p50": new(0.3)}}, 10.3, -1},
	} {
		half, _ := caughtUpAt(&row.inc, "p50")
		all, ok := caughtUpAt(&row.inc, "p99")
		if !ok {
			all = -1
		}
		if math.Abs(half-row.half) > 1e-9 || math.Abs(all-row.all) > 1e-9 {
			t.Errorf("%s: half after %v, nearly all after %v; want %v and %v", row.name, half, all, row.half, row.all)
		}
	}
}
