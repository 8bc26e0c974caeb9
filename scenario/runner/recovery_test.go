package runner

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/scenario"
	"github.com/wpsbench/wpsbench/wire"
	"github.com/wpsbench/wpsbench/wire/emulator"
)

// recoveryText has five members of one room who talk to each other; two are hit.
const recoveryText = `name: recovery
groups: {room: {count: 1}}
populations:
  members:
    connections: 5
    connect_rate: 100/s
    join: {room: 1}
    publish: {to: room, rate: 40/s, size: 80}
phases: {steady: 40s, drain: 1m}
faults:
`

// barred answers the first attempts of each session to recover with 503, which is no verdict.
func barred(attempts int) func(string) int {
	var mu sync.Mutex
	made := map[string]int{}
	return func(id string) int {
		mu.Lock()
		defer mu.Unlock()
		if made[id]++; made[id] <= attempts {
			return http.StatusServiceUnavailable
		}
		return 0
	}
}

// A session ends for one cause, and what it costs is put down to that alone: the copies
// that its client missed, and those of its own publishes that were not answered.
func TestOneEndOneCause(t *testing.T) {
	overflow := func(e *metrics.Excused) *uint64 { return &e.Overflow }
	ended := func(e *metrics.Excused) *uint64 { return &e.SessionEnded }
	for _, tt := range []struct {
		name    string
		fault   string
		options emulator.Options
		want    func(e *metrics.Excused) *uint64
	}{
		// At 200 messages/s a thousand wait after five seconds; the recovery comes after twelve.
		{"overflow in an outage", "kind: rst", emulator.Options{RefuseRecovery: barred(11)}, overflow},
		{"overflow without a word", "kind: rst", emulator.Options{RefuseRecovery: barred(11), AbortOnOverflow: true}, overflow},
		{"overflow while attached", "kind: stop-acking, lasts: 10s", emulator.Options{}, overflow},
		{"overflow while attached, without a word", "kind: stop-acking, lasts: 10s", emulator.Options{AbortOnOverflow: true}, overflow},
		{"the service keeps it for less", "kind: rst", emulator.Options{RefuseRecovery: barred(3), RecoveryWindow: time.Second}, ended},
		{"the client gives up", "kind: rst", emulator.Options{RefuseRecovery: barred(100), ReplayMessages: 100_000}, ended},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := world{
				seed: 1, text: recoveryText + "  - {name: F, at: 3s, population: members, hit: 2, " + tt.fault + "}\n",
				link: wire.Link{Delay: 5 * time.Millisecond}, options: tt.options,
			}
			rec, _ := simulate(t, w)
			wantAddsUp(t, rec)
			e := rec.Totals.Deliveries.Excused
			missed := *tt.want(&e)
			if others := e.Total() - missed; missed == 0 || others != 0 {
				t.Errorf("excused %+v: want all of one cause", e)
			}
			if d := rec.Totals.Deliveries; d.Lost+d.Undelivered != 0 {
				t.Errorf("deliveries %+v", d)
			}
		})
	}
}

// A subscriber has recovered once everything has come that is owed to it. Publishers that
// were cut off at the same moment hold it up neither by what they may have lost nor by what
// they could not send, whether they come back late or not at all.
func TestRecoveryWaitsForWhatIsOwed(t *testing.T) {
	const text = `name: owed
groups: {room: {count: 1}}
populations:
  pubs:
    protocol: %s
    connections: 10
    connect_rate: 100/s
    publish: {to: room, rate: 4/s, arrival: %s, size: 80, ack: %t}
    client: {reconnect: {base: 20s, max: 20s, jitter: none}, recovery: {pause: 10s}}
  subs:
    connections: 5
    connect_rate: 100/s
    join: {room: 1}
phases: {steady: %s, drain: 1m}
faults:
  - {name: P, at: 9500ms, population: pubs, hit: 100%%, kind: %s}
  - {name: S, at: 9510ms, population: subs, hit: 100%%, kind: rst}
`
	for _, protocol := range []string{scenario.ProtocolJSONReliable, scenario.ProtocolJSON} {
		for _, ack := range []bool{true, false} {
			for i, steady := range []string{"40s", "10s"} { // with the end close by nothing comes later
				for _, kind := range []string{"rst", "zombie"} {
					name := fmt.Sprintf("%s/ack=%t/%s/%s", strings.TrimSuffix(protocol, ".webpubsub.azure.v1"), ack, steady, kind)
					t.Run(name, func(t *testing.T) {
						arrival := []string{"poisson", "constant"}[i]
						w := world{seed: 1, text: fmt.Sprintf(text, protocol, arrival, ack, steady, kind), link: wire.Link{Delay: 100 * time.Millisecond}}
						if protocol == scenario.ProtocolJSONReliable {
							w.options.RefuseRecovery = firstBarred(10)
						}
						rec, _ := simulate(t, w)
						wantHonest(t, w, rec)
						s := rec.Incidents[1]
						if s.ID != "S" || s.Outcomes != (metrics.IncidentOutcomes{Resumed: 5}) {
							t.Fatalf("%s: %+v, want 5 resumed", s.ID, s.Outcomes)
						}
						if longest := time.Duration(*s.Stages["recovery"].Max) * time.Microsecond; longest > 1500*time.Millisecond {
							t.Errorf("the last one had recovered after %s", longest)
						}
					})
				}
			}
		}
	}
}

// firstBarred answers the first attempt of so many sessions to recover with 503.
func firstBarred(sessions int) func(string) int {
	var mu sync.Mutex
	seen := map[string]bool{}
	return func(id string) int {
		mu.Lock()
		defer mu.Unlock()
		if seen[id] || len(seen) == sessions {
			return 0
		}
		seen[id] = true
		return http.StatusServiceUnavailable
	}
}
