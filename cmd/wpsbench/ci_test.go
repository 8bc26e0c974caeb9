package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/itchyny/gojq"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/report"
)

// fenced returns the blocks of a language in a page.
func fenced(page, language string) []string {
	var blocks []string
	for {
		_, rest, ok := strings.Cut(page, "```"+language+"\n")
		if !ok {
			return blocks
		}
		var body string
		body, page, _ = strings.Cut(rest, "\n```")
		blocks = append(blocks, body+"\n")
	}
}

// The jobs are YAML, and their command lines are ones that wpsbench takes.
func TestCIJobs(t *testing.T) {
	blocks := fenced(helpCI, "yaml")
	if len(blocks) < 3 {
		t.Fatalf("got %d jobs, want two for GitHub and one for Azure", len(blocks))
	}
	lines := 0
	for _, block := range blocks {
		var job any
		if err := yaml.Unmarshal([]byte(block), &job); err != nil {
			t.Errorf("%v in\n%s", err, block)
		}
		for _, line := range scalars(job) {
			if _, args, ok := strings.Cut(line, "wpsbench run "); ok {
				lines++
				checkFlags(t, strings.Fields("run "+args))
			}
		}
	}
	if lines < 3 {
		t.Errorf("%d of the steps run wpsbench, want 3", lines)
	}
}

// scalars returns the strings of a YAML value.
func scalars(value any) (all []string) {
	switch v := value.(type) {
	case string:
		return []string{v}
	case []any:
		for _, item := range v {
			all = append(all, scalars(item)...)
		}
	case map[string]any:
		for _, item := range v {
			all = append(all, scalars(item)...)
		}
	}
	return all
}

// checkFlags wants every flag of a command line to be one of the command's, and the
// values of those for build servers to be ones that it takes.
func checkFlags(t *testing.T, args []string) {
	t.Helper()
	c := (&app{}).cli()
	c.Setup()
	command := c.Command(args[0])
	for i, arg := range args[1:] {
		name, isFlag := strings.CutPrefix(arg, "--")
		name, value, given := strings.Cut(name, "=")
		if !given && i+2 < len(args) {
			value = args[i+2]
		}
		known := false
		for _, f := range command.Flags {
			known = known || f.Names()[0] == name
		}
		if isFlag && !known {
			t.Errorf("wpsbench %s: no flag --%s", args[0], name)
		}
		var err error
		switch name {
		case "ci":
			_, err = parseCI(value)
		case "soft":
			_, err = parseSoft(value)
		case "out":
			_, err = parseOuts([]string{value})
		}
		if err != nil {
			t.Errorf("wpsbench %s: %v", strings.Join(args, " "), err)
		}
	}
	if _, err := readSource(args[1]); err != nil {
		t.Errorf("wpsbench %s: %v", strings.Join(args, " "), err)
	}
}

// The exit statuses that the page explains are all there are, but for a bug.
func TestCIExitStatuses(t *testing.T) {
	explained := map[string]bool{}
	for line := range strings.Lines(helpCI) {
		if cells := strings.Split(line, "|"); len(cells) == 4 {
			for code := range strings.SplitSeq(cells[1], ",") {
				explained[strings.TrimSpace(code)] = true
			}
		}
	}
	for _, status := range exitTable {
		if code := fmt.Sprint(status.code); !explained[code] && status.code != exitInternal {
			t.Errorf("exit status %s (%s) is not explained", code, status.meaning)
		}
	}
}

// jqRun is a run that missed one limit of two, and whose figures all differ.
func jqRun() *metrics.Run {
	p99 := int64(61_300)
	r := &metrics.Run{
		Kind: "wpsbench.run", SchemaVersion: metrics.SchemaVersion, Info: metrics.RunInfo{Status: "completed"},
		Metrics: map[string]*metrics.MetricSummary{"e2e_latency": {Count: 5000, Percentiles: map[string]*int64{"p99": &p99}}},
		Thresholds: []metrics.ThresholdResult{
			{Metric: "ack_rtt", Expr: "p(99)<25ms", Unit: "us", Result: metrics.ThresholdPass},
			{Metric: "e2e_latency", Expr: "p(99)<50ms", Unit: "us", Measured: new(61_300.0), Result: metrics.ThresholdFail},
		},
		Checks: []metrics.CheckResult{{ID: "R4", Result: metrics.CheckOK, Checked: 5000}, {ID: "N3", Result: metrics.CheckNotExercised}},
		Totals: metrics.Totals{Deliveries: metrics.Deliveries{Expected: 5000, Delivered: 5000}},
	}
	metrics.Decide(r)
	return r
}

// The jq programs, run over records that differ in what each is about, give what their
// comments say.
func TestCIJQ(t *testing.T) {
	lines := strings.Split(strings.TrimSpace(fenced(helpCI, "sh")[0]), "\n")
	const verdict, p99, missed, clean, rules = 0, 1, 2, 3, 4
	if len(lines) != rules+1 {
		t.Fatalf("the page has %d programs, want %d", len(lines), rules+1)
	}
	delivered := func(d *metrics.Run) *metrics.Deliveries { return &d.Totals.Deliveries }
	for _, test := range []struct {
		name    string
		program int
		change  func(*metrics.Run)
		want    string
	}{
		{"the verdict", verdict, nil, "fail: FAILED: e2e_latency p(99)<50ms: 61.3 ms"},
		{"p99", p99, nil, "61300"},
		{"p99 without samples", p99, func(r *metrics.Run) { r.Metrics["e2e_latency"].Percentiles["p99"] = nil }, "<nil>"},
		{"a missed limit", missed, nil, "e2e_latency p(99)<50ms"},
		{"a limit without samples", missed, func(r *metrics.Run) { r.Thresholds[0].Result = metrics.ThresholdNoSamples }, "ack_rtt p(99)<25ms\ne2e_latency p(99)<50ms"},
		{"nothing wrong", clean, nil, "true"},
		{"lost", clean, func(r *metrics.Run) { delivered(r).Lost = 1 }, "false"},
		{"duplicated", clean, func(r *metrics.Run) { delivered(r).Duplicated = 1 }, "false"},
		{"reordered", clean, func(r *metrics.Run) { delivered(r).Reordered = 1 }, "false"},
		{"rules", rules, nil, "R4\tok\t5000\nN3\tnot_exercised\t0"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := jqRun()
			if test.change != nil {
				test.change(r)
			}
			program := strings.SplitN(lines[test.program], "'", 3)[1]
			if got := jq(t, program, r); got != test.want {
				t.Errorf("%s: got %q, want %q", program, got, test.want)
			}
		})
	}
}

// jq returns what a program makes of the JSON document of a run, a line each.
func jq(t *testing.T, program string, r *metrics.Run) string {
	t.Helper()
	var doc bytes.Buffer
	if err := report.WriteJSON(&doc, r); err != nil {
		t.Fatal(err)
	}
	var rec any
	if err := json.Unmarshal(doc.Bytes(), &rec); err != nil {
		t.Fatal(err)
	}
	query, err := gojq.Parse(program)
	if err != nil {
		t.Fatalf("%s: %v", program, err)
	}
	var out []string
	for results := query.Run(rec); ; {
		v, more := results.Next()
		if !more {
			return strings.Join(out, "\n")
		}
		out = append(out, fmt.Sprint(v))
	}
}
