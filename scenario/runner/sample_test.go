package runner

import (
	"strings"
	"testing"
	"time"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/wire"
	"github.com/wpsbench/wpsbench/wire/emulator"
)

const sampleScenario = `name: sample
groups:
  room: {count: 2}
populations:
  members:
    connections: 24
    connect_rate: 100/s
    join: {room: 1}
    publish: {to: room, rate: 2/s, size: 80}
faults:
  - {name: F, at: 5s, population: members, hit: 50%, kind: rst}
phases: {steady: 20s, drain: 1m}
checks: {pairs: 72}
`

// TestSampledRun: with more pairs than there may be a run judges a sample of its
// subscribers message by message, says so, and counts every copy all the same.
func TestSampledRun(t *testing.T) {
	for _, row := range []struct {
		name string
		lie  emulator.Lie
		says string // the check that tells
		by   func(told uint64) (least, most uint64)
	}{
		{name: "honest"},
		// Of 288 pairs 72 are judged: a quarter of what is told is seen.
		{name: "swap", lie: emulator.LieSwap, says: "R6", by: func(told uint64) (uint64, uint64) { return 1, told / 2 }},
		{name: "drop", lie: emulator.LieDrop, says: "R4", by: func(told uint64) (uint64, uint64) { return told, told }},
		{name: "duplicate", lie: emulator.LieDuplicate, says: "R5", by: func(told uint64) (uint64, uint64) { return told, told }},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := world{seed: 1, text: sampleScenario, link: wire.Link{Delay: time.Millisecond, Jitter: 5 * time.Millisecond}}
			if row.says != "" {
				w.options.Lies[row.lie] = emulator.Share{N: 1, Of: 50}
			}
			rec, stats := simulate(t, w)
			wantAddsUp(t, rec)
			told := stats.Lies[row.lie.String()]
			d := rec.Totals.Deliveries
			lost := uint64(0)
			if row.lie == emulator.LieDrop && row.says != "" {
				lost = told
			}
			if d.Lost != lost || d.Delivered != d.Expected-lost || d.Undelivered+d.Excused.Total() > 0 {
				t.Errorf("deliveries %+v, want %d lost and all others delivered", d, lost)
			}
			for _, c := range rec.Checks {
				if c.ID != row.says && c.Violations > 0 {
					t.Errorf("%s has %d violations: %s", c.ID, c.Violations, c.Reason)
				}
				if c.ID == row.says {
					least, most := row.by(told)
					if c.Violations < least || c.Violations > most || told == 0 {
						t.Errorf("%s has %d violations, told %d; want from %d to %d", c.ID, c.Violations, told, least, most)
					}
				}
				if strings.Contains("R4 R5 R6", c.ID) && (c.CoverageRatio != 0.25 || !strings.Contains(c.Reason, "a sample: 6 of 24 subscribers")) {
					t.Errorf("%s covers %.3f: %q", c.ID, c.CoverageRatio, c.Reason)
				}
			}
			in := rec.Incidents[0]
			if row.name == "drop" {
				return // whoever misses what was dropped has not caught up
			}
			if want := (metrics.IncidentOutcomes{Resumed: 12}); in.Outcomes != want || in.CaughtUpS["p100"] == nil {
				t.Errorf("%+v, all caught up after %v; want all of 12", in.Outcomes, in.CaughtUpS["p100"])
			}
		})
	}
}

// TestSampledDrain: where copies are only counted, one that came twice does not stand for
// one that is still on its way: the run waits for it.
func TestSampledDrain(t *testing.T) {
	text, _, _ := strings.Cut(strings.Replace(sampleScenario, "size: 80", "ack: false, size: 80", 1), "faults:")
	w := world{seed: 1, text: text + "phases: {steady: 20s, drain: 1m}\nchecks: {pairs: 72}\n", link: wire.Link{Jitter: 300 * time.Millisecond}}
	w.options.Lies[emulator.LieDuplicate] = emulator.Share{N: 1, Of: 50}
	rec, stats := simulate(t, w)
	wantAddsUp(t, rec)
	told := stats.Lies[emulator.LieDuplicate.String()]
	if d := rec.Totals.Deliveries; told == 0 || d.Duplicated != told || d.Delivered != d.Expected {
		t.Errorf("deliveries %+v, want all delivered and %d of them twice", d, told)
	}
}
