package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/wire"
	"github.com/wpsbench/wpsbench/wire/conform"
	"github.com/wpsbench/wpsbench/wire/emulator"
)

func (a *app) conformCommand() *cli.Command {
	return &cli.Command{
		Name:  "conform",
		Usage: "try a server on the rules of the protocol, one case each",
		Description: "Without --target the emulator is tried. A case passes, fails, differs (from the official\n" +
			"emulator, where nothing else is promised) or is skipped with the reason. Exits 14 when a rule is\n" +
			"broken, 15 when the target is not reached. A few thousand small messages are sent, in a hub of\n" +
			"its own unless --hub names one, which must be used by nothing else.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "target", Usage: "try `TARGET`: a connection string, a client URL (ws:// or wss://: fewer cases apply), ${NAME} or @file"},
			&cli.StringFlag{Name: "entra-token", Usage: "a `TOKEN` of Microsoft Entra for the case of :generateToken, ${NAME} or @file"},
			&cli.StringFlag{Name: "hub", Usage: "use `HUB` of the target (default: one of its own)"},
			&cli.StringFlag{Name: "event-handler-listen", Usage: "host an event handler at `ADDR`, e.g. :8088, for its cases"},
			&cli.StringFlag{Name: "event-handler-url", Usage: "`URL` at which the target reaches it, where that is not http://ADDR"},
			&cli.StringFlag{Name: "run", Usage: "try only the cases whose name matches `REGEXP`, e.g. ^recovery/"},
			&cli.BoolFlag{Name: "list", Usage: "print the cases and try none"},
			&cli.BoolFlag{Name: "slow", Usage: "also wait for the recovery window to end, and send 17 MiB"},
			&cli.BoolFlag{Name: "strict", Usage: "what differs from the emulator fails"},
			&cli.DurationFlag{Name: "timeout", Value: 5 * time.Second, Usage: "how `LONG` to wait for what must come"},
			&cli.DurationFlag{Name: "window", Value: 30 * time.Second, Usage: "`LENGTH` of the target's recovery window"},
			&cli.StringFlag{Name: "ca", Usage: "PEM `FILE` with the certificates to trust"},
			&cli.BoolFlag{Name: "insecure", Usage: "accept any certificate"},
			&cli.StringSliceFlag{Name: "out", Usage: "also write `FORMAT=PATH`: json or junit; PATH - is stdout, in place of the text"},
			&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "do not print the cases that pass or are skipped"},
			progressFlag(),
		},
		OnUsageError: usageError,
		Action:       a.conformAction,
	}
}

var conformWriters = map[string]func(*conform.Report, io.Writer) error{
	"json":  (*conform.Report).WriteJSON,
	"junit": (*conform.Report).WriteJUnit,
}

func (a *app) conformAction(c *cli.Context) error {
	if c.Args().Present() {
		return failf(exitUsage, "conform takes no arguments, got %q", c.Args().First())
	}
	only, err := regexp.Compile(c.String("run"))
	if err != nil {
		return failf(exitUsage, "--run: %w", err)
	}
	chosen := func(cs *conform.Case) bool { return only.MatchString(cs.ID) }
	if c.Bool("list") {
		return a.listCases(chosen)
	}
	outs, err := parseConformOuts(c.StringSlice("out"))
	if err != nil {
		return err
	}
	config, release, err := a.conformConfig(c)
	if err != nil {
		return err
	}
	defer release()
	config.Select = chosen
	var text io.Writer = a.stdout
	if toStdout(outs) {
		text = io.Discard
	}
	progress, err := a.newProgress(c)
	if err != nil {
		return err
	}
	defer progress.end()
	progress.doing("reaching the target")
	config.Start = func(cs *conform.Case, done, total int) {
		progress.doing("trying the cases")
		progress.reached(done, total, cs.ID)
	}
	config.Done = func(r *conform.Result) {
		if c.Bool("quiet") && (r.Outcome == conform.Pass || r.Outcome == conform.Skipped) {
			return
		}
		var b bytes.Buffer
		_ = r.WriteText(&b) // a buffer takes everything
		_, _ = io.WriteString(text, a.redact.text(b.String()))
	}
	signals := watchSignals(c.Context, nil)
	defer signals.release()
	report, err := conform.Run(signals.stop, config)
	progress.end()
	var unreachable *conform.UnreachableError
	switch {
	case signals.stop.Err() != nil && report == nil:
		return failf(signals.status(), "interrupted before the first case")
	case errors.As(err, &unreachable):
		return failf(exitSetup, "%w", err)
	case report == nil:
		return failf(exitUsage, "%w", err)
	}
	_, _ = fmt.Fprintf(text, "\n%s\n", report.Summary())
	verdict := conformStatus(report, signals)
	if _, err := a.putAll(outs, func(o out) ([]byte, error) {
		var b bytes.Buffer
		err := conformWriters[o.format](report, &b)
		return b.Bytes(), err
	}); err != nil {
		return a.unwritten(exitOf(verdict), err)
	}
	return verdict
}

