package runner

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/wire"
	"github.com/wpsbench/wpsbench/wire/emulator"
)

// What the truth bars measure on a machine is exact where time is simulated: nothing
// takes any, so what comes out is the schedule's arithmetic and nothing else.

// spreadText sends 1,000 messages a second at evenly spread instants, each to the group of
// its sender alone.
const spreadText = `name: evenly
groups:
  room: {count: 10}
populations:
  members:
    connections: 10
    connect_rate: 1000/s
    join: {room: 1}
    publish: {to: room, rate: 100/s, arrival: constant, size: 128}
phases: {warmup: 1s, steady: 10s, drain: 30s}
`

// simulateRun runs a scenario on one worker in a world of such links, with edits of the
// run before it begins.
func simulateRun(t *testing.T, text string, link wire.Link, edit ...func(*run)) (*run, *metrics.Run) {
	t.Helper()
	cfg, server := configIn(t, planOf(t, text), link, 1, emulator.Options{})
	defer func() { _ = server.Close() }()
	r := newRun(cfg)
	for _, e := range edit {
		e(r)
	}
	rec, err := r.execute(t.Context(), t.Context())
	if err != nil {
		t.Fatal(err)
	}
	wantVerdict(t, rec, metrics.ExitPass, nil)
	return r, rec
}

// dues are the instants of all messages since T0, in order.
func (r *run) dues() []time.Duration {
	var all []time.Duration
	for p := range r.topology.Publishers {
		s := r.plan.Schedule(p)
		for k := uint64(0); s.At(k) < r.plan.PublishEnd(); k++ {
			all = append(all, s.At(k))
		}
	}
	slices.Sort(all)
	return all
}

// ofSteady picks what belongs to messages of steady state, sorted.
func (r *run) ofSteady(dues []time.Duration, values func(i int) time.Duration) []time.Duration {
	var of []time.Duration
	for i, due := range dues {
		if due >= r.plan.Scenario.Phases.Warmup {
			of = append(of, values(i))
		}
	}
	slices.Sort(of)
	return of
}

// wantQuantiles holds a metric against all of its values, sorted: a percentile is the
// value of rank ⌈q·n⌉, to the three digits of a histogram.
func wantQuantiles(t *testing.T, rec *metrics.Run, metric string, values []time.Duration) {
	t.Helper()
	m := rec.Metrics[metric]
	if int(m.Count) != len(values) {
		t.Fatalf("%s has %d values, want %d", metric, m.Count, len(values))
	}
	for key, q := range map[string]float64{"p50": 0.5, "p99": 0.99, "p99_9": 0.999} {
		want := float64(values[int(math.Ceil(q*float64(len(values))))-1]) / 1e3
		if got := float64(*m.Percentiles[key]); math.Abs(got-want) > 1+want/1000 {
			t.Errorf("%s %s is %v µs, want %v", metric, key, got, want)
		}
	}
}

// The pacer adds nothing of its own: no message leaves late, however long the run, and
// what the link takes is all that shows.
func TestPacerIsExact(t *testing.T) {
	r, rec := simulateRun(t, spreadText, wire.Link{Delay: 5 * time.Millisecond})
	dues := r.dues()
	wantQuantiles(t, rec, "schedule_lag", r.ofSteady(dues, func(int) time.Duration { return 0 }))
	if max := *rec.Metrics["schedule_lag"].Max; max != 0 {
		t.Errorf("a message left %d µs late", max)
	}
	both := r.ofSteady(dues, func(int) time.Duration { return 10 * time.Millisecond }) // there and back
	for _, metric := range []string{"e2e_latency", "e2e_service", "ack_latency", "ack_rtt", "ack_closed"} {
		wantQuantiles(t, rec, metric, both)
	}
	if p := rec.Totals.Publishes; p.Scheduled != uint64(len(dues)) || p.Sent != p.Scheduled {
		t.Errorf("publishes %+v, want %d scheduled and sent", p, len(dues))
	}
}

// roundedAlarm is the timer of a runtime that waits in whole milliseconds, rounded up.
type roundedAlarm struct {
	w     *worker
	timer *wire.Timer
}

func (a *roundedAlarm) Set(at time.Duration) {
	now := a.w.loop.Now()
	a.timer.Set(now + (at - now + time.Millisecond - 1).Truncate(time.Millisecond))
}

func (a *roundedAlarm) Stop() { a.timer.Stop() }

// A pacer that sleeps is late by what the rounding adds, and all of it stands in the
// response time, none in the service time.
func TestSleepingPacerShows(t *testing.T) {
	r, rec := simulateRun(t, spreadText, wire.Link{}, func(r *run) {
		for _, w := range r.workers {
			w.pacer.timer = &roundedAlarm{w, w.loop.NewTimer(w.pacer.wake)}
		}
	})
	dues := r.dues()
	lags := make([]time.Duration, len(dues))
	now := dues[0] // the schedule begins with T0, from where on the first wait counts
	for i := 0; i < len(dues); {
		if wait := dues[i] - now; wait > 0 {
			now += (wait + time.Millisecond - 1).Truncate(time.Millisecond)
		}
		for ; i < len(dues) && dues[i] <= now; i++ {
			lags[i] = now - dues[i]
		}
	}
	want := r.ofSteady(dues, func(i int) time.Duration { return lags[i] })
	wantQuantiles(t, rec, "schedule_lag", want)
	wantQuantiles(t, rec, "e2e_latency", want)
	wantQuantiles(t, rec, "e2e_service", make([]time.Duration, len(want)))
	if p50 := *rec.Metrics["e2e_latency"].Percentiles["p50"]; p50 <= 300 {
		t.Errorf("e2e p50 is %d µs: a pacer that sleeps meets the bar of 300", p50)
	}
}

// A server that stands still for 500 ms of every 5 s: evenly spread messages show it to
// the millisecond, p99 450 and p99.9 495. Of a client that waits for its acks one message
// in 451 notices, so its p99 is the service time, here nothing.
func TestFreezeIsExact(t *testing.T) {
	const every, frozen = 5 * time.Second, 500 * time.Millisecond
	r, rec := simulateRun(t, spreadText, wire.Link{StallEvery: every, StallFor: frozen})
	dues := r.dues()
	begun := r.start.Truncate(every) // the world's clock begins with a whole hour
	waits := r.ofSteady(dues, func(i int) time.Duration {
		return max(0, frozen-(r.t0+dues[i]-begun)%every)
	})
	for _, metric := range []string{"e2e_latency", "ack_latency"} {
		wantQuantiles(t, rec, metric, waits)
	}
	for key, want := range map[string]int64{"p99": 450_000, "p99_9": 495_000} {
		if got := *rec.Metrics["e2e_latency"].Percentiles[key]; got < want-2000 || got > want+2000 {
			t.Errorf("e2e %s is %d µs, want %d ± 2 ms", key, got, want)
		}
	}
	closed := rec.Metrics["ack_closed"]
	// 10 senders lose 49 of 50 messages in each of two freezes.
	if want := uint64(len(waits) - 10*2*49); closed.Count < want-20 || closed.Count > want+20 {
		t.Errorf("the closed view has %d acks of %d, want %d", closed.Count, len(waits), want)
	}
	if p99, top := *closed.Percentiles["p99"], *closed.Max; p99 > 1 || top < 480_000 {
		t.Errorf("closed view p99 %d µs, max %d; want nothing, and nearly 500 ms", p99, top)
	}
}
