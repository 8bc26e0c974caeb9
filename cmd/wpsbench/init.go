package main

import (
	"bytes"
	_ "embed" // the scenario is a file of its own
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/wpsbench/wpsbench/scenario"
)

//go:embed init.yaml
var initScenario string

const (
	initFile   = "wpsbench.yaml"
	schemaFile = "wpsbench.schema.json"
)

func (a *app) initCommand() *cli.Command {
	return &cli.Command{
		Name:      "init",
		Usage:     "write a commented scenario to start from, and the schema an editor completes from",
		ArgsUsage: "[FILE]",
		Description: "FILE is " + initFile + " if not given; " + schemaFile + " is written beside it.\n" +
			"Nothing that exists is overwritten.",
		OnUsageError: usageError,
		Action: func(c *cli.Context) error {
			file := initFile
			switch c.Args().Len() {
			case 0:
			case 1:
				file = c.Args().First()
			default:
				return failf(exitUsage, "init takes one file, got %d", c.Args().Len())
			}
			return a.writeInit(file)
		},
	}
}

func (a *app) writeInit(file string) error {
	name := strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))
	text := strings.Replace(initScenario, "name: scenario", "name: "+name, 1)
	if _, err := scenario.Parse(file, []byte(text), scenario.Options{}); err != nil {
		return failf(exitUsage, "%q cannot be the name of a scenario: letters, digits, - and _", name)
	}
	if err := writeNew(file, []byte(text)); err != nil {
		return err
	}
	_, _ = fmt.Fprintf(a.stdout, "wrote %s\n", file)
	schema := filepath.Join(filepath.Dir(file), schemaFile)
	old, err := os.ReadFile(schema)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if err := writeNew(schema, scenario.Schema()); err != nil {
			return err
		}
		_, _ = fmt.Fprintf(a.stdout, "wrote %s\n", schema)
	case err != nil:
		return failf(exitUsage, "%w", err)
	case !bytes.Equal(old, scenario.Schema()):
		_, _ = fmt.Fprintf(a.stdout, "kept %s, which is not this version's: see wpsbench schema scenario\n", schema)
	}
	_, _ = fmt.Fprintf(a.stdout, "\nwpsbench validate %s   # what it would do\nwpsbench run %s\n", file, file)
	return nil
}

// writeNew writes a file that does not exist yet.
func writeNew(file string, text []byte) error {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return failf(exitUsage, "%w; nothing was overwritten", err)
	}
	_, err = f.Write(text)
	if err := errors.Join(err, f.Close()); err != nil {
		return failf(exitUsage, "write %s: %w", file, err)
	}
	return nil
}
