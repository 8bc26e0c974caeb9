package runner

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/metrics/exact"
	"github.com/wpsbench/wpsbench/wire"
	"github.com/wpsbench/wpsbench/wire/emulator"
)

// shares runs a plan cut over so many ServeShare, each at the ends of two pipes as a
// process is. change may tamper with a share's streams.
func shares(t *testing.T, cfg Config, n int, change func(i int, p *Process)) (*metrics.Run, error) {
	t.Helper()
	return sharesUntil(t.Context(), t, cfg, n, change)
}

// sharesUntil stops the run when stop is done.
func sharesUntil(stop context.Context, t *testing.T, cfg Config, n int, change func(i int, p *Process)) (*metrics.Run, error) {
	t.Helper()
	var serving sync.WaitGroup
	defer serving.Wait()
	whole := cfg
	for i := range n {
		orders, obeys := io.Pipe()
		says, out := io.Pipe()
		mine := cfg
		mine.Share = Share{Index: i, Of: n}
		serving.Go(func() {
			err := ServeShare(t.Context(), bufio.NewReader(orders), out, mine)
			_ = out.CloseWithError(io.EOF)
			_ = orders.Close()
			if err != nil && change == nil {
				t.Errorf("share %d: %v", i, err)
			}
		})
		p := Process{Name: "process " + itoa(i), Says: bufio.NewReader(says), Obeys: obeys}
		if change != nil {
			change(i, &p)
		}
		whole.Processes = append(whole.Processes, p)
	}
	defer func() {
		for _, p := range whole.Processes {
			_ = p.Obeys.Close()
		}
	}()
	return Run(stop, t.Context(), whole)
}

// A stop ends the schedule in every process, and what was published till then arrives.
func TestSharesStopped(t *testing.T) {
	t.Parallel()
	server, err := emulator.Start(emulator.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = server.Close() }()
	stop, end := context.WithCancel(t.Context())
	defer end()
	cfg := configOf(t, planOf(t, base, "phases.steady=1h"), server.ConnectionString())
	cfg.Workers = 1
	cfg.Progress = func(p Progress) {
		if p.Phase == "steady" && p.DeliveredPerSec > 0 {
			end()
		}
	}
	rec, err := sharesUntil(stop, t, cfg, 2, nil)
	if err != nil {
		t.Fatal(err)
	}
	wantVerdict(t, rec, metrics.ExitInterrupted, nil)
	if d, p := rec.Totals.Deliveries, rec.Totals.Publishes; d.Expected == 0 || d.Delivered != d.Expected || p.OK != p.Scheduled {
		t.Errorf("publishes %+v, deliveries %+v; want all that was due delivered", p, d)
	}
	if l := rec.Info.Load; l.PublishedPerS > 1.5*l.PublishesPerS {
		t.Errorf("%g publishes a second until the stop, planned are %g: somebody went on", l.PublishedPerS, l.PublishesPerS)
	}
}

// A run in three processes says what the same run in one says: verdict, totals, checks,
// populations, groups and who was hit; only times differ.
func TestSharesAsOne(t *testing.T) {
	for _, row := range []struct {
		name string
		set  []string
		o    emulator.Options
		want int
	}{
		{"clean", []string{"phases.drain=5s"}, emulator.Options{}, metrics.ExitPass},
		{"dropped", []string{"phases.steady=2s", "faults=[{name: F1, at: 500ms, kind: rst, population: members, hit: 50%}]"}, emulator.Options{}, metrics.ExitPass},
		{"other members", []string{"populations.members.publish.senders=50%", "populations.members.join.room=2"}, emulator.Options{}, metrics.ExitPass},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			plan := planOf(t, base, row.set...)
			server, err := emulator.Start(row.o)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = server.Close() }()
			cfg := configOf(t, plan, server.ConnectionString())
			one, err := Run(t.Context(), t.Context(), cfg)
			if err != nil {
				t.Fatal(err)
			}
			cfg.Workers = 1
			three, err := shares(t, cfg, 3, nil)
			if err != nil {
				t.Fatal(err)
			}
			wantVerdict(t, three, row.want, nil)
			wantAddsUp(t, three)
			wantSame(t, one, three)
			if n := len(three.Environment.Nodes); n != 4 {
				t.Errorf("%d nodes, want 3 and the controller", n)
			}
			for i, n := range three.Environment.Nodes {
				if (n.Connections == 4) != (i > 0) || n.PeakMemoryBytes == 0 {
					t.Errorf("node %d: %+v; want a third of the connections on each but the controller", i, n)
				}
			}
		})
	}
}

