package runner

import (
	"time"

	"github.com/wpsbench/wpsbench/metrics"
)

// handOver takes a worker's interval; called on the worker's goroutine.
func (r *run) handOver(tick int, iv *metrics.Interval) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.handed = append(r.handed, handed{tick, iv})
}

type handed struct {
	tick int
	iv   *metrics.Interval
}

// collect merges what the workers have handed over; controller only.
func (r *run) collect() {
	r.mu.Lock()
	batch := r.handed
	r.handed = nil
	r.mu.Unlock()
	for _, h := range batch {
		r.collector.Add(h.tick, h.iv)
	}
}

// second passes on what a metric measured in a tick. The last one may be shorter, which
// its values do not say: it is taken for a whole one.
func (r *run) second(tick int, m metrics.Metric, s *metrics.MetricSummary) {
	from := time.Duration(tick) * tickEvery
	r.cfg.Seconds(Second{
		Started: r.startedAt.UTC().Truncate(time.Millisecond), From: from.Seconds(), To: (from + tickEvery).Seconds(), Metric: m, Summary: s,
	})
}

// enter begins a phase, and ends the one before it.
func (r *run) enter(name string) {
	r.leave()
	now := r.driver.now()
	r.mu.Lock()
	r.phase = name
	r.phases = append(r.phases, metrics.PhaseResult{Name: name, StartS: seconds(now - r.start)})
	r.mu.Unlock()
	r.note("phase", name)
}

func (r *run) leave() {
	if n := len(r.phases); n > 0 && r.phases[n-1].EndS == 0 {
		r.phases[n-1].EndS = seconds(r.driver.now() - r.start)
	}
}

// note adds a line to the run's log; any goroutine.
func (r *run) note(kind, text string) {
	r.adopt(metrics.RunEvent{TS: seconds(r.driver.now() - r.start), Kind: kind, Text: text})
}

// adopt adds a line that has been written already.
func (r *run) adopt(e metrics.RunEvent) {
	r.mu.Lock()
	defer r.mu.Unlock()
	const maxNotes = 1000 // a note per session must not crowd out phases and faults
	if e.Kind == "note" {
		if r.notes++; r.notes > maxNotes {
			return
		}
	}
	r.events = append(r.events, e)
	r.pending = append(r.pending, e.Text)
}

func seconds(d time.Duration) float64 { return d.Round(time.Microsecond).Seconds() }
