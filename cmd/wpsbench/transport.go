package main

import (
	"github.com/urfave/cli/v2"

	"github.com/wpsbench/wpsbench/wire"
)

// transportFlag belongs to the commands that hold many sockets.
func transportFlag() cli.Flag {
	return &cli.StringFlag{Name: "transport", Usage: "`HOW` sockets are read: loop, each thread polls its own (Linux); goroutine, one reads each (default: loop where there is it)"}
}

// transportOf returns what the flag asks for.
func transportOf(c *cli.Context) (wire.Transport, error) {
	t, err := wire.ParseTransport(c.String("transport"))
	if err != nil {
		return "", failf(exitUsage, "--transport: %w", err)
	}
	return t, nil
}
