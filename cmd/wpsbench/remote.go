package main

import (
	"net/url"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/wpsbench/wpsbench/scenario"
	"github.com/wpsbench/wpsbench/wire"
)

// localTarget is the emulator as `wpsbench serve` starts it without flags.
const localTarget = "Endpoint=http://" + defaultListen + ";AccessKey=" + wire.EmulatorKey

// remoteFlags say where the commands with a single session go; the forms of
// --target are those of run.
func remoteFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "target", Usage: "connect to `TARGET`: a connection string, a client URL, a negotiate URL, ${NAME} or @file (default: what wpsbench serve starts)"},
		&cli.StringFlag{Name: "hub", Value: defaultHub, Usage: "use `HUB` of the target"},
		&cli.StringFlag{Name: "ca", Usage: "PEM `FILE` with the certificate to trust instead of the system's"},
	}
}

// remote is the target of such a command.
type remote struct {
	address
	hub    string
	dialer *wire.Dialer
}

func (a *app) remote(c *cli.Context) (*remote, error) {
	st := scenario.ReadTarget(firstOf(c.String("target"), localTarget))
	if !st.Set {
		st = scenario.ReadTarget(localTarget) // "emulator": there is no embedded one to share
	}
	st.TLS.CA = c.String("ca")
	ad, err := a.address(st)
	if err != nil {
		return nil, err
	}
	dialer, err := a.newDialer(st, "")
	if err != nil {
		return nil, err
	}
	return &remote{address: ad, hub: c.String("hub"), dialer: dialer}, nil
}

// endpoint names the target for people.
func (r *remote) endpoint() string {
	raw := firstOf(r.negotiate, r.url)
	if raw == "" {
		return r.service.ClientURL(r.hub)
	}
	u, err := url.Parse(raw)
	if err != nil {
		return wire.RedactURL(raw)
	}
	return u.Scheme + "://" + u.Host + u.Path
}

// clientURL yields the URLs of new connections. What access says is for tokens made
// here: an application server, or whoever made a complete URL, decides by itself.
func (r *remote) clientURL(access wire.Access) wire.URLFunc {
	switch {
	case r.negotiate != "":
		return wire.NegotiatedURL(httpClient(r.dialer), r.negotiate, access.UserID)
	case r.url != "":
		return wire.FixedURL(r.url)
	default:
		return wire.SignedURL(r.service, r.hub, access)
	}
}

// groupRoles are the roles for one permission on some groups.
func groupRoles(permission string, groups []string) []string {
	roles := make([]string, len(groups))
	for i, group := range groups {
		roles[i] = "webpubsub." + permission + "." + group
	}
	return roles
}

// checkGroups refuses what the service would drop the connection for (protocol.md 3.2).
func checkGroups(groups []string) error {
	for _, group := range groups {
		if !wire.ValidGroup([]byte(group)) {
			return failf(exitUsage, "%q cannot be the name of a group: 1 to %d characters, not all blank", strings.TrimSpace(group), wire.MaxGroupChars)
		}
	}
	return nil
}
