package runner

import (
	"fmt"
	"math"
	"time"

	"github.com/wpsbench/wpsbench/metrics"
)

const (
	// lateAfter is how late a publish may leave and still count as sent in time;
	// what lies below is the schedule lag's to tell.
	lateAfter = time.Second
	// lagFloor: a smaller delay of ours never invalidates a measurement.
	lagFloor = time.Millisecond
	// harmlessShare of the tightest limit cannot decide whether it is met.
	harmlessShare = 0.20
)

// sendWindow counts the publishes that came due in one second of the run.
type sendWindow struct {
	due    uint32 // all of them
	late   uint32 // left too late or never, though the session would have taken them
	away   uint32 // waited for a session that was detached
	pushed uint32 // waited for a peer that did not read, or answer
}

// health says whether the generator can be believed: a run whose own delays could
// have decided a verdict is not a measurement of the target.
func (r *run) health(rec *metrics.Run) metrics.Health {
	first, n := r.steadyTicks()
	windows := make([]metrics.GateReadings, n)
	sends := r.sendWindows()
	for i := range windows {
		tick := first + i
		r.readGenerator(tick, &windows[i])
		if tick < len(sends) {
			windows[i][metrics.GateSent] = sends[tick].reading()
		}
	}
	limit := float64(tightestLimit(r).Microseconds())
	r.readDelay(rec, metrics.GateLag, "lag_p99_us", limit, first, windows)
	r.readDelay(rec, metrics.GateReceive, "receive_delay_p99_us", limit, first, windows)
	excuseWaits(rec, limit, first, windows)
	r.readCeiling(rec, first, windows)

	whole := r.wholeReadings(rec, windows, sends, first, limit)
	h := metrics.JudgeGates(float64(first)*tickEvery.Seconds(), windows, &whole)
	if r.cfg.Ceiling > 0 {
		h.CeilingPerS = new(r.cfg.Ceiling)
	}
	if lag := rec.Metrics["schedule_lag"]; lag.Max != nil {
		h.MaxLagMicros = *lag.Max
	}
	for i := range sends {
		if sends[i].pushed > 0 {
			h.PushBack.Windows++
			h.PushBack.Held += uint64(sends[i].pushed)
		}
	}
	markUntrusted(&rec.Series, &h)
	return h
}

// steadyTicks are the seconds that begin in steady state; one that is partly warm-up
// is not judged.
func (r *run) steadyTicks() (first, n int) {
	steady := steadyLength(r.plan, r.publishEnd)
	if steady <= 0 {
		return 0, 0
	}
	from := r.t0 - r.start + r.plan.Scenario.Phases.Warmup
	first = int((from + tickEvery - 1) / tickEvery)
	last := int((from + steady - 1) / tickEvery)
	return first, max(0, last-first+1)
}

// sendWindows adds up the workers' counts by the second in which a publish was due.
func (r *run) sendWindows() []sendWindow {
	var sum []sendWindow
	for _, w := range r.left {
		for i, o := range w.sends {
			if i == len(sum) {
				sum = append(sum, sendWindow{})
			}
			sum[i].due += o.due
			sum[i].late += o.late
			sum[i].away += o.away
			sum[i].pushed += o.pushed
		}
	}
	return sum
}

// reading is the share that left in time of those that could leave: what its session
// could not take is the target's doing.
func (s sendWindow) reading() metrics.Reading {
	could := s.due - s.away - s.pushed
	if could == 0 {
		return metrics.Reading{}
	}
	return metrics.Read(1 - float64(s.late)/float64(could))
}

// readDelay reads a delay of ours (a p99 per second) as a share of the latency that it
// is part of. Where nothing arrived there is nothing to hold it against.
func (r *run) readDelay(rec *metrics.Run, gate metrics.GateID, column string, limit float64, first int, windows []metrics.GateReadings) {
	delays, e2es := rec.Series.Columns[column], rec.Series.Columns["e2e_p99_us"]
	for i := range windows {
		tick := first + i
		if tick >= len(delays) || delays[tick] == nil || e2es[tick] == nil {
			continue
		}
		delay := *delays[tick]
		reading := delayShare(delay, *e2es[tick], limit)
		windows[i][gate] = reading
		// A delay of seconds spoils as many before it, in which nothing happened.
		for k := max(0, i-int(delay/1e6)); k < i; k++ {
			if !windows[k][gate].Measured || windows[k][gate].Value < reading.Value {
				windows[k][gate] = reading
			}
		}
	}
}

// delayShare is our delay over the latency, both in microseconds. It is harmless when
// it is small in itself, or too small beside the tightest limit to decide it.
func delayShare(delay, e2e, limit float64) metrics.Reading {
	reading := metrics.Read(delay / max(e2e, 1))
	reading.Harmless = harmless(delay, limit)
	return reading
}

// readCeiling holds each second's publishes, acks and deliveries against the ceiling.
func (r *run) readCeiling(rec *metrics.Run, first int, windows []metrics.GateReadings) {
	for i := range windows {
		messages := 0.0
		for _, name := range []string{"published_per_s", "acked_per_s", "delivered_per_s"} {
			if column := rec.Series.Columns[name]; first+i < len(column) && column[first+i] != nil {
				messages += *column[first+i]
			}
		}
		if r.cfg.Ceiling > 0 {
			windows[i][metrics.GateCeiling] = metrics.Read(messages / r.cfg.Ceiling)
		}
	}
}

