package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/wpsbench/wpsbench/scenario"
)

func (a *app) validateCommand() *cli.Command {
	return &cli.Command{
		Name:      "validate",
		Usage:     "check a scenario and print what it would do; needs no target and no secrets",
		ArgsUsage: "FILE | :NAME",
		Description: "A plan that does not fit this machine is refused with status 15, as run refuses it;\n" +
			"--processes, --emulators and --local-ips are those of the run to be.",
		Flags:        append(fleetFlags(), scaleFlag(), &cli.StringSliceFlag{Name: "set", Usage: "override a key of the file, `KEY=VALUE`, e.g. phases.steady=5s"}, progressFlag()),
		OnUsageError: usageError,
		Action: func(c *cli.Context) error {
			src, err := sourceArgument(c)
			if err != nil {
				return err
			}
			if err := refuseEmpty(c); err != nil {
				return err
			}
			progress, err := a.newProgress(c)
			if err != nil {
				return err
			}
			defer progress.end()
			progress.doing("working out what " + src.name + " would do")
			s, err := a.load(src, scenario.Options{Scale: c.String("scale"), Set: c.StringSlice("set")})
			if err != nil {
				return err
			}
			spread, err := fleetOf(c)
			if err != nil {
				return err
			}
			plan := s.Plan()
			if _, err := payloadBodies(plan); err != nil {
				return err
			}
			_, _ = fmt.Fprintf(a.stdout, "%s is valid\n\n%s", src.name, estimateText(plan))
			return a.preflight(plan, &spread)
		},
	}
}

// estimateText lays the plan's arithmetic out for reading.
func estimateText(plan *scenario.Plan) string {
	e := plan.Estimate()
	var b strings.Builder
	row := func(name, format string, args ...any) {
		for _, line := range wrapped(fmt.Sprintf(format, args...), 80-22) {
			fmt.Fprintf(&b, "  %-20s%s\n", name, line)
			name = ""
		}
	}
	row("connections", "%d in %s; %d of them publish", e.Connections, e.ConnectTime.Round(time.Millisecond), e.Publishers)
	row("groups", "%d with %d memberships", e.Groups, e.Subscriptions)
	row("steady state", "%s", trafficText(e.Steady))
	row("", "%s", bandwidthText(e.Steady))
	if e.Peak != e.Steady {
		row("busiest stage", "%s", trafficText(e.Peak))
		row("", "%s", bandwidthText(e.Peak))
	}
	for _, p := range e.Phases {
		row("  "+p.Name, "%s: %d publishes, %d deliveries", p.Length, p.Publishes, p.Deliveries)
	}
	row("expected", "%d publishes, %d deliveries, at most %s in all", e.Publishes, e.Deliveries, e.Length.Round(time.Millisecond))
	for _, u := range e.Budgets {
		row("un-acked budget", "%s: %.1f of 1,000 messages, %s of 16 MiB",
			u.Population, u.Messages, bytesText(u.Bytes))
	}
	if c := e.Churn; c != (scenario.ChurnEstimate{}) {
		row("churn", "about %d sessions end and return, %d groups are left for a while, %d switched", c.Ends, c.Leaves, c.Switches)
	}
	for _, line := range faultLines(plan) {
		row("fault", "%s", line)
	}
	row("needs here", "%d descriptors, %d local ports, at least %s", e.Descriptors, e.Ports, bytesText(float64(e.MemoryBytes)))
	row("billing on Azure", "about %d messages of 2 KB, units by connections: %d", e.BillingMessages, e.Units)
	return b.String()
}

func trafficText(t scenario.Traffic) string {
	return fmt.Sprintf("%.0f publishes/s, %.0f deliveries/s", t.Publishes, t.Deliveries)
}

func bandwidthText(t scenario.Traffic) string {
	return fmt.Sprintf("%s/s in, %s/s out", bytesText(t.InBytes), bytesText(t.OutBytes))
}

func bytesText(n float64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.1f GiB", n/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", n/(1<<20))
	case n >= 1<<10:
		return fmt.Sprintf("%.1f KiB", n/(1<<10))
	default:
		return fmt.Sprintf("%.0f B", n)
	}
}
