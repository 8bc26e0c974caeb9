package runner

import (
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
	text := base + "faults: [{name: F, at: 100ms, kind: rest-close, by: group, population: members, hit: 1}]\n"
	cfg, server := configIn(t, planOf(t, text), wire.Link{Delay: 5 * time.Millisecond}, 1, emulator.Options{})
	defer func() { _ = server.Close() }()
	cfg.Target.REST.Client = &http.Client{Transport: atOnce{server}}
	cfg.Target.REST.Service.AccessKey = strings.Repeat("x", 40)
	rec, err := Run(t.Context(), t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	wantAddsUp(t, rec)
	if in := rec.Incidents; len(in) != 1 || in[0].Hit != 0 || rec.Connections.Funnel.Drops != 0 {
		t.Errorf("incidents %+v, %d drops; want one that hit nobody", in, rec.Connections.Funnel.Drops)
	}
	spared, notes := 0, 0
	for _, in := range rec.Injections.Log {
		if in.Effect == "spared" {
			spared++
		}
	}
	for _, ev := range rec.Events {
		if strings.Contains(ev.Text, `group "`) && strings.Contains(ev.Text, "was not closed: close group") && strings.Contains(ev.Text, "401") {
			notes++
		}
	}
	if spared != 4 || notes != 1 {
		t.Errorf("%d sessions were spared, with %d notes; want 4 and 1: %+v", spared, notes, rec.Events)
	}
}

// However closes of overlapping groups follow each other, each drop has its cause, and all
// are seen to come back.
func TestCrowdsOverlap(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, join, fault string
		least             int // sessions hit
	}{
		{"everybody is in many groups", "{room: 5}", "hit: 100%", 12},
		{"again and again", "{room: 1}", "hit: 100%, rate: 6/s, for: 2s", 12},
		{"in turn", "{room: 2}", "hit: 100%, over: 1s", 12},
	} {
		for _, real := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/sockets=%t", row.name, real), func(t *testing.T) {
				t.Parallel()
				text := strings.Replace(base, "count: 3", "count: 20", 1)
				text = strings.Replace(text, "join: {room: 1}", "join: "+row.join+"\n    client: {reconnect: {base: 1ms, jitter: none}}", 1)
				text = strings.Replace(text, "steady: 1s", "steady: 3s", 1) +
					"faults: [{name: F, at: 100ms, kind: rest-close, by: group, population: members, " + row.fault + "}]\n"
				var rec *metrics.Run
				if plan := planOf(t, text); real {
					rec, _ = execute(t, plan, emulator.Options{})
				} else {
					rec, _ = world{seed: 1, link: wire.Link{Delay: 5 * time.Millisecond}}.run(t, plan, 3)
				}
				wantAddsUp(t, rec)
				f := rec.Connections.Funnel
				if in := rec.Incidents; len(in) != 1 || in[0].Hit < row.least || in[0].Outcomes.Total() != in[0].Hit || in[0].Outcomes.Open != 0 {
					t.Errorf("incidents %+v; want at least %d sessions hit, and all back", in, row.least)
				}
				if f.UninjectedDrops != 0 || rec.Verdict.Result == metrics.ResultViolated {
					t.Errorf("%d of %d drops are without a cause; %s", f.UninjectedDrops, f.Drops, rec.Verdict.Headline)
				}
			})
		}
	}
}

// A doom lasts until the last of its calls is over, and another fault's takes its place.
// Only if all were refused nobody has asked for a close.
func TestDoom(t *testing.T) {
	t.Parallel()
	in := newInflow(t, wire.JSONReliable, "text", 0)
	w, m := in.w, in.w.members[0]
	want := func(step string, doomed, asked bool, log int) {
		t.Helper()
		if (m.doom != nil) != doomed || m.askedToClose != asked || w.counts.doomed != map[bool]int{true: 1}[doomed] || int(w.injections.count) != log {
			t.Errorf("%s: %+v, asked %t, %d doomed, %d logged; want %t, %t and %d", step, m.doom, m.askedToClose, w.counts.doomed, w.injections.count, doomed, asked, log)
		}
	}
	m.condemn(1, 0)
	m.condemn(2, 0)
	want("two calls", true, true, 0)
	m.reprieve(3, 0, false)
	want("one is over", true, true, 0)
	m.reprieve(4, 0, true)
	want("one of two was refused", false, true, 1)
	m.reprieve(5, 0, true)
	want("there is none", false, true, 1)
	m.condemn(6, 0)
	m.reprieve(7, 0, true)
	want("the only one was refused", false, false, 2)
	m.condemn(8, 0)
	m.condemn(9, 1)
	want("another fault's", true, true, 3)
	m.reprieve(10, 0, true)
	want("the first's answer", true, true, 3)
	m.reprieve(11, 1, false)
	want("its own", false, true, 4)
}

// A call may take its time. The sessions are hit when the service closes them, and none is
// forgotten before.
func TestCrowdsSlowly(t *testing.T) {
	t.Parallel()
	text := strings.Replace(base, "steady: 1s", "steady: 2s", 1) + "faults: [{name: F, at: 100ms, kind: rest-close, by: user, population: members, hit: 100%}]\n"
	server, err := emulator.Start(emulator.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = server.Close() }()
	cfg := configOf(t, planOf(t, text), server.ConnectionString())
	cfg.Workers = 1
	cfg.Target.REST.Client = &http.Client{Transport: delayed(func() { time.Sleep(3 * time.Second) })}
	rec, err := Run(t.Context(), t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	wantAddsUp(t, rec)
	in := rec.Incidents
	if len(in) != 1 || in[0].Hit != 12 || in[0].Outcomes.NewConnection != 12 || rec.Connections.Funnel.UninjectedDrops != 0 {
		t.Errorf("incidents %+v, %d drops without a cause; want 12 hit", in, rec.Connections.Funnel.UninjectedDrops)
	}
	for _, in := range rec.Injections.Log {
		if in.DetectMicros == nil || *in.DetectMicros < 3_000_000 {
			t.Errorf("%+v: detected before the call was made", in)
		}
	}
}

// delayed carries HTTP after something else.
type delayed func()

func (d delayed) RoundTrip(r *http.Request) (*http.Response, error) {
	d()
	return http.DefaultTransport.RoundTrip(r)
}
