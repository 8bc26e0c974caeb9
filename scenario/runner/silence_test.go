package runner

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/scenario"
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

// What a slow reader finds when it reads again was sent while it did not: that is no sign of
// life of a service that has given it up meanwhile.
func TestSlowReaderReadsLate(t *testing.T) {
	for _, row := range []struct {
		name string
		world
	}{
		{"it is owed nothing more, because those who had more to say were cut off themselves", world{
			seed: 4106, link: wire.Link{Delay: 35 * time.Millisecond, Jitter: 25 * time.Millisecond, Lifetime: 83 * time.Second, Silent: 0.3},
			options: emulator.Options{KeepAlive: 5 * time.Second, Delay: 7 * time.Millisecond, AckDelay: 200 * time.Millisecond},
			text: `name: silence
seed: 2403062218
protocol: protobuf.reliable.webpubsub.azure.v1
groups: {room: {count: 2}}
populations:
  members:
    connections: 3
    connect_rate: 100/s
    join: {room: 1}
    publish: {to: room, rate: 4/s, arrival: poisson, size: 416, no_echo: true, data_type: json}
phases: {warmup: 2s, steady: 47s, drain: 2m}
faults: [{name: F0, at: 14s, population: members, hit: 98%, kind: slow-reader, lasts: 30s}]
`,
		}},
		{"it is slow again before it is dropped", world{
			seed: 111351, link: wire.Link{Delay: 26 * time.Millisecond, Jitter: 43 * time.Millisecond, Lifetime: 76 * time.Second, Silent: 1},
			options: emulator.Options{ConnectedOnRecovery: true, KeepAlive: 5 * time.Second, Delay: 7 * time.Millisecond, AckDelay: 200 * time.Millisecond},
			text: `name: silence
seed: 2843573361
protocol: json.reliable.webpubsub.azure.v1
groups: {room: {count: 3}}
populations:
  members:
    connections: 8
    connect_rate: 100/s
    join: {room: 1}
    publish: {to: room, rate: 1/s, arrival: constant, size: 1579, ack: true, no_echo: false, data_type: text}
phases: {warmup: 2s, steady: 57s, drain: 2m}
faults:
  - {name: F0, at: 6s, population: members, hit: 99%, kind: slow-reader, lasts: 31s}
  - {name: F1, at: 52s, population: members, hit: 83%, kind: slow-reader, lasts: 1s}
  - {name: F2, at: 46s, population: members, hit: 10%, kind: fin}
`,
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			rec, stats := simulate(t, row.world)
			wantHonest(t, row.world, rec)
			if f := rec.Connections.Funnel; f.RefusedRecovery == 0 || stats.Expired == 0 {
				t.Errorf("%d recoveries were refused and %d sessions expired, want some", f.RefusedRecovery, stats.Expired)
			}
		})
	}
}

// Whatever has happened to a session before, the refusal of its recovery is a broken promise
// once the service surely has it and all acknowledgements.
func TestRefusalAfterwards(t *testing.T) {
	t.Parallel()
	const phases = "phases: {warmup: 1s, steady: 45s, drain: 2m}\n"
	for _, row := range []struct {
		name, populations, faults string
		hit                       []string // populations that are reset
		want                      uint64
	}{
		{"a burst", "subs: {connections: 3, connect_rate: 1000/s, join: {room: 1}}\n" +
			"  pubs: {connections: 1, protocol: json.webpubsub.azure.v1, publish: {to: room, rate: 100/s, arrival: {burst: 1500, within: 300ms}, size: 100}}", "", []string{"subs"}, 3},
		{"a slow reader whom nobody writes to", "subs: {connections: 3, connect_rate: 1000/s, join: {room: 1}}\n" +
			"  pubs: {connections: 3, connect_rate: 1000/s, publish: {to: room, rate: 5/s, ack: true, size: 100}}",
			"{name: A, at: 1s, kind: slow-reader, population: pubs, hit: 100%, lasts: 2s}, ", []string{"subs", "pubs"}, 6},
		{"a refused close of all users", "members: {connections: 6, connect_rate: 1000/s, join: {room: 1}, publish: {to: room, rate: 2/s, ack: true, size: 100}}",
			"{name: A, at: 1s, kind: rest-close, by: user, population: members, hit: 100%}, ", []string{"members"}, 6},
		{"a refused close of the group", "members: {connections: 6, connect_rate: 1000/s, join: {room: 1}, publish: {to: room, rate: 2/s, ack: true, size: 100}}",
			"{name: A, at: 1s, kind: rest-close, by: group, population: members, hit: 100%}, ", []string{"members"}, 6},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			text := "name: afterwards\nprotocol: json.reliable.webpubsub.azure.v1\ngroups: {room: {count: 1}}\npopulations:\n  " + row.populations + "\n" + phases +
				"faults: [" + row.faults
			for i, population := range row.hit {
				text += fmt.Sprintf("{name: Y%d, at: 38s, kind: rst, population: %s, hit: 100%%}, ", i, population)
			}
			text += "{name: Z, at: 38s, kind: restart, lasts: 1s, keeps_sessions: true}]\n"
			cfg, server := configIn(t, planOf(t, text), wire.Link{Delay: time.Millisecond}, 1, emulator.Options{})
			defer func() { _ = server.Close() }()
			if cfg.Target.REST != nil {
				cfg.Target.REST.Client = &http.Client{Transport: atOnce{server}}
				cfg.Target.REST.Service.AccessKey = strings.Repeat("x", 40)
			}
			cfg.Target.Restart = func(context.Context, *scenario.Fault) (string, error) {
				return fmt.Sprint(server.Restart(false), " closed"), nil // it does not keep them
			}
			rec, err := Run(t.Context(), t.Context(), cfg)
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range rec.Checks {
				if c.ID == "C1" && c.Violations != row.want {
					t.Errorf("C1 has %d violations, want %d", c.Violations, row.want)
				}
			}
		})
	}
}

// A slow reader whose user is closed meanwhile finds that out when it reads again, if it
// finds it out: the refusal of its recovery is right.
func TestSlowReaderClosed(t *testing.T) {
	for seed := range uint64(40) {
		w := world{
			seed: seed, link: wire.Link{Delay: 50 * time.Millisecond, Jitter: 26 * time.Millisecond, Lifetime: 40 * time.Second},
			text: `name: closed
groups: {room: {count: 2}}
populations:
  members: {connections: 6, connect_rate: 100/s, join: {room: 2}, publish: {to: room, rate: 4/s, ack: true, size: 128}}
phases: {warmup: 2s, steady: 30s, drain: 2m}
faults:
  - {name: F0, at: 4s, population: members, hit: 100%, kind: slow-reader, lasts: 14s}
  - {name: F1, at: 9s, population: members, hit: 100%, kind: rest-close, by: user}
`}
		w.options = emulator.Options{KeepAlive: 5 * time.Second, AckDelay: 200 * time.Millisecond}
		if rec, _ := simulate(t, w); rec != nil {
			wantHonest(t, w, rec)
		}
	}
}
