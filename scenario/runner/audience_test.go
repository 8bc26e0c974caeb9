package runner

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/wire"
	"github.com/wpsbench/wpsbench/wire/emulator"
)

// served has callers of the REST API that send to users, connections and everybody, and
// sessions of every kind that get it: 4 members, 2 with one user, 3 simple clients.
const served = `name: served
populations:
  members: {connections: 4, connect_rate: 1000/s}
  twins: {protocol: protobuf.webpubsub.azure.v1, connections: 2, connect_rate: 1000/s, users: twin}
  raw: {protocol: simple, connections: 3, connect_rate: 1000/s}
  notify: {protocol: rest, connections: 2, publish: {to: {user: members}, rate: 10/s, ttl: 60s, metadata: {trace: a1}}}
  call: {protocol: rest, connections: 1, publish: {to: {connection: members}, rate: 20/s, data_type: json}}
  tell: {protocol: rest, connections: 1, publish: {to: {user: twins}, rate: 10/s, data_type: binary}}
  shout: {protocol: rest, connections: 1, publish: {to: {all: true}, rate: 5/s}}
phases: {steady: 1s, drain: 30s}
`

// Whom a message over REST is for gets it, every session of it, and nobody else.
func TestAudiences(t *testing.T) {
	plan := planOf(t, served)
	rec, stats := execute(t, plan, emulator.Options{})
	wantAddsUp(t, rec)
	const published, copies = 20 + 20 + 10 + 5, 20 + 20 + 10*2 + 5*9
	p, d := rec.Totals.Publishes, rec.Totals.Deliveries
	if p.OK != published || stats.Publishes != published || d.Expected != copies || d.Delivered != copies || stats.Deliveries != copies {
		t.Errorf("publishes %+v, deliveries %+v, the target has %d and %d; want %d and %d",
			p, d, stats.Publishes, stats.Deliveries, published, copies)
	}
	if e := plan.Estimate(); e.Publishes != published || e.Deliveries != copies {
		t.Errorf("the plan estimates %d and %d", e.Publishes, e.Deliveries)
	}
	for i, want := range []uint64{20 + 20 + 5*4, 10*2 + 5*2, 5 * 3} {
		if pop := rec.Populations[i]; pop.Totals.Deliveries.Delivered != want {
			t.Errorf("%s got %d, want %d", pop.Name, pop.Totals.Deliveries.Delivered, want)
		}
	}
	for _, c := range rec.Checks {
		if c.Result == metrics.CheckViolated || c.Result == metrics.CheckUnknown {
			t.Errorf("check %s is %s: %s", c.ID, c.Result, c.Reason)
		}
	}
	if rec.Verdict.ExitCode != metrics.ExitPass {
		t.Errorf("exit %d: %s", rec.Verdict.ExitCode, rec.Verdict.Headline)
	}
}

// A session that comes back as a new connection is reached under its new id.
func TestAudiencesAfterDrops(t *testing.T) {
	for _, row := range []struct {
		name   string
		fault  string
		resume bool
	}{
		{"recovered", "kind: rst", true},
		{"new connection", "kind: close", false},
	} {
		t.Run(row.name, func(t *testing.T) {
			plan := planOf(t, served, "faults=[{name: F1, at: 200ms, population: members, hit: 100%, "+row.fault+"}]",
				"populations.members.client={reconnect: {base: 100ms, max: 1s}}", "phases.steady=2s")
			rec, _ := execute(t, plan, emulator.Options{})
			wantAddsUp(t, rec)
			d := rec.Totals.Deliveries
			if d.Lost+d.Undelivered+d.Duplicated+d.Unexpected != 0 || d.Expected-d.Delivered != d.Excused.SessionEnded {
				t.Errorf("deliveries %+v; only excused.session_ended may be missing", d)
			}
			if row.resume && d.Delivered != d.Expected {
				t.Errorf("delivered %d of %d through a recovery", d.Delivered, d.Expected)
			}
			// 40 to users, 40 to connections, 10 to each of the 4.
			if got := rec.Populations[0].Totals.Deliveries; got.Expected != 120 || got.Delivered < 100 {
				t.Errorf("members got %d of %d, want most of 120", got.Delivered, got.Expected)
			}
		})
	}
}

// liar stands in front of a service. What is for user-2 it drops, and answers as if it
// had not, or gives to everybody.
type liar struct {
	everybody bool
	key       string
	transport http.Transport
}

func (l *liar) RoundTrip(r *http.Request) (*http.Response, error) {
	switch {
	case !strings.Contains(r.URL.Path, "/users/user-2/"):
	case !l.everybody:
		return &http.Response{StatusCode: http.StatusAccepted, Body: http.NoBody, Request: r}, nil
	default:
		r = r.Clone(r.Context())
		r.URL.Path = "/api/hubs/bench/:send"
		token, err := wire.SignREST(l.key, r.URL.String(), time.Now())
		if err != nil {
			return nil, err
		}
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return l.transport.RoundTrip(r)
}

// A service that drops what is for a user, or gives it to everybody, is found out.
func TestAudiencesOfALiar(t *testing.T) {
	for _, row := range []struct {
		name      string
		everybody bool
		check     string
	}{
		{"drops", false, "R4"},
		{"tells everybody", true, "G3"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			server, err := emulator.Start(emulator.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = server.Close() }()
			// Without a time to live: what expires may be missing.
			plan := planOf(t, served, "populations.notify.publish={to: {user: members}, rate: 10/s}")
			cfg := configOf(t, plan, server.ConnectionString())
			l := &liar{everybody: row.everybody, key: cfg.Target.REST.Service.AccessKey}
			defer l.transport.CloseIdleConnections()
			cfg.Target.REST.Client = &http.Client{Transport: l}
			rec, err := Run(t.Context(), t.Context(), cfg)
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range rec.Checks {
				if (c.Result == metrics.CheckViolated) != (c.ID == row.check) {
					t.Errorf("check %s is %s with %d violations", c.ID, c.Result, c.Violations)
				}
			}
		})
	}
}

