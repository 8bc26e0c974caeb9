package compare

import (
	"fmt"
	"math"

	"github.com/wpsbench/wpsbench/metrics"
)

// definition is how a run is turned into one number.
type definition struct {
	name, unit string
	primary    bool    // judged; the rest is informational
	higher     bool    // is better
	metric     string  // empty: deliveries per second
	key        string  // of its percentile
	q          float64 // that percentile
	series     string  // its median, second by second; empty: its values come now and then
}

// definitions in the order of a report. At most four are primary.
var definitions = []definition{
	{name: "e2e p99", unit: "us", primary: true, metric: "e2e_latency", key: "p99", q: 0.99, series: "e2e_p50_us"},
	{name: "e2e p50", unit: "us", primary: true, metric: "e2e_latency", key: "p50", q: 0.5, series: "e2e_p50_us"},
	{name: "ack p99", unit: "us", primary: true, metric: "ack_rtt", key: "p99", q: 0.99, series: "ack_p50_us"},
	{name: "delivered", unit: "per_s", primary: true, higher: true},
	{name: "e2e p99.9", unit: "us", metric: "e2e_latency", key: "p99_9", q: 0.999, series: "e2e_p50_us"},
	{name: "connect p99", unit: "us", metric: "connect_time", key: "p99", q: 0.99},
	{name: "recovery p95", unit: "us", metric: "recovery_time", key: "p95", q: 0.95},
}

// minExceedances is how many independent samples must lie above a percentile.
const minExceedances = 100

// value is a run's number, 0 without one, and why it must not be compared.
func (def *definition) value(r *metrics.Run) (v float64, why string) {
	if def.metric == "" {
		return r.Info.Load.DeliveredPerS, ""
	}
	s := r.Metrics[def.metric]
	if s == nil || s.Percentiles[def.key] == nil {
		return 0, ""
	}
	above := float64(s.Count) * (1 - def.q) / repetition(r, def.column(r))
	if above < minExceedances {
		why = fmt.Sprintf("not enough samples: %.0f independent ones above it, needs %d", math.Floor(above), minExceedances)
		if steady := r.SteadySeconds(); above > 0 && steady > 0 && s.Phase == "steady" {
			why = fmt.Sprintf("not enough samples (needs %s at this rate)", metrics.RoughLength(steady*minExceedances/above))
		}
	}
	return float64(*s.Percentiles[def.key]), why
}

// column is the name of the definition's series in a record. Those of schema 1.0 have none
// of acks: there the deliveries, which share their stalls, tell how much of a tail repeats itself.
func (def *definition) column(r *metrics.Run) string {
	if _, ok := r.Series.Columns[def.series]; !ok && def.series != "" {
		return "e2e_p50_us"
	}
	return def.series
}

// repetition is by how much samples repeat others, by the series of their medians. What
// repeats itself within an interval of several seconds it cannot tell, so all of that counts
// as doing so.
func repetition(r *metrics.Run, series string) float64 {
	if series == "" {
		return 1
	}
	return inflation(steadyColumn(r, series)) * max(1, r.Series.IntervalS)
}

// steadyColumn is a series of steady state, gaps left out.
func steadyColumn(r *metrics.Run, name string) []float64 {
	times, values := r.Series.Columns["t_s"], r.Series.Columns[name]
	var out []float64
	for i := range min(len(times), len(values)) {
		if times[i] == nil || values[i] == nil {
			continue
		}
		for _, p := range r.Phases {
			if p.Steady && p.StartS <= *times[i] && *times[i] < p.EndS {
				out = append(out, *values[i])
				break
			}
		}
	}
	return out
}
