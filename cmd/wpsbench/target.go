package main

import (
	"bufio"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/scenario"
	"github.com/wpsbench/wpsbench/scenario/runner"
	"github.com/wpsbench/wpsbench/wire"
)

const defaultHub = "bench"

// resolvedTarget is where a run goes, with its secrets read.
type resolvedTarget struct {
	target runner.Target
	dialer *wire.Dialer
	// embedded: the target is ours, children or, in a process of the generator, its
	// parent's.
	embedded bool
	children []*emulatorChild

	upstream *runner.Upstream // nil: the scenario has none
}

func (t *resolvedTarget) close() {
	for _, child := range t.children {
		child.kill()
	}
	if t.upstream != nil {
		_ = t.upstream.Close()
	}
}

// resolveTarget finds the target and starts the scenario's upstream, if it has one.
func (a *app) resolveTarget(c *cli.Context, plan *scenario.Plan, runID uint32, lies []string) (*resolvedTarget, error) {
	upstream, err := startUpstream(plan)
	if err != nil {
		return nil, err
	}
	t, err := a.findTarget(c, plan, runID, lies, upstream)
	switch {
	case err == nil:
		t.upstream = upstream
	case upstream != nil:
		_ = upstream.Close()
	}
	return t, err
}

func startUpstream(plan *scenario.Plan) (*runner.Upstream, error) {
	if !plan.Scenario.Upstream.Set {
		return nil, nil
	}
	u, err := runner.ServeUpstream(plan.Scenario.Upstream.Listen)
	if err != nil {
		return nil, failf(exitSetup, "%w", err)
	}
	return u, nil
}

// findTarget reads the target of the command line, of the file, or starts the
// embedded emulator.
func (a *app) findTarget(c *cli.Context, plan *scenario.Plan, runID uint32, lies []string, upstream *runner.Upstream) (*resolvedTarget, error) {
	st := plan.Scenario.Target
	hub := firstOf(c.String("hub"), st.Hub, defaultHub)
	if st.Set && len(lies) > 0 {
		return nil, failf(exitUsage, "--lie is for the embedded emulator; start the target with `wpsbench serve --lie` instead")
	}
	if !st.Set {
		return a.startEmbedded(c.Context, plan, hub, c.String("transport"), c.Int("emulators"), lies, upstream)
	}
	dialer, err := a.newDialer(st, dirOf(plan))
	if err != nil {
		return nil, err
	}
	t := &resolvedTarget{dialer: dialer}
	if t.target, err = a.namedTarget(st, hub, runner.GroupPrefix(runID), plan, dialer); err != nil {
		return nil, err
	}
	t.target.Restart = restarts(nil)
	if st.Negotiate != "" {
		if err := t.askNegotiate(c.Context); err != nil {
			return nil, failf(exitSetup, "%w", err)
		}
	}
	t.target.Kind = "remote"
	if isLoopback(t.target.Endpoint) {
		t.target.Kind = "loopback"
	}
	return t, nil
}

// dirOf is where the paths in a scenario start.
func dirOf(plan *scenario.Plan) string { return filepath.Dir(plan.Scenario.File) }

// emulators are the connection strings of the embedded ones.
func (t *resolvedTarget) emulators() []string {
	var out []string
	for _, child := range t.children {
		out = append(out, child.connectionString)
	}
	return out
}

// askNegotiate asks once where the sessions will go: a negotiate server on this
// machine may well stand in front of a service elsewhere.
func (t *resolvedTarget) askNegotiate(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(t.dialer.Timeout, wire.DefaultDialTimeout))
	defer cancel()
	raw, err := t.target.URL(0)(ctx)
	if err != nil {
		return err
	}
	at, err := runner.URLTarget(raw, "")
	if err != nil {
		return fmt.Errorf("negotiate: %w", err)
	}
	t.target.Endpoint, t.target.Hub = at.Endpoint, at.Hub
	if t.target.REST != nil {
		t.target.REST.Hub = at.Hub
	}
	return nil
}

