package metrics

import (
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func testWindows() *Windows {
	return &Windows{
		Phases: []Window{
			{Name: "connect", From: -2 * time.Second, To: 0},
			{Name: "warmup", From: 0, To: 3 * time.Second},
			{Name: "normal", From: 3 * time.Second, To: 8 * time.Second, Steady: true},
			{Name: "rush", From: 8 * time.Second, To: 10 * time.Second, Steady: true},
			{Name: "drain", From: 10 * time.Second, To: 20 * time.Second},
		},
		Faults: []*FaultWindow{{Name: "F1", From: 5 * time.Second}, {Name: "F2", From: 9 * time.Second}},
	}
}

// TestIntervalsSumToTotal: under load nothing is lost or counted twice between
// the recorders and the collector.
func TestIntervalsSumToTotal(t *testing.T) {
	const workers, ticks, perTick = 4, 25, 2000
	w := testWindows()
	views := []View{{Metric: E2ELatency, Population: 1}, {Metric: AckRTT, During: "normal", Population: -1}}
	type handed struct {
		tick int
		iv   *Interval
	}
	intervals := make(chan handed, 2)
	var wg sync.WaitGroup
	for k := range workers {
		wg.Go(func() {
			rnd := rand.New(rand.NewPCG(uint64(k), 1))
			r := NewRecorder(w, views)
			for tick := range ticks {
				for range perTick {
					at := time.Duration(rnd.Int64N(int64(25*time.Second))) - 3*time.Second
					r.Record(E2ELatency, at, rnd.IntN(2), time.Duration(rnd.Int64N(int64(time.Minute))))
					r.Record(AckRTT, at, 0, time.Duration(rnd.Int64N(int64(time.Second))))
					r.Interval().Delivered++
				}
				intervals <- handed{tick, r.Swap()}
			}
		})
	}
	go func() {
		wg.Wait()
		close(intervals)
	}()
	c := NewCollector(w, views)
	for h := range intervals {
		c.Add(h.tick, h.iv)
	}
	const total = workers * ticks * perTick
	for _, m := range []Metric{E2ELatency, AckRTT} {
		if got := c.Total(m).Count; got != total {
			t.Errorf("%v: got %d, want %d", m, got, total)
		}
		var sum uint64
		for _, name := range []string{"", "connect", "warmup", "normal", "rush", "drain"} {
			s := c.Summary(m, name)
			if s.Count == 0 {
				t.Errorf("%v: nothing in %q", m, name)
			}
			sum += s.Count
		}
		if sum != total {
			t.Errorf("%v: phases sum to %d, want %d", m, sum, total)
		}
		if got, want := c.Steady(m).Count, c.Summary(m, "normal").Count+c.Summary(m, "rush").Count; got != want {
			t.Errorf("%v: steady has %d, its stages %d", m, got, want)
		}
	}
	if got, want := c.View(1).Count, c.Summary(AckRTT, "normal").Count; got != want {
		t.Errorf("view of normal: got %d, want %d", got, want)
	}
	if got, all := c.View(0).Count, c.Steady(E2ELatency).Count; got < all/3 || got > all*2/3 {
		t.Errorf("view of one of two populations: got %d of %d", got, all)
	}
	s := c.Series(0, time.Second)
	var delivered float64
	for _, v := range s.Columns["delivered_per_s"] {
		delivered += *v
	}
	if delivered != total {
		t.Errorf("series: delivered sums to %v, want %d", delivered, total)
	}
	var cells int64
	s.Heatmap.Each(func(_, _, count int64) { cells += count })
	if cells != total {
		t.Errorf("heat map: cells sum to %d, want %d", cells, total)
	}
	if c.Summary(AckRTT, "no such phase") != nil {
		t.Error("a phase that does not exist has a summary")
	}
}

func TestViews(t *testing.T) {
	views := []View{
		{Metric: E2ELatency, Population: -1},
		{Metric: E2ELatency, During: "F1", Population: -1},
		{Metric: E2ELatency, During: Calm, Population: -1},
		{Metric: E2ELatency, During: "warmup", Population: 1},
		{Metric: AckRTT, Population: -1},
	}
	w := testWindows()
	w.Faults[0].Close(7 * time.Second)
	w.Faults[0].Close(99 * time.Second) // the first call counts
	r := NewRecorder(w, views)
	// Windows are half open; F2 from 9 s on is still open.
	for _, at := range []time.Duration{-3, -2, -1, 0, 1, 3, 5, 6, 7, 8, 9, 10, 19, 20} {
		r.Record(E2ELatency, at*time.Second, 1, time.Millisecond)
	}
	r.Record(E2ELatency, time.Second, 0, time.Millisecond)
	c := NewCollector(w, views)
	c.Add(0, r.Swap())
	c.Censor(6*time.Second, 0, 5)
	for i, want := range []struct{ count, censored uint64 }{{6, 5}, {2, 5}, {3, 0}, {2, 0}, {0, 0}} {
		if s := c.View(i); s.Count != want.count || s.Censored != want.censored {
			t.Errorf("view %+v: got %d and %d censored, want %+v", views[i], s.Count, s.Censored, want)
		}
	}
	for name, want := range map[string]uint64{"": 2, "connect": 2, "warmup": 3, "normal": 4, "rush": 2, "drain": 2} {
		if got := c.Summary(E2ELatency, name).Count; got != want {
			t.Errorf("phase %q: got %d, want %d", name, got, want)
		}
	}
	if got := c.Steady(E2EService).Censored; got != 5 {
		t.Errorf("e2e_service: got %d censored, want 5", got)
	}
	if got := c.Steady(AckRTT).Censored; got != 0 {
		t.Errorf("ack_rtt: got %d censored, want 0", got)
	}
}

func TestSeries(t *testing.T) {
	w := testWindows()
	r := NewRecorder(w, nil)
	c := NewCollector(w, nil)
	for _, x := range [][2]int{{0, 1}, {1, 2}, {3, 8}} {
		tick, ms := x[0], x[1]
		for range 10 {
			r.Record(E2ELatency, time.Second, 0, time.Duration(ms)*time.Millisecond)
		}
		r.Record(ScheduleLag, time.Second, 0, 300*time.Microsecond)
		r.Record(AckLatency, time.Second, 0, time.Duration(5*ms)*time.Millisecond)
		r.Record(AckRTT, time.Second, 0, time.Duration(4*ms)*time.Millisecond)
		iv := r.Interval()
		iv.Sent, iv.Acked, iv.Delivered, iv.Open, iv.Recovering, iv.Gone, iv.Owed = 5, 4, 10, 3, 1, tick, 7
		iv.Budget = BudgetPeak{UnackedMessages: 60, UnackedBytes: 900, AcksInFlight: 2}
		c.Add(tick, r.Swap())
	}
	iv := r.Interval()
	iv.Budget = BudgetPeak{UnackedMessages: 10, UnackedBytes: 1000, AcksInFlight: 3}
	iv.Sent, iv.Open, iv.Gone, iv.Owed = 2, 4, 1, -20 // another worker, same tick
	c.Add(3, r.Swap())
	c.SetColumn("expected_per_s", 1, 12)
	c.Excuse(1, 3)
	c.Excuse(-1, 1) // before the run began
	s := c.Series(-time.Second, 500*time.Millisecond)
	value := func(name string, i int) float64 {
		v := s.Columns[name][i]
		if v == nil {
			return -1
		}
		return *v
	}
	for name, want := range map[string][4]float64{
		"t_s":              {-1, -0.5, 0, 0.5},
		"published_per_s":  {10, 10, -1, 14},
		"acked_per_s":      {8, 8, -1, 8},
		"delivered_per_s":  {20, 20, -1, 20},
		"open":             {3, 3, -1, 7},
		"recovering":       {1, 1, -1, 1},
		"gone":             {0, 1, -1, 4},
		"undelivered":      {6, 10, -1, 0},   // 7-1, +7-3, and at last fewer than none
		"unacked_messages": {60, 60, -1, 60}, // the most of one session, not a sum
		"unacked_bytes":    {900, 900, -1, 1000},
		"acks_in_flight":   {2, 2, -1, 3},
		"e2e_p50_us":       {1000, 2000, -1, 8000},
		"e2e_p99_9_us":     {1000, 2000, -1, 8000},
		"ack_p50_us":       {4000, 8000, -1, 32000},
		"lag_p99_us":       {300, 300, -1, 300},
		"expected_per_s":   {-1, 12, -1, -1},
	} {
		for i := range want {
			if got := value(name, i); got != want[i] {
				t.Errorf("%s[%d]: got %v, want %v", name, i, got, want[i])
			}
		}
	}
	// 1 ms = 2^9.97 µs is in row 39, 2 ms in 43, 8 ms in 51: four rows per octave.
	want := [][]int64{{0, 39, 10}, {1, 43, 10}, {3, 51, 10}}
	if !slices.EqualFunc(s.Heatmap.Cells, want, slices.Equal) {
		t.Errorf("heat map: got %v, want %v", s.Heatmap.Cells, want)
	}
}

func TestRecordAllocations(t *testing.T) {
	views := []View{{Metric: E2ELatency, During: Calm, Population: -1}, {Metric: E2ELatency, During: "F1", Population: 0}}
	r := NewRecorder(testWindows(), views)
	c := NewCollector(testWindows(), views)
	record := func() { r.Record(E2ELatency, 6*time.Second, 0, 3*time.Millisecond) }
	record()
	c.Add(0, r.Swap())
	record()
	c.Add(1, r.Swap())
	record()
	if n := testing.AllocsPerRun(1000, record); n != 0 {
		t.Errorf("Record allocates %v times", n)
	}
}

func BenchmarkRecord(b *testing.B) {
	r := NewRecorder(testWindows(), []View{{Metric: E2ELatency, During: Calm, Population: -1}})
	b.ReportAllocs()
	for b.Loop() {
		r.Record(E2ELatency, 6*time.Second, 0, 3*time.Millisecond)
	}
}

// What happens to a session now and then is reported for the whole run, for one
// population as for all.
func TestPerSessionViews(t *testing.T) {
	w := testWindows()
	views := []View{{Metric: ConnectTime, Population: 1}, {Metric: ConnectTime, During: "rush", Population: 1}, {Metric: AckRTT, Population: 1}}
	r, c := NewRecorder(w, views), NewCollector(w, views)
	for _, at := range []time.Duration{-time.Second, time.Second, 4 * time.Second, 9 * time.Second, time.Hour} {
		for population := range 2 {
			r.Record(ConnectTime, at, population, time.Millisecond)
			r.Record(AckRTT, at, population, time.Millisecond)
		}
	}
	c.Add(0, r.Swap())
	for i, want := range []struct {
		phase string
		count uint64
	}{{"run", 5}, {"rush", 1}, {"steady", 2}} {
		if s := c.View(i); s.Count != want.count || s.Phase != want.phase {
			t.Errorf("view %d: %d samples of %s, want %d of %s", i, s.Count, s.Phase, want.count, want.phase)
		}
	}
}

// A percentile is written down once enough samples make it more than their maximum.
func TestPercentilesNeedSamples(t *testing.T) {
	for _, tt := range []struct {
		key  string
		need int
	}{{"p50", 1}, {"p90", 10}, {"p95", 20}, {"p99", 100}, {"p99_9", 1000}} {
		var d distribution
		for range tt.need - 1 {
			d.record(time.Millisecond)
		}
		if s := d.summary(AckRTT, ""); s.Percentiles[tt.key] != nil {
			t.Errorf("%s of %d samples is %d", tt.key, tt.need-1, *s.Percentiles[tt.key])
		}
		d.record(time.Millisecond)
		if s := d.summary(AckRTT, ""); s.Percentiles[tt.key] == nil {
			t.Errorf("%s of %d samples is missing", tt.key, tt.need)
		}
	}
}

// Every value of every metric is told once, in its tick, also when its interval comes late.
func TestOnTickTellsEverything(t *testing.T) {
	w := testWindows()
	c := NewCollector(w, nil)
	type key struct {
		tick int
		m    Metric
	}
	told := map[key]uint64{}
	c.OnTick(func(tick int, m Metric, s *MetricSummary) {
		if s.Histogram == nil {
			t.Errorf("%s in tick %d has no histogram", m, tick)
		}
		told[key{tick, m}] += s.Count
	})
	want := map[key]uint64{}
	one, other := NewRecorder(w, nil), NewRecorder(w, nil)
	add := func(r *Recorder, tick, n int) {
		for _, m := range []Metric{E2ELatency, ConnectTime} {
			for range n {
				r.Record(m, time.Duration(tick)*time.Second, -1, time.Millisecond)
			}
			want[key{tick, m}] += uint64(n)
		}
		c.Add(tick, r.Swap())
	}
	for tick := range 10 {
		add(one, tick, 3)
		if tick == 2 {
			continue // late: see below
		}
		add(other, tick, 600)
	}
	add(other, 2, 5)
	if _, fresh := c.Latest(2, time.Second); !fresh || told[key{9, E2ELatency}] != 603 {
		t.Errorf("of the newest tick %d values are told, want 603", told[key{9, E2ELatency}])
	}
	c.Series(0, time.Second)
	if !maps.Equal(told, want) {
		t.Errorf("told %v\nwant %v", told, want)
	}
}
