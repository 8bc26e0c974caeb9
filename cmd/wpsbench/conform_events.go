package main

import (
	"fmt"
	"net"
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/wpsbench/wpsbench/wire/conform"
	"github.com/wpsbench/wpsbench/wire/emulator"
)

// listenForEvents opens the event handler's address: the one asked for, and for the
// emulator that we start ourselves any. It tells how the target is to be configured.
func (a *app) listenForEvents(c *cli.Context, config *conform.Config, target string) error {
	listen := c.String("event-handler-listen")
	if listen == "" && c.IsSet("event-handler-url") {
		return failf(exitUsage, "--event-handler-url needs --event-handler-listen")
	}
	if listen == "" && target != "" {
		return nil
	}
	if listen == "" {
		listen = "127.0.0.1:0"
	}
	var err error
	if config.Events, err = net.Listen("tcp", listen); err != nil {
		return failf(exitSetup, "--event-handler-listen: %w", err)
	}
	if target == "" {
		return nil
	}
	public := strings.TrimSuffix(c.String("event-handler-url"), "/")
	if public == "" {
		public = "http://" + reachable(config.Events.Addr().String())
	}
	_, _ = fmt.Fprintf(a.stderr, "event handler: the target is to post every system and user event of the hubs %s to %s/{hub}/{event}\n",
		strings.Join(conform.EventHubs(conform.DefaultEventHub), ", "), public)
	return nil
}

// reachable is an address at which somebody can be: one that listens everywhere is here,
// by the machine's name.
func reachable(address string) string {
	host, port, err := net.SplitHostPort(address)
	if ip := net.ParseIP(host); err != nil || ip == nil || !ip.IsUnspecified() {
		return address
	}
	if name, err := os.Hostname(); err == nil {
		return net.JoinHostPort(name, port)
	}
	return net.JoinHostPort("localhost", port)
}

// conformHandlers pairs the emulator with the handler at that address.
func conformHandlers(address string) (handlers []emulator.Handler) {
	for _, hub := range conform.EventHubs(conform.DefaultEventHub) {
		handlers = append(handlers, emulator.Handler{
			Hub: hub, URL: "http://" + address + "/{hub}/{event}",
			SystemEvents: []string{"connect", "connected", "disconnected"}, UserEvents: "*",
		})
	}
	return handlers
}
