package report

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	hdr "github.com/HdrHistogram/hdrhistogram-go"

	"github.com/wpsbench/wpsbench/metrics"
)

// longRun is a run of that length of which nothing repeats, so that no compression helps:
// every second has latencies of its own over seven octaves, no line of a chart is smooth,
// seven faults hit, and every twentieth second the generator cannot be believed. What it
// holds is that of runs of 1,000 publishes and 5,000 deliveries a second through the
// emulator on a busy machine.
func longRun(t testing.TB, seconds int) *metrics.Run {
	r := passedRun(t)
	chance := rand.New(rand.NewPCG(3, 5))
	r.Info.DurationS = float64(seconds)
	steady := metrics.PhaseResult{Name: "steady", StartS: 10, EndS: float64(seconds - 15), Steady: true, Metrics: map[string]*metrics.MetricSummary{}}
	warmup := metrics.PhaseResult{Name: "warmup", StartS: 0, EndS: 10, Metrics: map[string]*metrics.MetricSummary{}}
	for name, of := range map[string]struct {
		samples int
		spread  float64
	}{
		"e2e_latency": {700_000, 1.5}, "e2e_service": {600_000, 1.3}, "ack_latency": {300_000, 1.3}, "ack_rtt": {300_000, 0.8}, "ack_closed": {300_000, 0.8},
		"schedule_lag": {300_000, 0.8}, "receive_delay": {20_000, 0.5}, "connect_time": {500, 0.5}, "join_rtt": {500, 0.5},
	} {
		summary := func(samples int) *metrics.MetricSummary {
			m := *r.Metrics["e2e_latency"]
			m.Count, m.Histogram = uint64(samples), noisyHistogram(t, chance, samples, of.spread)
			return &m
		}
		whole := summary(of.samples)
		again := *whole
		r.Metrics[name], steady.Metrics[name], warmup.Metrics[name] = whole, &again, summary(of.samples/100)
	}
	r.Phases = []metrics.PhaseResult{warmup, steady, {Name: "drain", StartS: steady.EndS, EndS: float64(seconds)}}
	r.Series = noisySeries(chance, seconds)
	r.Incidents, r.Injections = nil, metrics.Injections{}
	for i := range 7 {
		at := 20 + i*(seconds-80)/7
		inc := incident(fmt.Sprintf("drops.%d", len(r.Incidents)+1), "rst", float64(at), 50, 0.4+chance.Float64(), 3+chance.Float64())
		r.Incidents = append(r.Incidents, inc)
		for session := range 50 {
			r.Injections.Log = append(r.Injections.Log, metrics.Injection{TS: inc.StartS, Incident: inc.ID, Kind: "rst", Session: chance.IntN(1000), Effect: "resumed",
				CloseSide: "us", CloseText: "reset by a fault", OutageMicros: new(int64(400_000 + 997*session))})
		}
		r.Events = append(r.Events, metrics.RunEvent{TS: inc.StartS, Kind: "fault", Text: inc.ID + " rst, 50 connections"})
	}
	r.Health.Windows = seconds - 25
	for at := 12; at < seconds-15; at += 20 {
		r.Health.BadWindows++
		r.Health.Untrusted = append(r.Health.Untrusted, metrics.Span{FromS: float64(at), ToS: float64(at + 1)})
	}
	return decided(r)
}

// noisyHistogram has n latencies around half a millisecond, log-normal.
func noisyHistogram(t testing.TB, chance *rand.Rand, n int, spread float64) *metrics.EncodedHistogram {
	t.Helper()
	h := hdr.New(1000, 3_600_000_000_000, 3)
	for range n {
		must(t, h.RecordValue(int64(500e3*math.Exp(spread*chance.NormFloat64()))+1000))
	}
	data, err := h.Encode(hdr.V2CompressedEncodingCookieBase)
	must(t, err)
	return &metrics.EncodedHistogram{Encoding: "hdr-v2-deflate-base64", Unit: "ns", Digits: 3, Lowest: 1000, Highest: 3_600_000_000_000, Data: string(data)}
}

// noisySeries has the columns of a real record, and what is measured in them.
func noisySeries(chance *rand.Rand, seconds int) metrics.Series {
	s := metrics.Series{IntervalS: 1, Columns: map[string][]*float64{}, Heatmap: &metrics.Heatmap{RowsPerOctave: 4}}
	around := func(mean, spread float64) float64 { return math.Round(max(0, mean+spread*chance.NormFloat64())) }
	untrusted := [20]float64{12: 1} // as longRun has them
	for i := range seconds {
		p50 := around(150, 25)
		for name, v := range map[string]float64{
			"t_s": float64(i), "expected_per_s": 5000, "delivered_per_s": around(5000, 70), "published_per_s": around(1000, 15), "acked_per_s": around(1000, 15),
			"received_bytes_per_s": around(1_950_000, 25_000), "sent_bytes_per_s": around(415_000, 5000),
			"e2e_p50_us": p50, "e2e_p90_us": p50 * float64(5+chance.IntN(80)), "e2e_p99_us": around(4000, 1500) * 10, "e2e_p99_9_us": around(7000, 900) * 10, "ack_p50_us": around(140, 22), "untrusted": untrusted[i%20],
			"open": 500, "recovering": 0, "gone": 0, "undelivered": around(3, 3), "unacked_messages": around(10, 3), "unacked_bytes": around(40, 9) * 95, "acks_in_flight": around(2, 1),
			"lag_p99_us": around(900, 400) * 10, "receive_delay_p99_us": around(900, 500), "scheduler_p99_us": 8.192 * around(10, 3), "gc_pause_max_us": 6.144 * around(-2, 2),
			"cpu_ratio": around(60, 25) / 1e3, "run_queue_ratio": around(550, 70) / 1e3, "steal_ratio": 0, "gc_ratio": math.Round(chance.Float64()*10) / 1e4,
		} {
			s.Columns[name] = append(s.Columns[name], new(v))
		}
		column := []int64{int64(i), 25}
		for row := range 30 {
			d := float64(row-6) / 4
			if row > 6 {
				d /= 2.6
			}
			column = append(column, 1+int64(max(0, around(900*math.Exp(-d*d/2), 12*math.Exp(-d*d/4)))))
		}
		s.Heatmap.Cells = append(s.Heatmap.Cells, column)
	}
	return s
}

// The budgets of design: a page is sent by mail and opened on a telephone.
func TestPageOfALongRunKeepsItsBudget(t *testing.T) {
	for _, test := range []struct {
		name           string
		seconds, limit int
	}{{"5 minutes", 330, 250_000}, {"30 minutes", 1800, 400_000}} {
		t.Run(test.name, func(t *testing.T) {
			r := longRun(t, test.seconds)
			page := renderHTML(t, r)
			if got := len(page); got > test.limit {
				t.Errorf("the page weighs %d bytes, want at most %d", got, test.limit)
			}
			wellDrawn(t, test.name, page)
			back, err := ReadRun(strings.NewReader(page))
			must(t, err)
			var want, got bytes.Buffer
			must(t, WriteJSON(&want, r))
			must(t, WriteJSON(&got, back))
			if !bytes.Equal(got.Bytes(), want.Bytes()) {
				t.Error("the record in the page is another")
			}
		})
	}
}
