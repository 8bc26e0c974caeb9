package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/report"
)

// TestProofOfStorm: of 10,000 sessions a fifth is reset at one instant. All of them catch
// up, nothing is lost, repeated or out of order, and the emulator has counted the same
// (make proof).
func TestProofOfStorm(t *testing.T) {
	if os.Getenv("WPSBENCH_PROOF") == "" {
		t.Skip("takes a minute of the whole machine: make proof")
	}
	dir := t.TempDir()
	command := exec.Command("wpsbench", "run", ":reconnect-storm", "--scale", "x10", "--progress", "none", "--dir", dir, "--soft", "invalid",
		"--set", "thresholds={}", "--set", "populations.members.publish.rate=1/4s", "--set", "populations.members.connect_rate=2000/s",
		"--set", "phases.steady=20s", "--set", "faults=[{name: deploy, at: 8s, kind: rst, population: members, hit: 20%}]")
	out, err := command.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(filepath.Join(dir, "run.json"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	rec, err := report.ReadRun(f)
	if err != nil {
		t.Fatal(err)
	}
	in := rec.Incidents[0]
	if want := (metrics.IncidentOutcomes{Resumed: 2000}); rec.Info.Load.Connections != 10_000 || in.Hit != 2000 || in.Outcomes != want || in.CaughtUpS["p100"] == nil {
		t.Errorf("of %d sessions %d were hit: %+v, all caught up after %v; want all of 2,000 resumed", rec.Info.Load.Connections, in.Hit, in.Outcomes, in.CaughtUpS["p100"])
	}
	d, p, counted := rec.Totals.Deliveries, rec.Totals.Publishes, rec.Environment.Target.Counted
	if d.Delivered != d.Expected || d.Delivered < 500_000 || d.Lost+d.Duplicated+d.Reordered+d.Unexpected+d.Undelivered+d.Excused.Total() > 0 {
		t.Errorf("deliveries %+v", d)
	}
	for what, want := range map[string]uint64{
		"publishes": p.Sent, "deliveries": d.Delivered, "recoveries_accepted": 2000, "recoveries_refused": 0, "expired": 0, "overflows": 0, "sessions": 10_000,
	} {
		if counted[what] != want {
			t.Errorf("the emulator counts %d %s, the run %d", counted[what], what, want)
		}
	}
	for _, c := range rec.Checks {
		if c.Result == metrics.CheckViolated || c.Result == metrics.CheckUnknown {
			t.Errorf("%s is %s: %s", c.ID, c.Result, c.Reason)
		}
	}
	if p100 := in.CaughtUpS["p100"]; p100 != nil {
		t.Logf("2,000 of 10,000 sessions reset at once: all caught up after %.2f s, %d delivered of %d, %d replayed", *p100, d.Delivered, d.Expected, in.Replayed)
		t.Logf("as a measurement: %s, %d of %d seconds bad", rec.Health.Result, rec.Health.BadWindows, rec.Health.Windows)
	}
}
