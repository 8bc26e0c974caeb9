package main

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/scenario"
	"github.com/wpsbench/wpsbench/scenario/runner"
)

func (a *app) runCommand() *cli.Command {
	return &cli.Command{
		Name:      "run",
		Usage:     "execute a scenario and say what it measured",
		ArgsUsage: "FILE | :NAME",
		Description: "Without a target in the file or --target, an emulator of the service is started as a\n" +
			"child process and is the target. :NAME is a scenario that comes with wpsbench.",
		Flags:                  append([]cli.Flag{scaleFlag(), repeatFlag()}, runFlags()...),
		UseShortOptionHandling: true, // -qq
		OnUsageError:           usageError,
		Action: func(c *cli.Context) error {
			src, err := sourceArgument(c)
			if err != nil {
				return err
			}
			return a.repeat(c, src)
		},
	}
}

// runFlags are those of every command that runs a scenario.
func runFlags() []cli.Flag {
	flags := []cli.Flag{
		&cli.StringFlag{Name: "target", Usage: "load `TARGET`: a client URL (ws:// or wss://), a connection string, a negotiate URL, ${NAME} or @file"},
		&cli.StringFlag{Name: "hub", Usage: "use `HUB` of the target (default: the scenario's, else bench)"},
		&cli.StringSliceFlag{Name: "set", Usage: "override a key of the file, `KEY=VALUE`, e.g. phases.steady=5s"},
		&cli.StringFlag{Name: "dir", Usage: "put the results into `FOLDER` (default: results/<name>-<UTC time>)"},
		&cli.StringSliceFlag{Name: "out", Usage: "also " + outUsage},
		ciFlag(),
		&cli.StringFlag{Name: "soft", Usage: "let `VERDICTS` only warn and exit 0: invalid, inconclusive, or both with a comma"},
		&cli.BoolFlag{Name: "yes", Usage: "do not ask before loading a target that is not on this machine"},
		&cli.StringFlag{Name: "lie", Usage: "let the embedded emulator break a promise on purpose: `NAME=N/M`, e.g. swap=1/1000; see help lies"},
		transportFlag(),
		checkpointFlag(),
		&cli.StringFlag{Name: "trace-frames", Usage: "write a line per frame of a connection, without payloads: `NAME[=PATH]`, e.g. members/17 (default: frames.txt with the results; PATH - is stderr)"},
		&cli.StringFlag{Name: "metrics", Usage: "serve Prometheus metrics at `ADDR`/metrics while the run goes on, e.g. 127.0.0.1:9464"},
	}
	return slices.Concat(flags, progressFlags(), fleetFlags())
}

func scaleFlag() cli.Flag {
	return &cli.StringFlag{Name: "scale", Usage: "multiply what the file names under scales by `SHARE`, e.g. 1% or x2"}
}

// sourceArgument reads the scenario that a command takes as its argument.
func sourceArgument(c *cli.Context) (source, error) {
	arg, err := oneArgument(c, "scenario file")
	if err != nil {
		return source{}, err
	}
	return readSource(arg)
}

// execute runs a scenario and reports on it.
func (a *app) execute(c *cli.Context, src source) error {
	return a.executeInto(c, src, c.String("dir"))
}