// reachOf is what was reached, without when: that is never the same.
func reachOf(r *metrics.Run) metrics.Groups {
	g := r.Groups
	g.Fanout = nil
	return g
}

// sampledOf is which publishes were followed: in every process the same.
func sampledOf(r *metrics.Run) map[string]int {
	sampled := map[string]int{}
	if r.Groups.Fanout != nil {
		sampled[""] = r.Groups.Fanout.Publishes
		for _, g := range r.Groups.Fanout.Groups {
			sampled[g.Name] = g.Publishes
		}
	}
	return sampled
}

func wantSame(t *testing.T, one, three *metrics.Run) {
	t.Helper()
	for name, pair := range map[string][2]any{
		"verdict":    {one.Verdict, three.Verdict},
		"publishes":  {publishesOf(one), publishesOf(three)},
		"deliveries": {countsOf(one), countsOf(three)},
		"outcomes":   {one.Totals.Outcomes, three.Totals.Outcomes},
		"payload":    {one.Totals.Bytes.PayloadReceived, three.Totals.Bytes.PayloadReceived},
		"checks":     {judgedOf(one), judgedOf(three)},
		"groups":     {reachOf(one), reachOf(three)},
		"sampled":    {sampledOf(one), sampledOf(three)},
		"funnel":     {one.Connections.Funnel, three.Connections.Funnel},
		"planned":    {one.Info.Load.PublishesPerS, three.Info.Load.PublishesPerS},
	} {
		if !reflect.DeepEqual(pair[0], pair[1]) {
			t.Errorf("%s:\n one process    %+v\n three processes %+v", name, pair[0], pair[1])
		}
	}
	for i := range one.Incidents {
		a, b := one.Incidents[i], three.Incidents[i]
		if a.ID != b.ID || a.Hit != b.Hit || a.Outcomes != b.Outcomes || (a.EndS == nil) != (b.EndS == nil) {
			t.Errorf("incident: one process %+v, three %+v", a, b)
		}
	}
	// What belongs to the instant it was intended for is counted there whenever it came.
	for _, name := range []string{"e2e_latency", "e2e_service", "ack_latency", "ack_rtt", "schedule_lag", "connect_time", "join_rtt"} {
		if name == "schedule_lag" && len(one.Incidents) > 0 {
			continue // what a drop holds back has none
		}
		if a, b := one.Metrics[name], three.Metrics[name]; a.Count == 0 || a.Count != b.Count {
			t.Errorf("%s: %d values in one process, %d in three", name, a.Count, b.Count)
		}
	}
}

// countsOf leaves out how much was replayed, which is a matter of when acks are sent.
func countsOf(rec *metrics.Run) metrics.Deliveries {
	d := rec.Totals.Deliveries
	d.Replayed, d.RedundantReplay = 0, 0
	return d
}

// publishesOf leaves out what was under way when a connection dropped, and was resent.
func publishesOf(rec *metrics.Run) metrics.Publishes {
	p := rec.Totals.Publishes
	if len(rec.Incidents) > 0 {
		p.Resent, p.Duplicate = 0, 0
	}
	return p
}

// judgedOf is the result of every check. Whether a drop hits a request that is under way,
// which P2 is about, is chance.
func judgedOf(rec *metrics.Run) map[string]string {
	out := map[string]string{}
	for _, c := range rec.Checks {
		if c.ID != "P2" || len(rec.Incidents) == 0 {
			out[c.ID] = c.Result
		}
	}
	return out
}

