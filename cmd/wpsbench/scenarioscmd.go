package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/wpsbench/wpsbench/scenarios"
)

func (a *app) scenariosCommand() *cli.Command {
	return &cli.Command{
		Name:        "scenarios",
		Usage:       "list the scenarios that come with wpsbench, or print one",
		ArgsUsage:   "[NAME]",
		Description: "wpsbench run :NAME and wpsbench validate :NAME take them without a file.",
		Action: func(c *cli.Context) error {
			switch c.Args().Len() {
			case 0:
				return a.listScenarios()
			case 1:
				src, err := readSource(builtIn + c.Args().First())
				if err != nil {
					return err
				}
				_, err = a.stdout.Write(src.text)
				return err
			default:
				return failf(exitUsage, "scenarios takes one name, got %d", c.Args().Len())
			}
		},
	}
}

func (a *app) listScenarios() error {
	for _, name := range scenarios.Names() {
		text, err := scenarios.Read(name)
		if err != nil {
			return err
		}
		_, _ = fmt.Fprintf(a.stdout, "  %-20s%s\n", name, scenarios.Title(text))
	}
	_, _ = fmt.Fprint(a.stdout, "\nwpsbench run :NAME runs one, wpsbench scenarios NAME prints it.\n")
	return nil
}
