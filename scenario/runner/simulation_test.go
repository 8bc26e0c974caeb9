package runner

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/scenario"
	"github.com/wpsbench/wpsbench/wire"
	"github.com/wpsbench/wpsbench/wire/emulator"
)

// seedFlag runs one world of the search again: go test ./scenario/runner -run Simulation -seed=17
var seedFlag = flag.Uint64("seed", 0, "the one seed of the simulation tests; 0 = search")

// world is what a seed decides: a scenario, its links and its target.
type world struct {
	seed    uint64
	text    string
	link    wire.Link
	options emulator.Options
	trace   *FrameTrace
}

func pick[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

// worldOf draws a world in which everybody keeps every promise.
func worldOf(seed uint64) world {
	r := rand.New(rand.NewPCG(seed, 1))
	connections := 2 + r.IntN(19)
	groups := 1 + r.IntN(4)
	protocol := pick(r, scenario.ProtocolJSONReliable, scenario.ProtocolJSONReliable, scenario.ProtocolProtobufReliable,
		scenario.ProtocolJSON, scenario.ProtocolProtobuf)
	steady := time.Duration(20+r.IntN(60)) * time.Second
	var b strings.Builder
	fmt.Fprintf(&b, `name: simulation
seed: %d
protocol: %s
groups:
  room: {count: %d}
populations:
  members:
    connections: %d
    connect_rate: 100/s
    join: {room: %d}
    publish: {to: room, rate: %s, arrival: %s, size: %d, ack: %t, no_echo: %t, data_type: %s%s}
%sphases: {warmup: 2s, steady: %s, drain: 2m}
`, r.Uint32(), protocol, groups, connections, 1+r.IntN(groups), pick(r, "1/s", "4/s", "1/5s"), pick(r, "poisson", "constant"),
		80+r.IntN(2000), r.IntN(4) > 0, r.IntN(4) == 0, pick(r, "text", "json", "binary"), pick(r, "", "", ", metadata: {trace: a1, q: 'x\"<'}"), comingAndGoing(r, groups), steady)
	if r.IntN(2) == 0 {
		misbehaviour := []string{"slow-reader", "slow-reader"}
		if strings.Contains(protocol, "reliable") {
			misbehaviour[1] = "stop-acking"
		}
		b.WriteString("faults:\n")
		for i := range 1 + r.IntN(3) {
			at := 1 + r.IntN(int(steady/time.Second)-1)
			lasts := fmt.Sprintf(", lasts: %ds", 1+r.IntN(int(steady/time.Second)-at))
			hit := 10 + r.IntN(91)
			fault := pick(r, "rst", "fin", "close", "close, code: 1001", "zombie", "blackhole", "rest-close", "restart, lasts: 1s", "restart, lasts: 1s, keeps_sessions: true",
				misbehaviour[0]+lasts, misbehaviour[1]+lasts)
			if fault == "rest-close" {
				fault += ", by: " + []string{scenario.ByConnection, scenario.ByUser, scenario.ByGroup}[(seed+uint64(i))%3]
			}
			fmt.Fprintf(&b, "  - {name: F%d, at: %ds, population: members, hit: %d%%, kind: %s}\n", i, at, hit, fault)
		}
	}
	w := world{seed: seed, text: b.String()}
	w.link = wire.Link{Delay: time.Duration(1+r.IntN(50)) * time.Millisecond, Jitter: time.Duration(r.IntN(100)) * time.Millisecond}
	if r.IntN(3) > 0 {
		w.link.Lifetime = time.Duration(5+r.IntN(120)) * time.Second
	}
	w.options = emulator.Options{
		ConnectedOnRecovery: r.IntN(2) == 0,
		JSONAsText:          r.IntN(2) == 0,
		AbortOnOverflow:     r.IntN(2) == 0,
		Delay:               pick(r, 0, 0, 7*time.Millisecond, time.Second),
		AckDelay:            pick(r, 0, 0, 200*time.Millisecond),
	}
	w.link.Silent = pick(r, 0, 0.3, 1)
	w.options.KeepAlive = pick(r, 0, 0, 5*time.Second) // 5 s: oftener than a client says something by itself
	if r.IntN(3) == 0 {                                // a sample of the subscribers; the others by count
		w.text += fmt.Sprintf("checks: {pairs: %d}\n", 1+r.IntN(100))
	}
	return w
}

// comingAndGoing draws a population that comes and goes, maybe with something to say, or none.
func comingAndGoing(r *rand.Rand, rooms int) string {
	if r.IntN(3) == 0 {
		return ""
	}
	churn := fmt.Sprintf("%saway: %s, leave: {room: 1/%ds}", pick(r, "", "session: {mean: 10s}, ", "session: {mean: 1m}, "),
		pick(r, "200ms", "2s", "7s"), 1+r.IntN(40))
	if rooms > 1 && r.IntN(2) == 0 {
		churn += fmt.Sprintf(", switch: {room: 1/%ds}", 1+r.IntN(40))
	}
	return fmt.Sprintf("  guests:\n    connections: %d\n    join: {room: 1}\n    churn: {%s}\n%s", 1+r.IntN(10), churn,
		pick(r, "", "    publish: {to: room, rate: 1/s, arrival: poisson}\n"))
}

// simulate runs a world to its end; nil if links were cut before everybody was in.
func simulate(t testing.TB, w world) (*metrics.Run, emulator.Stats) {
	t.Helper()
	s, err := scenario.Parse("simulation.yaml", []byte(w.text), scenario.Options{})
	if err != nil {
		t.Fatalf("seed %d: %v\n%s", w.seed, err, w.text)
	}
	return w.run(t, s.Plan(), 2)
}

// run executes a plan in the world.
func (w world) run(t testing.TB, plan *scenario.Plan, workers int) (*metrics.Run, emulator.Stats) {
	t.Helper()
	cfg, server := configIn(t, plan, w.link, w.seed, w.options)
	cfg.Workers, cfg.Trace = workers, w.trace
	cfg.Target.REST.Client = &http.Client{Transport: atOnce{server}}
	cfg.Target.Restart = func(_ context.Context, f *scenario.Fault) (string, error) {
		return fmt.Sprint(server.Restart(f.KeepsSessions), " closed"), nil
	}
	rec, err := Run(t.Context(), t.Context(), cfg)
	var unreachable *SetupError
	if err != nil && (w.link.Lifetime == 0 || !errors.As(err, &unreachable)) {
		t.Fatalf("seed %d: %v\n%s", w.seed, err, w.text)
	}
	stats := server.Stats()
	_ = server.Close()
	if unreachable != nil {
		return nil, stats
	}
	return rec, stats
}

// configIn starts a target in a world of its own and says how a plan is run there. The
// caller closes the target.
func configIn(t testing.TB, plan *scenario.Plan, link wire.Link, seed uint64, o emulator.Options) (Config, *emulator.Server) {
	t.Helper()
	o.Simulation = wire.NewSimulation(link, seed)
	server, err := emulator.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	cs, err := wire.ParseConnectionString(server.ConnectionString())
	if err != nil {
		t.Fatal(err)
	}
	return Config{
		Plan: plan, Target: ConnectionStringTarget(cs, "bench", "", plan), Dialer: &wire.Dialer{Simulation: o.Simulation},
		Workers: 1, RunID: 1, Profile: metrics.Strict,
	}, server
}

// atOnce carries HTTP to the target of a world, in which nobody can wait for an answer.
type atOnce struct{ to http.Handler }

func (a atOnce) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	a.to.ServeHTTP(w, r)
	return w.Result(), nil
}

