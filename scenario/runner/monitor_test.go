package runner

import (
	"math"
	rtm "runtime/metrics"
	"testing"
	"time"

	"github.com/wpsbench/wpsbench/metrics"
)

func TestPressure(t *testing.T) {
	buckets := []float64{0, 1e-3, 5e-3, math.Inf(1)}
	before := counters{
		at: 10 * time.Second, cpu: 4, steal: 100, all: 1000, throttled: 7, swapIns: 50, faults: 3, gc: 1, cpuAll: 10,
		runQueue:  map[int]taskTime{1: {ran: 100, waited: 50}, 2: {ran: 10, waited: 10}},
		scheduler: rtm.Float64Histogram{Counts: []uint64{1000, 0, 0}, Buckets: buckets},
		pauses:    rtm.Float64Histogram{Counts: []uint64{5, 0, 0}, Buckets: buckets},
	}
	now := counters{
		at: 12 * time.Second, cpu: 7, steal: 150, all: 1200, throttled: 9, swapIns: 90, faults: 5, gc: 1.5, cpuAll: 20,
		// Thread 2 has ended, thread 3 is new.
		runQueue:  map[int]taskTime{1: {ran: 160, waited: 70}, 3: {ran: 10, waited: 10}},
		scheduler: rtm.Float64Histogram{Counts: []uint64{1098, 2, 0}, Buckets: buckets},
		pauses:    rtm.Float64Histogram{Counts: []uint64{6, 0, 1}, Buckets: buckets},
	}
	got := before.until(&now, 2)
	want := pressure{
		cpu: 0.75, runQueue: 0.3, steal: 0.25, throttled: 2,
		swapIns:   2,    // 40 of the machine, but only 2 waits of ours
		scheduler: 5000, // 2 of 100 in the second bucket: the p99 lies there
		gc:        0.05,
		gcPause:   5000, // open above: its lower end
		threads:   100,
		processor: 10,
	}
	if got != want {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}

// Two processes count as one that runs the threads of both.
func TestPressureOfTwo(t *testing.T) {
	unknown := math.NaN()
	a := pressure{cpu: 0.5, runQueue: 0.1, steal: 0.2, throttled: 3, swapIns: 1, scheduler: 700, gc: 0.1, gcPause: 50, threads: 300, processor: 1}
	b := pressure{cpu: 0.25, runQueue: 0.5, steal: 0.2, throttled: 3, swapIns: 2, scheduler: 900, gc: 0.4, gcPause: 20, threads: 100, processor: 2}
	want := pressure{cpu: 0.75, runQueue: 0.2, steal: 0.2, throttled: 3, swapIns: 3, scheduler: 900, gc: 0.3, gcPause: 50, threads: 400, processor: 3}
	got := a.beside(b)
	if math.Abs(got.gc-want.gc) > 1e-9 || math.Abs(got.runQueue-want.runQueue) > 1e-9 {
		t.Errorf("gc %v, run queue %v; want %v and %v", got.gc, got.runQueue, want.gc, want.runQueue)
	}
	got.gc, got.runQueue = want.gc, want.runQueue
	if got != want {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
	nothing := pressure{cpu: unknown, runQueue: unknown, steal: unknown, throttled: unknown, swapIns: unknown, scheduler: unknown, gc: unknown, gcPause: unknown}
	if got := nothing.beside(a); got != a {
		t.Errorf("beside nothing: got %+v, want %+v", got, a)
	}
}

// What the system does not tell is not measured, and that is not zero.
func TestPressureNotMeasured(t *testing.T) {
	unknown := counters{steal: -1, all: -1, throttled: -1, swapIns: -1}
	later := unknown
	later.at = time.Second
	p := unknown.until(&later, 2)
	for name, v := range map[string]float64{
		"cpu": p.cpu, "run queue": p.runQueue, "steal": p.steal, "throttled": p.throttled,
		"swap-ins": p.swapIns, "scheduler": p.scheduler, "gc": p.gc, "gc pause": p.gcPause,
	} {
		if !math.IsNaN(v) {
			t.Errorf("%s reads %v", name, v)
		}
	}
}

// A second that a busy loop fills shows as one.
func TestMonitorSeesWork(t *testing.T) {
	m := NewMonitor()
	for until := time.Now().Add(20 * time.Millisecond); time.Now().Before(until); {
		continue
	}
	p := m.read()
	if !(p.cpu > 0) || !(p.scheduler >= 0) {
		t.Errorf("after work: %+v", p)
	}
}

func TestDelayShare(t *testing.T) {
	for _, tt := range []struct {
		name              string
		delay, e2e, limit float64
		value             float64
		harmless          bool
	}{
		{"small beside the latency", 100, 10_000, 0, 0.01, true},
		{"large, but below a millisecond", 900, 1000, 0, 0.9, true},
		{"large", 3000, 10_000, 0, 0.3, false},
		{"large, but too small to decide the limit", 3000, 10_000, 20_000, 0.3, true},
		{"large, and the limit is tight", 3000, 10_000, 5000, 0.3, false},
	} {
		r := delayShare(tt.delay, tt.e2e, tt.limit)
		if !r.Measured || r.Value != tt.value || r.Harmless != tt.harmless {
			t.Errorf("%s: %+v", tt.name, r)
		}
	}
}

func TestSendWindowReading(t *testing.T) {
	for _, tt := range []struct {
		name   string
		window sendWindow
		want   float64
	}{
		{"all in time", sendWindow{due: 1000}, 1},
		{"late", sendWindow{due: 1000, late: 10}, 0.99},
		{"held back by the target", sendWindow{due: 1000, pushed: 900}, 1},
		{"late beside held back", sendWindow{due: 1000, pushed: 400, away: 500, late: 10}, 0.9},
	} {
		if r := tt.window.reading(); !r.Measured || math.Abs(r.Value-tt.want) > 1e-9 {
			t.Errorf("%s: %+v, want %v", tt.name, r, tt.want)
		}
	}
	if r := (sendWindow{due: 5, pushed: 5}).reading(); r.Measured {
		t.Error("nothing could leave, yet a share of it was read")
	}
}

// A session that drops and is back within one second shows in that second.
func TestGauge(t *testing.T) {
	var g gauge
	for _, n := range []int{1, 1, -1, 1} {
		g.add(n)
	}
	g.reset()
	if g != (gauge{now: 2, low: 2, high: 2}) {
		t.Errorf("after a reset %+v", g)
	}
	g.add(-1)
	g.add(1)
	if g != (gauge{now: 2, low: 1, high: 2}) {
		t.Errorf("a dip within the tick: %+v", g)
	}
}

// Waiting for a processor spoils a second in which sends were late, not one in which
// they were not; without sends there is no excuse.
func TestExcuseWaits(t *testing.T) {
	rec := &metrics.Run{Series: metrics.Series{Columns: map[string][]*float64{
		"lag_p99_us": {nil, new(400.0), new(3000.0), nil},
	}}}
	windows := make([]metrics.GateReadings, 4)
	for i := range windows {
		windows[i][metrics.GateRunQueue] = metrics.Read(0.7)
	}
	excuseWaits(rec, 5000, 1, windows) // ticks 1 to 4
	for i, want := range []bool{true, false, false, false} {
		if got := windows[i][metrics.GateRunQueue].Harmless; got != want {
			t.Errorf("second %d: excused %t, want %t", i, got, want)
		}
	}
}

// What the monitor saw since the last look belongs to every second that has ended since; one
// that goes on is not looked at yet.
func TestWatch(t *testing.T) {
	t.Parallel()
	r := &run{start: time.Hour, cfg: Config{Monitor: NewMonitor()}}
	looked := r.cfg.Monitor.last.at
	for _, row := range []struct {
		at    time.Duration
		want  int // seconds seen
		looks bool
	}{
		{999 * time.Millisecond, 0, false}, {time.Second, 1, true}, {1900 * time.Millisecond, 1, false},
		{4200 * time.Millisecond, 4, true}, {4999 * time.Millisecond, 4, false},
	} {
		if r.watch(r.start + row.at); len(r.seen) != row.want {
			t.Errorf("after %v %d seconds are seen, want %d", row.at, len(r.seen), row.want)
		}
		if last := r.cfg.Monitor.last.at; (last != looked) != row.looks {
			t.Errorf("after %v the monitor was read: %t, want %t", row.at, last != looked, row.looks)
		} else {
			looked = last
		}
	}
	if a, b := r.seen[1], r.seen[3]; a.cpu != b.cpu || a.scheduler != b.scheduler {
		t.Errorf("one look saw %+v in one second and %+v in another", a, b)
	}
}

// seenBy is a part of a run of which nothing is known but the pressure on it.
type seenBy struct {
	part
	by []pressure
}

func (s seenBy) pressures() []pressure { return s.by }

// The pressure of a second is on all processes of the run, and the series shows each of its
// values under its own name.
func TestPressuresOfAllProcesses(t *testing.T) {
	t.Parallel()
	none := pressure{
		cpu: math.NaN(), runQueue: math.NaN(), steal: math.NaN(), throttled: math.NaN(), swapIns: math.NaN(),
		scheduler: math.NaN(), gc: math.NaN(), gcPause: math.NaN(),
	}
	one := none
	one.cpu, one.steal, one.gcPause = 0.25, 0.125, 300
	two := none
	two.cpu, two.runQueue, two.threads, two.scheduler, two.gc, two.processor = 0.5, 0.375, 8, 700, 0.0625, 2
	r := newRun(newFake(t, script{}).config(t, planOf(t, base)))
	r.parts = []part{seenBy{by: []pressure{one}}, seenBy{by: []pressure{two, one}}}
	if r.pressed = r.pressures(); len(r.pressed) != 2 {
		t.Fatalf("%d seconds, want 2", len(r.pressed))
	}
	r.pressureSeries()
	columns := r.collector.SeriesSoFar(0, tickEvery).Columns
	for name, want := range map[string][2]float64{ // 0 = not measured
		"cpu_ratio": {0.75, 0.25}, "run_queue_ratio": {0.375, 0}, "steal_ratio": {0.125, 0.125},
		"scheduler_p99_us": {700, 0}, "gc_ratio": {0.0625, 0}, "gc_pause_max_us": {300, 300},
	} {
		for i := range want {
			got := 0.0
			if column := columns[name]; i < len(column) && column[i] != nil {
				got = *column[i]
			}
			if got != want[i] {
				t.Errorf("%s of second %d: %v, want %v", name, i, got, want[i])
			}
		}
	}
	// Beyond what was seen nothing is measured.
	var g metrics.GateReadings
	if r.readGenerator(2, &g); g != (metrics.GateReadings{}) {
		t.Errorf("readings of a second that nobody saw: %+v", g)
	}
	for gate, want := range map[metrics.GateID]metrics.Reading{
		metrics.GateCPU: metrics.Read(0.25), metrics.GateSteal: metrics.Read(0.125), metrics.GateScheduler: {}, metrics.GateRunQueue: {},
	} {
		r.readGenerator(1, &g)
		if g[gate].Measured != want.Measured || want.Measured && g[gate] != want {
			t.Errorf("%s reads %+v, want %+v", gate, g[gate], want)
		}
	}
}
