//go:build unix

package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/wpsbench/wpsbench/metrics"
)

// A run that is killed leaves the record of what it had done, and its log up to then.
func TestKillLeavesCheckpoint(t *testing.T) {
	dir := writeScenario(t, chat)
	p := start(t, dir, "run", "chat.yaml", "--checkpoint-every", "1s", "--out", "hlog=run.hlog")
	until(t, p.stderr, "steady$")
	file := eventually(t, func() string {
		files, _ := filepath.Glob(filepath.Join(dir, "results", "chat-*", "run.json"))
		if len(files) == 0 {
			return ""
		}
		if text, _ := os.ReadFile(filepath.Join(dir, "run.hlog")); strings.Count(string(text), "Tag=e2e_latency,") < 2 {
			return ""
		}
		return files[0]
	})
	p.signal(t, syscall.SIGKILL)
	_, _ = p.wait(t)

	run := readRecord(t, file)
	if run.Info.Status != metrics.RunInterrupted || run.Verdict.Result == metrics.ResultPass || run.Verdict.ExitCode != metrics.ExitInterrupted {
		t.Errorf("status %s, verdict %+v", run.Info.Status, run.Verdict)
	}
	if len(run.Checks) == 0 {
		t.Error("no checks")
	}
	for _, c := range run.Checks {
		if c.Result != metrics.CheckUnknown || !strings.HasPrefix(c.Reason, "this is a checkpoint of a run that did not end") {
			t.Errorf("check %s is %s: %s", c.ID, c.Result, c.Reason)
		}
	}
	d := run.Totals.Deliveries
	if d.Delivered == 0 || d.Expected != d.Delivered+d.Lost+d.Undelivered+d.Excused.Total() {
		t.Errorf("deliveries do not add up: %+v", d)
	}
	if run.Metrics["e2e_latency"].Count == 0 || len(run.Series.Columns["t_s"]) == 0 || run.Info.DurationS > 60 {
		t.Errorf("%d latencies in %d s of %.1f s", run.Metrics["e2e_latency"].Count, len(run.Series.Columns["t_s"]), run.Info.DurationS)
	}
	for _, limit := range run.Thresholds {
		if limit.Result != metrics.ThresholdNotJudged {
			t.Errorf("threshold %s is %s", limit.Metric, limit.Result)
		}
	}
	if counts, _ := readHlog(t, filepath.Join(dir, "run.hlog")); counts["e2e_latency"] == 0 || counts["connect_time"] != 8 {
		t.Errorf("the log holds %v", counts)
	}
	again := start(t, dir, "report", file, "--out", "html=page.html")
	if code, out := again.wait(t); code != 0 || !strings.Contains(out, "interrupted") {
		t.Errorf("exit status %d:\n%s", code, out)
	}
}

// The result of a run replaces its checkpoints, in their folder.
func TestResultReplacesCheckpoints(t *testing.T) {
	dir := writeScenario(t, strings.Replace(chat, "steady: 60s", "steady: 3s", 1))
	p := start(t, dir, "run", "chat.yaml", "--checkpoint-every", "1s", "--soft", "invalid") // the machine may be busy
	if code, out := p.wait(t); code != 0 {
		t.Fatalf("exit status %d\n%s", code, out)
	}
	folders, _ := filepath.Glob(filepath.Join(dir, "results", "*"))
	if len(folders) != 1 {
		t.Fatalf("folders: %v", folders)
	}
	if run := readRecord(t, filepath.Join(folders[0], "run.json")); run.Info.Status != "completed" {
		t.Errorf("status %s", run.Info.Status)
	}
}

// A checkpoint in the folder of an earlier run does not stand beside that one's page.
func TestCheckpointBesideAnEarlierPage(t *testing.T) {
	dir := writeScenario(t, chat)
	results := filepath.Join(dir, "again")
	page := filepath.Join(results, "report.html")
	if err := os.MkdirAll(results, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(page, []byte("of another run"), 0o644); err != nil {
		t.Fatal(err)
	}
	p := start(t, dir, "run", "chat.yaml", "--dir", results, "--checkpoint-every", "1s")
	eventually(t, func() string {
		_, err := os.Stat(page)
		if errors.Is(err, fs.ErrNotExist) {
			return "gone"
		}
		return ""
	})
	p.signal(t, syscall.SIGKILL)
	_, _ = p.wait(t)
	if run := readRecord(t, filepath.Join(results, "run.json")); run.Info.Status != metrics.RunInterrupted {
		t.Errorf("status %s, want the checkpoint's", run.Info.Status)
	}
}

// eventually polls for what another process does, until it is there.
func eventually(t *testing.T, look func() string) string {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if found := look(); found != "" {
			return found
		}
	}
	t.Fatal("it never came")
	return ""
}
