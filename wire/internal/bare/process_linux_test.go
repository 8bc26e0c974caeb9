package bare

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/wpsbench/wpsbench/wire"
)

// process is one of the three of a measurement: the emulator, the bare loop, wpsbench.
type process struct {
	b     testing.TB
	name  string
	cmd   *exec.Cmd
	stdin io.Closer
	lines *bufio.Scanner
	seen  []string // for the message when something goes wrong
}

// start runs a command whose progress comes on one of its outputs, the other one
// being discarded. The cleanup ends it.
func start(b testing.TB, name string, onStderr bool, cmd *exec.Cmd) *process {
	b.Helper()
	pipe := cmd.StdoutPipe
	if onStderr {
		pipe = cmd.StderrPipe
	}
	out, err := pipe()
	if err != nil {
		b.Fatal(err)
	}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	p := &process{b: b, name: name, cmd: cmd, stdin: stdin, lines: bufio.NewScanner(out)}
	b.Cleanup(p.kill)
	return p
}

func (p *process) kill() {
	_ = p.stdin.Close()
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
}

// await returns the first line that holds word.
func (p *process) await(word string) string {
	p.b.Helper()
	for p.lines.Scan() {
		if line := p.lines.Text(); strings.Contains(line, word) {
			return line
		} else if p.seen = append(p.seen, line); len(p.seen) > 20 {
			p.seen = p.seen[1:]
		}
	}
	p.b.Fatalf("%s ended before it said %q:\n%s", p.name, word, strings.Join(p.seen, "\n"))
	return ""
}

// end waits for the process to end by itself.
func (p *process) end() error {
	for p.lines.Scan() {
		p.seen = append(p.seen, p.lines.Text())
	}
	return p.cmd.Wait()
}

// use is what a process has cost so far.
type use struct {
	at  time.Time
	cpu time.Duration // run time of all its threads, as the scheduler counts it
	rss float64       // KiB, file pages included
	pss float64       // KiB, shared pages divided by those who share them
}

func (p *process) use() use {
	p.b.Helper()
	u := use{at: time.Now()}
	dir := fmt.Sprintf("/proc/%d", p.cmd.Process.Pid)
	tasks, err := filepath.Glob(dir + "/task/*/schedstat")
	if err != nil || len(tasks) == 0 {
		p.b.Fatalf("%s has no threads: %v", p.name, err)
	}
	for _, task := range tasks {
		text, _ := os.ReadFile(task) // a thread may have ended
		nanos, _, _ := strings.Cut(string(text), " ")
		n, _ := strconv.ParseInt(nanos, 10, 64)
		u.cpu += time.Duration(n)
	}
	rollup, err := os.ReadFile(dir + "/smaps_rollup")
	if err != nil {
		p.b.Fatal(err)
	}
	for line := range strings.Lines(string(rollup)) {
		switch f := strings.Fields(line); f[0] {
		case "Rss:":
			u.rss, _ = strconv.ParseFloat(f[1], 64)
		case "Pss:":
			u.pss, _ = strconv.ParseFloat(f[1], 64)
		}
	}
	return u
}

// wpsbench is the binary under test, built once.
var wpsbench = struct{ path string }{}

func built(b testing.TB) string {
	b.Helper()
	if wpsbench.path == "" {
		path := filepath.Join(os.TempDir(), fmt.Sprintf("wpsbench-bars-%d", os.Getpid()))
		build := exec.Command("go", "build", "-o", path, "github.com/wpsbench/wpsbench/cmd/wpsbench")
		if out, err := build.CombinedOutput(); err != nil {
			b.Fatalf("build wpsbench: %v\n%s", err, out)
		}
		wpsbench.path = path
	}
	return wpsbench.path
}

// serve starts an emulator of its own for one measurement.
func serve(b testing.TB, args ...string) (*process, wire.ConnectionString) {
	b.Helper()
	cmd := exec.Command(built(b), append([]string{"serve", "--listen", "127.0.0.1:0"}, args...)...)
	p := start(b, "emulator", false, cmd)
	_, text, _ := strings.Cut(p.await("connection string"), "connection string")
	target, err := wire.ParseConnectionString(strings.TrimSpace(text))
	if err != nil {
		b.Fatal(err)
	}
	return p, target
}

// load is what a generator is asked for.
type load struct {
	Protocol            wire.Subprotocol
	Connections, Groups int
	PerConnection       float64       // publishes per second; 0 = none
	Neighbours          bool          // bare loop: connections that publish one after the other share a group
	Burst               int           // bare loop: publishes that leave at once; 0 = 1
	SequenceAck         time.Duration // of wpsbench's sessions; 0 = its default
	Warmup, Steady      time.Duration
	Extra               string // of the scenario: faults
	Transport           wire.Transport
	Processes           int // of the generator and of the embedded target; 0: the target is given
}

// messages is the rate over all connections: publishes, acks and deliveries.
func (l load) messages() float64 {
	return float64(l.Connections) * l.PerConnection * float64(2+l.Connections/l.Groups)
}

const scenarioText = `name: bars
protocol: %s
groups: {room: {count: %d}}
%spopulations:
  members:
    connections: %d
    connect_rate: 1000000/s
    join: {room: 1}
%s%sphases: {warmup: %s, steady: %s, drain: 30s}
checks: {profile: strict}
%s`

