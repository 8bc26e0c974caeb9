package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/wpsbench/wpsbench/scenario"
	"github.com/wpsbench/wpsbench/scenario/runner"
	"github.com/wpsbench/wpsbench/wire"
)

// maxFleet bounds --processes and --emulators: more is a slip of the pen.
const maxFleet = 256

// maxDials bounds --dials: so many ports one address has to one other.
const maxDials = 65_535

// fleetFlags spread a run over this machine.
func fleetFlags() []cli.Flag {
	return []cli.Flag{
		&cli.IntFlag{Name: "processes", Value: 1, Usage: "cut the run over `N` processes of the generator (Linux)"},
		&cli.IntFlag{Name: "emulators", Value: 1, Usage: "cut the embedded target into `N` processes; no group spans two"},
		&cli.IntFlag{Name: "dials", Value: wire.DefaultMaxDials, Usage: "let each worker (one per CPU) open `N` connections at once; more wait, shown as queued"},
		&cli.StringFlag{Name: "local-ips", Usage: "source addresses `A,B,…` of the sessions, in turn; each has its own local ports"},
	}
}

// fleet is how a run spreads over this machine.
type fleet struct {
	Processes int
	Emulators int
	Dials     int
	LocalIPs  []netip.Addr
}

func fleetOf(c *cli.Context) (fleet, error) {
	f := fleet{Processes: c.Int("processes"), Emulators: c.Int("emulators"), Dials: c.Int("dials")}
	if f.Dials < 1 || f.Dials > maxDials {
		return f, failf(exitUsage, "--dials %d: from 1 to %d", f.Dials, maxDials)
	}
	for flag, n := range map[string]int{"processes": f.Processes, "emulators": f.Emulators} {
		if n < 1 || n > maxFleet {
			return f, failf(exitUsage, "--%s %d: from 1 to %d", flag, n, maxFleet)
		}
	}
	if list := c.String("local-ips"); list != "" {
		for _, text := range strings.Split(list, ",") {
			ip, err := netip.ParseAddr(strings.TrimSpace(text))
			if err != nil {
				return f, failf(exitUsage, "--local-ips: %q is no IP address", text)
			}
			if slices.Contains(f.LocalIPs, ip) {
				return f, failf(exitUsage, "--local-ips: %s is given twice, and has its local ports once", ip)
			}
			f.LocalIPs = append(f.LocalIPs, ip)
		}
	}
	if f.Processes > 1 && !wire.ClockIsShared {
		return f, failf(exitUsage, "--processes needs a clock that processes share, which only Linux gives")
	}
	return f, nil
}

// fits refuses what the plan does not allow, before anything starts.
func (f *fleet) fits(plan *scenario.Plan) error {
	s := plan.Scenario
	if f.Processes > plan.Connections {
		return failf(exitUsage, "--processes %d: the scenario has %d connections", f.Processes, plan.Connections)
	}
	for i := range s.Populations {
		p := &s.Populations[i]
		if f.Processes > 1 && p.Publish != nil && p.Publish.Audience.Kind == scenario.AudienceConnection {
			return failf(exitUsage, "--processes: population %s sends to single connections over REST, whose ids only one process knows", p.Name)
		}
	}
	for i := range s.Faults {
		if f.Processes > 1 && s.Faults[i].By != "" {
			return failf(exitUsage, "--processes: the fault %s closes all of a %s, whose sessions may be in several processes", s.Faults[i].Name, s.Faults[i].By)
		}
	}
	if f.Emulators == 1 {
		return nil
	}
	if s.Target.Set {
		return failf(exitUsage, "--emulators is for the embedded emulator; the scenario has a target")
	}
	if s.NeedsREST() {
		return failf(exitUsage, "--emulators: REST populations and the fault rest-close need the one REST API of one emulator")
	}
	if _, err := plan.Endpoints(f.Emulators); err != nil {
		return failf(exitUsage, "--emulators %d: %w", f.Emulators, err)
	}
	return nil
}

// job is the first line that a process of the generator reads: what it is to run.
type job struct {
	Index, Of int
	Workers   int
	RunID     uint32
	File      string // of the scenario
	Text      []byte
	Options   scenario.Options
	Hub       string   // that the target has said, if any
	Emulators []string // connection strings; none: the scenario has a target
	LocalIPs  []netip.Addr
	Dials     int
	Transport string
	Trace     *frameTrace
}

// shareCommand is what a run starts itself as: see [runner.ServeShare].
func (a *app) shareCommand() *cli.Command {
	return &cli.Command{Name: "share", Hidden: true, Action: a.shareAction}
}

