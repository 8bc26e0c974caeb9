package runner

import (
	"slices"
	"testing"
	"time"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/wire"
	"github.com/wpsbench/wpsbench/wire/emulator"
)

// A client that reads nothing answers no ping, so the service gives it up and, half a
// minute later, its session, too. When it reads again it finds what the service sent long
// ago: no sign of life, and the refusal is right.
func TestSlowReaderIsSilent(t *testing.T) {
	for _, row := range []struct{ name, faults string }{
		{"until it reads again", "{name: F1, at: 5s, population: listeners, hit: 1, kind: slow-reader, lasts: 100s}"},
		{"hit again before it does", "{name: F1, at: 5s, population: listeners, hit: 1, kind: slow-reader, lasts: 90s}, " +
			"{name: F2, at: 90s, population: listeners, hit: 1, kind: stop-acking, lasts: 15s}"},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := world{seed: 1, link: wire.Link{Delay: time.Millisecond}, text: `name: silence
groups: {room: {count: 1}}
populations:
  speakers: {connections: 2, join: {room: 1}, publish: {to: room, rate: 1/s, size: 80}}
  listeners: {connections: 1, join: {room: 1}}
faults: [` + row.faults + `]
phases: {steady: 120s, drain: 1m}
`}
			w.options.KeepAlive = 5 * time.Second // oftener than the client says something by itself
			rec, stats := simulate(t, w)
			wantHonest(t, w, rec)
			if f := rec.Connections.Funnel; f.RefusedRecovery != 1 || stats.Expired != 1 {
				t.Errorf("%d recoveries were refused and %d sessions expired, want 1 and 1", f.RefusedRecovery, stats.Expired)
			}
		})
	}
}

// A client that acknowledges nothing reads all the same: until the service gives it up it
// hears of it, so a refusal right after that is a broken promise, however long the fault
// has lasted.
func TestStopAckingIsNotSilent(t *testing.T) {
	rec, stats := simulate(t, world{
		seed: 1, link: wire.Link{Delay: time.Millisecond},
		options: emulator.Options{ReplayMessages: 100, AbortOnOverflow: true}, // less than is promised, and without a word
		text: `name: unacknowledged
groups: {room: {count: 1}}
populations:
  speakers: {connections: 2, join: {}, publish: {to: room, rate: 1/s, size: 80}}
  listeners: {connections: 1, join: {room: 1}}
faults: [{name: F1, at: 5s, population: listeners, hit: 1, kind: stop-acking, lasts: 100s}]
phases: {steady: 120s, drain: 1m}
`})
	if f := rec.Connections.Funnel; f.RefusedRecovery != 1 || stats.Overflows != 1 {
		t.Errorf("%d recoveries were refused and %d clients overflowed, want 1 and 1", f.RefusedRecovery, stats.Overflows)
	}
	accused := func(c metrics.CheckResult) bool { return c.ID == "C1" && c.Violations == 1 }
	if !slices.ContainsFunc(rec.Checks, accused) {
		t.Errorf("nothing accuses the service of the refusal: %+v", rec.Checks)
	}
}
