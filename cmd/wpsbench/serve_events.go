package main

import (
	"fmt"
	"io"
	"strings"
	"sync/atomic"

	"github.com/urfave/cli/v2"

	"github.com/wpsbench/wpsbench/wire/emulator"
)

// maxShownFailures bounds the lines that a broken event handler costs the terminal.
const maxShownFailures = 20

// eventHandlerFlags send the events of every hub to an application's server.
func eventHandlerFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "event-handler", Usage: "post events to `URL` (http:// or https://); {hub} and {event} in it are replaced"},
		&cli.StringFlag{Name: "event-handler-events", Value: "connect,connected,disconnected,*", Usage: "the `EVENTS` it gets: of connect, connected and disconnected, and names of user events, or * for all"},
	}
}

// eventHandlers reads the flags. Events that fail are told on stderr.
func eventHandlers(c *cli.Context, stderr io.Writer, o *emulator.Options) error {
	url, err := expand(c.String("event-handler"))
	if err != nil {
		return failf(exitUsage, "--event-handler: %w", err)
	}
	if url == "" {
		if c.IsSet("event-handler-events") {
			return failf(exitUsage, "--event-handler-events needs --event-handler")
		}
		return nil
	}
	h := emulator.Handler{URL: url}
	var user []string
	for name := range strings.SplitSeq(c.String("event-handler-events"), ",") {
		switch name = strings.TrimSpace(name); name {
		case "connect", "connected", "disconnected":
			h.SystemEvents = append(h.SystemEvents, name)
		case "":
			return failf(exitUsage, "--event-handler-events %q: an empty name", c.String("event-handler-events"))
		default:
			user = append(user, name)
		}
	}
	h.UserEvents = strings.Join(user, ",")
	if err := h.Validate(); err != nil {
		return failf(exitUsage, "--event-handler: %w", err)
	}
	o.Handlers = []emulator.Handler{h}
	var shown atomic.Int64
	o.EventFailed = func(err error) {
		switch n := shown.Add(1); {
		case n <= maxShownFailures:
			_, _ = fmt.Fprintf(stderr, "%v\n", err)
		case n == maxShownFailures+1:
			_, _ = fmt.Fprintln(stderr, "further events that fail are only counted")
		}
	}
	return nil
}
