package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/scenario"
	"github.com/wpsbench/wpsbench/scenario/runner"
	"github.com/wpsbench/wpsbench/wire"
)

const (
	// knownDelay is how long the emulator holds a delivery back, to be told from what this machine adds.
	knownDelay = 5 * time.Millisecond
	// ceilingLag is the schedule lag p99 below which a rate is held (design.md 3.5).
	ceilingLag = time.Millisecond
	// messagesPerPublish of the sweep: the publish, its ack and ten deliveries.
	messagesPerPublish = 12
	// firstRate and mostRate bound the sweep, in messages per second.
	firstRate, mostRate = 12_000, 12_000_000
)

// calibration is what was measured of a machine.
type calibration struct {
	Machine     machineID `json:"machine"`
	At          time.Time `json:"at"`
	AddedP50    int64     `json:"added_p50_us"` // to a latency of knownDelay
	AddedP99    int64     `json:"added_p99_us"`
	CeilingPerS float64   `json:"ceiling_per_s"` // messages
	LagMicros   int64     `json:"lag_us"`        // the p99 below which a rate counts as held
}

// machineID is what must be the same for a calibration to hold.
type machineID struct {
	Host       string `json:"host"`
	OS         string `json:"os"`
	Arch       string `json:"arch"`
	Cores      int    `json:"cores"`
	GOMAXPROCS int    `json:"gomaxprocs"`
}

func thisMachine() machineID {
	host, _ := os.Hostname() // without a name all machines of one shape are one
	return machineID{Host: host, OS: runtime.GOOS, Arch: runtime.GOARCH, Cores: runtime.NumCPU(), GOMAXPROCS: runtime.GOMAXPROCS(0)}
}

func calibrationFile() (string, error) {
	dir, err := os.UserCacheDir()
	return filepath.Join(dir, "wpsbench", "calibration.json"), err
}

// calibratedCeiling is this machine's, 0 if it has not been calibrated.
func calibratedCeiling() float64 {
	file, err := calibrationFile()
	if err != nil {
		return 0
	}
	b, err := os.ReadFile(file)
	var c calibration
	if err != nil || json.Unmarshal(b, &c) != nil || c.Machine != thisMachine() {
		return 0
	}
	return c.CeilingPerS
}

func (a *app) calibrateCommand() *cli.Command {
	return &cli.Command{
		Name:  "calibrate",
		Usage: "measure what this machine adds to a latency, and how many messages per second it can drive",
		Description: "Takes about a minute on an idle machine. The emulator is the target, on the same\n" +
			"processors, so the ceiling is that of both. Runs hold their rate against it.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "out", Usage: "put the result into `FILE` (default: in the user's cache folder, where runs look for it)"},
			&cli.IntFlag{Name: "at-most", Value: mostRate, Usage: "try at most `N` messages per second"},
			&cli.DurationFlag{Name: "lag", Value: ceilingLag, Usage: "a rate is held when the schedule lag's p99 stays below `TIME`"},
			progressFlag(),
		},
		OnUsageError: usageError,
		Action:       a.calibrateAction,
	}
}

func (a *app) calibrateAction(c *cli.Context) error {
	if c.Args().Present() {
		return failf(exitUsage, "calibrate takes no arguments, got %q", c.Args().First())
	}
	if n := c.Int("at-most"); n < messagesPerPublish || n > mostRate {
		return failf(exitUsage, "--at-most %d: from %d to %d", n, messagesPerPublish, mostRate)
	}
	if lag := c.Duration("lag"); lag <= 0 {
		return failf(exitUsage, "--lag %v: more than 0", lag)
	}
	file := c.String("out")
	if file == "" {
		var err error
		if file, err = calibrationFile(); err != nil {
			return failf(exitSetup, "no cache folder: %w; name a file with --out", err)
		}
	}
	progress, err := a.newProgress(c)
	if err != nil {
		return err
	}
	defer progress.end()
	signals := watchSignals(c.Context, func(int) {})
	defer signals.release()
	result := calibration{Machine: thisMachine(), At: time.Now().UTC().Truncate(time.Second), LagMicros: c.Duration("lag").Microseconds()}
	progress.doing(fmt.Sprintf("measuring a latency of %v", knownDelay))
	if err := a.measureDelay(signals, &result); err != nil {
		return err
	}
	_, _ = fmt.Fprintf(a.stdout, "a latency of %v comes out %d µs longer at p50, %d µs at p99\n", knownDelay, result.AddedP50, result.AddedP99)
	if err := a.measureCeiling(signals, progress, c.Int("at-most"), c.Duration("lag"), &result); err != nil {
		return err
	}
	b, err := json.MarshalIndent(&result, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return failf(exitSetup, "%w", err)
	}
	if err := writeFile(file, append(b, '\n')); err != nil {
		return failf(exitSetup, "%w", err)
	}
	_, _ = fmt.Fprintf(a.stdout, "wrote %s\n", file)
	return nil
}