func conformStatus(report *conform.Report, signals signals) error {
	switch {
	case report.Broken():
		return &exitError{code: metrics.ExitViolated, err: errors.New("a rule is broken"), silent: true}
	case signals.stop.Err() != nil:
		return failf(signals.status(), "interrupted after %d cases", len(report.Cases))
	case len(report.Cases) == 0:
		return failf(exitUsage, "--run: no case has such a name; see `wpsbench conform --list`")
	default:
		return nil
	}
}

func (a *app) listCases(chosen func(*conform.Case) bool) error {
	for _, cs := range conform.Cases() {
		if chosen(&cs) {
			_, _ = fmt.Fprintf(a.stdout, "%-32s %-8s %s (%s)\n", cs.ID, cs.Level, cs.Title, cs.Rule)
		}
	}
	return nil
}

// conformConfig reads the target, or starts the emulator; release ends it.
func (a *app) conformConfig(c *cli.Context) (config conform.Config, release func(), err error) {
	config = conform.Config{
		Hub: c.String("hub"), Slow: c.Bool("slow"), Strict: c.Bool("strict"),
		Timeout: c.Duration("timeout"), Window: c.Duration("window"),
	}
	release = func() {}
	if config.Timeout <= 0 || config.Window <= 0 {
		return config, release, failf(exitUsage, "--timeout and --window must be longer than nothing")
	}
	if config.TLS, err = conformTLS(c.String("ca"), c.Bool("insecure")); err != nil {
		return config, release, err
	}
	if config.EntraToken, err = expand(c.String("entra-token")); err != nil {
		return config, release, failf(exitUsage, "--entra-token: %w", err)
	}
	a.redact.add(config.EntraToken)
	named, err := expand(c.String("target"))
	if err != nil {
		return config, release, failf(exitUsage, "--target: %w", err)
	}
	if strings.HasPrefix(named, "ws://") || strings.HasPrefix(named, "wss://") {
		a.redact.query(named)
		config.URL = named
		if config.Hub != "" {
			return config, release, failf(exitUsage, "--hub: a client URL names its hub itself")
		}
		if c.IsSet("event-handler-listen") {
			return config, release, failf(exitUsage, "--event-handler-listen needs a target with its key")
		}
		return config, release, nil
	}
	if err := a.listenForEvents(c, &config, named); err != nil {
		return config, release, err
	}
	if named == "" {
		config.EntraToken = "entra-stand-in"
		server, err := emulator.Start(emulator.Options{
			RecoveryWindow: config.Window, EntraToken: config.EntraToken, Handlers: conformHandlers(config.Events.Addr().String()),
		})
		if err != nil {
			_ = config.Events.Close()
			return config, release, failf(exitSetup, "%w", err)
		}
		release = func() { _ = server.Close() }
		named, config.Strict = server.ConnectionString(), true
	}
	if config.Service, err = wire.ParseConnectionString(named); err != nil {
		release()
		if config.Events != nil {
			_ = config.Events.Close()
		}
		return config, release, failf(exitUsage, "--target: %w", err)
	}
	a.redact.connectionString(config.Service)
	return config, release, nil
}

func conformTLS(ca string, insecure bool) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: insecure}
	if ca == "" {
		return config, nil
	}
	pem, err := os.ReadFile(ca)
	if err != nil {
		return nil, failf(exitUsage, "--ca: %w", err)
	}
	config.RootCAs = x509.NewCertPool()
	if !config.RootCAs.AppendCertsFromPEM(pem) {
		return nil, failf(exitUsage, "--ca: no certificate in %s", ca)
	}
	return config, nil
}

func parseConformOuts(values []string) ([]out, error) {
	var outs []out
	stdout := 0
	for _, v := range values {
		format, path, ok := strings.Cut(v, "=")
		if !ok || path == "" || conformWriters[format] == nil {
			return nil, failf(exitUsage, "--out %q: write json=PATH or junit=PATH", v)
		}
		if path == "-" {
			stdout++
		}
		outs = append(outs, out{format: format, path: path})
	}
	if stdout > 1 {
		return nil, failf(exitUsage, "only one --out can go to standard output")
	}
	return outs, nil
}
