package main

import (
	"bufio"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/wpsbench/wpsbench/scenario"
	"github.com/wpsbench/wpsbench/wire"
	"github.com/wpsbench/wpsbench/wire/emulator"
)

// defaultListen is where the official emulator listens, too (protocol.md 2.1).
const defaultListen = "127.0.0.1:8080"

func (a *app) serveCommand() *cli.Command {
	return &cli.Command{
		Name:  "serve",
		Usage: "run the emulator of the service until interrupted",
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "listen", Value: defaultListen, Usage: "listen at `ADDR`"},
			&cli.StringFlag{Name: "key", Usage: "access `KEY`, ${NAME} or @file (default: the documented local key)"},
			&cli.BoolFlag{Name: "tls", Usage: "serve wss:// and https:// with a certificate made at start"},
			&cli.StringFlag{Name: "tls-cert-out", Usage: "with --tls: write the certificate to `FILE`, for target.tls.ca"},
			&cli.StringSliceFlag{Name: "lie", Usage: "break a promise on purpose, `NAME=N/M`: N times at every M opportunities; see help lies"},
			&cli.BoolFlag{Name: "admin", Usage: "let this machine read the counts (GET /wpsbench/stats), change what is lied about (GET and PUT /wpsbench/lies), and restart it (POST /wpsbench/restart)"},
			&cli.DurationFlag{Name: "delay", Usage: "hold every delivery back for `TIME`, e.g. 5ms: a target whose latency is known"},
			&cli.BoolFlag{Name: "negotiate", Usage: "also serve GET /negotiate?id=NAME and, at /, a page that shows the messages of group stream"},
			&cli.StringFlag{Name: "hub", Value: defaultHub, Usage: "with --negotiate: the `HUB` it leads to"},
			&cli.StringSliceFlag{Name: "negotiate-role", Usage: "with --negotiate: a `ROLE` its tokens hold (default: send to and join every group)"},
			transportFlag(),
			// A run's own child: one JSON line at each end, and its life hangs on the pipe.
			&cli.BoolFlag{Name: "embedded", Hidden: true},
		}, eventHandlerFlags()...),
		OnUsageError: usageError,
		Action:       a.serveAction,
	}
}

func (a *app) serveAction(c *cli.Context) error {
	if c.Args().Present() {
		return failf(exitUsage, "serve takes no arguments, got %q", c.Args().First())
	}
	o, err := a.serveOptions(c)
	if err != nil {
		return err
	}
	server, err := emulator.Start(o)
	if err != nil {
		return failf(exitSetup, "%w", err)
	}
	if c.Bool("embedded") {
		return a.serveEmbedded(server)
	}
	scheme := "ws"
	if o.TLS != nil {
		scheme = "wss"
	}
	signals := watchSignals(c.Context, nil) // before anybody can know that there is a server to end
	defer signals.release()
	_, _ = fmt.Fprintf(a.stdout, "Emulator of Azure Web PubSub on %s\n\n  client endpoint    %s://%s/client/hubs/{hub}\n  connection string  %s\n",
		server.Addr(), scheme, server.Addr(), server.ConnectionString())
	if o.Web != nil {
		_, _ = fmt.Fprintf(a.stdout, "  negotiate          %s/negotiate?id={user}\n  log stream         %s/\n", server.URL(), server.URL())
	}
	_, _ = fmt.Fprint(a.stdout, "\nCtrl-C ends it.\n")
	<-signals.stop.Done()
	stats := server.Stats()
	if err := server.Close(); err != nil {
		return failf(exitInternal, "close the emulator: %w", err)
	}
	_, _ = fmt.Fprintf(a.stdout, "\n%d connections, %d publishes, %d deliveries, %d recoveries\n",
		stats.ConnectionsTotal, stats.Publishes, stats.Deliveries, stats.RecoveriesAccepted)
	if stats.Events+stats.EventsFailed > 0 {
		_, _ = fmt.Fprintf(a.stdout, "%d user events; %d events failed, %d were not sent\n", stats.Events, stats.EventsFailed, stats.EventsDropped)
	}
	for _, name := range slices.Sorted(maps.Keys(stats.Lies)) {
		_, _ = fmt.Fprintf(a.stdout, "told %s %d times\n", name, stats.Lies[name])
	}
	return nil
}

