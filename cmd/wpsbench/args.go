package main

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// flagsFirst moves a command's flags before its arguments: urfave/cli/v2 stops
// reading flags at the first argument, and people write `run FILE --yes`. What
// stands behind `--` is left alone.
func flagsFirst(app *cli.App, args []string) []string {
	if len(args) < 2 {
		return args
	}
	command := app.Command(args[1])
	if command == nil {
		return args
	}
	var flags, rest []string
	for i := 2; i < len(args); i++ {
		arg := args[i]
		switch {
		case arg == "--":
			rest = append(rest, args[i:]...)
			i = len(args)
		case len(arg) < 2 || arg[0] != '-': // "-" is an argument: standard input
			rest = append(rest, arg)
		case arg == "--help" || arg == "-help" || arg == "-h": // urfave takes arguments beside it for topics
			return []string{args[0], args[1], "--help"}
		default:
			flags = append(flags, arg)
			if takesValue(command, arg) && i+1 < len(args) {
				i++
				flags = append(flags, args[i])
			}
		}
	}
	return slices.Concat(args[:2], flags, rest)
}

// refuseEmpty refuses options without a value: a variable of the shell that is not set must
// not stand for the default, which may be all of the load or another target.
func refuseEmpty(c *cli.Context) error {
	for _, f := range c.Command.Flags {
		if s, ok := f.(*cli.StringFlag); ok && c.IsSet(s.Name) && strings.TrimSpace(c.String(s.Name)) == "" {
			return failf(exitUsage, "--%s is empty; leave it out for its default", s.Name)
		}
	}
	return nil
}

// takesValue says whether the value of a flag is the next argument.
func takesValue(command *cli.Command, arg string) bool {
	if strings.Contains(arg, "=") {
		return false
	}
	name := strings.TrimLeft(arg, "-")
	for _, f := range command.Flags {
		if slices.Contains(f.Names(), name) {
			_, isBool := f.(*cli.BoolFlag)
			return !isBool
		}
	}
	return false
}
