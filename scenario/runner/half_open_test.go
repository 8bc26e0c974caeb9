package runner

import (
	"testing"
	"time"

	"github.com/wpsbench/wpsbench/wire"
)

// TestHalfOpen: a link is cut without a word long before a fault of ours ends the
// transport. The service has kept the session since the cut, not since the fault, and
// not beyond a restart: its refusals are no broken promise.
func TestHalfOpen(t *testing.T) {
	const text = `name: half-open
groups:
  room: {count: 1}
populations:
  members:
    connections: 30
    connect_rate: 100/s
    join: {room: 1}
    publish: {to: room, rate: 1/5s, ack: false, size: 80}
    client: {idle_timeout: 2m}
phases: {steady: 3m, drain: 1m}
faults:
`
	for _, row := range []struct{ name, faults string }{
		{name: "rst", faults: "  - {name: F, at: 1s, every: 45s, population: members, hit: 100%, kind: rst}\n"},
		{name: "fin", faults: "  - {name: F, at: 1s, every: 45s, population: members, hit: 100%, kind: fin}\n"},
		{name: "close", faults: "  - {name: F, at: 1s, every: 45s, population: members, hit: 100%, kind: close, code: 1001}\n"},
		{name: "zombie", faults: "  - {name: F, at: 1s, every: 45s, population: members, hit: 100%, kind: zombie}\n"},
		{name: "restart, then zombie", faults: `  - {name: R, at: 10s, every: 20s, population: members, kind: restart, lasts: 1s}
  - {name: F, at: 15s, every: 20s, population: members, hit: 100%, kind: zombie}
`},
		{name: "REST close, while nobody reads", faults: `  - {name: S, at: 10s, every: 25s, population: members, hit: 100%, kind: slow-reader, lasts: 20s}
  - {name: F, at: 12s, every: 25s, population: members, hit: 100%, kind: rest-close}
`},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := world{seed: 1, text: text + row.faults, link: wire.Link{Delay: time.Millisecond, Jitter: 5 * time.Millisecond, Lifetime: time.Minute, Silent: 0.5}}
			rec, _ := simulate(t, w)
			wantHonest(t, w, rec)
			if rec.Connections.Funnel.RefusedRecovery == 0 {
				t.Error("no recovery was refused")
			}
		})
	}
}