// executeInto is execute with the folder for the results, "" for one of its own.
func (a *app) executeInto(c *cli.Context, src source, dir string) error {
	outs, err := parseOuts(c.StringSlice("out"))
	if err != nil {
		return err
	}
	if err := refuseEmpty(c); err != nil {
		return err
	}
	if err := checkPlaces(dir, outs); err != nil {
		return failf(exitUsage, "%w; nothing was run", err)
	}
	soft, err := parseSoft(c.String("soft"))
	if err != nil {
		return err
	}
	ci, err := parseCI(c.String("ci"))
	if err != nil {
		return err
	}
	show, err := a.newShow(c, outs)
	if err != nil {
		return err
	}
	defer show.end()
	show.doing("working out the plan")
	s, err := a.load(src, scenario.Options{Scale: c.String("scale"), Set: c.StringSlice("set"), Target: c.String("target")})
	if err != nil {
		return err
	}
	plan := s.Plan()
	spread, err := fleetOf(c)
	if err != nil {
		return err
	}
	if err := a.preflight(plan, &spread); err != nil {
		return err
	}
	bodies, err := payloadBodies(plan)
	if err != nil {
		return err
	}
	lies, err := parseLies(c.String("lie"))
	if err != nil {
		return err
	}
	transport, err := transportOf(c)
	if err != nil {
		return err
	}
	trace, err := traceOf(c, plan)
	if err != nil {
		return err
	}
	runID := newRunID()
	exposed, err := a.expose(c.String("metrics"), plan)
	if err != nil {
		return err
	}
	defer exposed.close()
	show.doing("finding the target")
	resolved, err := a.resolveTarget(c, plan, runID, lies)
	show.end()
	if err != nil {
		return err
	}
	defer resolved.close()
	resolved.dialer.LocalIPs, resolved.dialer.MaxDials = spread.LocalIPs, spread.Dials
	if err := a.confirm(c, plan, resolved); err != nil {
		return err
	}

	if err := trace.open(a, dir); err != nil {
		return failf(exitSetup, "--trace-frames: %w", err)
	}
	defer trace.discard()
	hlogs, outs := a.streamHlogs(outs)
	show.doing("starting the processes")
	processes, end, err := a.startProcesses(c.Context, job{
		Of: spread.Processes, RunID: runID, File: src.name, Text: src.text, Hub: resolved.target.Hub, Emulators: resolved.emulators(),
		Options:  scenario.Options{Scale: c.String("scale"), Set: c.StringSlice("set"), Target: c.String("target")},
		LocalIPs: spread.LocalIPs, Dials: spread.Dials, Transport: c.String("transport"), Trace: trace,
	})
	if err != nil {
		return err
	}
	defer end()
	show.end()
	show.begin(plan, resolved)
	surviveClosedPipes()
	signals := watchSignals(c.Context, show.interrupted)
	defer signals.release()
	kept := &checkpoints{app: a, dir: dir, complete: func(rec *metrics.Run) *metrics.Run { return a.complete(rec, resolved, plan) }}
	config := runner.Config{
		Plan:            plan,
		Target:          resolved.target,
		Dialer:          resolved.dialer,
		Processes:       processes,
		Transport:       transport,
		RunID:           runID,
		Monitor:         runner.NewMonitor(),
		Ceiling:         calibratedCeiling(),
		Bodies:          bodies,
		Profile:         profileOf(s, resolved),
		Progress:        show.observe,
		Seconds:         hlogs.seconds(),
		Checkpoint:      kept.keep,
		CheckpointEvery: c.Duration("checkpoint-every"),
	}
	if len(processes) == 0 {
		config.Trace = trace.config()
	}
	exposed.attach(&config)
	rec, runErr := runner.Run(signals.stop, signals.cut, config)
	show.doing("writing the report")
	if rec == nil {
		show.end()
		return setupFailure(runErr, signals.status())
	}
	if runErr != nil {
		a.complain(runErr)
	}
	if err := resolved.finish(rec); err != nil {
		a.complain(err)
	}
	code := rec.Verdict.ExitCode
	if code == exitSIGINT {
		code = signals.status()
		rec.Verdict.ExitCode = code
	}
	rec = a.complete(rec, resolved, plan)
	folder, files, err := a.writeResults(kept.dir, rec, outs)
	logs, logErr := hlogs.finish(rec)
	frames, traceErr := trace.keep(folder)
	files, err = slices.Concat(files, logs, frames), errors.Join(err, logErr, traceErr)
	show.end()
	show.summary(rec, files, err == nil)
	if err != nil {
		return a.unwritten(code, err)
	}
	softened := soft[code]
	if err := a.announce(ci, show.result, rec, softened); err != nil {
		a.complain(err)
	}
	if softened {
		_, _ = fmt.Fprintf(a.stderr, "wpsbench: warning: exit status %d taken for 0 (--soft)\n", code)
		return nil
	}
	if rec.Info.Status == metrics.RunInterrupted {
		return &exitError{code: code, err: errors.New(rec.Verdict.Headline), silent: true, interrupted: true}
	}
	return verdictError(rec.Verdict, code)
}

// complete adds what the runner does not know, and takes out what is secret.
func (a *app) complete(rec *metrics.Run, resolved *resolvedTarget, plan *scenario.Plan) *metrics.Run {
	rec.Info.Command = slices.Clone(os.Args)
	rec.Info.Command[0] = filepath.Base(os.Args[0]) // where it lies says nothing
	target := resolved.describe(plan)
	target.Lies, target.Counted = rec.Environment.Target.Lies, rec.Environment.Target.Counted
	rec.Environment.Target = target
	return a.redact.run(rec)
}

// setupFailure is the error of a run that came to nothing: refused, or interrupted.
func setupFailure(err error, interrupted int) error {
	var setup *runner.SetupError
	var lost *runner.LostError
	switch {
	case errors.As(err, &lost):
		return failf(metrics.ExitDegraded, "%w; the run was ended and nothing was written", err)
	case err == nil:
		return failf(interrupted, "interrupted before the first session was connected; nothing was written")
	case errors.As(err, &setup):
		return failf(exitSetup, "%w", err)
	default:
		return err
	}
}

func profileOf(s *scenario.Scenario, t *resolvedTarget) metrics.Profile {
	switch {
	case s.Checks.Profile == "strict", s.Checks.Profile == "" && t.embedded:
		return metrics.Strict
	default:
		return metrics.Spec
	}
}

// newRunID is random, outside the seed: two runs of one scenario must not take
// each other's messages for their own.
func newRunID() uint32 {
	var b [4]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return binary.BigEndian.Uint32(b[:])
}

func oneArgument(c *cli.Context, what string) (string, error) {
	if c.Args().Len() != 1 {
		return "", failf(exitUsage, "%s takes one %s, got %d arguments", c.Command.Name, what, c.Args().Len())
	}
	return c.Args().First(), nil
}

// detach keeps values but not the cancellation of ctx.
func detach(ctx context.Context) context.Context { return context.WithoutCancel(ctx) }