func (a *app) shareAction(c *cli.Context) error {
	orders := bufio.NewReader(a.stdin)
	line, err := orders.ReadBytes('\n')
	if err != nil {
		return failf(exitUsage, "share is for runs that start it themselves: %w", err)
	}
	var j job
	if err := json.Unmarshal(line, &j); err != nil {
		return failf(exitUsage, "share is for runs that start it themselves: %w", err)
	}
	s, err := a.load(source{name: j.File, text: j.Text}, j.Options)
	if err != nil {
		return err
	}
	plan := s.Plan()
	bodies, err := payloadBodies(plan)
	if err != nil {
		return err
	}
	t, err := a.sharedTarget(&j, plan)
	if err != nil {
		return err
	}
	t.dialer.MaxDials = j.Dials
	transport, err := wire.ParseTransport(j.Transport)
	if err != nil {
		return failf(exitUsage, "--transport: %w", err)
	}
	if err := j.Trace.join(a); err != nil {
		return failf(exitSetup, "--trace-frames: %w", err)
	}
	defer j.Trace.close()
	err = runner.ServeShare(c.Context, orders, a.stdout, runner.Config{
		Plan: plan, Target: t.target, Dialer: t.dialer, Workers: j.Workers, Transport: transport, RunID: j.RunID,
		Bodies: bodies, Profile: profileOf(s, t), Monitor: runner.NewMonitor(), Share: runner.Share{Index: j.Index, Of: j.Of},
		Trace: j.Trace.config(),
	})
	if err != nil {
		return failf(exitSetup, "%w", err)
	}
	if err := j.Trace.failed(); err != nil {
		a.complain(err)
	}
	return nil
}

// sharedTarget is the target of a run as one of its processes sees it: what there was to
// ask or to warn of has been.
func (a *app) sharedTarget(j *job, plan *scenario.Plan) (*resolvedTarget, error) {
	if len(j.Emulators) > 0 {
		return embeddedTarget(j.Emulators, j.Hub, plan, j.LocalIPs)
	}
	quiet := *a
	quiet.stderr = io.Discard
	dialer, err := quiet.newDialer(plan.Scenario.Target, dirOf(plan))
	if err != nil {
		return nil, err
	}
	dialer.LocalIPs = j.LocalIPs
	t := &resolvedTarget{dialer: dialer}
	t.target, err = quiet.namedTarget(plan.Scenario.Target, j.Hub, runner.GroupPrefix(j.RunID), plan, dialer)
	t.target.Restart = restarts(nil)
	return t, err
}

// startProcesses starts the processes of the generator; close ends them.
func (a *app) startProcesses(ctx context.Context, j job) (processes []runner.Process, closeAll func(), err error) {
	if j.Of == 1 {
		return nil, func() {}, nil
	}
	var started []*generator
	closeAll = func() {
		for _, g := range started {
			_ = g.Close()
			_ = g.cmd.Wait()
		}
	}
	j.Workers = max(1, (runtime.GOMAXPROCS(0)+j.Of-1)/j.Of)
	for j.Index = range j.Of {
		g, says, err := a.startGenerator(ctx, &j)
		if err != nil {
			closeAll()
			return nil, nil, failf(exitSetup, "start process %d of the generator: %w", j.Index+1, err)
		}
		started = append(started, g)
		processes = append(processes, runner.Process{
			Name: fmt.Sprintf("process %d of %d of the generator (pid %d)", j.Index+1, j.Of, g.cmd.Process.Pid), Says: says, Obeys: g,
		})
	}
	return processes, closeAll, nil
}

// generator is a process of the generator, and its standard input.
type generator struct {
	io.WriteCloser
	cmd *exec.Cmd
}

// Close ends the process.
func (g *generator) Close() error {
	err := g.WriteCloser.Close()
	if killErr := g.cmd.Process.Kill(); !errors.Is(killErr, os.ErrProcessDone) {
		err = errors.Join(err, killErr)
	}
	return err
}

func (a *app) startGenerator(ctx context.Context, j *job) (*generator, *bufio.Reader, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	g := &generator{cmd: exec.CommandContext(detach(ctx), self, "share")}
	g.cmd.Stderr = a.stderr
	ownProcessGroup(g.cmd)
	if g.WriteCloser, err = g.cmd.StdinPipe(); err != nil {
		return nil, nil, err
	}
	out, err := g.cmd.StdoutPipe()
	if err != nil {
		return nil, nil, err
	}
	if err := g.cmd.Start(); err != nil {
		return nil, nil, err
	}
	line, err := json.Marshal(j)
	if err == nil {
		_, err = g.Write(append(line, '\n'))
	}
	if err != nil {
		_ = g.Close()
		_ = g.cmd.Wait()
		return nil, nil, err
	}
	return g, bufio.NewReaderSize(out, 1<<16), nil
}
