package runner

import (
	"math"
	"runtime"
	rtm "runtime/metrics"
	"time"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/wire"
)

// Monitor watches what this process gets of its machine (design.md 3.3). What the
// system does not tell is not measured; the portable part is the Go runtime's. It is
// for one run.
type Monitor struct {
	cores   float64 // what the process may use
	last    counters
	samples []rtm.Sample
}

// counters are what only ever grows, as of one instant; negative = not to be had.
type counters struct {
	at         time.Duration
	cpu        float64 // seconds of this process
	runQueue   map[int]taskTime
	steal, all float64 // of the machine, in ticks
	throttled  float64 // times
	swapIns    float64 // pages, of the machine
	faults     float64 // pages that this process waited for
	scheduler  rtm.Float64Histogram
	gc, cpuAll float64 // seconds, by the runtime
	pauses     rtm.Float64Histogram
}

// taskTime is how long one thread ran and how long it waited for a processor, in ns.
type taskTime struct{ ran, waited float64 }

// pressure is what a Monitor saw over some time; NaN = not measured.
type pressure struct {
	cpu, runQueue, steal float64 // shares
	throttled, swapIns   float64 // counts
	scheduler            float64 // p99, µs
	gc                   float64 // share of the process' processor time
	gcPause              float64 // longest, µs

	threads   float64 // ns that threads ran or waited: runQueue is a share of it
	processor float64 // seconds by the runtime: gc is a share of it
}

// Names in runtime/metrics.
const (
	schedulerLatencies = "/sched/latencies:seconds"
	gcPauses           = "/sched/pauses/total/gc:seconds"
	gcSeconds          = "/cpu/classes/gc/total:cpu-seconds"
	cpuSeconds         = "/cpu/classes/total:cpu-seconds"
)

// NewMonitor starts to watch.
func NewMonitor() *Monitor {
	m := &Monitor{cores: float64(runtime.NumCPU())}
	if quota := quotaCores(); quota != nil {
		m.cores = min(m.cores, *quota)
	}
	for _, name := range []string{schedulerLatencies, gcPauses, gcSeconds, cpuSeconds} {
		m.samples = append(m.samples, rtm.Sample{Name: name})
	}
	m.last = m.count()
	return m
}

// read is what happened since the last read.
func (m *Monitor) read() pressure {
	now := m.count()
	p := m.last.until(&now, m.cores)
	m.last = now
	return p
}

func (m *Monitor) count() counters {
	c := systemCounters()
	c.at = wire.Now()
	_, c.cpu = processUsage()
	rtm.Read(m.samples)
	for _, s := range m.samples {
		switch {
		case s.Value.Kind() == rtm.KindFloat64Histogram && s.Name == schedulerLatencies:
			c.scheduler = clone(s.Value.Float64Histogram())
		case s.Value.Kind() == rtm.KindFloat64Histogram && s.Name == gcPauses:
			c.pauses = clone(s.Value.Float64Histogram())
		case s.Value.Kind() == rtm.KindFloat64 && s.Name == gcSeconds:
			c.gc = s.Value.Float64()
		case s.Value.Kind() == rtm.KindFloat64 && s.Name == cpuSeconds:
			c.cpuAll = s.Value.Float64()
		}
	}
	return c
}

// clone copies what runtime/metrics would overwrite.
func clone(h *rtm.Float64Histogram) rtm.Float64Histogram {
	return rtm.Float64Histogram{Counts: append([]uint64(nil), h.Counts...), Buckets: h.Buckets}
}

// until is what happened from c to now on so many cores.
func (c *counters) until(now *counters, cores float64) pressure {
	wall := (now.at - c.at).Seconds()
	p := pressure{
		cpu:       share(now.cpu-c.cpu, wall*cores),
		steal:     math.NaN(),
		throttled: math.NaN(),
		swapIns:   math.NaN(),
		scheduler: quantileBetween(&c.scheduler, &now.scheduler, 0.99) * 1e6,
		gc:        share(now.gc-c.gc, now.cpuAll-c.cpuAll),
		gcPause:   quantileBetween(&c.pauses, &now.pauses, 1) * 1e6,
	}
	p.runQueue, p.threads = waitShare(c.runQueue, now.runQueue)
	if p.processor = now.cpuAll - c.cpuAll; now.cpu == 0 { // a system that does not say
		p.cpu = math.NaN()
	}
	if c.all >= 0 && now.all >= 0 {
		p.steal = share(now.steal-c.steal, now.all-c.all)
	}
	if c.throttled >= 0 && now.throttled >= 0 {
		p.throttled = now.throttled - c.throttled
	}
	if c.swapIns >= 0 && now.swapIns >= 0 {
		// The machine's, as far as they may be ours: each makes somebody wait for a page.
		p.swapIns = min(now.swapIns-c.swapIns, now.faults-c.faults)
	}
	return p
}

func share(part, all float64) float64 {
	if all <= 0 {
		return math.NaN()
	}
	return part / all
}

