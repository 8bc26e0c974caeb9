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
	"slices"
	"strings"
	"time"

	"github.com/wpsbench/wpsbench/scenario"
	"github.com/wpsbench/wpsbench/scenario/runner"
	"github.com/wpsbench/wpsbench/wire"
	"github.com/wpsbench/wpsbench/wire/emulator"
)

const (
	childStart = 10 * time.Second // the embedded emulator must listen by then
	childStop  = 10 * time.Second // and must have ended by then
)

// childReady is the first line an embedded emulator writes, childFinal its last.
type (
	childReady struct {
		ConnectionString string `json:"connection_string"`
	}
	childFinal struct {
		Lies       map[string]uint64 `json:"lies"`
		Counted    map[string]uint64 `json:"counted"`
		CPUSeconds float64           `json:"cpu_s"`
	}
)

// emulatorChild is the embedded target: this same binary as a child process, so
// that its garbage and its CPU are not the generator's. It lives as long as the
// pipe on its standard input is open, so it cannot outlive us, whatever ends us.
type emulatorChild struct {
	cmd   *exec.Cmd
	stdin io.WriteCloser
	lines *bufio.Reader
	ended bool

	connectionString string
}

func (a *app) startEmbedded(ctx context.Context, plan *scenario.Plan, hub, transport string, emulators int, lies []string, upstream *runner.Upstream) (*resolvedTarget, error) {
	args := []string{"--transport", transport}
	for _, lie := range lies {
		args = append(args, "--lie", lie)
	}
	if slices.ContainsFunc(plan.Scenario.Faults, func(f scenario.Fault) bool { return f.Kind == scenario.FaultRestart }) {
		args = append(args, "--admin")
	}
	if upstream != nil {
		args = append(args, "--event-handler", upstream.URL(), "--event-handler-events", "*")
	}
	var children []*emulatorChild
	var addresses []string
	for range emulators {
		child, cs, err := startChild(ctx, a.stderr, args)
		if err == nil {
			child.connectionString = cs
			children, addresses = append(children, child), append(addresses, cs)
			continue
		}
		for _, started := range children {
			started.kill()
		}
		return nil, failf(exitSetup, "start the embedded emulator: %w", err)
	}
	t, err := embeddedTarget(addresses, hub, plan, nil)
	if err != nil {
		for _, started := range children {
			started.kill()
		}
		return nil, err
	}
	t.children = children
	return t, nil
}

// embeddedTarget is the emulators at these connection strings, each with its share of
// the plan's groups and their connections.
func embeddedTarget(addresses []string, hub string, plan *scenario.Plan, from []netip.Addr) (*resolvedTarget, error) {
	targets := make([]runner.Target, len(addresses))
	restart := restarts(addresses)
	for i, address := range addresses {
		cs, err := wire.ParseConnectionString(address)
		if err != nil {
			return nil, failf(exitSetup, "start the embedded emulator: %w", err)
		}
		targets[i] = runner.ConnectionStringTarget(cs, hub, "", plan)
	}
	t := &resolvedTarget{target: targets[0], dialer: &wire.Dialer{LocalIPs: from}, embedded: true}
	t.target.Kind, t.target.Restart = "emulator", restart
	if len(targets) == 1 {
		return t, nil
	}
	at, err := plan.Endpoints(len(targets))
	if err != nil {
		return nil, failf(exitUsage, "--emulators %d: %w", len(targets), err)
	}
	t.target.REST = nil // there is no one API
	t.target.Endpoint = fmt.Sprintf("%s and %d more", t.target.Endpoint, len(targets)-1)
	t.target.URL = func(connection int) wire.URLFunc { return targets[at.Of(connection)].URL(connection) }
	return t, nil
}

func startChild(ctx context.Context, stderr io.Writer, more []string) (*emulatorChild, string, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, "", err
	}
	args := []string{"serve", "--embedded", "--listen", "127.0.0.1:0"}
	args = append(args, more...)
	c := &emulatorChild{cmd: exec.CommandContext(detach(ctx), self, args...)}
	c.cmd.Stderr = stderr
	ownProcessGroup(c.cmd)
	if c.stdin, err = c.cmd.StdinPipe(); err != nil {
		return nil, "", err
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, "", err
	}
	c.lines = bufio.NewReader(out)
	if err := c.cmd.Start(); err != nil {
		return nil, "", err
	}
	var ready childReady
	if err := c.readLine(&ready, childStart); err != nil {
		c.kill()
		return nil, "", err
	}
	return c, ready.ConnectionString, nil
}

// readLine decodes the child's next line; after the limit the child is killed.
func (c *emulatorChild) readLine(v any, limit time.Duration) error {
	timer := time.AfterFunc(limit, func() { _ = c.cmd.Process.Kill() })
	defer timer.Stop()
	line, err := c.lines.ReadString('\n')
	if err != nil {
		if errors.Is(err, io.EOF) {
			err = errors.New("the emulator ended unexpectedly")
		}
		return err
	}
	if err := json.Unmarshal([]byte(strings.TrimSpace(line)), v); err != nil {
		return fmt.Errorf("unexpected line from the emulator: %w", err)
	}
	return nil
}

// stop closes the pipe, reads what the emulator admits to, and waits for its end.
func (c *emulatorChild) stop() (childFinal, error) {
	var final childFinal
	c.ended = true
	_ = c.stdin.Close()
	err := c.readLine(&final, childStop)
	if waitErr := c.cmd.Wait(); err == nil && waitErr != nil {
		err = fmt.Errorf("the emulator failed: %w", waitErr)
	}
	return final, err
}

// kill ends the child without asking; harmless after stop.
func (c *emulatorChild) kill() {
	if c.ended {
		return
	}
	c.ended = true
	_ = c.stdin.Close()
	_ = c.cmd.Process.Kill()
	_ = c.cmd.Wait()
}

// counted is what the emulator says that it has done, for the record: what the run has
// seen must agree with it.
func counted(s *emulator.Stats) map[string]uint64 {
	return map[string]uint64{
		"connections": s.ConnectionsTotal, "sessions": s.SessionsTotal, "joins": s.Joins,
		"publishes": s.Publishes, "deliveries": s.Deliveries, "duplicates": s.Duplicates,
		"recoveries_accepted": s.RecoveriesAccepted, "recoveries_refused": s.RecoveriesRefused,
		"replays": s.Replays, "expired": s.Expired, "overflows": s.Overflows,
	}
}
