package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/report"
	"github.com/wpsbench/wpsbench/scenario"
)

func (a *app) reportCommand() *cli.Command {
	return &cli.Command{
		Name:        "report",
		Usage:       "render a stored run again",
		ArgsUsage:   "run.json | report.html | FOLDER | -",
		Description: "Prints the summary; --out writes other forms. The exit status says whether the\nrecord could be read, not what its verdict was.",
		Flags: append([]cli.Flag{
			&cli.StringSliceFlag{Name: "out", Usage: outUsage},
			ciFlag(),
		}, progressFlags()...),
		UseShortOptionHandling: true, // -qq
		OnUsageError:           usageError,
		Action: func(c *cli.Context) error {
			file, err := oneArgument(c, "stored run")
			if err != nil {
				return err
			}
			outs, err := parseOuts(c.StringSlice("out"))
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
			show.doing("reading " + file)
			rec, err := a.readRun(file)
			if err != nil {
				return failf(exitUsage, "%w", err)
			}
			return a.render(show, rec, outs, ci)
		},
	}
}

// readRun reads a stored run, of a folder its run.json; "-" is standard input. Its errors
// name the file.
func (a *app) readRun(file string) (*metrics.Run, error) {
	if file == "-" {
		run, err := report.ReadRun(a.stdin)
		if err != nil {
			return nil, fmt.Errorf("standard input: %w", err)
		}
		return run, nil
	}
	if info, err := os.Stat(file); err == nil && info.IsDir() {
		file = filepath.Join(file, "run.json")
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	run, err := report.ReadRun(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return run, nil
}

func (a *app) render(show *show, rec *metrics.Run, outs []out, ci report.CI) error {
	_, failed := a.putAll(outs, func(o out) ([]byte, error) {
		show.doing("writing " + o.path)
		return render(o.format, rec)
	})
	show.end()
	if err := report.WriteText(show.result, rec, show.text); err != nil {
		return err
	}
	if failed != nil {
		return a.unwritten(exitOK, failed)
	}
	return a.announce(ci, show.result, rec, false)
}

func (a *app) schemaCommand() *cli.Command {
	return &cli.Command{
		Name:      "schema",
		Usage:     "print a JSON Schema",
		ArgsUsage: "run | compare | scenario",
		Action: func(c *cli.Context) error {
			name, err := oneArgument(c, "schema name")
			if err != nil {
				return err
			}
			schema, ok := map[string]func() []byte{"run": report.RunSchema, "compare": report.CompareSchema, "scenario": scenario.Schema}[name]
			if !ok {
				return failf(exitUsage, "no schema %q; there are run, compare and scenario", name)
			}
			_, err = a.stdout.Write(schema())
			return err
		},
	}
}

func (a *app) versionCommand() *cli.Command {
	return &cli.Command{
		Name:  "version",
		Usage: "print the version and how it was built",
		Action: func(*cli.Context) error {
			_, err := io.WriteString(a.stdout, versionText())
			return err
		},
	}
}
