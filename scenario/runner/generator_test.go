package runner

import (
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/wire"
)

// until polls for an event on the run's side; it gives up with the run at fault.
func until(t *testing.T, what string, happened func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !happened(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Errorf("%s has not happened", what)
			return
		}
	}
}

// A message keeps number and instant wherever it waits, and whatever is skipped beside it.
func TestBacklogOverflow(t *testing.T) {
	plan := planOf(t, base, "populations.members.publish.rate=2000/s", "phases.steady=3s", "populations.members.join.room=2")
	r := newRun(newFake(t, script{}).config(t, plan))
	w := r.workers[0]
	w.t0 = wire.Now()
	var p *publisher
	for _, m := range w.members {
		if p = m.publisher; p != nil {
			break
		}
	}
	fire := func(n int) {
		for range n {
			if !p.advance() {
				t.Fatal("the schedule is over")
			}
			p.fire()
		}
	}
	check := func(first uint64) {
		t.Helper()
		if len(p.backlog) != maxBacklog || w.counts.backlog != maxBacklog || p.backlog[0].k != first {
			t.Fatalf("backlog of %d (counted %d) from message %d, want %d from %d",
				len(p.backlog), w.counts.backlog, p.backlog[0].k, maxBacklog, first)
		}
		for _, m := range p.backlog {
			if want := plan.Schedule(p.id).At(m.k); m.due != want {
				t.Fatalf("message %d is due at %v, the plan says %v", m.k, m.due, want)
			}
		}
	}
	fire(maxBacklog + 500) // the session is not connected: nothing leaves
	check(0)
	// 100 leave, as many more fit behind the hole.
	p.backlog = p.backlog[:copy(p.backlog, p.backlog[100:])]
	w.counts.backlog -= 100
	fire(200)
	check(100)
	if last := p.backlog[maxBacklog-1].k; last != maxBacklog+500+100-1 {
		t.Errorf("the newest waiting message is %d, want %d", last, maxBacklog+500+100-1)
	}
	p.discard()
	if w.counts.backlog != 0 || len(p.backlog) != 0 {
		t.Errorf("%d messages wait after all were given up", w.counts.backlog)
	}
}

// Sessions that recover while messages are given up accuse nobody of what was never
// sent, and the drain does not wait for it.
func TestRecoveryBesideSkipped(t *testing.T) {
	t.Parallel()
	plan := planOf(t, `name: test
groups:
  room: {count: 1}
populations:
  pubs:
    protocol: json.webpubsub.azure.v1
    connections: 1
    publish: {to: room, rate: 2000/s, size: 64}
    client: {reconnect: {base: 1s, max: 1s, jitter: none}}
  subs:
    connections: 4
    connect_rate: 1000/s
    join: {room: 1}
    client: {reconnect: {base: 100ms, max: 1s, jitter: none}}
phases: {steady: 2s, drain: 30s}
faults:
  - {name: F1, at: 300ms, population: pubs, hit: 1, kind: rst}
  - {name: F2, at: 1200ms, population: subs, hit: 4, kind: rst}
`)
	rec, _ := world{seed: 1, link: wire.Link{Delay: time.Millisecond}}.run(t, plan, 2)
	wantVerdict(t, rec, metrics.ExitFail, nil) // publishes failed, no accusation
	p, d := rec.Totals.Publishes, rec.Totals.Deliveries
	if p.Dropped == 0 || d.Lost+d.Undelivered != 0 {
		t.Errorf("publishes %+v, deliveries %+v; want some never sent, none missing", p, d)
	}
	drain := rec.Phases[len(rec.Phases)-1]
	if took := time.Duration((drain.EndS - drain.StartS) * 1e9); drain.Name != phaseDrain || took >= quiet {
		t.Errorf("%s took %v", drain.Name, took)
	}
	if o := rec.Incidents[1].Outcomes; o.Resumed != 4 {
		t.Errorf("outcomes %+v, want all of 4 resumed", o)
	}
}

// A publisher that asks for no acks takes up its schedule again when the target
// reads again: nothing but its own next message, or the pulse, can tell it.
func TestUnackedBackPressure(t *testing.T) {
	t.Parallel()
	var running atomic.Pointer[run]
	f := newFake(t, script{
		onOpen: func(_ int, conn net.Conn) { _ = conn.(*net.TCPConn).SetReadBuffer(16 << 10) },
		onPublish: func(n int, _ fakeFrame) {
			if n == 10 {
				until(t, "a backlog", func() bool { r := running.Load(); return r != nil && r.workers[0].pulse.backlog.Load() > 0 })
			}
		},
	})
	r := newRun(f.config(t, planOf(t, base, plainProtocol, "populations.members.connections=1", "groups.room.count=1",
		"populations.members.publish={to: room, rate: 200/s, size: 40000, ack: false}", "phases.drain=5m")))
	running.Store(r)
	rec, err := r.execute(t.Context(), t.Context())
	if err != nil {
		t.Fatal(err)
	}
	wantVerdict(t, rec, metrics.ExitPass, nil)
	wantDeliveries(t, rec, metrics.Deliveries{Expected: 240, Delivered: 240})
	if p := rec.Totals.Publishes; p.Sent != 240 {
		t.Errorf("publishes %+v, want 240 sent", p)
	}
}

