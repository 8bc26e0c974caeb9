package main

import (
	"context"
	"fmt"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/wpsbench/wpsbench/scenario"
	"github.com/wpsbench/wpsbench/wire"
)

func (a *app) tokenCommand() *cli.Command {
	return &cli.Command{
		Name:  "token",
		Usage: "print a client URL with a token in it",
		Description: "The URL is good for every client, the official ones included. It is a secret for as\n" +
			"long as the token lives.",
		Flags: append(remoteFlags(),
			&cli.StringFlag{Name: "user", Usage: "user `ID` (default: anonymous)"},
			&cli.StringSliceFlag{Name: "role", Usage: "grant `ROLE`, e.g. webpubsub.sendToGroup or webpubsub.joinLeaveGroup.GROUP"},
			&cli.StringSliceFlag{Name: "group", Usage: "be in `GROUP` from the start"},
			&cli.DurationFlag{Name: "ttl", Value: time.Hour, Usage: "`LIFE` of the token; it is looked at only when connecting"},
		),
		OnUsageError: usageError,
		Action:       a.tokenAction,
	}
}

func (a *app) tokenAction(c *cli.Context) error {
	if c.Args().Present() {
		return failf(exitUsage, "token takes no arguments, got %q", c.Args().First())
	}
	access := wire.Access{
		UserID: c.String("user"), Roles: c.StringSlice("role"), Groups: c.StringSlice("group"), Life: c.Duration("ttl"),
	}
	for _, role := range access.Roles {
		if !scenario.ValidRole(role) {
			return failf(exitUsage, "--role %q: the service would ignore it; roles are like webpubsub.sendToGroup.GROUP", role)
		}
	}
	if err := checkGroups(access.Groups); err != nil {
		return err
	}
	if access.Life < time.Second {
		return failf(exitUsage, "--ttl must be at least 1s")
	}
	r, err := a.remote(c)
	switch {
	case err != nil:
		return err
	case r.url != "":
		return failf(exitUsage, "--target is a client URL already; to make one takes a connection string or a negotiate URL")
	case r.negotiate != "" && len(access.Roles)+len(access.Groups) > 0:
		return failf(exitUsage, "a negotiate server decides on roles and groups itself: leave --role and --group out")
	}
	ctx, cancel := context.WithTimeout(c.Context, wire.DefaultDialTimeout)
	defer cancel()
	clientURL, err := r.clientURL(access)(ctx)
	if err != nil {
		return failf(exitSetup, "target %s: %w", r.endpoint(), err)
	}
	_, _ = fmt.Fprintln(a.stdout, clientURL)
	return nil
}
