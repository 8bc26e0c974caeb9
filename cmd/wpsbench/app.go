package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/report"
)

// app carries the streams of one command line.
type app struct {
	stdin  io.Reader
	stdout *output
	stderr io.Writer
	redact redactor
}

func (a *app) cli() *cli.App {
	app := &cli.App{
		// A value of --set may hold commas.
		DisableSliceFlagSeparator: true,
		Name:                      "wpsbench",
		Usage:                     "load tests and delivery checks for Azure Web PubSub and its subprotocols",
		HideVersion:               true,
		HideHelpCommand:           true,
		Reader:                    a.stdin,
		Writer:                    a.stdout,
		ErrWriter:                 a.stderr,
		ExitErrHandler:            func(*cli.Context, error) {}, // run decides
		OnUsageError:              usageError,
		Action: func(c *cli.Context) error {
			if name := c.Args().First(); name != "" {
				return failf(exitUsage, "unknown command %q; see `wpsbench --help`", name)
			}
			return cli.ShowAppHelp(c)
		},
		Flags: []cli.Flag{cli.HelpFlag}, // urfave adds it only beside its own help command
		Commands: []*cli.Command{
			a.runCommand(),
			a.quickCommand(),
			a.initCommand(),
			a.validateCommand(),
			a.scenariosCommand(),
			a.serveCommand(),
			a.conformCommand(),
			a.calibrateCommand(),
			a.tokenCommand(),
			a.subCommand(),
			a.pubCommand(),
			a.reportCommand(),
			a.compareCommand(),
			a.historyCommand(),
			a.schemaCommand(),
			a.versionCommand(),
			a.completionCommand(),
			a.completeCommand(),
			a.helpCommand(),
			a.shareCommand(),
		},
	}
	for _, c := range app.Commands {
		c.OnUsageError = usageError
		c.HideHelpCommand = true // a group may be called help, and a file h
	}
	writeHelp(app)
	return app
}

func usageError(c *cli.Context, err error, _ bool) error {
	name := c.App.Name
	if c.Command.Name != name { // the command of the app itself is called like it
		name += " " + c.Command.Name
	}
	return failf(exitUsage, "%w; see `%s --help`", err, name)
}

// exitError is an error that knows its exit status.
type exitError struct {
	code   int
	err    error
	silent bool // everything has been said already
	// interrupted: by a signal, whatever the status says; nothing is begun after it.
	interrupted bool
}

func (e *exitError) Error() string { return e.err.Error() }

func (e *exitError) Unwrap() error { return e.err }

func failf(code int, format string, args ...any) error {
	return &exitError{code: code, err: fmt.Errorf(format, args...)}
}

// verdictError carries a verdict's exit status; the verdict has been printed.
func verdictError(v metrics.Verdict, code int) error {
	if code == 0 {
		return nil
	}
	return &exitError{code: code, err: errors.New(v.Headline), silent: true}
}

// complain prints an error: without secrets, and with what a peer said made visible.
func (a *app) complain(err error) {
	_, _ = fmt.Fprintf(a.stderr, "wpsbench: %s\n", report.Visible(a.redact.text(err.Error()), utf8Locale()))
}

// status prints what went wrong, once, and turns it into the exit status. Where standard
// output could not be written, what was to be said there is missing: that is no success,
// and the error that came of it is no bug. A verdict that was reached stands.
func (a *app) status(err error) int {
	var exit *exitError
	known := errors.As(err, &exit)
	if cause := a.stdout.err(); cause != nil {
		a.complain(fmt.Errorf("write standard output: %w", cause))
		switch {
		case errors.Is(err, cause) && known && exit.code != exitInternal:
			return exit.code
		case err == nil, errors.Is(err, cause):
			return exitSetup
		}
	}
	if err == nil {
		return exitOK
	}
	if !known {
		_, _ = fmt.Fprintf(a.stderr, "wpsbench: %s\nThis is a bug: please report it with the command line.\n", a.redact.text(err.Error()))
		return exitInternal
	}
	if !exit.silent {
		a.complain(exit)
	}
	return exit.code
}