func (a *app) serveOptions(c *cli.Context) (emulator.Options, error) {
	o := emulator.Options{Addr: c.String("listen"), Delay: c.Duration("delay")}
	var err error
	if o.Transport, err = transportOf(c); err != nil {
		return o, err
	}
	key, err := expand(c.String("key"))
	if err != nil {
		return o, failf(exitUsage, "--key: %w", err)
	}
	o.AccessKey = firstOf(key, wire.EmulatorKey)
	if key != "" {
		a.redact.add(key)
	}
	if err := eventHandlers(c, a.stderr, &o); err != nil {
		return o, err
	}
	lies, err := parseLies(strings.Join(c.StringSlice("lie"), ","))
	if err != nil {
		return o, err
	}
	if o.Lies, err = emulatorLies(lies); err != nil {
		return o, err
	}
	o.Admin = c.Bool("admin")
	if o.Web, err = site(c, o.AccessKey); err != nil {
		return o, err
	}
	if c.String("tls-cert-out") != "" && !c.Bool("tls") {
		return o, failf(exitUsage, "--tls-cert-out needs --tls")
	}
	if !c.Bool("tls") {
		return o, nil
	}
	host, _, err := net.SplitHostPort(o.Addr)
	if err != nil {
		return o, failf(exitUsage, "--listen: %w", err)
	}
	cert, pem, err := emulator.SelfSigned(host, "localhost", "127.0.0.1", "::1")
	if err != nil {
		return o, failf(exitSetup, "make a certificate: %w", err)
	}
	o.TLS = &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
	if file := c.String("tls-cert-out"); file != "" {
		if err := writeFile(file, pem); err != nil {
			return o, failf(exitSetup, "write the certificate: %w", err)
		}
	}
	return o, nil
}

// site is what --negotiate asks for; nil without it.
func site(c *cli.Context, key string) (http.Handler, error) {
	roles := c.StringSlice("negotiate-role")
	switch {
	case !c.Bool("negotiate") && (c.IsSet("hub") || len(roles) > 0):
		return nil, failf(exitUsage, "--hub and --negotiate-role need --negotiate")
	case !c.Bool("negotiate"):
		return nil, nil
	case len(roles) == 0:
		roles = []string{"webpubsub.sendToGroup", "webpubsub.joinLeaveGroup"}
	}
	for _, role := range roles {
		if !scenario.ValidRole(role) {
			return nil, failf(exitUsage, "--negotiate-role %q: the service would ignore it; roles are like webpubsub.sendToGroup.GROUP", role)
		}
	}
	return negotiateSite(key, c.String("hub"), roles), nil
}

// serveEmbedded speaks with the run that started it: it says where it listens,
// serves until its standard input closes, and says what it did.
func (a *app) serveEmbedded(server *emulator.Server) error {
	out := json.NewEncoder(a.stdout)
	if err := out.Encode(childReady{ConnectionString: server.ConnectionString()}); err != nil {
		_ = server.Close()
		return failf(exitSetup, "%w", err)
	}
	_, _ = io.Copy(io.Discard, bufio.NewReader(a.stdin))
	stats := server.Stats()
	if err := server.Close(); err != nil {
		return failf(exitInternal, "close the emulator: %w", err)
	}
	// The reader may be gone, killed: then nobody needs this line.
	_ = out.Encode(childFinal{Lies: stats.Lies, Counted: counted(&stats), CPUSeconds: cpuSeconds()})
	return nil
}

// parseLies splits `swap=1/1000,…`; every part is NAME=N/M.
func parseLies(s string) ([]string, error) {
	if s == "" {
		return nil, nil
	}
	lies := strings.Split(s, ",")
	_, err := emulatorLies(lies)
	return lies, err
}

func emulatorLies(lies []string) (emulator.Lies, error) {
	var l emulator.Lies
	for _, lie := range lies {
		if err := l.Set(lie); err != nil {
			return l, failf(exitUsage, "--lie: %w; see `wpsbench help lies`", err)
		}
	}
	return l, nil
}