func (a *app) namedTarget(st scenario.Target, hub, prefix string, plan *scenario.Plan, dialer *wire.Dialer) (runner.Target, error) {
	ad, err := a.address(st)
	if err != nil {
		return runner.Target{}, err
	}
	switch {
	case ad.negotiate != "":
		t, err := runner.NegotiateTarget(ad.negotiate, hub, prefix, httpClient(dialer), plan)
		if ad.hasREST() {
			t.REST = &wire.REST{Service: ad.service, Hub: hub, Entra: ad.entra}
		}
		return t, usage(err)
	case ad.url != "":
		if a.inspectToken(ad.url, plan) {
			prefix = "" // the token names the groups
		}
		t, err := runner.URLTarget(ad.url, prefix)
		return t, usage(err)
	case ad.entra != "":
		return runner.GeneratedTarget(&wire.REST{Service: ad.service, Hub: hub, Entra: ad.entra, Client: httpClient(dialer)}, prefix, plan), nil
	default:
		return runner.ConnectionStringTarget(ad.service, hub, prefix, plan), nil
	}
}

func usage(err error) error {
	if err == nil {
		return nil
	}
	return failf(exitUsage, "target: %w", err)
}

func (a *app) newDialer(st scenario.Target, dir string) (*wire.Dialer, error) {
	d := &wire.Dialer{
		TLS:    &tls.Config{MinVersion: tls.VersionTLS12, ServerName: st.TLS.ServerName, InsecureSkipVerify: st.TLS.Insecure},
		Proxy:  http.ProxyFromEnvironment,
		Header: http.Header{},
	}
	for k, v := range st.Headers {
		value, err := expand(v)
		if err != nil {
			return nil, failf(exitUsage, "target.headers.%s: %w", k, err)
		}
		a.redact.header(value)
		d.Header.Set(k, value)
	}
	if ca := st.TLS.CA; ca != "" {
		if !filepath.IsAbs(ca) {
			ca = filepath.Join(dir, ca)
		}
		pem, err := os.ReadFile(ca)
		if err != nil {
			return nil, failf(exitUsage, "target.tls.ca: %w", err)
		}
		d.TLS.RootCAs = x509.NewCertPool()
		if !d.TLS.RootCAs.AppendCertsFromPEM(pem) {
			return nil, failf(exitUsage, "target.tls.ca: no certificate in %s", ca)
		}
	}
	return d, nil
}

func isLoopback(endpoint string) bool {
	u, err := url.Parse(endpoint)
	if err != nil {
		return false
	}
	host := u.Hostname()
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// confirm asks before load leaves this machine.
func (a *app) confirm(c *cli.Context, plan *scenario.Plan, t *resolvedTarget) error {
	if t.target.Kind != "remote" || c.Bool("yes") {
		return nil
	}
	e := plan.Estimate()
	_, _ = fmt.Fprintf(a.stderr, "This loads %s, which is not on this machine:\n  %d connections, up to %.0f publishes/s, %.0f deliveries/s, about %d billing messages in all\n",
		t.target.Endpoint, plan.Connections, e.Peak.Publishes, e.Peak.Deliveries, e.BillingMessages)
	if f, ok := a.stdin.(*os.File); !ok || !term.IsTerminal(int(f.Fd())) {
		return failf(exitUsage, "not confirmed: add --yes to load a target that is not on this machine")
	}
	_, _ = io.WriteString(a.stderr, "Go on? [y/N] ")
	line, _ := bufio.NewReader(a.stdin).ReadString('\n')
	if answer := strings.ToLower(strings.TrimSpace(line)); answer != "y" && answer != "yes" {
		return failf(exitUsage, "not confirmed; nothing was run")
	}
	return nil
}

// describe names the target in the record.
func (t *resolvedTarget) describe(plan *scenario.Plan) metrics.Target {
	return metrics.Target{
		Kind:        t.target.Kind,
		Endpoint:    t.target.Endpoint,
		Subprotocol: strings.Join(plan.Scenario.Protocols(), ", "),
		Hub:         t.target.Hub,
	}
}

// finish ends the embedded target and writes down what it admits to.
func (t *resolvedTarget) finish(rec *metrics.Run) error {
	var failed error
	for _, child := range t.children {
		final, err := child.stop()
		if err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		t := &rec.Environment.Target
		t.Lies, t.Counted = addCounts(t.Lies, final.Lies), addCounts(t.Counted, final.Counted)
		rec.Info.Load.TargetCPUSeconds += final.CPUSeconds
	}
	return failed
}

// addCounts adds what one emulator counted to what the others did.
func addCounts(sum, counts map[string]uint64) map[string]uint64 {
	if sum == nil {
		return counts
	}
	for name, n := range counts {
		sum[name] += n
	}
	return sum
}

func firstOf(s ...string) string {
	for _, v := range s {
		if v != "" {
			return v
		}
	}
	return ""
}
