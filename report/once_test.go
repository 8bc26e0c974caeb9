package report

import (
	"bytes"
	"strings"
	"testing"

	"github.com/wpsbench/wpsbench/metrics"
)

// A histogram that a phase shares with the run stands in a document once, and in both
// places of what is read from it. One that only looks alike stays where it is.
func TestHistogramsStandOnce(t *testing.T) {
	r := passedRun(t)
	shared := *r.Metrics["e2e_latency"]
	other := *r.Metrics["ack_rtt"]
	other.Histogram = histogram(t, "service")
	r.Phases[2].Metrics = map[string]*metrics.MetricSummary{"e2e_latency": &shared, "ack_rtt": &other}
	var doc bytes.Buffer
	must(t, WriteJSON(&doc, r))
	for name, want := range map[string]int{"response": 1, "service": 2, "ack": 2} { // ack_latency and ack_rtt of the run
		if got := strings.Count(doc.String(), histogram(t, name).Data); got != want {
			t.Errorf("the histogram %s is there %d times, want %d", name, got, want)
		}
	}
	back, err := ReadRun(&doc)
	must(t, err)
	for name, want := range r.Phases[2].Metrics {
		if got := back.Phases[2].Metrics[name].Histogram; got == nil || *got != *want.Histogram {
			t.Errorf("%s: the phase has lost its histogram, or has another", name)
		}
	}
	if back.Phases[1].Metrics["e2e_latency"].Histogram != nil {
		t.Error("a phase without a histogram has got that of steady state")
	}
	if r.Phases[2].Metrics["e2e_latency"].Histogram == nil {
		t.Error("writing changed the caller's record")
	}
}

// Charts of many incidents say how many they leave out.
func TestRecoveryChartsSayWhatTheyLeaveOut(t *testing.T) {
	r := passedRun(t)
	if page := renderHTML(t, r); strings.Contains(page, "The first 12 incidents") {
		t.Error("nothing is left out")
	}
	for range 12 {
		r.Incidents = append(r.Incidents, r.Incidents[0])
	}
	page := renderHTML(t, r)
	if got := strings.Count(page, "The first 12 incidents; 2 more in the JSON record."); got != 4 { // each chart's description too
		t.Errorf("%d charts say that two incidents are missing, want both", got)
	}
}
