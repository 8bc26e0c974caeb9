package main

import (
	"errors"
	"fmt"
	"math"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/report"
	"github.com/wpsbench/wpsbench/scenario"
	"github.com/wpsbench/wpsbench/scenario/runner"
)

// exposition serves the state of a run to Prometheus, at /metrics. Counters and gauges
// are those of the newest second. Histograms are asked of the run at each scrape, so
// that a run which nobody scrapes computes none. Labels hold what the scenario names:
// its name, phases and faults, never an address or a header.
type exposition struct {
	server   http.Server
	listener net.Listener
	inspect  chan func(*metrics.Collector)
	over     chan struct{}
	name     string

	mu   sync.Mutex
	last runner.Progress
}

// inspectTimeout is how long a scrape waits for the run; then it goes without histograms.
const inspectTimeout = 2 * time.Second

// expose listens on ADDR, and says where; a bare port means loopback. Without an
// address it returns nil, which does nothing.
func (a *app) expose(addr string, plan *scenario.Plan) (*exposition, error) {
	if addr == "" {
		return nil, nil
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		host, port = "", addr
	}
	if host == "" {
		host = "127.0.0.1"
	}
	if _, err := net.LookupPort("tcp", port); err != nil {
		return nil, failf(exitUsage, "--metrics %q: write ADDR:PORT or a port, e.g. 127.0.0.1:9464", addr)
	}
	e := &exposition{
		inspect: make(chan func(*metrics.Collector)), over: make(chan struct{}),
		name: report.Visible(plan.Scenario.Name, true),
	}
	e.last.Planned = plan.Connections
	if e.listener, err = net.Listen("tcp", net.JoinHostPort(host, port)); err != nil {
		return nil, failf(exitSetup, "--metrics: %w", err)
	}
	registry := prometheus.NewPedanticRegistry()
	if err := registry.Register(e); err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{EnableOpenMetrics: true, MaxRequestsInFlight: 4}))
	e.server = http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	go func() {
		if err := e.server.Serve(e.listener); !errors.Is(err, http.ErrServerClosed) {
			return // the listener is gone: a run goes on without being watched
		}
	}()
	_, _ = fmt.Fprintf(a.stderr, "metrics: http://%s/metrics\n", e.listener.Addr())
	return e, nil
}

// attach lets the exposition see the run.
func (e *exposition) attach(config *runner.Config) {
	if e == nil {
		return
	}
	config.Inspect = e.inspect
	show := config.Progress
	config.Progress = func(p runner.Progress) {
		e.observe(p)
		show(p)
	}
}

func (e *exposition) close() {
	if e == nil {
		return
	}
	close(e.over)
	_ = e.server.Close()
}

// observe takes the newest state.
func (e *exposition) observe(p runner.Progress) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.last = p
}

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("wpsbench_"+name, help, labels, nil)
}

var (
	infoDesc        = desc("run_info", "What is running: scenario, phase and the newest fault.", "scenario", "phase", "fault")
	connectionsDesc = desc("connections", "Sessions by state.", "state")
	publishesDesc   = desc("publishes_total", "Publishes sent.")
	acksDesc        = desc("acks_total", "Publishes acknowledged.")
	deliveriesDesc  = desc("deliveries_total", "Copies delivered, each counted once.")
	expectedDesc    = desc("expected_deliveries_total", "Copies that are owed for what was sent.")
	violationsDesc  = desc("violations_total", "Violations of delivery promises seen so far, before the final judgement.")
	bytesDesc       = desc("socket_bytes_total", "Bytes over the sessions' sockets.", "direction")
	cpuDesc         = desc("generator_cpu_ratio", "Processor time of this process in the last second, as a share of what it may use.")
)

// histograms are the latencies shown; the same words as in a scenario's thresholds.
var histograms = map[metrics.Metric]*prometheus.Desc{
	metrics.E2ELatency:   desc("e2e_latency_seconds", "Intended send to arrival, per delivered copy."),
	metrics.AckRTT:       desc("ack_rtt_seconds", "Send to acknowledgement, per publish."),
	metrics.ConnectTime:  desc("connect_time_seconds", "Dial to connected, per connection."),
	metrics.RecoveryTime: desc("recovery_time_seconds", "Drop detected to caught up, per recovery."),
	metrics.ScheduleLag:  desc("schedule_lag_seconds", "Intended to actual send, per publish: the generator's own delay."),
}

