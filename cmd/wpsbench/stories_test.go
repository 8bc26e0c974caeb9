package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/report"
	"github.com/wpsbench/wpsbench/scenario"
	"github.com/wpsbench/wpsbench/scenarios"
)

// runStory is `story NAME SCALE [PATH=VALUE…]`: a short version of a scenario that comes
// with the program. Delivery must be as promised; how fast it was depends on the machine
// of the test, so limits are left out and an untrusted measurement is none of the story's.
func runStory(ts *testscript.TestScript, _ bool, args []string) {
	name, scale := args[0], args[1]
	command := []string{"run", builtIn + name, "-q", "--dir", name, "--set", "thresholds={}", "--set", "phases.warmup=0s"}
	if scale != "-" {
		command = append(command, "--scale", scale)
	}
	for _, set := range args[2:] {
		command = append(command, "--set", set)
	}
	err := ts.Exec("wpsbench", command...)
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != metrics.ExitInvalid) {
		ts.Fatalf("%s: %v", name, err)
	}
	f, err := os.Open(ts.MkAbs(filepath.Join(name, "run.json")))
	ts.Check(err)
	defer func() { _ = f.Close() }()
	rec, err := report.ReadRun(f)
	ts.Check(err)
	d := rec.Totals.Deliveries
	if d.Delivered == 0 || d.Lost+d.Duplicated+d.Reordered+d.Unexpected+d.Undelivered > 0 {
		ts.Fatalf("%s: %+v, want deliveries and no fault of theirs", name, d)
	}
	for _, c := range rec.Checks {
		if c.Result == "violated" {
			ts.Fatalf("%s: %s is violated: %s", name, c.ID, c.Reason)
		}
	}
}

// Every scenario that comes with the program has its short run, and tells a stranger
// what it answers and what a good result looks like.
func TestStories(t *testing.T) {
	scripts, err := filepath.Glob("testdata/script/stories*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, file := range scripts {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	for _, name := range scenarios.Names() {
		text, err := scenarios.Read(name)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(all.String(), "\nstory "+name+" ") {
			t.Errorf("%s has no short run in testdata/script/stories*.txtar", name)
		}
		comment, _, _ := strings.Cut(string(text), "\nname: ")
		for _, part := range []string{"\n#\n", "\n# Question: ", "\n# Good: "} {
			if !strings.Contains(comment, part) {
				t.Errorf("%s: the comment has no %q", name, strings.TrimSpace(part))
			}
		}
		if title := scenarios.Title(text); title == "" || len(title) > 80-22 {
			t.Errorf("%s: %q does not fit a line of the list", name, title)
		}
	}
}

// The Free tier has 20 connections and 20,000 messages a day (protocol.md 11.1).
func TestFreeTierFits(t *testing.T) {
	text, err := scenarios.Read("free-tier")
	if err != nil {
		t.Fatal(err)
	}
	s, err := scenario.Parse("free-tier", text, scenario.Options{})
	if err != nil {
		t.Fatal(err)
	}
	e := s.Plan().Estimate()
	// Every publish is acknowledged, and every message counts as at least one.
	if outbound := e.Publishes + e.Deliveries; e.Connections != 16 || outbound >= 5000 || outbound == 0 {
		t.Errorf("%d connections and %d outbound messages, want 16 and below 5,000", e.Connections, outbound)
	}
}

// The rows of the vendor's guide for one, two, five and ten units (protocol.md 11.2):
// connections, messages a second in and out.
func TestGuideRows(t *testing.T) {
	for _, test := range []struct {
		name                 string
		scales               []string
		connections, in, out []float64
	}{
		{"guide-big-group", []string{"x1", "x2", "x5", "x10"}, nil, []float64{30, 30, 30, 30}, []float64{3000, 6000, 15000, 30000}},
		{"guide-small-group", []string{"x1", "x2", "x5", "x10"}, []float64{1000, 2000, 5000, 10000}, []float64{400, 800, 2000, 4000}, []float64{4000, 8000, 20000, 40000}},
		{"guide-echo", []string{"x1", "x2", "x5", "x10"}, []float64{1000, 2000, 5000, 10000}, []float64{500, 1000, 2500, 5000}, []float64{500, 1000, 2500, 5000}},
		{"guide-send-to-user", []string{"x1", "x2", "x5", "x10"}, nil, []float64{180, 360, 900, 1800}, []float64{180, 360, 900, 1800}},
		{"guide-broadcast", []string{"x1", "x2", "x5", "x10"}, nil, []float64{3, 3, 3, 3}, []float64{3000, 6000, 15000, 30000}},
	} {
		text, err := scenarios.Read(test.name)
		if err != nil {
			t.Fatal(err)
		}
		for i, scale := range test.scales {
			s, err := scenario.Parse(test.name, text, scenario.Options{Scale: scale})
			if err != nil {
				t.Fatal(err)
			}
			e := s.Plan().Estimate()
			near := func(what string, got, want float64) {
				if got < want*0.96 || got > want*1.04 {
					t.Errorf("%s at %s: %.0f %s, want %.0f", test.name, scale, got, what, want)
				}
			}
			near("messages/s in", e.Steady.Publishes, test.in[i])
			near("messages/s out", e.Steady.Deliveries, test.out[i])
			if test.connections != nil {
				near("connections", float64(e.Connections), test.connections[i])
			}
		}
	}
}
