//go:build unix

package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/report"
)

const chat = `name: chat
groups:
  room: {count: 2}
populations:
  members:
    connections: 8
    connect_rate: 200/s
    join: {room: 1}
    publish: {to: room, rate: 20/s, ack: true, size: 64}
phases:
  steady: 60s
  drain: 30s
`

// process is a command line under test.
type process struct {
	cmd    *exec.Cmd
	dir    string
	stdout *bufio.Reader
	stderr *bufio.Reader
	errors io.Closer // of stderr
}

func start(t *testing.T, dir string, args ...string) *process {
	t.Helper()
	p := &process{cmd: exec.Command("wpsbench", args...), dir: dir}
	p.cmd.Dir = dir
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.stdout, p.stderr, p.errors = bufio.NewReader(stdout), bufio.NewReader(stderr), stderr
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.cmd.Process.Kill() })
	return p
}

// until reads lines up to one that matches, and returns its first group.
func until(t *testing.T, r *bufio.Reader, pattern string) string {
	t.Helper()
	re := regexp.MustCompile(pattern)
	var seen strings.Builder
	for {
		line, err := r.ReadString('\n')
		seen.WriteString(line)
		if m := re.FindStringSubmatch(strings.TrimSpace(line)); m != nil {
			return m[len(m)-1]
		}
		if err != nil {
			t.Fatalf("no line matches %q before %v:\n%s", pattern, err, &seen)
		}
	}
}

