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
	"github.com/wpsbench/wpsbench/wire"
	"github.com/wpsbench/wpsbench/wire/emulator"
)

// crowded has connections 0 to 11 of one user and three groups, 12 to 17 of two populations
// that share the first group, and 18 to 20 in none of them.
const crowded = `name: crowds
protocol: json.reliable.webpubsub.azure.v1
groups:
  room: {count: 3}
  lobby: {names: [front]}
  aside: {count: 1}
populations:
  team: {connections: 12, connect_rate: 1000/s, users: team, join: {room: 1}, publish: {to: room, rate: 4/s}, client: {reconnect: {base: 100ms, jitter: none}}}
  guests: {connections: 3, connect_rate: 1000/s, join: {lobby: 1}, publish: {to: lobby, rate: 4/s}, client: {reconnect: {base: 100ms, jitter: none}}}
  plain: {connections: 3, connect_rate: 1000/s, protocol: json.webpubsub.azure.v1, users: team, join: {lobby: 1}, client: {reconnect: {base: 100ms, jitter: none}}}
  others: {connections: 3, connect_rate: 1000/s, join: {aside: 1}, publish: {to: aside, rate: 4/s}}
phases: {warmup: 200ms, steady: 4s, drain: 1m}
`

// One call closes all of a user or a group, whoever they are, and nobody else; each of
// them is hit, and no drop is without its cause.
func TestCrowds(t *testing.T) {
	span := func(from, to int) (ids []int) {
		for id := from; id < to; id++ {
			ids = append(ids, id)
		}
		return ids
	}
	for _, row := range []struct {
		fault string
		hit   []int
	}{
		{"population: team, hit: 100%, by: user", slices.Concat(span(0, 12), span(15, 18))}, // one user, of two populations
		{"population: guests, hit: 2, by: user", nil},                                       // any two: each is a user
		{"population: guests, hit: 1, by: group", span(12, 18)},
		{"population: team, hit: 1, by: group", nil}, // any of the three rooms: every third
		{"population: team, hit: 100%, by: group", span(0, 12)},
	} {
		for _, real := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/sockets=%t", row.fault, real), func(t *testing.T) {
				t.Parallel()
				text := crowded + "faults: [{name: F, at: 1s, kind: rest-close, " + row.fault + "}]\n"
				var rec *metrics.Run
				var stats emulator.Stats
				if plan := planOf(t, text); real {
					rec, stats = execute(t, plan, emulator.Options{})
				} else {
					rec, stats = world{seed: 1, link: wire.Link{Delay: 5 * time.Millisecond}}.run(t, plan, 3)
				}
				wantAddsUp(t, rec)
				var hit []int
				for _, in := range rec.Injections.Log {
					hit = append(hit, in.Session)
					if in.Effect != "new_connection" || in.CloseSide != "peer" || in.CloseCode != 1000 {
						t.Errorf("session %d: %s, closed with %d by %s", in.Session, in.Effect, in.CloseCode, in.CloseSide)
					}
				}
				slices.Sort(hit)
				switch {
				case row.hit != nil && !slices.Equal(hit, row.hit):
					t.Errorf("hit %v, want %v", hit, row.hit)
				case strings.Contains(row.fault, "guests, hit: 2") && (len(slices.Compact(hit)) != 2 || hit[0] < 12 || hit[1] > 14):
					t.Errorf("hit %v, want two guests", hit)
				case strings.Contains(row.fault, "team, hit: 1,") && (len(hit) != 4 || hit[0] > 2 || hit[3] != hit[0]+9):
					t.Errorf("hit %v, want one room of the three", hit)
				}
				if in := rec.Incidents; len(in) != 1 || in[0].Hit != len(hit) || in[0].Outcomes.NewConnection != len(hit) || in[0].EndS == nil {
					t.Errorf("incidents %+v, want one that hit %d", in, len(hit))
				}
				if f := rec.Connections.Funnel; f.UninjectedDrops != 0 || f.NewConnections != uint64(len(hit)) {
					t.Errorf("%d drops without a cause, %d new connections; want 0 and %d", f.UninjectedDrops, f.NewConnections, len(hit))
				}
				if want := uint64(21 + len(hit)); stats.SessionsTotal != want {
					t.Errorf("the service counts %d connections, want %d", stats.SessionsTotal, want)
				}
				if rec.Verdict.Result == metrics.ResultViolated {
					t.Errorf("the target is accused: %s", rec.Verdict.Headline)
				}
			})
		}
	}
}

// Who is out of reach when a group is closed is not hit, and loses the session all the
// same: a recovery that is refused then is no broken promise.
func TestCrowdWithAbsent(t *testing.T) {
	t.Parallel()
	text := strings.Replace(base, "connections: 12", "connections: 12\n    client: {reconnect: {base: 3s, jitter: none}}", 1)
	text = strings.Replace(text, "steady: 1s", "steady: 5s", 1) + `faults:
  - {name: A, at: 1s, kind: rst, population: members, hit: 6}
  - {name: B, at: 2s, kind: rest-close, by: group, population: members, hit: 100%}
`
	w := world{seed: 1, text: text, link: wire.Link{Delay: 5 * time.Millisecond}}
	attempts := 0
	w.options.RefuseRecovery = func(string) int { // at first, so that they are out when the others are closed
		if attempts++; attempts <= 6 {
			return http.StatusServiceUnavailable
		}
		return 0
	}
	rec, _ := simulate(t, w)
	wantHonest(t, w, rec)
	if in := rec.Incidents; len(in) != 2 || in[0].Outcomes.NewConnection != 6 || in[1].Hit != 6 || in[1].Missed != 6 || in[1].Outcomes.NewConnection != 6 {
		t.Errorf("incidents %+v; want 6 reset that came back as others, and 6 closed", in)
	}
	if f := rec.Connections.Funnel; f.UninjectedDrops != 0 {
		t.Errorf("%d drops without a cause", f.UninjectedDrops)
	}
}

// A close that the service refuses drops nobody, and says so once.
func TestCrowdRefused(t *testing.T) {
	t.Parallel()
	text := strings.Replace(base, "steady: 1s", "steady: 12s", 1) + "faults: [{name: F, at: 100ms, kind: rest-close, by: group, population: members, hit: 1}]\n"
	cfg, server := configIn(t, planOf(t, text), wire.Link{Delay: 5 * time.Millisecond}, 1, emulator.Options{})
	defer func() { _ = server.Close() }()
	cfg.Target.REST.Client = &http.Client{Transport: atOnce{server}}
	cfg.Target.REST.Service.AccessKey = strings.Repeat("x", 40)
	rec, err := Run(t.Context(), context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	wantAddsUp(t, rec)
	if in := rec.Incidents; len(in) != 1 || in[0].Outcomes.Held != 4 || in[0].Outcomes.Total() != 4 || rec.Connections.Funnel.Drops != 0 {
		t.Errorf("incidents %+v, %d drops; want four sessions that were held", in, rec.Connections.Funnel.Drops)
	}
	notes := 0
	for _, ev := range rec.Events {
		if strings.Contains(ev.Text, `group "`) && strings.Contains(ev.Text, "was not closed: close group") && strings.Contains(ev.Text, "401") {
			notes++
		}
	}
	if notes != 1 {
		t.Errorf("%d notes of the refused call, want 1: %+v", notes, rec.Events)
	}
}