// wantHonest fails on a false alarm.
func wantHonest(t *testing.T, w world, rec *metrics.Run) {
	t.Helper()
	wantAddsUp(t, rec)
	for _, c := range rec.Checks {
		calm := w.link.Lifetime == 0 && !strings.Contains(w.text, "faults:") && !strings.Contains(w.text, "ack: false")
		if c.Violations == 0 && c.Result != "violated" && (c.Result != "unknown" || !calm) {
			continue
		}
		examples, _ := json.MarshalIndent(c.Examples[:min(1, len(c.Examples))], "", " ")
		t.Errorf("%s %s: %s, %d violations %s\n%s", c.ID, c.Name, c.Result, c.Violations, c.Reason, examples)
	}
	if d := rec.Totals.Publishes; d.Sent == 0 {
		t.Errorf("nothing happened: %+v", d)
	}
	if t.Failed() {
		t.Logf("seed %d; again: go test ./scenario/runner -run %s -seed=%d\nlink %+v\ntarget %+v\n%s\n%+v\n%s",
			w.seed, t.Name(), w.seed, w.link, w.options, w.text, rec.Totals, rec.Verdict.Headline)
	}
}

// seeds is how many worlds a search looks at: some, or WPSBENCH_SEEDS.
func seeds(t *testing.T, some int) (first, end uint64) {
	t.Helper()
	if *seedFlag != 0 {
		return *seedFlag, *seedFlag + 1
	}
	if text := os.Getenv("WPSBENCH_SEEDS"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		some = n
	}
	return 1, uint64(some) + 1
}

// TestSimulation searches worlds for a session, an emulator or a checker that is wrong:
// nothing may be found in what keeps every promise.
func TestSimulation(t *testing.T) {
	first, end := seeds(t, 10)
	var simulated time.Duration
	begun := time.Now()
	for seed := first; seed < end && !t.Failed(); seed++ {
		w := worldOf(seed)
		rec, _ := simulate(t, w)
		if rec == nil {
			continue
		}
		wantHonest(t, w, rec)
		simulated += time.Duration(rec.Info.DurationS * float64(time.Second))
	}
	t.Logf("%s simulated, %.0f times as fast as they would have been", simulated, simulated.Seconds()/time.Since(begun).Seconds())
}