func harmless(delay, limit float64) bool {
	return delay <= float64(lagFloor.Microseconds()) || delay <= harmlessShare*limit
}

// excuseWaits lets the threads' wait for a processor count only in seconds whose
// schedule lag it can have shaped: a generator that hardly runs waits for most of the
// little time that it wants, some microseconds at each wake-up.
func excuseWaits(rec *metrics.Run, limit float64, first int, windows []metrics.GateReadings) {
	lags := rec.Series.Columns["lag_p99_us"]
	for i := range windows {
		if tick := first + i; tick < len(lags) && lags[tick] != nil {
			windows[i][metrics.GateRunQueue].Harmless = harmless(*lags[tick], limit)
		}
	}
}

// wholeReadings are the values over the run: shares over all of steady state, the
// largest second's wait of the scheduler, and the number of events.
func (r *run) wholeReadings(rec *metrics.Run, windows []metrics.GateReadings, sends []sendWindow, first int, limit float64) metrics.GateReadings {
	var whole metrics.GateReadings
	for _, gate := range []metrics.GateID{metrics.GateCPU, metrics.GateRunQueue, metrics.GateSteal, metrics.GateCeiling} {
		whole[gate] = mean(windows, gate)
	}
	whole[metrics.GateScheduler] = fold(windows, metrics.GateScheduler, math.Max)
	for _, gate := range []metrics.GateID{metrics.GateThrottled, metrics.GateSwapIn} {
		whole[gate] = fold(windows, gate, func(sum, v float64) float64 { return sum + v })
	}
	var steady sendWindow
	for i := first; i < min(first+len(windows), len(sends)); i++ {
		steady.due += sends[i].due
		steady.late += sends[i].late
		steady.away += sends[i].away
		steady.pushed += sends[i].pushed
	}
	whole[metrics.GateSent] = steady.reading()
	e2e := rec.Metrics["e2e_latency"].Percentiles["p99"]
	for gate, name := range map[metrics.GateID]string{metrics.GateLag: "schedule_lag", metrics.GateReceive: "receive_delay"} {
		if m := rec.Metrics[name]; m != nil && m.Percentiles["p99"] != nil && e2e != nil {
			whole[gate] = delayShare(float64(*m.Percentiles["p99"]), float64(*e2e), limit)
		}
	}
	var unsent, exhausted uint64
	for _, w := range r.left {
		unsent += w.counts.unsent
		exhausted += w.counts.exhausted
	}
	whole[metrics.GateOverflow] = metrics.Read(float64(unsent))
	whole[metrics.GateExhausted] = metrics.Read(float64(exhausted))
	return whole
}

// mean is over the windows in which the gate was measured: the last second of a run is
// cut short before anybody looks at it.
func mean(windows []metrics.GateReadings, gate metrics.GateID) metrics.Reading {
	out := fold(windows, gate, func(sum, v float64) float64 { return sum + v })
	measured := 0
	for i := range windows {
		if windows[i][gate].Measured {
			measured++
		}
	}
	if out.Measured {
		out.Value /= float64(measured)
	}
	return out
}

// fold combines a gate's measured windows, from 0.
func fold(windows []metrics.GateReadings, gate metrics.GateID, with func(sum, v float64) float64) metrics.Reading {
	var out metrics.Reading
	for i := range windows {
		if v := windows[i][gate]; v.Measured {
			out = metrics.Read(with(out.Value, v.Value))
		}
	}
	return out
}

// gateEvents are what the gates found, for the log.
func gateEvents(h *metrics.Health) []metrics.RunEvent {
	var events []metrics.RunEvent
	for i, g := range h.Gates {
		for _, s := range g.Bad {
			events = append(events, metrics.RunEvent{
				TS: s.FromS, Kind: "gate", Ref: fmt.Sprintf("/health/gates/%d", i),
				Text: fmt.Sprintf("untrusted for %.0f s: %s", s.ToS-s.FromS, g.Meaning),
			})
		}
	}
	return events
}

// markUntrusted adds the column that is 1 where the measurement cannot be trusted and 0
// where it can; what no gate looked at has none.
func markUntrusted(s *metrics.Series, h *metrics.Health) {
	column := make([]*float64, len(s.Columns["t_s"]))
	mark := func(from, to, v float64) {
		for i := range column {
			if t := *s.Columns["t_s"][i]; t >= from && t < to {
				column[i] = new(v)
			}
		}
	}
	mark(h.FromS, h.FromS+float64(h.Windows), 0)
	for _, u := range h.Untrusted {
		mark(u.FromS, u.ToS, 1)
	}
	s.Columns["untrusted"] = column
}

// tightestLimit is the smallest declared limit on end-to-end latency; 0 = none.
func tightestLimit(r *run) time.Duration {
	var tightest time.Duration
	for _, t := range r.plan.Scenario.Thresholds {
		if t.Metric != "e2e_latency" || t.Aggregate == "count" || (t.Op != "<" && t.Op != "<=") {
			continue
		}
		if limit := time.Duration(t.Limit) * time.Microsecond; tightest == 0 || limit < tightest {
			tightest = limit
		}
	}
	return tightest
}