// The end of a process ends the run, and says which it was; there is a record of what was
// measured until then.
func TestShareLost(t *testing.T) {
	for _, row := range []struct {
		name   string
		after  string // the line of the controller after which the process is gone
		want   string
		record bool
	}{
		{"before it is connected", orderConnect, "process 1 was lost: it ended before its time", false},
		{"in steady state", orderStart, "process 1 was lost: it ended before its time", true},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			server, err := emulator.Start(emulator.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = server.Close() }()
			cfg := configOf(t, planOf(t, base, "phases.steady=1m"), server.ConnectionString())
			cfg.Workers = 1
			rec, err := shares(t, cfg, 2, func(i int, p *Process) {
				if i == 1 {
					p.Obeys = &mortal{WriteCloser: p.Obeys, after: row.after}
				}
			})
			var lost *LostError
			if !errors.As(err, &lost) || err.Error() != row.want || (rec != nil) != row.record {
				t.Errorf("got %v and a record %v; want %q and %v", err, rec != nil, row.want, row.record)
			}
			if rec != nil {
				wantDegraded(t, rec)
			}
		})
	}
}

func wantDegraded(t *testing.T, rec *metrics.Run) {
	t.Helper()
	if d := rec.Totals.Deliveries; d.Expected != d.Delivered+d.Undelivered || d.Lost != 0 || len(rec.Populations) != 0 {
		t.Errorf("deliveries %+v of %d populations", d, len(rec.Populations))
	}
	if rec.Verdict.Result != metrics.ResultDegraded || rec.Verdict.ExitCode != metrics.ExitDegraded || rec.Info.Status != "aborted" {
		t.Errorf("verdict %+v of a run that is %s", rec.Verdict, rec.Info.Status)
	}
	if want := "DEGRADED: process 1 was lost: it ended before its time; it had 6 of 12 connections"; rec.Verdict.Headline != want || rec.Connections.Funnel.AtEnd != 6 {
		t.Errorf("headline %q, %d connections left; want %q and 6", rec.Verdict.Headline, rec.Connections.Funnel.AtEnd, want)
	}
	if rec.Metrics["connect_time"].Count < 6 || rec.Connections.Funnel.Planned != 12 {
		t.Errorf("%d connects of %d are in the record", rec.Metrics["connect_time"].Count, rec.Connections.Funnel.Planned)
	}
	if c := rec.Totals.Coverage; c == nil || *c != (metrics.Coverage{Processes: 2, LostProcesses: 1, Connections: 12, LostConnections: 6}) {
		t.Errorf("coverage %+v, want one of two processes, 6 of 12 connections", c)
	}
	for _, c := range rec.Checks {
		if c.Result != metrics.CheckUnknown {
			t.Errorf("check %s is %s, though half of its evidence is gone", c.ID, c.Result)
		}
	}
}

// mortal closes the stream behind an order, which ends a process.
type mortal struct {
	io.WriteCloser
	after string
}

func (m *mortal) Write(b []byte) (int, error) {
	var o order
	if err := json.Unmarshal(b, &o); err != nil {
		return 0, err
	}
	n, err := m.WriteCloser.Write(b)
	if o.Order == m.after {
		_ = m.Close()
	}
	return n, err
}

// Whoever speaks another language is no share.
func TestShareRefusesNonsense(t *testing.T) {
	plan := planOf(t, base)
	for orders, want := range map[string]string{
		"":                         "the controller has ended",
		"hello\n":                  "not a line of ours",
		`{"order":"DANCE"}` + "\n": `unknown order "DANCE"`,
	} {
		cfg := configOf(t, plan, "Endpoint=http://127.0.0.1:9;AccessKey=eA==;Version=1.0;")
		cfg.Share = Share{Of: 1}
		ctx, cancel := context.WithCancel(t.Context())
		err := ServeShare(ctx, bufio.NewReader(strings.NewReader(orders)), io.Discard, cfg)
		cancel()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("orders %q: %v, want %q", orders, err, want)
		}
	}
}

