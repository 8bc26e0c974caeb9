package main

import (
	"fmt"
	"regexp"

	"github.com/urfave/cli/v2"

	"github.com/wpsbench/wpsbench/scenario"
)

func (a *app) quickCommand() *cli.Command {
	return &cli.Command{
		Name:        "quick",
		Usage:       "run without a file: groups of members that send to each other",
		Description: "Everything else that a scenario can say: save what --print shows, and edit it.",
		Flags: append([]cli.Flag{
			&cli.IntFlag{Name: "connections", Aliases: []string{"c"}, Value: 100, Usage: "`N` members"},
			&cli.IntFlag{Name: "groups", Aliases: []string{"g"}, Value: 10, Usage: "`N` groups; each member joins one"},
			&cli.StringFlag{Name: "rate", Aliases: []string{"r"}, Value: "1/s", Usage: "messages of each sender: `RATE`, e.g. 5/s or 1/30s"},
			&cli.StringFlag{Name: "senders", Value: "100%", Usage: "members that send: `SHARE`, a count or a percentage"},
			&cli.StringFlag{Name: "duration", Aliases: []string{"d"}, Value: "30s", Usage: "`LENGTH` of the steady state"},
			&cli.StringFlag{Name: "size", Value: "128", Usage: "`SIZE` of a message, bytes or e.g. 2KiB"},
			&cli.StringFlag{Name: "protocol", Value: scenario.ProtocolJSONReliable, Usage: "subprotocol `NAME`"},
			&cli.BoolFlag{Name: "print", Usage: "print the scenario instead of running it"},
		}, runFlags()...),
		UseShortOptionHandling: true, // -qq
		OnUsageError:           usageError,
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				return failf(exitUsage, "quick takes no arguments, got %q; a file is run with `wpsbench run`", c.Args().First())
			}
			src, err := quickSource(c)
			if err != nil {
				return err
			}
			if c.Bool("print") {
				_, err := a.stdout.Write(src.text)
				return err
			}
			return a.execute(c, src)
		},
	}
}

// quickScenario is filled with values that quickSource has looked at.
const quickScenario = `# %[1]d members in %[2]d groups; %[3]s of them send %[4]s of %[5]s to their group.
name: quick
protocol: %[6]s
groups:
  room: {count: %[2]d}
populations:
  members:
    connections: %[1]d
    connect_rate: %[7]d/s
    join: {room: 1}
    publish: {to: room, rate: %[4]s, senders: %[3]s, size: %[5]s}
phases:
  warmup: 3s
  steady: %[8]s
  drain: 30s
scales: [populations.members.connections, groups.room.count]
`

// plainValue is what can stand in the scenario without changing its structure.
var plainValue = regexp.MustCompile(`^[A-Za-z0-9µ./%]+$`)

func quickSource(c *cli.Context) (source, error) {
	var values []string
	for _, name := range []string{"senders", "rate", "size", "protocol", "duration"} {
		value := c.String(name)
		if !plainValue.MatchString(value) {
			return source{}, failf(exitUsage, "--%s %q cannot be read; see `wpsbench quick --help`", name, value)
		}
		values = append(values, value)
	}
	connections := c.Int("connections")
	rate := min(1000, max(100, connections/5)) // everybody is there after a few seconds
	text := fmt.Sprintf(quickScenario, connections, c.Int("groups"), values[0], values[1], values[2], values[3], rate, values[4])
	return source{name: "quick", text: []byte(text)}, nil
}
