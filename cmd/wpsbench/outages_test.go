package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/report"
	"github.com/wpsbench/wpsbench/scenario"
	"github.com/wpsbench/wpsbench/scenario/runner"
	"github.com/wpsbench/wpsbench/wire"
	"github.com/wpsbench/wpsbench/wire/emulator"
)

// outage cuts three of twelve members, who each get 120 messages a second.
const outage = `name: outage
protocol: json.reliable.webpubsub.azure.v1
groups:
  room: {count: 1}
populations:
  members:
    connections: 12
    join: {room: 1}
    publish: {to: room, rate: 10/s, size: 100}
phases: {steady: 60s, drain: 35s}
faults: [{name: cut, at: 10s, population: members, hit: 3, kind: rst}]
`

// runOutage runs it on simulated links: recoveries are answered with 503, which is no
// verdict (protocol.md 4.5), as long as the service is out of reach.
func runOutage(t *testing.T, outOfReach time.Duration, profile metrics.Profile, o emulator.Options, set ...string) (*metrics.Run, emulator.Stats) {
	t.Helper()
	s, err := scenario.Parse("outage.yaml", []byte(outage), scenario.Options{Set: set})
	if err != nil {
		t.Fatal(err)
	}
	sim := wire.NewSimulation(wire.Link{Delay: 5 * time.Millisecond}, 1)
	o.Simulation = sim
	var first time.Duration
	o.RefuseRecovery = func(string) int {
		if first == 0 {
			first = sim.Now()
		}
		if sim.Now() < first+outOfReach {
			return 503
		}
		return 0
	}
	server, err := emulator.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = server.Close() }()
	cs, err := wire.ParseConnectionString(server.ConnectionString())
	if err != nil {
		t.Fatal(err)
	}
	plan := s.Plan()
	rec, err := runner.Run(t.Context(), t.Context(), runner.Config{
		Plan: plan, Target: runner.ConnectionStringTarget(cs, "bench", "", plan), Dialer: &wire.Dialer{Simulation: sim},
		Workers: 1, RunID: 1, Profile: profile,
	})
	if err != nil {
		t.Fatal(err)
	}
	return rec, server.Stats()
}

