package runner

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/wire"
	"github.com/wpsbench/wpsbench/wire/emulator"
)

// near fails unless two figures differ by no more than that.
func near(t *testing.T, what string, got, want, by float64) {
	t.Helper()
	if math.Abs(got-want) > by || math.IsNaN(got) {
		t.Errorf("%s is %v, want %v ± %v", what, got, want, by)
	}
}

// sumOfColumn adds up what the seconds of a series have.
func sumOfColumn(rec *metrics.Run, name string) (sum float64) {
	for _, v := range rec.Series.Columns[name] {
		if v != nil {
			sum += *v
		}
	}
	return sum
}

// lastOfColumn is the newest value of a series.
func lastOfColumn(rec *metrics.Run, name string) float64 {
	for _, v := range slices.Backward(rec.Series.Columns[name]) {
		if v != nil {
			return *v
		}
	}
	return math.NaN()
}

// The figures of a run that went as planned follow from the plan.
func TestRecordOfAPlan(t *testing.T) {
	t.Parallel()
	// Eight messages a second to each of five, twice as many in the second stage.
	r, rec := simulateRun(t, `name: planned
groups: {room: {count: 1}}
populations:
  talkers: {connections: 3, join: {room: 1}, publish: {to: room, rate: 2/s, arrival: constant, size: 300}}
  quiet: {connections: 2, join: {room: 1}, publish: {to: room, rate: 1/s, arrival: constant, size: 100}}
phases: {warmup: 2s, steady: [{name: a, for: 4s}, {name: b, for: 4s, rate: x2}], drain: 30s}
`, wire.Link{Delay: 5 * time.Millisecond})
	load := rec.Info.Load
	near(t, "published per second", load.PublishedPerS, 12, 0)
	near(t, "delivered per second", load.DeliveredPerS, 60, 0)
	near(t, "planned per second", load.PublishesPerS, 12, 1e-9)
	if load.PayloadBytes != 300 || load.Connections != 5 || load.Groups != 1 {
		t.Errorf("load %+v; want payloads of 300 bytes, 5 connections, 1 group", load)
	}
	if p := rec.Totals.Publishes; p.Sent != 112 || p.OK != 112 {
		t.Errorf("publishes %+v, want 112", p)
	}
	for i, want := range []int{3, 2} {
		if p := rec.Populations[i]; p.Connections != want || p.Totals.Bytes.PayloadSent != []uint64{72 * 300 * 14 / 12, 28 * 100}[i] {
			t.Errorf("population %s has %d connections and sent %d bytes of payload", p.Name, p.Connections, p.Totals.Bytes.PayloadSent)
		}
	}
	near(t, "the sum of what was expected", sumOfColumn(rec, "expected_per_s"), 560, 1e-6)
	near(t, "the sum of what was published", sumOfColumn(rec, "published_per_s"), 112, 0)
	near(t, "the sum of what was acknowledged", sumOfColumn(rec, "acked_per_s"), 112, 0)
	near(t, "the sum of what was delivered", sumOfColumn(rec, "delivered_per_s"), 560, 0)
	near(t, "undelivered at the end", lastOfColumn(rec, "undelivered"), 0, 0)
	near(t, "bytes received by the second", sumOfColumn(rec, "received_bytes_per_s"), float64(rec.Totals.Bytes.Received), 0)
	near(t, "bytes sent by the second", sumOfColumn(rec, "sent_bytes_per_s"), float64(rec.Totals.Bytes.Sent), 0)
	wantPhases(t, r, rec)
}

// wantPhases: the phases follow each other as planned, from the start of the run to its end.
func wantPhases(t *testing.T, r *run, rec *metrics.Run) {
	t.Helper()
	const poll = 0.2 // seconds between two looks of the controller
	end := 0.0
	for i, want := range []struct {
		name   string
		length float64
		steady bool
	}{{"connect", 0, false}, {"warmup", 2, false}, {"a", 4, true}, {"b", 4, true}, {"drain", 0, false}} {
		p := rec.Phases[i]
		if p.Name != want.name || p.Steady != want.steady || p.StartS != end {
			t.Errorf("phase %+v, want %+v from %v", p, want, end)
		}
		if end = p.EndS; want.length > 0 {
			near(t, "the length of "+p.Name, p.EndS-p.StartS, want.length, poll)
		}
	}
	near(t, "the beginning of the warm-up", rec.Phases[1].StartS, seconds(r.t0-r.start), poll)
	if rec.Info.DurationS < end || rec.Info.DurationS > end+1 || rec.Info.Status != "completed" {
		t.Errorf("%s after %v s, the drain ended at %v", rec.Info.Status, rec.Info.DurationS, end)
	}
	near(t, "between start and end", rec.Info.EndedAt.Sub(rec.Info.StartedAt).Seconds(), rec.Info.DurationS, 0.002)
	if !slices.IsSortedFunc(rec.Events, func(a, b metrics.RunEvent) int { return int(1e6 * (a.TS - b.TS)) }) {
		t.Errorf("events out of order: %+v", rec.Events)
	}
}

