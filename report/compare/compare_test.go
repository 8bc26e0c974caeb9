package compare

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wpsbench/wpsbench/metrics"
)

// noise is a fixed run-to-run variation with mean zero.
var noise = []float64{0.01, -0.012, 0.004, 0.009, -0.006, -0.005}

// side makes six runs, two minutes apart, from a minute on.
func side(minute int, p50, p99 float64) []*metrics.Run {
	var runs []*metrics.Run
	for i, e := range noise {
		us := func(v float64) *int64 { return new(int64(v * (1 + e))) }
		m := &metrics.MetricSummary{Count: 200_000, Percentiles: map[string]*int64{"p50": us(p50), "p99": us(p99)}}
		r := &metrics.Run{Metrics: map[string]*metrics.MetricSummary{"e2e_latency": m}}
		r.Info.ID, r.Info.Status, r.Info.DurationS = fmt.Sprint(minute, i), "completed", 60
		r.Info.StartedAt = time.Unix(0, 0).Add(time.Duration(minute+2*i) * time.Minute)
		r.Info.Load.DeliveredPerS = 10_000 * (1 + e/100)
		r.Verdict.Result, r.Health.Result = metrics.ResultPass, "valid"
		r.Residue = []metrics.Residue{{Key: "seed", Value: "42"}}
		runs = append(runs, r)
	}
	return runs
}

// quiet are repetitions whose noise is far below the default margin.
func quiet() []*metrics.Run { return side(100, 1000, 10_000) }

func TestVerdicts(t *testing.T) {
	base := func() []*metrics.Run { return side(0, 1000, 10_000) }
	tests := []struct {
		name     string
		a, b     []*metrics.Run
		edit     func(a, b []*metrics.Run)
		p99      string
		result   string
		exit     int
		unpaired bool
	}{
		{name: "slower", a: base(), b: side(1, 1000, 11_600), p99: Regressed, result: "fail", exit: 10},
		{name: "faster", a: base(), b: side(1, 1000, 8000), p99: Improved, result: "pass"},
		{name: "the same", a: base(), b: side(1, 1000, 10_000), p99: Equivalent, result: "pass"},
		{name: "one after the other", a: base(), b: side(51, 1000, 11_600), p99: Regressed, result: "fail", exit: 10, unpaired: true},
		{name: "too few", a: base()[:5], b: side(1, 1000, 11_600)[:5], p99: Inconclusive, result: "inconclusive", exit: 11},
		{name: "one run each", a: base()[:1], b: side(1, 1000, 11_600)[:1], p99: Inconclusive, result: "inconclusive", exit: 11, unpaired: true},
		{name: "tail too thin", a: base(), b: side(1, 1000, 10_000), p99: NotCompared, result: "inconclusive", exit: 11,
			edit: func(_, b []*metrics.Run) { b[2].Metrics["e2e_latency"].Count = 5000 }},
		{name: "a broken promise", a: base(), b: side(1, 1000, 10_000), p99: Equivalent, result: "violated", exit: 14,
			edit: func(_, b []*metrics.Run) { b[0].Verdict.Result = metrics.ResultViolated }},
		{name: "generators limited", a: base(), b: side(1, 1000, 10_000), p99: Inconclusive, result: "invalid_run", exit: 12,
			edit: func(a, b []*metrics.Run) {
				for i := range 3 {
					a[i].Health.Result, b[i].Health.Result = "invalid", "invalid"
				}
			}},
		{name: "within doubt of the margin", a: base(), b: side(1, 1000, 10_400), p99: Shifted, result: "pass",
			edit: func(_, b []*metrics.Run) { // ±1.5 % around +4 %: reaches over the margin of 5 %
				for i, f := range []float64{1.015, 0.985, 1.015, 0.985, 1.015, 0.985} {
					p := b[i].Metrics["e2e_latency"].Percentiles
					p["p99"] = new(int64(float64(*p["p99"]) * f))
				}
			}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if test.edit != nil {
				test.edit(test.a, test.b)
			}
			r, err := Compare("a", test.a, "b", test.b, Options{Noise: quiet()})
			if err != nil {
				t.Fatal(err)
			}
			if r.Metrics[0].Name != "e2e p99" || r.Metrics[0].Verdict != test.p99 {
				t.Errorf("%s is %s (%s), want %s; interval %v", r.Metrics[0].Name, r.Metrics[0].Verdict, r.Metrics[0].Reason, test.p99, r.Metrics[0].Interval)
			}
			if r.Verdict.Result != test.result || r.Verdict.ExitCode != test.exit {
				t.Errorf("verdict %+v, want %s, %d", r.Verdict, test.result, test.exit)
			}
			if r.Paired == test.unpaired {
				t.Errorf("paired %v", r.Paired)
			}
		})
	}
}

