//go:build unix

package main

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// scrape reads all families, in the form that also holds native histograms.
func scrape(t *testing.T, url string) map[string]*dto.MetricFamily {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", string(expfmt.NewFormat(expfmt.TypeProtoDelim)))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	families := map[string]*dto.MetricFamily{}
	decoder := expfmt.NewDecoder(resp.Body, expfmt.ResponseFormat(resp.Header))
	for {
		var f dto.MetricFamily
		if err := decoder.Decode(&f); errors.Is(err, io.EOF) {
			return families
		} else if err != nil {
			t.Fatal(err)
		}
		families[f.GetName()] = &f
	}
}

// A run is scraped while it goes on: the exposition is well formed, its figures agree
// with each other, and no secret is among them.
func TestMetricsEndpoint(t *testing.T) {
	const canary = "canary-Zk3xQ9vLw2canary-Zk3xQ9vLw2canary-Zk3xQ9vLw2"
	dir := writeScenario(t, chat)
	server := start(t, dir, "serve", "--listen", "127.0.0.1:0", "--key", canary)
	t.Setenv("WPS", until(t, server.stdout, `connection string +(\S+)`))
	p := start(t, dir, "run", "chat.yaml", "--dir", "out", "--target", "${WPS}", "--metrics", "127.0.0.1:0")
	url := until(t, p.stderr, `^metrics: (http://127\.0\.0\.1:\d+/metrics)$`)
	deadline := time.Now().Add(30 * time.Second)
	families := scrape(t, url)
	for families["wpsbench_ack_rtt_seconds"].GetMetric()[0].GetHistogram().GetSampleCount() == 0 {
		if time.Now().After(deadline) {
			t.Fatal("no acks are shown")
		}
		time.Sleep(50 * time.Millisecond) // polls, as Prometheus does
		families = scrape(t, url)
	}
	for _, name := range []string{"wpsbench_e2e_latency_seconds", "wpsbench_ack_rtt_seconds", "wpsbench_connect_time_seconds"} {
		h := families[name].GetMetric()[0].GetHistogram()
		native, buckets, delta := uint64(0), uint32(0), int64(0)
		for _, d := range h.GetPositiveDelta() {
			delta += d
			native += uint64(delta)
		}
		for _, s := range h.GetPositiveSpan() {
			buckets += s.GetLength()
		}
		last := h.GetBucket()[len(h.GetBucket())-1].GetCumulativeCount()
		if n := h.GetSampleCount(); n == 0 || native != n || last > n || int(buckets) != len(h.GetPositiveDelta()) {
			t.Errorf("%s: %d samples, %d in native buckets, %d in classic ones", name, n, native, last)
		}
	}
	if got := families["wpsbench_connections"].GetMetric(); len(got) != 4 {
		t.Errorf("connections has %d states, want 4", len(got))
	}
	for name := range families {
		if !model.LegacyValidation.IsValidMetricName(name) || !strings.HasPrefix(name, "wpsbench_") {
			t.Errorf("bad name %q", name)
		}
	}
	text := get(t, url)
	if strings.Contains(text, canary) || strings.Contains(text, "AccessKey") || strings.Contains(text, "eyJ") {
		t.Errorf("a secret is shown:\n%s", text)
	}
	problems, err := promlint.New(strings.NewReader(text)).Lint()
	if err != nil || len(problems) > 0 {
		t.Errorf("lint: %v, %v", problems, err)
	}
	p.signal(t, syscall.SIGINT)
	if code, out := p.wait(t); code != exitSIGINT {
		t.Errorf("exit status %d\n%s", code, out)
	}
}

func get(t *testing.T, url string) string {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}
