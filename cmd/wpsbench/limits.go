package main

import (
	"fmt"
	"os"
	"os/exec"

	"github.com/wpsbench/wpsbench/scenario"
	"github.com/wpsbench/wpsbench/wire"
)

// machineLimits is what this machine has; 0 = not known.
func machineLimits() scenario.Limits {
	l := scenario.Limits{Descriptors: descriptorLimit(), Ports: ephemeralPorts(), LookPath: exec.LookPath}
	if err := wire.CanBlackhole(); err != nil {
		l.NoBlackhole = err.Error()
	}
	return l
}

// ephemeralPorts is how many connections one address can have to one target.
func ephemeralPorts() int {
	b, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range")
	if err != nil {
		return 0
	}
	var low, high int
	if _, err := fmt.Sscan(string(b), &low, &high); err != nil || high < low {
		return 0
	}
	return high - low + 1
}

// preflight warns of what the plan makes doubtful and refuses what this machine
// cannot do, before anything starts.
func (a *app) preflight(plan *scenario.Plan, spread *fleet) error {
	if err := spread.fits(plan); err != nil {
		return err
	}
	limits := machineLimits()
	limits.Processes, limits.Emulators, limits.Sources = spread.Processes, spread.Emulators, len(spread.LocalIPs)
	warnings, impossible := plan.Warnings(limits)
	if n := len(spread.LocalIPs); n > 0 && limits.Ports > 0 {
		_, _ = fmt.Fprintf(a.stderr, "%d source addresses allow %d connections each to one target address; the plan has %d\n",
			n, limits.Ports, (plan.Connections+spread.Emulators-1)/spread.Emulators)
	}
	for _, w := range warnings {
		_, _ = fmt.Fprintf(a.stderr, "warning: %s\n", w)
	}
	if len(impossible) == 0 {
		return nil
	}
	for _, p := range impossible {
		_, _ = fmt.Fprintf(a.stderr, "error: %s: %s; %s\n", p, p.Label, p.Help)
	}
	return failf(exitSetup, "this machine cannot run %s; nothing was started", plan.Scenario.File)
}