func (p *process) signal(t *testing.T, s syscall.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

// wait returns the exit status and the rest of standard output.
func (p *process) wait(t *testing.T) (int, string) {
	t.Helper()
	done := make(chan struct{})
	go func() { defer close(done); _, _ = io.Copy(io.Discard, p.stderr) }()
	out, _ := io.ReadAll(p.stdout)
	<-done
	err := p.cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return p.cmd.ProcessState.ExitCode(), string(out)
}

func writeScenario(t *testing.T, text string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "chat.yaml"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

func readRecord(t *testing.T, file string) *metrics.Run {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	run, err := report.ReadRun(f)
	if err != nil {
		t.Fatal(err)
	}
	return run
}

// A signal ends the schedule, and the record is written all the same.
func TestSignalWritesRecord(t *testing.T) {
	for _, row := range []struct {
		name    string
		signals []syscall.Signal
		want    int
	}{
		{"interrupt", []syscall.Signal{syscall.SIGINT}, metrics.ExitInterrupted},
		{"terminate", []syscall.Signal{syscall.SIGTERM}, metrics.ExitTerminated},
		{"twice", []syscall.Signal{syscall.SIGINT, syscall.SIGINT}, metrics.ExitInterrupted},
	} {
		t.Run(row.name, func(t *testing.T) {
			p := start(t, writeScenario(t, chat), "run", "chat.yaml", "--dir", "out")
			until(t, p.stderr, "steady$")
			for _, s := range row.signals {
				p.signal(t, s)
			}
			code, out := p.wait(t)
			if code != row.want {
				t.Errorf("exit status %d, want %d\n%s", code, row.want, out)
			}
			run := readRecord(t, filepath.Join(p.dir, "out", "run.json"))
			if run.Info.Status != "interrupted" || run.Verdict.ExitCode != row.want {
				t.Errorf("record says %s, exit %d; want interrupted, %d", run.Info.Status, run.Verdict.ExitCode, row.want)
			}
			for _, limit := range run.Thresholds {
				if limit.Result != "not_judged" {
					t.Errorf("threshold %s is %s, want not_judged", limit.Metric, limit.Result)
				}
			}
			if d := run.Totals.Deliveries; d.Lost != 0 || d.Expected != d.Delivered+d.Lost+d.Undelivered+d.Excused.Total() {
				t.Errorf("deliveries do not add up: %+v", d)
			}
		})
	}
}

// A signal ends the repetitions, too, even if the verdict on what ran until then outranks it.
func TestSignalEndsRepetitions(t *testing.T) {
	p := start(t, writeScenario(t, chat), "run", "chat.yaml", "--dir", "out", "--repeat", "2", "--lie", "duplicate=1/5")
	until(t, p.stderr, "violated ")
	p.signal(t, syscall.SIGINT)
	if code, out := p.wait(t); code != metrics.ExitViolated {
		t.Errorf("exit status %d, want %d\n%s", code, metrics.ExitViolated, out)
	}
	if run := readRecord(t, filepath.Join(p.dir, "out", "001", "run.json")); run.Info.Status != "interrupted" || run.Verdict.ExitCode != metrics.ExitViolated {
		t.Errorf("record says %s, exit %d; want interrupted, %d", run.Info.Status, run.Verdict.ExitCode, metrics.ExitViolated)
	}
	if _, err := os.Stat(filepath.Join(p.dir, "out", "002")); !os.IsNotExist(err) {
		t.Errorf("another run was begun: %v", err)
	}
}

// Whoever reads the progress may go away: the run does not go with him.
func TestClosedStandardErrorEndsNoRun(t *testing.T) {
	p := start(t, writeScenario(t, chat), "run", "chat.yaml", "--dir", "out", "--set", "phases.steady=1s", "--soft", "invalid,inconclusive")
	until(t, p.stderr, "connect$")
	_ = p.errors.Close()
	code, out := p.wait(t)
	if code != 0 {
		t.Errorf("exit status %d, want 0\n%s", code, out)
	}
	if run := readRecord(t, filepath.Join(p.dir, "out", "run.json")); run.Info.Status != "completed" {
		t.Errorf("the record says %s, want it to be whole", run.Info.Status)
	}
}

// Killing the harness leaves neither the emulator nor a half-written result.
func TestKillLeavesNothing(t *testing.T) {
	if _, err := os.Stat("/proc/self/task"); err != nil {
		t.Skip("needs /proc to find the child")
	}
	p := start(t, writeScenario(t, chat), "run", "chat.yaml")
	until(t, p.stderr, "steady$")
	child := childOf(t, p.cmd.Process.Pid)
	p.signal(t, syscall.SIGKILL)
	_, _ = p.wait(t)
	deadline := time.Now().Add(20 * time.Second)
	for alive(child) {
		if time.Now().After(deadline) {
			t.Fatalf("the emulator, process %d, outlived its harness", child)
		}
		time.Sleep(10 * time.Millisecond) // polls: the end of a grandchild cannot be waited for
	}
	left, err := os.ReadDir(p.dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(left) != 1 {
		t.Errorf("left behind: %v", left)
	}
}

func childOf(t *testing.T, pid int) int {
	t.Helper()
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			continue
		}
		if fields := strings.Fields(string(b)); len(fields) == 1 {
			n, err := strconv.Atoi(fields[0])
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Fatalf("process %d has no child", pid)
	return 0
}

// alive is false for a process that has ended, also when nobody has reaped it.
func alive(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(b), ") ")
	return !strings.HasPrefix(rest, "Z") && !strings.HasPrefix(rest, "X")
}

// A separately started emulator, with the connection string it prints, is a target
// like any other, plain and over TLS.
func TestServe(t *testing.T) {
	for _, row := range []struct {
		name  string
		serve []string
		set   []string
	}{
		{"plain", nil, nil},
		{"tls", []string{"--tls", "--tls-cert-out", "ca.pem"}, []string{"--set", "target.tls.ca=ca.pem"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			text := strings.Replace(chat, "steady: 60s", "steady: 1s", 1) + "target: {connection_string: '${WPS}'}\n" +
				"faults:\n  - {name: F1, at: 500ms, kind: rst, population: members, hit: 50%}\n"
			dir := writeScenario(t, text)
			server := start(t, dir, append([]string{"serve", "--listen", "127.0.0.1:0"}, row.serve...)...)
			t.Setenv("WPS", until(t, server.stdout, `connection string +(\S+)`))
			p := start(t, dir, append([]string{"run", "chat.yaml", "--dir", "out"}, row.set...)...)
			code, out := p.wait(t)
			if code != 0 {
				t.Errorf("exit status %d, want 0\n%s", code, out)
			}
			run := readRecord(t, filepath.Join(dir, "out", "run.json"))
			d := run.Totals.Deliveries
			if d.Expected == 0 || d.Delivered != d.Expected {
				t.Errorf("delivered %d of %d", d.Delivered, d.Expected)
			}
			if got := run.Environment.Target; got.Kind != "loopback" || strings.HasPrefix(got.Endpoint, "wss://") != (row.name == "tls") {
				t.Errorf("target is %+v", got)
			}
			server.signal(t, syscall.SIGINT)
			if code, out := server.wait(t); code != 0 || !strings.Contains(out, "4 recoveries") {
				t.Errorf("serve ended with %d:\n%s", code, out)
			}
		})
	}
}
