package metrics

import (
	"math"
	"slices"
)

// GateID names a condition of a trustworthy measurement (design.md 3.4).
type GateID uint8

// The gates, in the order in which a reader looks for the cause.
const (
	// GateSent: publishes that left within a second of their instant ÷ those due
	// whose session could take them.
	GateSent GateID = iota
	// GateLag: schedule lag p99 ÷ e2e p99.
	GateLag
	// GateReceive: p99 of kernel arrival to read ÷ e2e p99.
	GateReceive
	// GateCPU: processor time of this process ÷ what it may use.
	GateCPU
	// GateRunQueue: time our threads waited for a processor ÷ time they ran or waited.
	GateRunQueue
	// GateScheduler: p99 of how long goroutines waited for a thread, µs.
	GateScheduler
	// GateSteal: processor time that the hypervisor gave to others ÷ all of it.
	GateSteal
	// GateThrottled: times the control group's quota stopped us.
	GateThrottled
	// GateSwapIn: pages of ours read back from swap.
	GateSwapIn
	// GateOverflow: publishes that came due and were given up without a look at them.
	GateOverflow
	// GateExhausted: sockets that could not be had for want of descriptors, ports or memory.
	GateExhausted
	// GateCeiling: messages per second ÷ the calibrated ceiling of this machine.
	GateCeiling

	gateCount
)

// gateInfos: a window warns above warn and is bad above invalid, or below both where
// below is set. Gates of events (unit count) have no warning: any is bad.
var gateInfos = [gateCount]struct {
	id, unit      string
	warn, invalid float64
	below         bool
	// whole judges the run's own value too: what was not sent, or never opened, is
	// missing however few seconds it took.
	whole   bool
	meaning string
	advice  string
}{
	GateSent: {"sent_of_intended", "ratio", 0.999, 0.995, true, true,
		"publishes sent within a second of their instant, of those whose session could take them", "more cores, or fewer publishes per process"},
	GateLag: {"schedule_lag_share", "ratio", 0.10, 0.20, false, false,
		"schedule lag p99 as a share of e2e p99", "more cores, or fewer connections per process"},
	GateReceive: {"receive_delay_share", "ratio", 0.10, 0.20, false, false,
		"kernel arrival to read, p99, as a share of e2e p99", "more cores, or fewer deliveries per process"},
	GateCPU: {"cpu_share", "ratio", 0.80, 0.95, false, false,
		"processor time of the generator, of what it may use", "more cores"},
	GateRunQueue: {"run_queue_share", "ratio", 0.25, 0.50, false, false,
		"time the generator's threads waited for a processor, of the time they ran or waited", "stop what else runs on this machine"},
	GateScheduler: {"scheduler_latency_p99", "us", 1000, 5000, false, false,
		"wait of goroutines for a thread, p99", "more cores"},
	GateSteal: {"steal_share", "ratio", 0.02, 0.10, false, false,
		"processor time that the hypervisor gave to others", "a machine of your own"},
	GateThrottled: {"throttled", "count", 0, 0, false, false,
		"times the control group's quota stopped the generator", "a larger CPU quota"},
	GateSwapIn: {"swap_in", "count", 0, 0, false, false,
		"pages of the generator read back from swap", "more memory"},
	GateOverflow: {"queue_overflow", "count", 0, 0, false, true,
		"publishes that came due, could have left and were never looked at", "fewer publishes per process"},
	GateExhausted: {"exhaustion", "count", 0, 0, false, true,
		"sockets refused for want of descriptors, ports or memory", "a higher ulimit -n, or more source addresses"},
	GateCeiling: {"ceiling_share", "ratio", 0.50, 0.80, false, false,
		"messages per second, of the calibrated ceiling of this machine", "a larger machine"},
}

// String is the gate's id in records.
func (g GateID) String() string { return gateInfos[g].id }