// runWpsbench starts a run of wpsbench, which leaves its record in the folder returned.
func runWpsbench(b testing.TB, l load, target wire.ConnectionString, ca string) (*process, string) {
	b.Helper()
	dir := b.TempDir()
	client, publish, tls := "", "", ""
	if l.SequenceAck > 0 {
		client = fmt.Sprintf("    client: {sequence_ack: {every: %s}}\n", l.SequenceAck)
	}
	if l.PerConnection > 0 {
		publish = fmt.Sprintf("    publish: {to: room, rate: %g/s, ack: true, size: 128}\n", l.PerConnection)
	}
	if ca != "" {
		tls = fmt.Sprintf("target: {connection_string: \"%s\", tls: {ca: %s}}\n", target.String(), ca)
	}
	text := fmt.Sprintf(scenarioText, l.Protocol, l.Groups, tls, l.Connections, client, publish, l.Warmup, l.Steady, l.Extra)
	file := filepath.Join(dir, "bars.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
	args := []string{"run", "--progress", "lines", "--dir", filepath.Join(dir, "result")}
	if l.Transport != "" {
		args = append(args, "--transport", string(l.Transport))
	}
	if l.Processes > 0 {
		n := strconv.Itoa(l.Processes)
		args = append(args, "--processes", n, "--emulators", n)
	} else if ca == "" {
		args = append(args, "--target", target.String())
	}
	return start(b, "wpsbench", true, exec.Command(built(b), append(args, file)...)), filepath.Join(dir, "result", "run.json")
}

// record is what is read of a run's record.
type record struct {
	Verdict struct {
		Headline string
		ExitCode float64 `json:"exit_code"`
	}
	Run struct {
		Load struct {
			PublishedPerS float64 `json:"published_per_s"`
		}
	}
	Phases []struct {
		Name   string
		StartS float64 `json:"start_s"`
		EndS   float64 `json:"end_s"`
	}
	Metrics map[string]struct {
		Count       float64
		Percentiles map[string]*float64
	}
	Totals struct {
		Publishes struct {
			Scheduled, Sent, OK float64
		}
		Deliveries struct {
			Expected, Delivered, Lost, Undelivered, Duplicated, Reordered, Unexpected float64
			Excused                                                                   map[string]float64
		}
	}
	Connections struct{ Funnel map[string]float64 }
	Health      struct {
		BadWindows float64 `json:"bad_windows"`
		Gates      []struct {
			ID, Result string
			Value      *float64
		}
	}
	Series struct {
		IntervalS float64 `json:"interval_s"`
		Columns   map[string][]*float64
	}
}

func readRecord(b testing.TB, path string) record {
	b.Helper()
	var r record
	data, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(data, &r)
	}
	if err != nil {
		b.Fatal(err)
	}
	return r
}

// missing is every copy that did not come exactly once and in order, whoever is to blame.
func (r *record) missing() float64 {
	d := &r.Totals.Deliveries
	return d.Expected - d.Delivered + d.Duplicated + d.Reordered + d.Unexpected
}

// bad is what the gates have to say against the measurement.
func (r *record) bad() string {
	said := fmt.Sprintf("%g bad seconds", r.Health.BadWindows)
	for _, g := range r.Health.Gates {
		if g.Value != nil && g.Result != "ok" {
			said += fmt.Sprintf(", %s %s %.2g", g.ID, g.Result, *g.Value)
		}
	}
	return said
}

// phase returns how long a phase took.
func (r *record) phase(name string) float64 {
	for _, p := range r.Phases {
		if p.Name == name {
			return p.EndS - p.StartS
		}
	}
	return 0
}

// movedPerSecond is what left and what came in the intervals that lie in a phase whole,
// by when it did. No interval counts for more than most.
func (r *record) movedPerSecond(phase string, most float64) float64 {
	var sum, intervals float64
	for _, p := range r.Phases {
		for i, at := range r.Series.Columns["t_s"] {
			if p.Name != phase || *at < p.StartS || *at+r.Series.IntervalS > p.EndS {
				continue
			}
			intervals++
			moved := 0.0
			for _, column := range []string{"published_per_s", "acked_per_s", "delivered_per_s"} {
				if v := r.Series.Columns[column][i]; v != nil {
					moved += *v
				}
			}
			sum += min(moved, most)
		}
	}
	return sum / max(intervals, 1)
}

// percentile is a value in µs, -1 without one.
func (r *record) percentile(metric, key string) float64 {
	if v := r.Metrics[metric].Percentiles[key]; v != nil {
		return *v
	}
	return -1
}

// request is the upgrade that every connection of the bare loop sends.
func request(b testing.TB, target wire.ConnectionString, p wire.Subprotocol) string {
	b.Helper()
	access := wire.Access{Roles: []string{"webpubsub.joinLeaveGroup", "webpubsub.sendToGroup"}, Life: time.Hour}
	url, err := wire.SignedURL(target, "bench", access)(context.Background())
	if err != nil {
		b.Fatal(err)
	}
	rest := strings.TrimPrefix(url, "ws://")
	host, path, _ := strings.Cut(rest, "/")
	return "GET /" + path + " HTTP/1.1\r\nHost: " + host + "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
		"Sec-WebSocket-Protocol: " + string(p) + "\r\n\r\n"
}