// waitShare is Σ waiting ÷ Σ (running + waiting) over the threads. One that is new
// has its whole life in it, one that has ended is left out.
func waitShare(before, now map[int]taskTime) (waiting, of float64) {
	if now == nil {
		return math.NaN(), 0
	}
	var ran, waited float64
	for id, t := range now {
		ran += t.ran - before[id].ran
		waited += t.waited - before[id].waited
	}
	return share(waited, ran+waited), ran + waited
}

// beside is p and what another process of the run saw in the same second: shares of
// the machine add up, those of a process weigh as much as it ran, and what is said of
// the machine is the same for all.
func (p pressure) beside(o pressure) pressure {
	return pressure{
		cpu:       sumOf(p.cpu, o.cpu),
		runQueue:  weighed(p.runQueue, p.threads, o.runQueue, o.threads),
		steal:     highest(p.steal, o.steal),
		throttled: highest(p.throttled, o.throttled),
		swapIns:   sumOf(p.swapIns, o.swapIns),
		scheduler: highest(p.scheduler, o.scheduler),
		gc:        weighed(p.gc, p.processor, o.gc, o.processor),
		gcPause:   highest(p.gcPause, o.gcPause),
		threads:   p.threads + o.threads,
		processor: p.processor + o.processor,
	}
}

// These take NaN for not measured, and the other value alone then.

func sumOf(a, b float64) float64 {
	return either(a, b, func() float64 { return a + b })
}

func highest(a, b float64) float64 {
	return either(a, b, func() float64 { return max(a, b) })
}

func weighed(a, weightA, b, weightB float64) float64 {
	return either(a, b, func() float64 { return share(a*weightA+b*weightB, weightA+weightB) })
}

func either(a, b float64, both func() float64) float64 {
	switch {
	case math.IsNaN(a):
		return b
	case math.IsNaN(b):
		return a
	}
	return both()
}

// quantileBetween is the upper end of the bucket that holds the q-quantile of what was
// added between two states of a histogram; 0 when nothing was, NaN without a histogram.
func quantileBetween(before, now *rtm.Float64Histogram, q float64) float64 {
	if len(now.Counts) == 0 || len(before.Counts) != len(now.Counts) {
		return math.NaN()
	}
	var n uint64
	for i := range now.Counts {
		n += now.Counts[i] - before.Counts[i]
	}
	rank := uint64(math.Ceil(q * float64(n)))
	var seen uint64
	for i := range now.Counts {
		if seen += now.Counts[i] - before.Counts[i]; n > 0 && seen >= rank {
			if upper := now.Buckets[i+1]; !math.IsInf(upper, 1) {
				return upper
			}
			return now.Buckets[i]
		}
	}
	return 0
}

// watch reads the monitor once per tick that has ended; controller only. What it saw
// belongs to every tick since the last look.
func (r *run) watch(now time.Duration) {
	tick := int((now - r.start) / tickEvery)
	if r.cfg.Monitor == nil || tick <= len(r.seen) {
		return
	}
	p := r.cfg.Monitor.read()
	for len(r.seen) < tick {
		r.seen = append(r.seen, p)
	}
}

// pressures is what all processes saw, by tick.
func (r *run) pressures() []pressure {
	var all []pressure
	for _, p := range r.parts {
		for tick, seen := range p.pressures() {
			if tick == len(all) {
				all = append(all, seen)
			} else {
				all[tick] = all[tick].beside(seen)
			}
		}
	}
	return all
}

// readGenerator fills in what the monitor saw in one tick.
func (r *run) readGenerator(tick int, g *metrics.GateReadings) {
	if tick >= len(r.pressed) {
		return
	}
	p := &r.pressed[tick]
	g[metrics.GateCPU] = metrics.Read(p.cpu)
	g[metrics.GateRunQueue] = metrics.Read(p.runQueue)
	g[metrics.GateSteal] = metrics.Read(p.steal)
	g[metrics.GateThrottled] = metrics.Read(p.throttled)
	g[metrics.GateSwapIn] = metrics.Read(p.swapIns)
	g[metrics.GateScheduler] = metrics.Read(p.scheduler)
}

// pressureSeries adds what the monitor saw to the series.
func (r *run) pressureSeries() {
	// What is shown of them: further digits are noise, and would be most of the column.
	share := func(v float64) float64 { return math.Round(v*1e3) / 1e3 }
	small := func(v float64) float64 { return math.Round(v*1e4) / 1e4 }
	for tick := range r.pressed {
		p := &r.pressed[tick]
		for name, v := range map[string]float64{
			"cpu_ratio": share(p.cpu), "run_queue_ratio": share(p.runQueue), "steal_ratio": share(p.steal),
			"scheduler_p99_us": p.scheduler, "gc_ratio": small(p.gc), "gc_pause_max_us": p.gcPause,
		} {
			if !math.IsNaN(v) {
				r.collector.SetColumn(name, tick, v)
			}
		}
	}
}
