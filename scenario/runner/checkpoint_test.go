package runner

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/wire"
)

// tidying says when a driver is asked for memory that is not needed any more.
type tidying struct {
	driver
	asked func()
}

func (d tidying) tidy(workers []*worker) {
	d.asked()
	d.driver.tidy(workers)
}

// twoMembers publish once a second, each to both.
const twoMembers = `name: checkpoints
groups: {room: {count: 1}}
populations:
  members:
    connections: 2
    join: {room: 1}
    publish: {to: room, rate: 1/s, size: 128}
phases: {steady: 25s, drain: 30s}
`

// What connecting and every checkpoint have taken is given back right afterwards: a run
// takes as much memory after ten minutes as after one.
func TestCheckpointsAreTidiedUp(t *testing.T) {
	var order []string
	simulateRun(t, twoMembers, wire.Link{Delay: time.Millisecond}, func(r *run) {
		r.cfg.Checkpoint = func(*metrics.Run) { order = append(order, "checkpoint") }
		r.cfg.CheckpointEvery = 10 * time.Second
		r.driver = tidying{r.driver, func() { order = append(order, "tidy") }}
	})
	want := strings.Fields("tidy checkpoint tidy checkpoint tidy")
	if !slices.Equal(order, want) {
		t.Errorf("got %q, want %q", order, want)
	}
}

// A run that was killed says what load it had reached.
func TestCheckpointSaysTheLoad(t *testing.T) {
	var loads []metrics.Load
	simulateRun(t, twoMembers, wire.Link{Delay: time.Millisecond}, func(r *run) {
		r.cfg.Checkpoint = func(rec *metrics.Run) { loads = append(loads, rec.Info.Load) }
		r.cfg.CheckpointEvery = 10 * time.Second
	})
	if len(loads) != 2 {
		t.Fatalf("%d checkpoints in 25 s, want 2", len(loads))
	}
	for _, l := range loads {
		if l.PublishedPerS != 2 || l.DeliveredPerS != 4 {
			t.Errorf("%g publishes and %g deliveries a second, want 2 and 4", l.PublishedPerS, l.DeliveredPerS)
		}
	}
}

// stands is a part of which a test says how far it is.
type stands struct {
	part
	so standing
}

func (s stands) size() int             { return 1 }
func (s stands) standing() standing    { return s.so }
func (s stands) pressures() []pressure { return nil }

// The record of what has been so far says what has come back, and of what has not that it is
// under way; nothing is judged, and the run goes on as if nobody had looked.
func TestRecordSoFar(t *testing.T) {
	t.Parallel()
	r := newRun(newFake(t, script{}).config(t, planOf(t, base, "phases.warmup=1s", "phases.steady=9s")))
	clock := &stepping{driver: r.driver, at: r.start}
	r.driver = clock
	r.parts = []part{stands{so: standing{
		Ready: 12, Open: 7, Recovering: 5, Expected: 100, Delivered: 90, Violations: 3, First: "R5 of session 4",
	}}}
	r.enter(phaseConnect)
	clock.at += time.Second
	r.t0 = clock.at
	r.enter(phaseWarmup)
	clock.at += time.Second
	r.enter("steady")
	recorder := metrics.NewRecorder(r.windows, r.views)
	for range 30 {
		recorder.Record(metrics.E2ELatency, 2*time.Second, 0, time.Millisecond)
	}
	r.collector.Add(0, recorder.Swap())
	clock.at += 3 * time.Second
	planned := r.publishEnd
	rec := r.soFar(clock.at, metrics.Latest{Total: metrics.Traffic{Sent: 50, Acked: 40, BytesSent: 1000, BytesReceived: 3000}}, "not judged")
	if p, want := rec.Totals.Publishes, (metrics.Publishes{Scheduled: 50, Sent: 50, OK: 40, Indeterminate: 10}); p != want {
		t.Errorf("publishes %+v, want %+v", p, want)
	}
	if d, want := rec.Totals.Deliveries, (metrics.Deliveries{Expected: 100, Delivered: 90, Undelivered: 10}); d != want {
		t.Errorf("deliveries %+v, want %+v", d, want)
	}
	if b := rec.Totals.Bytes; b.Sent != 1000 || b.Received != 3000 {
		t.Errorf("bytes %+v, want 1000 sent, 3000 received", b)
	}
	if f, want := rec.Connections.Funnel, (metrics.Funnel{Planned: 12, Attempted: 12, Opened: 12, Connected: 12, Joined: 12, AtEnd: 7}); f != want {
		t.Errorf("funnel %+v, want %+v", f, want)
	}
	near(t, "delivered per second of the three", rec.Info.Load.DeliveredPerS, 10, 0)
	for _, c := range rec.Checks {
		if want := "not judged; 3 violations were seen so far, R5 of session 4"; c.Result == metrics.CheckUnknown && c.Reason != want {
			t.Errorf("%s: %q, want %q", c.ID, c.Reason, want)
		}
	}
	if last := rec.Phases[2]; last.Name != "steady" || last.EndS != 5 || rec.Info.DurationS != 5 {
		t.Errorf("the phase under way is %+v after %v s, want it to end at 5", last, rec.Info.DurationS)
	}
	if r.publishEnd != planned || r.phases[2].EndS != 0 || len(r.events) != 3 {
		t.Errorf("the run goes on until %v with phase %+v and %d events", r.publishEnd, r.phases[2], len(r.events))
	}
	// An ack counts before its message does, and so may a copy.
	s := &standing{Expected: 5, Delivered: 6}
	if got := totalsSoFar(s, &metrics.Traffic{Sent: 2, Acked: 3}); got.Publishes.OK != 2 || got.Publishes.Indeterminate != 0 || got.Deliveries.Expected != 6 || got.Deliveries.Undelivered != 0 {
		t.Errorf("totals %+v", got)
	}
}