// packedOf is v as package exact writes it.
func packedOf[T any](t *testing.T, v *T) []byte {
	t.Helper()
	b, err := exact.Append(nil, v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// News of a process take the place of those before, but for what happens once: seconds that
// the machine was watched, intervals, events and what is owed to nobody, of which the other
// processes are told.
func TestNewsOfAShare(t *testing.T) {
	t.Parallel()
	r := newRun(newFake(t, script{}).config(t, planOf(t, base, hitThree)))
	var m [2]*remote
	for i := range m {
		m[i] = &remote{run: r, tallies: map[int]tally{}, prepared: dispatch{Workers: 1 - i}, writing: true} // nothing is written yet
		r.parts = append(r.parts, m[i])
	}
	interval := func(tick int) []interval {
		t.Helper()
		b, err := metrics.NewRecorder(r.windows, r.views).Swap().AppendBinary(nil)
		if err != nil {
			t.Fatal(err)
		}
		return []interval{{Tick: tick, Data: b}}
	}
	voids := []metrics.Void{{Publisher: 1, From: 3, To: 5}}
	for i, news := range []dispatch{
		{
			Standing: standing{Ready: 2, Delivered: 5}, Tallies: packedOf(t, &map[int]tally{0: {through: 1, hit: 2}}), Pressures: packedOf(t, &[]pressure{{cpu: 0.5}}),
			Intervals: interval(0), Events: []metrics.RunEvent{{Kind: "note", Text: "first"}},
		},
		{
			Standing: standing{Ready: 4, Delivered: 9}, Tallies: packedOf(t, &map[int]tally{0: {through: 1, hit: 3, back: 1}}), Pressures: packedOf(t, &[]pressure{{cpu: 0.25}}),
			Intervals: interval(1), Events: []metrics.RunEvent{{Kind: "note", Text: "second"}}, Connected: true, Refused: "no", Voids: voids,
		},
		{Standing: standing{Ready: 4, Delivered: 11}},
	} {
		news.Say = sayNews
		if err := m[0].take(&news); err != nil {
			t.Fatal(err)
		}
		if connected := r.connectedOnce.Load(); connected != (i > 0) {
			t.Errorf("after news %d a session has connected: %t", i, connected)
		}
	}
	if got := r.standing(); got != (standing{Ready: 4, Delivered: 11}) {
		t.Errorf("standing %+v", got)
	}
	if got := r.tally(0); got != (tally{through: 1, hit: 3, back: 1}) {
		t.Errorf("tally %+v", got)
	}
	if got := r.pressures(); len(got) != 2 || got[0].cpu != 0.5 || got[1].cpu != 0.25 {
		t.Errorf("pressures %+v", got)
	}
	if len(r.handed) != 2 || r.handed[0].tick != 0 || r.handed[1].tick != 1 {
		t.Errorf("%d intervals are handed over", len(r.handed))
	}
	var texts []string
	for _, e := range r.events {
		texts = append(texts, e.Text)
	}
	if want := []string{"first", "F1 rst hit 2 sessions of members", "second"}; !slices.Equal(texts, want) {
		t.Errorf("told %q, want %q", texts, want)
	}
	select {
	case err := <-r.setupFailed:
		if err.Error() != "no" {
			t.Errorf("set-up failed: %v", err)
		}
	default:
		t.Error("nobody hears that the set-up failed")
	}
	if len(m[0].orders) != 0 || len(m[1].orders) != 1 || !reflect.DeepEqual(m[1].orders[0], order{Order: orderVoids, Voids: voids}) {
		t.Errorf("orders %+v and %+v; want the other process to be told of the voids", m[0].orders, m[1].orders)
	}
}

// The controller's stop is an order that names the instant, and a process obeys it on all of
// its workers.
func TestStopOrder(t *testing.T) {
	t.Parallel()
	const end = 5 * time.Second
	m := &remote{writing: true} // nothing is written yet
	m.stopPublishing(end)
	if want := []order{{Order: orderStop, At: end}}; !reflect.DeepEqual(m.orders, want) {
		t.Fatalf("orders %+v, want %+v", m.orders, want)
	}
	cfg := newFake(t, script{}).config(t, planOf(t, base))
	cfg.Dialer = &wire.Dialer{Simulation: wire.NewSimulation(wire.Link{}, 1)}
	s := &shareServer{run: newRun(cfg)}
	s.local = local{s.run}
	if err := s.carryOut(t.Context(), &m.orders[0]); err != nil {
		t.Fatal(err)
	}
	for i, w := range s.workers {
		if w.cut != end || !w.pacer.stopped {
			t.Errorf("worker %d: the schedule ends at %v, it has stopped: %t", i, w.cut, w.pacer.stopped)
		}
	}
}