// Describe implements prometheus.Collector.
func (e *exposition) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{infoDesc, connectionsDesc, publishesDesc, acksDesc, deliveriesDesc, expectedDesc, violationsDesc, bytesDesc, cpuDesc} {
		ch <- d
	}
	for _, d := range histograms {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (e *exposition) Collect(ch chan<- prometheus.Metric) {
	e.mu.Lock()
	p := e.last
	e.mu.Unlock()
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	counter := func(d *prometheus.Desc, v uint64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
	}
	gauge(infoDesc, 1, e.name, p.Phase, report.Visible(p.Fault.Name, true))
	gauge(connectionsDesc, float64(p.Planned), "planned")
	gauge(connectionsDesc, float64(p.Ready), "ready")
	gauge(connectionsDesc, float64(p.Open), "open")
	gauge(connectionsDesc, float64(p.Recovering), "recovering")
	counter(publishesDesc, p.Total.Sent)
	counter(acksDesc, p.Total.Acked)
	counter(deliveriesDesc, p.Total.Delivered)
	counter(expectedDesc, p.Expected)
	counter(violationsDesc, p.Violations)
	counter(bytesDesc, p.Total.BytesSent, "sent")
	counter(bytesDesc, p.Total.BytesReceived, "received")
	if p.Generator.CPU >= 0 {
		gauge(cpuDesc, p.Generator.CPU)
	}
	e.collectHistograms(ch)
}

// collectHistograms has the run fill them in, on its own goroutine.
func (e *exposition) collectHistograms(ch chan<- prometheus.Metric) {
	done := make(chan []*latencyHistogram, 1)
	look := func(c *metrics.Collector) {
		var all []*latencyHistogram
		for m, d := range histograms {
			h := &latencyHistogram{desc: d, native: map[int]int64{}, classic: make([]uint64, len(classicBounds))}
			c.Each(m, h.add)
			all = append(all, h)
		}
		done <- all
	}
	timeout := time.NewTimer(inspectTimeout)
	defer timeout.Stop()
	select {
	case e.inspect <- look:
		for _, h := range <-done {
			ch <- h
		}
	case <-e.over:
	case <-timeout.C: // between the phases and the report nobody answers
	}
}

// classicBounds are the upper ends of the classic buckets, in seconds: 1-2-5 steps.
var classicBounds = []float64{
	.0001, .0002, .0005, .001, .002, .005, .01, .02, .05, .1, .2, .5, 1, 2, 5, 10, 30, 60,
}

// nativeSchema gives the native histogram 2^3 buckets per power of two.
const nativeSchema = 3

// latencyHistogram is a prometheus.Metric with classic and native buckets.
type latencyHistogram struct {
	desc    *prometheus.Desc
	count   uint64
	sum     float64
	classic []uint64      // by bound, not cumulative
	native  map[int]int64 // by index
}

func (h *latencyHistogram) add(v time.Duration, n uint64) {
	s := max(v.Seconds(), 1e-9)
	h.count += n
	h.sum += s * float64(n)
	h.native[int(math.Ceil(math.Log2(s)*(1<<nativeSchema)))] += int64(n)
	if i, _ := slices.BinarySearch(classicBounds, s); i < len(h.classic) {
		h.classic[i] += n
	}
}

// Desc implements prometheus.Metric.
func (h *latencyHistogram) Desc() *prometheus.Desc { return h.desc }

// Write implements prometheus.Metric.
func (h *latencyHistogram) Write(out *dto.Metric) error {
	hist := &dto.Histogram{
		SampleCount: new(h.count), SampleSum: new(h.sum),
		Schema: new(int32(nativeSchema)), ZeroThreshold: new(1e-9), ZeroCount: new(uint64(0)),
	}
	var cumulative uint64
	for i, bound := range classicBounds {
		cumulative += h.classic[i]
		hist.Bucket = append(hist.Bucket, &dto.Bucket{UpperBound: new(bound), CumulativeCount: new(cumulative)})
	}
	indices := make([]int, 0, len(h.native))
	for i := range h.native {
		indices = append(indices, i)
	}
	slices.Sort(indices)
	next, before := 0, int64(0)
	for _, i := range indices {
		if n := len(hist.PositiveSpan); n > 0 && i == next {
			*hist.PositiveSpan[n-1].Length++
		} else {
			hist.PositiveSpan = append(hist.PositiveSpan, &dto.BucketSpan{Offset: new(int32(i - next)), Length: new(uint32(1))})
		}
		hist.PositiveDelta = append(hist.PositiveDelta, h.native[i]-before)
		next, before = i+1, h.native[i]
	}
	if len(indices) == 0 { // the sign of a native histogram without values
		hist.PositiveSpan = []*dto.BucketSpan{{Offset: new(int32(0)), Length: new(uint32(0))}}
	}
	out.Histogram = hist
	return nil
}