// Simple clients share their groups with clients of every subprotocol: each gets the
// payloads of all others, byte by byte and of the type they were sent as.
func TestSimpleClients(t *testing.T) {
	plan := planOf(t, strings.Replace(mixed(), "phases:", `  raw: {protocol: simple, connections: 4, connect_rate: 1000/s, join: {room: 1},
    publish: {to: room, rate: 10/s, size: 300}}
  silent: {protocol: simple, connections: 2, connect_rate: 1000/s, join: {room: 1},
    publish: {to: room, rate: 10/s, size: 300, data_type: binary, no_echo: true}}
phases:`, 1))
	rec, stats := execute(t, plan, emulator.Options{})
	wantAddsUp(t, rec)
	p, d := rec.Totals.Publishes, rec.Totals.Deliveries
	const copies = 160*11 + 40*11 + 20*10 // 11 members in each room; one of them gets no echo
	if p.Sent != 220 || p.OK != 160 || d.Expected != copies || d.Delivered != copies || stats.Deliveries != copies {
		t.Errorf("publishes %+v, deliveries %+v, the target has %d; want 220 and %d", p, d, stats.Deliveries, copies)
	}
	if e := plan.Estimate(); e.Publishes != 220 || e.Deliveries != copies {
		t.Errorf("the plan estimates %d and %d", e.Publishes, e.Deliveries)
	}
	for _, c := range rec.Checks {
		if c.Result == metrics.CheckViolated || c.Result == metrics.CheckUnknown {
			t.Errorf("check %s is %s: %s", c.ID, c.Result, c.Reason)
		}
	}
}

// alone is simple clients without anybody else.
const alone = `name: alone
protocol: simple
groups:
  room: {count: 2}
populations:
  raw: {connections: 6, connect_rate: 1000/s, join: {room: 1}, publish: {rate: 10/s, size: 100}}
phases: {steady: 1s, drain: 30s}
`

// What can be judged of simple clients is, what cannot is not exercised: nothing is
// acknowledged, so nothing can be missed.
func TestSimpleClientsAlone(t *testing.T) {
	rec, _ := execute(t, planOf(t, alone), emulator.Options{})
	wantAddsUp(t, rec)
	if d := rec.Totals.Deliveries; d.Delivered != 180 || d.Expected != 180 {
		t.Errorf("deliveries %+v, want 180", d)
	}
	for _, c := range rec.Checks {
		want := metrics.CheckNotExercised
		switch c.ID {
		case "N1", "N2", "G3", "X1":
			want = metrics.CheckOK
		}
		if c.Result != want {
			t.Errorf("check %s is %s, want %s", c.ID, c.Result, want)
		}
	}
}

// After a drop a simple client comes back as a new connection; what it missed meanwhile
// is excused, and only that.
func TestSimpleClientsDropped(t *testing.T) {
	plan := planOf(t, strings.Replace(alone, "phases:", `  caller: {protocol: rest, connections: 1, publish: {to: room, rate: 40/s, size: 100}}
phases:`, 1), "faults=[{name: F1, at: 300ms, kind: rst, population: raw, hit: 2}]",
		"populations.raw.client={reconnect: {base: 100ms, max: 1s}}", "phases.steady=2s")
	rec, _ := execute(t, plan, emulator.Options{})
	wantAddsUp(t, rec)
	d := rec.Totals.Deliveries
	if missing := d.Expected - d.Delivered; missing == 0 || missing != d.Excused.Disconnect+d.Excused.Unacknowledged || d.Excused.Disconnect == 0 {
		t.Errorf("deliveries %+v; want some missing, all of the outage", d)
	}
	if i := rec.Incidents; len(i) != 1 || i[0].Outcomes.NewConnection != 2 {
		t.Errorf("incidents %+v, want 2 new connections", i)
	}
	if rec.Verdict.ExitCode != metrics.ExitPass {
		t.Errorf("exit %d: %s", rec.Verdict.ExitCode, rec.Verdict.Headline)
	}
}

// An order that is broken shows at simple clients too.
func TestSimpleClientsOfALiar(t *testing.T) {
	rec, stats := execute(t, planOf(t, alone), emulator.Options{Lies: emulator.Lies{emulator.LieSwap: {N: 1, Of: 20}}})
	for _, c := range rec.Checks {
		if (c.Result == metrics.CheckViolated) != (c.ID == "N1") || c.ID == "N1" && c.Violations != stats.Lies["swap"] {
			t.Errorf("check %s is %s with %d violations; %d lies were told", c.ID, c.Result, c.Violations, stats.Lies["swap"])
		}
	}
}

// Events of simple clients come back through the event handler.
func TestSimpleEcho(t *testing.T) {
	plan := planOf(t, `name: echo
protocol: simple
upstream: {listen: "127.0.0.1:0"}
populations:
  raw: {connections: 4, connect_rate: 1000/s, publish: {event: message, rate: 10/s, size: 100}}
phases: {steady: 1s, drain: 30s}
`)
	upstream, err := ServeUpstream("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = upstream.Close() }()
	rec, _ := execute(t, plan, handledBy(upstream.URL()))
	wantAddsUp(t, rec)
	if d := rec.Totals.Deliveries; d.Delivered != 40 || d.Expected != 40 || d.Unexpected+d.Reordered+d.Duplicated != 0 {
		t.Errorf("deliveries %+v, want 40", d)
	}
}