// summaryOf is what the terminal says, its blanks single.
func summaryOf(t *testing.T, rec *metrics.Run) string {
	t.Helper()
	var b bytes.Buffer
	if err := report.WriteText(&b, rec, report.TextOptions{UTF8: true}); err != nil {
		t.Fatal(err)
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// TestLossBesideDrops: on the plain subprotocol what a drop costs is excused, and what the
// service leaves out of a connection that stands is lost: as much as it says.
func TestLossBesideDrops(t *testing.T) {
	// Of so few none falls among what was under way when a connection dropped: that is excused.
	for _, lie := range []int{0, 997} {
		var o emulator.Options
		if lie > 0 {
			o.Lies[emulator.LieDrop] = emulator.Share{N: 1, Of: lie}
		}
		rec, stats := runOutage(t, 0, metrics.Strict, o, "protocol=json.webpubsub.azure.v1", "phases.steady=20s")
		told := stats.Lies[emulator.LieDrop.String()]
		d := rec.Totals.Deliveries
		if d.Lost != told || (lie > 0) != (told > 0) || d.Excused.Disconnect == 0 || d.Excused.Disconnect != d.Excused.Total() || d.Undelivered > 0 {
			t.Errorf("one in %d left out: deliveries %+v, told %d", lie, d, told)
		}
		for _, c := range rec.Checks {
			if want := map[string]uint64{"N3": told}[c.ID]; c.Violations != want {
				t.Errorf("one in %d left out: %s has %d violations, want %d", lie, c.ID, c.Violations, want)
			}
		}
		text := summaryOf(t, rec)
		for _, want := range []string{
			fmt.Sprintf("lost %d duplicated 0", told), fmt.Sprintf("excused %d (disconnect)", d.Excused.Disconnect), "cut rst 3 0 3 0",
			map[bool]string{false: "PASSED: delivery only", true: fmt.Sprintf("VIOLATED: %d messages lost", told)}[lie > 0],
		} {
			if !strings.Contains(text, want) {
				t.Errorf("one in %d left out: the summary does not say %q:\n%s", lie, want, text)
			}
		}
	}
}

// TestOutageStories: what keeps a session out is told for what it is, in the record and to
// whoever reads the terminal.
func TestOutageStories(t *testing.T) {
	const refused = "closed by the service: 3 × 1008 \"The connection could not be recovered.\""
	for _, row := range []struct {
		name       string
		outOfReach time.Duration
		profile    metrics.Profile
		options    emulator.Options
		set        []string

		outcomes metrics.IncidentOutcomes
		verdict  string
		checks   map[string]string // those that are neither ok nor not exercised, and C1
		told     []string
		missing  func(d *metrics.Deliveries) bool
	}{
		{
			name: "detached for longer than the window", outOfReach: 45 * time.Second, profile: metrics.Strict,
			outcomes: metrics.IncidentOutcomes{GaveUp: 3}, verdict: metrics.ResultPass, checks: map[string]string{"C1": metrics.CheckNotExercised},
			told:    []string{"cut rst 3 0 0 0 30.", "3 gave up recovering and connected anew", "(session ended)", "not exercised R2 R3 P2 P3 G2 C1", "PASSED"},
			missing: func(d *metrics.Deliveries) bool { return d.Excused.SessionEnded == d.Excused.Total() },
		},
		{
			name: "over 1,000 messages queued", outOfReach: 15 * time.Second, profile: metrics.Strict,
			outcomes: metrics.IncidentOutcomes{Overflow: 3}, verdict: metrics.ResultPass, checks: map[string]string{"C1": metrics.CheckOK},
			told:    []string{"cut rst 3 0 0 0 1", "3 had more waiting than a service keeps (1 000 messages, 16 MiB) and connected anew", refused, "(overflow)", "PASSED"},
			missing: func(d *metrics.Deliveries) bool { return d.Excused.Overflow > 3*1000 },
		},
		{
			name: "refused with 1008 within the window", outOfReach: 5 * time.Second, profile: metrics.Strict, options: emulator.Options{RecoveryWindow: 2 * time.Second},
			outcomes: metrics.IncidentOutcomes{NewConnection: 3}, verdict: metrics.ResultViolated, checks: map[string]string{"C1": metrics.CheckViolated},
			told: []string{
				"cut rst 3 0 3 0", refused, "(session ended)", "✕ C1 a recovery within 30 s is accepted: violated 3 of 3", "recovery refused 5.",
				"VIOLATED: 3 recoveries refused (first at t+15.",
			},
			missing: func(d *metrics.Deliveries) bool { return d.Excused.SessionEnded == d.Excused.Total() },
		},
		{
			name: "refused, and the written protocol leaves that open", outOfReach: 5 * time.Second, profile: metrics.Spec, options: emulator.Options{RecoveryWindow: 2 * time.Second},
			outcomes: metrics.IncidentOutcomes{NewConnection: 3}, verdict: metrics.ResultPass, checks: map[string]string{"C1": metrics.CheckOK},
			told:    []string{"cut rst 3 0 3 0", refused, "PASSED"},
			missing: func(d *metrics.Deliveries) bool { return d.Excused.SessionEnded == d.Excused.Total() },
		},
		{
			name: "still detached at the end of the drain", outOfReach: time.Hour, profile: metrics.Strict,
			set: []string{
				"populations={members: {connections: 12, join: {room: 1}, client: {recovery: {window: 10m}}}, speakers: {connections: 1, publish: {to: room, rate: 1/s}}}",
			},
			outcomes: metrics.IncidentOutcomes{Open: 3}, verdict: metrics.ResultInconclusive,
			checks: map[string]string{"C1": metrics.CheckNotExercised, "R4": metrics.CheckUnknown},
			told: []string{
				"cut rst 3 0 0 3 – – –", "3 still out at the end", "undelivered 150",
				"○ R4 every acknowledged message is delivered: unknown, 150 copies undelivered: subscribers were still detached at the end", "INCONCLUSIVE: R4 is unknown",
			},
			missing: func(d *metrics.Deliveries) bool { return d.Undelivered == 150 && d.Excused.Total() == 0 },
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			rec, _ := runOutage(t, row.outOfReach, row.profile, row.options, row.set...)
			if got := rec.Incidents[0].Outcomes; got != row.outcomes {
				t.Errorf("outcomes %+v, want %+v", got, row.outcomes)
			}
			d := rec.Totals.Deliveries
			if !row.missing(&d) || d.Lost+d.Duplicated+d.Reordered+d.Unexpected > 0 || d.Expected != d.Delivered+d.Undelivered+d.Excused.Total() {
				t.Errorf("deliveries %+v", d)
			}
			for _, c := range rec.Checks {
				want, named := row.checks[c.ID]
				if c.Result != want && (named || c.Result != metrics.CheckOK && c.Result != metrics.CheckNotExercised) {
					t.Errorf("%s is %s (%s), want %q", c.ID, c.Result, c.Reason, want)
				}
			}
			if rec.Verdict.Result != row.verdict {
				t.Errorf("%s, want %s", rec.Verdict.Headline, row.verdict)
			}
			text := summaryOf(t, rec)
			for _, want := range row.told {
				if !strings.Contains(text, strings.Join(strings.Fields(want), " ")) {
					t.Errorf("the summary does not say %q:\n%s", want, text)
				}
			}
		})
	}
}