// A generator that froze has not measured the target, whatever came out.
func TestFrozenGenerator(t *testing.T) {
	t.Parallel()
	const frozen = 3500 * time.Millisecond
	f := newFake(t, script{})
	cfg := f.config(t, planOf(t, base, "phases.steady=5s"))
	cfg.Workers = 1
	var r *run
	freeze := sync.OnceFunc(func() {
		r.workers[0].loop.Do(func(time.Duration) { time.Sleep(frozen) })
	})
	cfg.Progress = func(p Progress) {
		if p.Phase == "steady" {
			freeze()
		}
	}
	r = newRun(cfg)
	rec, err := r.execute(t.Context(), t.Context())
	if err != nil {
		t.Fatal(err)
	}
	wantVerdict(t, rec, metrics.ExitInvalid, nil)
	if h := rec.Health; h.Result != "invalid" || h.BadWindows <= 2 {
		t.Errorf("health %s with %d bad of %d windows; want invalid, at least as many as it slept through", h.Result, h.BadWindows, h.Windows)
	}
	wantDeliveries(t, rec, metrics.Deliveries{Expected: 2496, Delivered: 2496})
}

// openOutlet takes everything and answers nothing.
type openOutlet struct{}

func (openOutlet) state() outletState                         { return outletReady }
func (openOutlet) epoch() uint8                               { return 1 }
func (openOutlet) publish(time.Duration, *wire.Publish) error { return nil }

// The closed view holds what a client would have seen that waits for each ack: not the
// publishes that fell due while it would have waited.
func TestClosedView(t *testing.T) {
	r := newRun(newFake(t, script{}).config(t, planOf(t, base)))
	w := r.workers[0]
	w.t0 = wire.Now()
	p := newPublisher(w, openOutlet{}, w.members[0].publisher.id)
	send := func() {
		t.Helper()
		if !p.advance() {
			t.Fatal("the schedule is over")
		}
		p.fire()
	}
	ack := func(k uint64, rtt time.Duration) {
		p.acked(k, 0, w.t0, w.t0+rtt)
		p.answered(k, metrics.OutcomeOK)
	}
	send() // 0 is waited for
	send()
	send()
	ack(0, 500*time.Millisecond)
	ack(1, 400*time.Millisecond)
	send() // 3 is: nobody waits any more
	ack(2, 300*time.Millisecond)
	ack(3, time.Millisecond)
	send()
	p.answered(4, metrics.OutcomeError) // 4 was waited for, in vain
	send()
	ack(5, 2*time.Millisecond)
	c := metrics.NewCollector(r.windows, r.views)
	c.Add(0, w.recorder.Swap())
	open, closed := c.Total(metrics.AckRTT), c.Total(metrics.AckClosed)
	if open.Count != 5 || closed.Count != 3 || *closed.Min != 1000 || *closed.Max != 500_000 {
		t.Errorf("%d acks, %d of them in the closed view from %d to %d µs; want 5, 3 from 1000 to 500000",
			open.Count, closed.Count, *closed.Min, *closed.Max)
	}
}

// An ack counts from when the message was due and from when it left: what our delay
// hides from the second the first one shows. Both belong to the window it was due in.
func TestAckBases(t *testing.T) {
	r := newRun(newFake(t, script{}).config(t, planOf(t, base)))
	w := r.workers[0]
	w.t0 = time.Hour
	p := newPublisher(w, openOutlet{}, w.members[0].publisher.id)
	warmup := r.plan.Scenario.Phases.Warmup
	due := warmup - time.Millisecond // the last message of the warm-up, sent and answered in steady state
	p.acked(0, due, w.t0+due+30*time.Millisecond, w.t0+due+35*time.Millisecond)
	due = warmup
	p.acked(1, due, w.t0+due+2*time.Millisecond, w.t0+due+12*time.Millisecond)
	c := metrics.NewCollector(r.windows, r.views)
	c.Add(0, w.recorder.Swap())
	for _, tt := range []struct {
		metric         metrics.Metric
		warmup, steady int64 // µs
	}{{metrics.AckLatency, 35_000, 12_000}, {metrics.AckRTT, 5000, 10_000}} {
		before, steady := c.Summary(tt.metric, phaseWarmup), c.Steady(tt.metric)
		if before.Count != 1 || steady.Count != 1 || *before.Max != tt.warmup || *steady.Max != tt.steady {
			t.Errorf("%s: %d acks in the warm-up, up to %d µs, %d in steady state, up to %d; want 1 of %d, 1 of %d",
				tt.metric, before.Count, *before.Max, steady.Count, *steady.Max, tt.warmup, tt.steady)
		}
	}
}
