package main

import (
	"embed"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/wpsbench/wpsbench/scenarios"
)

// The scripts ask the program itself what may come next, so they never go stale.
//
//go:embed completion
var completionScripts embed.FS

var shells = []string{"bash", "zsh", "fish"}

func (a *app) completionCommand() *cli.Command {
	return &cli.Command{
		Name:         "completion",
		Usage:        "print the script for a shell's completion",
		ArgsUsage:    strings.Join(shells, " | "),
		Description:  "Commands, flags, scenarios and topics of help are completed. The examples say where it goes.",
		OnUsageError: usageError,
		Action: func(c *cli.Context) error {
			shell, err := oneArgument(c, "shell")
			if err != nil {
				return err
			}
			if !slices.Contains(shells, shell) {
				return failf(exitUsage, "no completion for %q; there is one for %s", shell, strings.Join(shells, ", "))
			}
			script, err := completionScripts.ReadFile("completion/wpsbench." + shell)
			if err != nil {
				return err
			}
			_, err = a.stdout.Write(script)
			return err
		},
	}
}

// completeCommand is what the scripts call: `wpsbench __complete -- WORD…`, the last word
// being the one that is typed. It prints what that may become, one a line.
func (a *app) completeCommand() *cli.Command {
	return &cli.Command{
		Name:   "__complete",
		Hidden: true,
		Action: func(c *cli.Context) error {
			for _, word := range completions(c.App, c.Args().Slice()) {
				_, _ = fmt.Fprintln(a.stdout, word)
			}
			return nil
		},
	}
}

// completions are what the last of the words may become. Files are the shell's to offer.
func completions(app *cli.App, words []string) []string {
	if len(words) == 0 {
		return nil
	}
	last := words[len(words)-1]
	var all []string
	switch command := app.Command(words[0]); {
	case len(words) == 1:
		all = commandNames(app)
	case command == nil:
	case strings.HasPrefix(last, "-"):
		all = flagNames(command)
	case !strings.HasPrefix(words[len(words)-2], "-") || !takesValue(command, words[len(words)-2]):
		all = argumentWords(app, command.Name)
	}
	return slices.DeleteFunc(all, func(word string) bool { return !strings.HasPrefix(word, last) })
}

func commandNames(app *cli.App) []string {
	var names []string
	for _, command := range app.VisibleCommands() {
		names = append(names, command.Name)
	}
	return names
}

func flagNames(command *cli.Command) []string {
	var names []string
	for _, f := range command.VisibleFlags() {
		names = append(names, "--"+f.Names()[0])
	}
	return names
}

// argumentWords are those that a command takes as its argument.
func argumentWords(app *cli.App, command string) []string {
	switch command {
	case "run", "validate":
		names := scenarios.Names()
		for i := range names {
			names[i] = builtIn + names[i]
		}
		return names
	case "scenarios":
		return scenarios.Names()
	case "completion":
		return slices.Clone(shells)
	case "schema":
		return []string{"run", "compare", "scenario"}
	case "help":
		return append(commandNames(app), "exit-codes", "metrics", "ci", "lies")
	default:
		return nil
	}
}
