//go:build linux

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/wpsbench/wpsbench/metrics"
)

// childrenOf are the processes that a process has started.
func childrenOf(t *testing.T, pid int) []int {
	t.Helper()
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	var out []int
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			continue
		}
		for _, field := range strings.Fields(string(b)) {
			n, err := strconv.Atoi(field)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, n)
		}
	}
	return out
}

// isShare tells a process of the generator from an emulator.
func isShare(t *testing.T, pid int) bool {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil {
		t.Fatal(err)
	}
	return strings.HasSuffix(string(b), "\x00share\x00")
}

// wantGone waits until none of the processes is left.
func wantGone(t *testing.T, pids []int) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for _, pid := range pids {
		for alive(pid) {
			if time.Now().After(deadline) {
				t.Fatalf("process %d is still there", pid)
			}
			time.Sleep(10 * time.Millisecond) // polls: the end of a grandchild cannot be waited for
		}
	}
}

// The end of one process of the generator, or of the one that people started, ends all
// of them. The former leaves the record of the part that ran, the latter nothing.
func TestFleetEnds(t *testing.T) {
	for _, row := range []struct {
		name string
		kill func(t *testing.T, p *process, share int)
		code int
		says string
	}{
		{"a share is killed", func(t *testing.T, _ *process, share int) {
			if err := syscall.Kill(share, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
		}, metrics.ExitDegraded, `process \d of 2 of the generator \(pid \d+\) was lost: it ended before its time`},
		{"the controller is killed", func(t *testing.T, p *process, _ int) { p.signal(t, syscall.SIGKILL) }, -1, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			p := start(t, writeScenario(t, chat), "run", "chat.yaml", "--processes", "2", "--emulators", "2")
			until(t, p.stderr, "steady$")
			children := childrenOf(t, p.cmd.Process.Pid)
			if len(children) != 4 {
				t.Fatalf("%d children, want 2 emulators and 2 processes of the generator", len(children))
			}
			for _, pid := range children {
				if isShare(t, pid) {
					row.kill(t, p, pid)
					break
				}
			}
			if row.says != "" {
				until(t, p.stderr, row.says)
			}
			if code, out := p.wait(t); code != row.code {
				t.Errorf("exit status %d, want %d\n%s", code, row.code, out)
			}
			wantGone(t, children)
			left, err := os.ReadDir(p.dir)
			if err != nil {
				t.Fatal(err)
			}
			if row.code < 0 {
				if len(left) != 1 {
					t.Errorf("left behind: %v", left)
				}
				return
			}
			files, _ := filepath.Glob(filepath.Join(p.dir, "results", "*", "run.json"))
			if len(files) != 1 {
				t.Fatalf("records: %v", files)
			}
			run := readRecord(t, files[0])
			if run.Verdict.Result != metrics.ResultDegraded || run.Verdict.ExitCode != row.code || !strings.Contains(run.Verdict.Headline, "it had 4 of 8 connections") {
				t.Errorf("verdict %+v", run.Verdict)
			}
		})
	}
}

// A signal stops a run in several processes as it stops one: the schedule first.
func TestFleetSignal(t *testing.T) {
	p := start(t, writeScenario(t, chat), "run", "chat.yaml", "--dir", "out", "--processes", "2")
	until(t, p.stderr, "steady$")
	p.signal(t, syscall.SIGINT)
	if code, out := p.wait(t); code != metrics.ExitInterrupted {
		t.Errorf("exit status %d, want %d\n%s", code, metrics.ExitInterrupted, out)
	}
	run := readRecord(t, filepath.Join(p.dir, "out", "run.json"))
	d := run.Totals.Deliveries
	if run.Info.Status != "interrupted" || d.Delivered == 0 || d.Lost+d.Undelivered != 0 {
		t.Errorf("record says %s, deliveries %+v", run.Info.Status, d)
	}
	if h := run.Environment.Host; h.GOMAXPROCS == 0 || len(run.Environment.Nodes) != 3 {
		t.Errorf("GOMAXPROCS %d, nodes %+v; want the controller and two", h.GOMAXPROCS, run.Environment.Nodes)
	}
}
