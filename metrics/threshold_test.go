package metrics

import (
	"testing"
	"time"
)

func TestEvaluateMetric(t *testing.T) {
	var d distribution
	for i := range 100 {
		d.record(time.Duration(i+1) * time.Millisecond)
	}
	measured := d.summary(E2ELatency, "steady")
	d.censored = 2
	censored := d.summary(E2ELatency, "steady")
	damaged := d.summary(E2ELatency, "steady")
	damaged.Histogram = &EncodedHistogram{Encoding: histogramEncoding, Unit: "ns", Data: "%"}
	for _, tt := range []struct {
		name      string
		s         *MetricSummary
		aggregate string
		q         float64
		op        string
		limit     float64
		want      string
		measured  float64 // -1 = nil; within 0.1 %
	}{
		{"p99 met", measured, "p", 0.99, "<", 100_000, "pass", 99_000},
		{"p99 missed", measured, "p", 0.99, "<", 98_000, "fail", 99_000},
		{"odd quantile", measured, "p", 0.975, "<=", 98_100, "pass", 98_000},
		{"med", measured, "med", 0, "<", 50_100, "pass", 50_000},
		{"avg", measured, "avg", 0, ">", 50_000, "pass", 50_500},
		{"min", measured, "min", 0, ">=", 1000, "pass", 1000},
		{"max", measured, "max", 0, "<", 100_000, "fail", 100_000},
		{"max equal", measured, "max", 0, "==", 100_000, "pass", 100_000},
		{"max not equal", measured, "max", 0, "!=", 100_000, "fail", 100_000},
		{"censored p99", censored, "p", 0.99, "<", 1e12, "fail", -1},
		{"censored p99, above", censored, "p", 0.99, ">", 1, "pass", -1},
		{"censored p50", censored, "p", 0.5, "<", 52_000, "pass", 51_000},
		{"censored max", censored, "max", 0, "<", 1e12, "fail", -1},
		{"censored avg", censored, "avg", 0, "<", 1e12, "fail", -1},
		{"censored min", censored, "min", 0, "<", 2000, "pass", 1000},
		{"damaged record", damaged, "p", 0.5, "<", 1e12, "fail", -1},
		{"no samples", new(distribution).summary(AckRTT, "steady"), "p", 0.5, "<", 1e12, "no_samples", -1},
		{"no summary", nil, "p", 0.5, "<", 1e12, "no_samples", -1},
		{"nothing arrived", (&distribution{censored: 1}).summary(E2ELatency, "steady"), "p", 0.5, "<", 1e12, "fail", -1},
		{"unknown operator", measured, "min", 0, "~", 1e12, "fail", 1000},
	} {
		t.Run(tt.name, func(t *testing.T) {
			th := Threshold{Metric: "e2e_latency", Aggregate: tt.aggregate, Quantile: tt.q, Op: tt.op, Limit: tt.limit}
			got := th.EvaluateMetric(tt.s)
			if got.Result != tt.want || got.Unit != "us" || got.Phase != "steady" {
				t.Errorf("got %+v, want %s", got, tt.want)
			}
			if (got.Measured == nil) != (tt.measured < 0) {
				t.Fatalf("measured: got %v", got.Measured)
			}
			if got.Measured != nil && (*got.Measured < tt.measured*0.999 || *got.Measured > tt.measured*1.0011) {
				t.Errorf("measured: got %v, want %v", *got.Measured, tt.measured)
			}
		})
	}
}

func TestMargin(t *testing.T) {
	th := Threshold{Aggregate: "count", Op: "<", Limit: 50}
	if m := th.EvaluateCounter(40, 0).MarginRatio; m == nil || *m != -0.2 {
		t.Errorf("40 of 50: got %v, want -0.2", m)
	}
	th.Limit = 0
	if m := th.EvaluateCounter(40, 0).MarginRatio; m != nil {
		t.Errorf("of a limit of 0: got %v", *m)
	}
}

func TestEvaluateCounter(t *testing.T) {
	lost := Threshold{Metric: "lost", Expr: "count==0", Aggregate: "count", Op: "==", BuiltIn: true, Source: Source{File: "x.yaml", Line: 3}}
	if got := lost.EvaluateCounter(0, time.Second); got.Result != "pass" || *got.Measured != 0 || got.Unit != "count" || !got.BuiltIn || got.Source.Line != 3 || got.Phase != "run" {
		t.Errorf("got %+v", got)
	}
	if got := lost.EvaluateCounter(1, time.Second); got.Result != "fail" || *got.Measured != 1 {
		t.Errorf("got %+v", got)
	}
	rate := Threshold{Metric: "delivered", Aggregate: "rate", Op: ">", Limit: 40, During: "rush"}
	if got := rate.EvaluateCounter(100, 2*time.Second); got.Result != "pass" || *got.Measured != 50 || got.Unit != "per_s" || got.Phase != "rush" {
		t.Errorf("got %+v", got)
	}
	if got := rate.EvaluateCounter(100, 0); got.Result != "no_samples" {
		t.Errorf("over no time: got %+v", got)
	}
}
