package runner

import (
	"os"
	"testing"
	"time"

	"github.com/wpsbench/wpsbench/wire"
)

// proofScenario makes 50 deliveries of each of 1,000 publishes a second for 1,020
// seconds, while a session is reset every 5 seconds and a fifth of all every 100.
const proofScenario = `name: proof
protocol: json.reliable.webpubsub.azure.v1
groups:
  room: {count: 20}
populations:
  members:
    connections: 1000
    connect_rate: 1000/s
    join: {room: 1}
    publish: {to: room, rate: 1/s, size: 64}
faults:
  - {name: R, at: 7s, every: 5s, for: 998s, population: members, hit: 1, kind: rst}
  - {name: S, at: 60s, every: 100s, for: 950s, population: members, hit: 20%, kind: rst}
phases: {steady: 1020s, drain: 2m}
`

// TestProofOfSilence: fifty million deliveries over 200 resets and 10 reconnect storms,
// and nobody is accused of anything (make proof).
func TestProofOfSilence(t *testing.T) {
	if os.Getenv("WPSBENCH_PROOF") == "" {
		t.Skip("takes minutes: make proof")
	}
	w := world{seed: 1, text: proofScenario, link: wire.Link{Delay: time.Millisecond, Jitter: 20 * time.Millisecond}}
	begun := time.Now()
	rec, stats := simulate(t, w)
	wantHonest(t, w, rec)
	resets, storms, hit := 0, 0, 0
	for _, in := range rec.Incidents {
		if in.Hit == 1 {
			resets++
		} else {
			storms++
		}
		hit += in.Hit
		if in.Outcomes.Resumed != in.Hit || in.CaughtUpS["p100"] == nil {
			t.Errorf("%s: %d hit, %+v; want all to be resumed and caught up", in.ID, in.Hit, in.Outcomes)
		}
	}
	d := rec.Totals.Deliveries
	if d.Delivered < 50_000_000 || d.Delivered != d.Expected || resets < 200 || storms < 10 {
		t.Errorf("%d of %d delivered, %d resets, %d storms", d.Delivered, d.Expected, resets, storms)
	}
	if stats.Deliveries != d.Delivered || stats.Publishes != rec.Totals.Publishes.Sent {
		t.Errorf("the emulator counts %d publishes and %d deliveries; the run %d and %d", stats.Publishes, stats.Deliveries, rec.Totals.Publishes.Sent, d.Delivered)
	}
	t.Logf("%d deliveries, %d replayed, %d resets, %d storms, %d sessions hit and back: no false alarm, in %s",
		d.Delivered, d.Replayed, resets, storms, hit, time.Since(begun).Round(time.Second))
}