// Runs that hold nothing to judge are no pass, and no count of nothing either.
func TestNoPrimaryMetric(t *testing.T) {
	a, b := side(0, 1000, 10_000), side(1, 1000, 10_000)
	for _, r := range slices.Concat(a, b) {
		r.Metrics, r.Info.Load.DeliveredPerS = nil, 0
	}
	r, err := Compare("a", a, "b", b, Options{Noise: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	want := Verdict{Result: "inconclusive", ExitCode: 11, Headline: "INCONCLUSIVE: no primary metric was measured, nothing is judged"}
	if r.Verdict != want {
		t.Errorf("got %+v, want %+v", r.Verdict, want)
	}
}

// Fewer deliveries are worse, whatever rising latencies are.
func TestFewerDeliveriesRegress(t *testing.T) {
	a, b := side(0, 1000, 10_000), side(1, 1000, 10_000)
	for _, r := range b {
		r.Info.Load.DeliveredPerS *= 0.8
	}
	r, err := Compare("a", a, "b", b, Options{Noise: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range r.Metrics {
		if m.Name == "delivered" && m.Verdict != Regressed {
			t.Errorf("delivered is %s", m.Verdict)
		}
	}
}

// Intervals of several seconds do not tell how much the seconds in them repeat each other.
func TestCoalescedTailIsThin(t *testing.T) {
	for _, tt := range []struct {
		name      string
		intervalS float64
		count     uint64
		why       string
	}{
		{"a second", 1, 10_001, ""},
		{"a second, too few", 1, 9_999, "not enough samples: 99 independent ones above it, needs 100"},
		{"less than a second", 0.5, 10_001, ""},
		{"three seconds", 3, 30_001, ""},
		{"three seconds, too few", 3, 29_999, "not enough samples: 99 independent ones above it, needs 100"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := side(0, 1000, 10_000)[0]
			r.Series.IntervalS = tt.intervalS
			r.Metrics["e2e_latency"].Count = tt.count
			if _, why := definitions[0].value(r); why != tt.why {
				t.Errorf("e2e p99: %q, want %q", why, tt.why)
			}
			r.Metrics["connect_time"] = &metrics.MetricSummary{Count: 10_001, Percentiles: map[string]*int64{"p99": new(int64(1))}}
			if _, why := definitions[5].value(r); definitions[5].name != "connect p99" || why != "" {
				t.Errorf("%s, of no series: %q", definitions[5].name, why)
			}
		})
	}
}

func TestMargin(t *testing.T) {
	a, b := side(0, 1000, 10_000), side(1, 1000, 10_700)
	r, err := Compare("a", a, "b", b, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if m := r.Metrics[0]; m.MarginRatio != 0.10 || m.Verdict != Equivalent || r.NoiseKnown {
		t.Errorf("without history: margin %g, %s", m.MarginRatio, m.Verdict)
	}
	r, err = Compare("a", a, "b", b, Options{Noise: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	if m := r.Metrics[0]; m.MarginRatio != 0.05 || m.Verdict != Regressed {
		t.Errorf("with history: margin %g, %s", m.MarginRatio, m.Verdict)
	}
}

func TestDifferences(t *testing.T) {
	a, b := side(0, 1000, 10_000), side(1, 1000, 10_000)
	for _, r := range b {
		r.Residue = append(r.Residue, metrics.Residue{Key: "kernel", Value: "6.1"})
	}
	b[0].Residue = []metrics.Residue{{Key: "seed", Value: "7"}, {Key: "kernel", Value: "6.1"}}
	r, err := Compare("a", a, "b", b, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(r.Differs); !strings.Contains(got, "{seed 42 (several)}") || !strings.Contains(got, "{kernel  6.1}") || len(r.Differs) != 2 {
		t.Errorf("differs: %v", got)
	}
}

// How much of a tail repeats itself is asked of the same metric, second by second.
func TestTailsNeedIndependentSamples(t *testing.T) {
	const seconds = 120
	series := func(hold int) []*float64 {
		values := make([]*float64, seconds)
		for i := range values {
			values[i] = new(float64(1000 + 100*(i/hold%2)))
		}
		return values
	}
	times := make([]*float64, seconds)
	for i := range times {
		times[i] = new(float64(i))
	}
	for _, test := range []struct {
		name     string
		e2e, ack int // seconds in a row that are alike; 0 = no such column
		want     string
	}{
		{"both vary from second to second", 1, 1, ""},
		{"deliveries stay", 20, 1, "e2e p99"},
		{"acks stay", 1, 20, "ack p99"},
		{"deliveries stay, nothing is known of acks", 20, 0, "e2e p99ack p99"},
		{"deliveries vary, nothing is known of acks", 1, 0, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := &metrics.Run{Metrics: map[string]*metrics.MetricSummary{}}
			r.Phases = []metrics.PhaseResult{{StartS: 0, EndS: seconds, Steady: true}}
			r.Series.Columns = map[string][]*float64{"t_s": times, "e2e_p50_us": series(test.e2e)}
			if test.ack > 0 {
				r.Series.Columns["ack_p50_us"] = series(test.ack)
			}
			for _, name := range []string{"e2e_latency", "ack_rtt"} {
				r.Metrics[name] = &metrics.MetricSummary{Phase: "steady", Count: 20_000, Percentiles: map[string]*int64{"p99": new(int64(5000))}}
			}
			refused := ""
			for _, def := range definitions {
				if v, why := def.value(r); v > 0 && why != "" {
					refused += def.name
				}
			}
			if refused != test.want {
				t.Errorf("refused: %q, want %q", refused, test.want)
			}
		})
	}
}
