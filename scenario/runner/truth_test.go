//go:build unix

package runner

import (
	"fmt"
	"math"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/wire"
)

// The truth bars: what the harness adds to a latency that is known otherwise. They hold
// on an idle machine and are asked for by `make truth`; each prints its figures.
func truthBar(t *testing.T) {
	t.Helper()
	if os.Getenv("WPSBENCH_TRUTH") == "" {
		t.Skip("needs a machine of its own: make truth")
	}
}

// truthScenario sends at evenly spread instants: publishers each to a group of its own.
func truthScenario(publishers, rate int, ack bool, warmup, steady time.Duration, more ...string) string {
	return fmt.Sprintf(`name: truth
protocol: json.reliable.webpubsub.azure.v1
groups:
  room: {count: %d}
populations:
  members:
    connections: %d
    connect_rate: 1000/s
    join: {room: 1}
    publish: {to: room, rate: %d/s, arrival: constant, ack: %t, size: 128}
phases: {warmup: %s, steady: %s, drain: 30s}
%s
`, publishers, publishers, rate, ack, warmup, steady, strings.Join(more, "\n"))
}

// truthRun executes a scenario as the command does, with edits of the run before it begins.
func truthRun(t *testing.T, connectionString, text string, edit ...func(*run)) *metrics.Run {
	t.Helper()
	plan := planOf(t, text)
	cfg := configOf(t, plan, connectionString)
	cfg.Workers = 0
	cfg.Monitor = NewMonitor()
	r := newRun(cfg)
	for _, e := range edit {
		e(r)
	}
	rec, err := r.execute(t.Context(), t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("verdict: %s; health %s, %d of %d bad seconds", rec.Verdict.Headline, rec.Health.Result, rec.Health.BadWindows, rec.Health.Windows)
	for _, g := range rec.Health.Gates {
		if g.Value != nil {
			t.Logf("  %-22s %-8s %.4g, %d bad seconds", g.ID, g.Result, *g.Value, g.BadWindows)
		}
	}
	column := func(name string, i int) float64 {
		if v := rec.Series.Columns[name][i]; v != nil {
			return *v / 1e3
		}
		return math.NaN()
	}
	for i, at := range rec.Series.Columns["t_s"] {
		if v := rec.Series.Columns["untrusted"][i]; v != nil && *v == 1 {
			t.Logf("  bad: second %g, schedule lag p99 %.2f ms, e2e p99 %.2f ms", *at, column("lag_p99_us", i), column("e2e_p99_us", i))
		}
	}
	return rec
}

// millis is a percentile in milliseconds; it is printed as a benchmark's figure.
func millis(t *testing.T, rec *metrics.Run, metric, key string) float64 {
	t.Helper()
	v := rec.Metrics[metric].Percentiles[key]
	if v == nil {
		t.Fatalf("%s has no %s", metric, key)
	}
	ms := float64(*v) / 1e3
	figure(t, metric, ms, key+"-ms")
	return ms
}

// figure prints what was measured as a line that benchstat reads.
func figure(t *testing.T, name string, value float64, unit string) {
	fmt.Printf("Benchmark%s/%s 1 %.4g %s\n", strings.TrimPrefix(t.Name(), "Test"), name, value, unit)
}

func within(t *testing.T, what string, got, low, high float64) {
	t.Helper()
	if got < low || got > high {
		t.Errorf("%s is %.3f ms, want %.3f to %.3f", what, got, low, high)
	}
}

// 1,000 publishes a second to groups of 10 with acks are 12,000 messages a second.
func TestTruthAck(t *testing.T) {
	truthBar(t)
	_, cs := emulatorChild(t, 0)
	text := strings.Replace(truthScenario(1000, 1, true, 2*time.Second, 15*time.Second), "count: 1000", "count: 100", 1)
	rec := truthRun(t, cs, text)
	within(t, "ack p50", millis(t, rec, "ack_rtt", "p50"), 0, 0.3)
	within(t, "ack p99", millis(t, rec, "ack_rtt", "p99"), 0, 1)
}

// A latency that is known comes out as it is, but for a pacer that sleeps.
func TestTruthDelay(t *testing.T) {
	truthBar(t)
	for _, d := range []time.Duration{0, time.Millisecond, 5 * time.Millisecond, 50 * time.Millisecond} {
		t.Run(d.String(), func(t *testing.T) {
			_, cs := emulatorChild(t, d)
			rec := truthRun(t, cs, truthScenario(10, 100, false, time.Second, 8*time.Second))
			ms := float64(d) / 1e6
			within(t, "e2e p50", millis(t, rec, "e2e_latency", "p50"), ms, ms+0.3)
			within(t, "e2e p99", millis(t, rec, "e2e_latency", "p99"), ms, ms+3)
		})
	}
	t.Run("a pacer that sleeps fails", func(t *testing.T) {
		_, cs := emulatorChild(t, 5*time.Millisecond)
		rec := truthRun(t, cs, truthScenario(10, 100, false, time.Second, 8*time.Second), func(r *run) {
			for _, w := range r.workers {
				w.pacer.timer = &sleepAlarm{w: w}
			}
		})
		if p50 := millis(t, rec, "e2e_latency", "p50"); p50 <= 5.3 {
			t.Errorf("e2e p50 is %.3f ms: a pacer that sleeps passes", p50)
		}
	})
}

// sleepAlarm is what a pacer must not be made of.
type sleepAlarm struct {
	w     *worker
	armed int // of several sleeps the newest counts
}

func (s *sleepAlarm) Set(at time.Duration) {
	s.armed++
	mine := s.armed
	go func() {
		time.Sleep(at - wire.Now())
		s.w.loop.Do(func(now time.Duration) {
			if s.armed == mine {
				s.w.pacer.wake(now)
			}
		})
	}()
}

func (s *sleepAlarm) Stop() { s.armed++ }

// A server that stands still for 500 ms of every 5 s delays a tenth of evenly spread
// messages by up to as long: the p99 is 450 ms and the p99.9 is 495 ms. A client that
// waits for its acks hardly notices.
func TestTruthFreeze(t *testing.T) {
	truthBar(t)
	cmd, cs := emulatorChild(t, 0)
	rec := truthRun(t, cs, truthScenario(10, 100, true, time.Second, 25*time.Second), func(r *run) {
		r.cfg.Progress = freezer(t, cmd)
	})
	within(t, "response p99", millis(t, rec, "e2e_latency", "p99"), 445, 455)
	within(t, "response p99.9", millis(t, rec, "e2e_latency", "p99_9"), 490, 500)
	millis(t, rec, "ack_rtt", "p99")
	within(t, "closed view p99", millis(t, rec, "ack_closed", "p99"), 0, 1)
	p := rec.Totals.Publishes
	if want := uint64(26_000); p.Scheduled != want || p.Sent+p.Dropped != want {
		t.Errorf("publishes %+v, want %d scheduled, each sent or reported", p, want)
	}
	if rec.Health.Result == "invalid" {
		t.Error("a target that stands still makes the run invalid")
	}
}

// freezer stops a process for 500 ms of every 5 s of steady state, from its start on.
func freezer(t *testing.T, cmd *exec.Cmd) func(Progress) {
	begun := false
	done := make(chan struct{})
	t.Cleanup(func() {
		if begun {
			<-done
		}
	})
	return func(p Progress) {
		if begun || p.Phase != "steady" {
			return
		}
		begun = true
		go func() {
			defer close(done)
			start := time.Now()
			for i := range 5 {
				at := start.Add(2*time.Second + time.Duration(i)*5*time.Second)
				time.Sleep(time.Until(at))
				_ = cmd.Process.Signal(syscall.SIGSTOP)
				time.Sleep(time.Until(at.Add(500 * time.Millisecond)))
				_ = cmd.Process.Signal(syscall.SIGCONT)
			}
		}()
	}
}

// With a limit that little more than the machine's own latency would meet, the same
// run is good alone, invalid beside two programs that compute, and merely failed
// against a target that is slow.
func TestTruthHogs(t *testing.T) {
	truthBar(t)
	text := truthScenario(1000, 1, true, time.Second, 10*time.Second, `thresholds: {e2e_latency: ["p(99)<3ms"]}`)
	ends := func(t *testing.T, cs string, want int) {
		t.Helper()
		rec := truthRun(t, cs, text)
		figure(t, "verdict", float64(rec.Verdict.ExitCode), "exit")
		if rec.Verdict.ExitCode != want {
			t.Errorf("exit %d, want %d", rec.Verdict.ExitCode, want)
		}
	}
	t.Run("alone", func(t *testing.T) {
		_, cs := emulatorChild(t, 0)
		ends(t, cs, metrics.ExitPass)
	})
	t.Run("beside two hogs", func(t *testing.T) {
		_, cs := emulatorChild(t, 0)
		startChild(t, "hog")
		startChild(t, "hog")
		ends(t, cs, metrics.ExitInvalid)
	})
	t.Run("slow target", func(t *testing.T) {
		_, cs := emulatorChild(t, 200*time.Millisecond)
		ends(t, cs, metrics.ExitFail)
	})
}