func (a *app) measureDelay(s signals, result *calibration) error {
	rec, err := a.calibrationRun(s, knownDelay, 10, 10, 1000, 5*time.Second)
	if err != nil {
		return err
	}
	p50, p99 := rec.Metrics["e2e_latency"].Percentiles["p50"], rec.Metrics["e2e_latency"].Percentiles["p99"]
	if p50 == nil || p99 == nil {
		return failf(metrics.ExitInvalid, "too little arrived to calibrate by")
	}
	result.AddedP50, result.AddedP99 = *p50-knownDelay.Microseconds(), *p99-knownDelay.Microseconds()
	return nil
}

// measureCeiling looks for the highest rate that the generator keeps up with and whose
// every copy arrives.
func (a *app) measureCeiling(s signals, p *progress, most int, limit time.Duration, result *calibration) error {
	held, err := highestHeld(firstRate, most, func(rate int) (bool, error) {
		p.doing(fmt.Sprintf("trying %d messages/s", rate))
		rec, err := a.calibrationRun(s, 0, 1000, 100, max(1, rate/messagesPerPublish), 2*time.Second)
		if err != nil {
			return false, err
		}
		lag, d := rec.Metrics["schedule_lag"].Percentiles["p99"], rec.Totals.Deliveries
		if missing := d.Lost + d.Undelivered + rec.Totals.Publishes.Dropped; lag == nil || missing > 0 {
			_, _ = fmt.Fprintf(a.stdout, "%10d messages/s  not held: %d messages missing\n", rate, missing)
			return false, nil
		}
		held, word := time.Duration(*lag)*time.Microsecond < limit, ""
		if !held {
			word = "not held: "
		}
		_, _ = fmt.Fprintf(a.stdout, "%10d messages/s  %sschedule lag p99 %d µs\n", rate, word, *lag)
		return held, nil
	})
	switch {
	case err != nil:
		return err
	case held == 0:
		return failf(metrics.ExitInvalid, "this machine holds no rate with a schedule lag below %v: too much else runs on it; nothing was written", limit)
	case held == most:
		_, _ = fmt.Fprintf(a.stdout, "ceiling at least %d messages/s, more were not tried\n", held)
	default:
		_, _ = fmt.Fprintf(a.stdout, "ceiling %d messages/s\n", held)
	}
	result.CeilingPerS = float64(held)
	return nil
}

// calibrationRun sends so many publishes per second at evenly spread instants, to an
// emulator of its own.
func (a *app) calibrationRun(s signals, delay time.Duration, connections, groups, publishes int, steady time.Duration) (*metrics.Run, error) {
	text := fmt.Sprintf("name: calibrate\ngroups: {room: {count: %d}}\npopulations:\n  members:\n    connections: %d\n    connect_rate: 5000/s\n"+
		"    join: {room: 1}\n    publish: {to: room, total_rate: %d/s, arrival: constant, ack: true, size: 128}\nphases: {warmup: 1s, steady: %s, drain: 5s}\n",
		groups, connections, publishes, steady)
	scn, err := scenario.Parse("calibrate", []byte(text), scenario.Options{})
	if err != nil {
		return nil, err
	}
	child, address, err := startChild(s.stop, a.stderr, []string{"--delay", delay.String()})
	if err != nil {
		return nil, failf(exitSetup, "start the embedded emulator: %w", err)
	}
	defer child.kill()
	plan := scn.Plan()
	t, err := embeddedTarget([]string{address}, defaultHub, plan, nil)
	if err != nil {
		return nil, err
	}
	rec, err := runner.Run(s.stop, s.cut, runner.Config{
		Plan: plan, Target: t.target, Dialer: &wire.Dialer{}, RunID: newRunID(), Profile: metrics.Strict, Monitor: runner.NewMonitor(),
	})
	switch {
	case s.stop.Err() != nil:
		return nil, failf(s.status(), "interrupted; nothing was written")
	case rec == nil:
		return nil, setupFailure(err, exitSetup)
	}
	return rec, err
}