// What never came stands beyond all that did, and nobody waits for what is excused.
func TestRecordOfWhatIsMissing(t *testing.T) {
	t.Parallel()
	const text = `name: missing
protocol: %s.webpubsub.azure.v1
groups: {room: {count: 1}}
populations:
  members:
    connections: 4
    join: {room: 1}
    publish: {to: room, rate: 5/s, size: 100}
    client: {reconnect: {backoff: fixed, base: 3s, jitter: none}}
phases: {steady: 10s, drain: 30s}
`
	t.Run("lost", func(t *testing.T) {
		t.Parallel()
		w := world{seed: 1, text: fmt.Sprintf(text, "json.reliable"), link: wire.Link{Delay: time.Millisecond}}
		w.options.Lies[emulator.LieDrop] = emulator.Share{N: 1, Of: 50}
		rec, stats := simulate(t, w)
		told := stats.Lies[emulator.LieDrop.String()]
		d := rec.Totals.Deliveries
		if m := rec.Metrics["e2e_latency"]; told == 0 || d.Lost != told || m.Censored != told || m.Count != d.Delivered {
			t.Errorf("%d dropped, %d lost, %d latencies, %d beyond them; want %d", told, d.Lost, m.Count, m.Censored, told)
		}
		near(t, "undelivered at the end", lastOfColumn(rec, "undelivered"), float64(told), 0)
	})
	t.Run("excused", func(t *testing.T) {
		t.Parallel()
		w := world{seed: 1, text: fmt.Sprintf(text, "json"), link: wire.Link{Delay: time.Millisecond}}
		w.text += "faults: [{name: F, at: 4s, population: members, hit: 2, kind: rst}]\n"
		rec, _ := simulate(t, w)
		d, m := rec.Totals.Deliveries, rec.Metrics["e2e_latency"]
		if d.Excused.Disconnect == 0 || d.Delivered+d.Excused.Disconnect != d.Expected || m.Censored != 0 {
			t.Errorf("deliveries %+v, %d beyond all latencies; want some excused, none missing", d, m.Censored)
		}
		near(t, "undelivered at the end", lastOfColumn(rec, "undelivered"), 0, 0)
		// Both are out for three seconds and miss what the others publish; once they are
		// back nobody waits for anything.
		column := rec.Series.Columns["undelivered"]
		near(t, "undelivered before the fault", *column[2], 0, 1)
		near(t, "undelivered after it", *column[8], 0, 1)
	})
}

// What was acknowledged and was still on its way when the drain was cut short is not called
// lost: nobody knows. It stands beyond all latencies all the same.
func TestRecordOfACutDrain(t *testing.T) {
	t.Parallel()
	w := world{seed: 1, text: strings.NewReplacer("steady: 1s", "steady: 5s", "drain: 30s", "drain: 300ms", "warmup: 200ms", "warmup: 0s").Replace(base), link: wire.Link{Delay: time.Millisecond}}
	w.options.Delay = time.Second
	rec, _ := simulate(t, w)
	wantVerdict(t, rec, metrics.ExitInconclusive, map[string]string{"R4": metrics.CheckUnknown})
	d, m := rec.Totals.Deliveries, rec.Metrics["e2e_latency"]
	if d.Lost != 0 || d.Undelivered < 200 || m.Censored != d.Undelivered || m.Count != d.Delivered || rec.Totals.Publishes.OK != rec.Totals.Publishes.Sent {
		t.Errorf("publishes %+v, deliveries %+v, %d latencies and %d beyond them", rec.Totals.Publishes, d, m.Count, m.Censored)
	}
}