// Reading is the value of one gate over one second or over the run. The zero
// Reading was not measured.
type Reading struct {
	Value    float64 // in the gate's unit
	Measured bool
	// Harmless: beyond the limit, yet too small to have changed any verdict.
	Harmless bool
}

// Read is a Reading of v; not measured if that is no number.
func Read(v float64) Reading { return Reading{Value: v, Measured: !math.IsNaN(v)} }

// GateReadings are the readings of all gates, by GateID.
type GateReadings [gateCount]Reading

// Results of a gate, as Gate.Result.
const (
	gateOK          = "ok"
	gateWarn        = "warn"
	gateInvalid     = "invalid"
	gateNotMeasured = "not_measured"
)

// judge is the result of one reading.
func (g GateID) judge(r Reading) string {
	info := &gateInfos[g]
	beyond := func(limit float64) bool {
		if info.below {
			return r.Value < limit
		}
		return r.Value > limit
	}
	switch {
	case !r.Measured:
		return gateNotMeasured
	case beyond(info.invalid) && !r.Harmless:
		return gateInvalid
	case beyond(info.warn):
		return gateWarn
	}
	return gateOK
}

// tolerated is how many bad seconds a run may have: two, or 2 % of a long one.
func tolerated(windows int) int { return max(2, windows/50) }

// JudgeGates says whether the generator can be believed: windows are the readings of
// each second of steady state, the first of which begins at start seconds, and run
// those over all of it. A run is invalid when more than two seconds and 2 % of them
// are bad by any gate, and when what it did not send or open is beyond the limit.
func JudgeGates(start float64, windows []GateReadings, run *GateReadings) Health {
	h := Health{Result: "valid", Windows: len(windows), FromS: start, Gates: make([]Gate, 0, gateCount), Untrusted: []Span{}}
	bad := make([]bool, len(windows))
	for id := range gateCount {
		g := id.over(start, windows, run[id], bad)
		h.Gates = append(h.Gates, g)
		switch {
		case g.Result == gateInvalid:
			h.Result = gateInvalid
		case g.Result == gateWarn && h.Result != gateInvalid:
			h.Result = gateWarn
		}
	}
	h.Untrusted = spans(start, bad)
	for _, b := range bad {
		if b {
			h.BadWindows++
		}
	}
	if h.BadWindows > tolerated(len(windows)) {
		h.Result = gateInvalid
	}
	return h
}

// over judges one gate over a run and marks its bad windows.
func (g GateID) over(start float64, windows []GateReadings, run Reading, bad []bool) Gate {
	info := &gateInfos[g]
	out := Gate{
		ID: info.id, Unit: info.unit, Warn: info.warn, Invalid: info.invalid, Below: info.below,
		Meaning: info.meaning, Advice: info.advice, Result: gateNotMeasured,
	}
	if run.Measured {
		out.Value = new(run.Value)
		out.Result = gateOK
	}
	mine := make([]bool, len(windows))
	for i := range windows {
		switch g.judge(windows[i][g]) {
		case gateInvalid:
			mine[i], bad[i] = true, true
			out.BadWindows++
		case gateNotMeasured:
			continue
		}
		if out.Result == gateNotMeasured {
			out.Result = gateOK
		}
	}
	out.Bad = spans(start, mine)
	switch whole := g.judge(run); {
	case out.BadWindows > tolerated(len(windows)), info.whole && whole == gateInvalid:
		out.Result = gateInvalid
	case out.BadWindows > 0, whole == gateWarn, whole == gateInvalid:
		out.Result = gateWarn
	}
	return out
}

// spans joins neighbouring seconds that are set.
func spans(start float64, set []bool) []Span {
	out := []Span{}
	for i := 0; i < len(set); {
		if !set[i] {
			i++
			continue
		}
		n := slices.Index(set[i:], false)
		if n < 0 {
			n = len(set) - i
		}
		out = append(out, Span{FromS: start + float64(i), ToS: start + float64(i+n)})
		i += n
	}
	return out
}