// BenchmarkSimulation is the bar of the simulation: simulated seconds in one, of 20
// sessions that publish once a second.
func BenchmarkSimulation(b *testing.B) {
	for _, rooms := range []int{1, 5, 20} {
		b.Run(fmt.Sprintf("rooms=%d", rooms), func(b *testing.B) {
			w := world{seed: 1, link: wire.Link{Delay: time.Millisecond, Jitter: 10 * time.Millisecond}, text: fmt.Sprintf(`name: bar
groups:
  room: {count: %d}
populations:
  members:
    connections: 20
    connect_rate: 100/s
    join: {room: 1}
    publish: {to: room, rate: 1/s, size: 128}
phases: {steady: 1000s, drain: 30s}
`, rooms)}
			for b.Loop() {
				rec, _ := simulate(b, w)
				if rec.Totals.Deliveries.Delivered == 0 {
					b.Fatal("nothing was delivered")
				}
			}
			b.ReportMetric(1000/(b.Elapsed().Seconds()/float64(b.N)), "simulated_s/s")
		})
	}
}

// TestSimulationRepeats: a seed decides everything that happens.
func TestSimulationRepeats(t *testing.T) {
	for _, seed := range []uint64{3, 4, 5} {
		first, firstStats := simulate(t, worldOf(seed))
		second, secondStats := simulate(t, worldOf(seed))
		type story struct {
			Totals metrics.Totals
			Events []metrics.RunEvent
			Series metrics.Series
			Closes map[int]uint64
			Sent   uint64
		}
		tell := func(rec *metrics.Run, stats emulator.Stats) string {
			text, err := json.Marshal(story{rec.Totals, rec.Events, rec.Series, stats.Closes, stats.Deliveries})
			if err != nil {
				t.Fatal(err)
			}
			return string(text)
		}
		if got, want := tell(second, secondStats), tell(first, firstStats); got != want {
			t.Errorf("seed %d went otherwise the second time:\n%s\n%s", seed, got, want)
		}
	}
}

// TestSimulationLies: what is simulated is judged, too.
func TestSimulationLies(t *testing.T) {
	for lie, check := range map[emulator.Lie]string{
		emulator.LieDrop: "R4", emulator.LieDuplicate: "R5", emulator.LieSwap: "R6", emulator.LieCorrupt: "X1", emulator.LieSkipID: "R1s",
	} {
		w := world{seed: 1, text: strings.Replace(liesBase, "steady: 400ms", "steady: 4s", 1), link: wire.Link{Delay: time.Millisecond}}
		w.options.Lies[lie] = emulator.Share{N: 1, Of: 7}
		rec, stats := simulate(t, w)
		for _, c := range rec.Checks {
			if want := stats.Lies[lie.String()]; c.ID == check && (want == 0 || c.Violations != want) {
				t.Errorf("%s: %s has %d violations, told %d", lie, c.ID, c.Violations, want)
			} else if c.ID != check && c.Violations > 0 {
				t.Errorf("%s: %s has %d violations", lie, c.ID, c.Violations)
			}
		}
	}
}

// TestSimulationChurn: sessions and members come and go, the counts say so, and what
// is delivered after a leave is charged as often as it was told.
func TestSimulationChurn(t *testing.T) {
	const text = `name: churn
groups:
  room: {count: 2}
populations:
  guests:
    connections: 12
    join: {room: 1}
    churn: {%saway: 2s, leave: {room: 1/10s}}
  speakers:
    connections: 2
    publish: {to: room, rate: 4/s, size: 100}
phases: {steady: 60s, drain: 30s}
`
	for _, protocol := range []string{scenario.ProtocolJSON, scenario.ProtocolJSONReliable, scenario.ProtocolProtobufReliable} {
		w := world{seed: 7, text: "protocol: " + protocol + "\n" + fmt.Sprintf(text, "session: {mean: 20s}, "), link: wire.Link{Delay: time.Millisecond, Jitter: 20 * time.Millisecond}}
		rec, stats := simulate(t, w)
		wantHonest(t, w, rec)
		f := rec.Connections.Funnel
		if f.SessionsLeft == 0 || f.SessionsReturned != f.SessionsLeft || f.GroupsLeft == 0 || f.Drops != 0 || f.NewConnections != 0 {
			t.Errorf("%s: %+v", protocol, f)
		}
		if want := 14 + f.SessionsLeft; stats.SessionsTotal != want {
			t.Errorf("%s: the target had %d sessions, want %d", protocol, stats.SessionsTotal, want)
		}

		w.text = "protocol: " + protocol + "\n" + fmt.Sprintf(text, "")
		w.options.Lies[emulator.LieAfterLeave] = emulator.Share{N: 1, Of: 7}
		rec, stats = simulate(t, w)
		told := stats.Lies[emulator.LieAfterLeave.String()]
		for _, c := range rec.Checks {
			switch {
			case c.ID == "G1" && (told == 0 || c.Violations == 0 || c.Violations > told):
				t.Errorf("%s: G1 has %d violations, told %d", protocol, c.Violations, told)
			case c.ID != "G1" && c.Violations > 0:
				t.Errorf("%s: %s has %d violations: %+v", protocol, c.ID, c.Violations, c.Examples[0])
			}
		}
		t.Logf("%s: told %d, %d sessions left, %d groups left", protocol, told, f.SessionsLeft, f.GroupsLeft)
	}
}
