package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"

	"github.com/wpsbench/wpsbench/report"
)

// Help is read in a terminal, and its examples are typed as they stand there.
func TestHelp(t *testing.T) {
	app := (&app{stdout: &output{}}).cli()
	app.Setup()
	for _, c := range append([]*cli.Command{{Name: "--help"}}, app.VisibleCommands()...) {
		t.Run(c.Name, func(t *testing.T) {
			args := []string{"wpsbench", c.Name}
			if c.Name != "--help" {
				args = append(args, "--help")
			}
			var out, stderr bytes.Buffer
			if status := run(t.Context(), args, nil, &out, &stderr); status != exitOK || stderr.Len() > 0 {
				t.Fatalf("exit status %d, stderr %q", status, &stderr)
			}
			for line := range strings.Lines(out.String()) {
				line = strings.TrimRight(line, "\n")
				if report.Columns(line) > helpWidth || strings.TrimRight(line, " ") != line || strings.ContainsAny(line, "`\t") {
					t.Errorf("%d columns, back quotes or blanks at the end: %q", report.Columns(line), line)
				}
			}
			for _, f := range c.VisibleFlags() {
				if !strings.Contains(out.String(), "--"+f.Names()[0]) {
					t.Errorf("--%s is missing", f.Names()[0])
				}
			}
			for _, example := range examples[c.Name] {
				_, line, found := strings.Cut(example, "wpsbench "+c.Name)
				if !found || !strings.Contains(out.String(), "  "+example+"\n") {
					t.Errorf("not an example of this command, or not shown: %s", example)
				}
				line, _, _ = strings.Cut(line, " | ")
				for _, word := range strings.Fields(line) {
					if name := strings.TrimLeft(word, "-"); name != word && !hasFlag(c, name) {
						t.Errorf("%s: there is no %s", example, word)
					}
				}
			}
			if c.Name != "--help" && c.Name != "help" && c.Name != "version" && len(examples[c.Name]) == 0 {
				t.Error("no example")
			}
		})
	}
}

// The topics are, too, but for ci, which is Markdown to be pasted from.
func TestHelpTopics(t *testing.T) {
	for _, topic := range []string{"exit-codes", "metrics", "lies"} {
		var out, stderr bytes.Buffer
		if status := run(t.Context(), []string{"wpsbench", "help", topic}, nil, &out, &stderr); status != exitOK || out.Len() == 0 {
			t.Fatalf("%s: exit status %d, stderr %q", topic, status, &stderr)
		}
		for line := range strings.Lines(out.String()) {
			line = strings.TrimRight(line, "\n")
			if report.Columns(line) > helpWidth || strings.TrimRight(line, " ") != line {
				t.Errorf("%s: %d columns, or blanks at the end: %q", topic, report.Columns(line), line)
			}
		}
	}
}

func hasFlag(c *cli.Command, name string) bool {
	for _, f := range c.Flags {
		for _, known := range f.Names() {
			if known == name {
				return true
			}
		}
	}
	return false
}

// What a row of the options says of values and defaults.
func TestFlagRow(t *testing.T) {
	for _, row := range []struct {
		name       string
		flag       cli.Flag
		long, text string
	}{
		{"a switch", &cli.BoolFlag{Name: "yes", Usage: "do not ask"}, "--yes", "do not ask"},
		{"named value, short form", &cli.IntFlag{Name: "count", Aliases: []string{"n"}, Usage: "end after `N` messages"}, "-n, --count N", "end after N messages"},
		{"a default", &cli.StringFlag{Name: "ci", Value: "auto", Usage: "a `SERVER`"}, "--ci SERVER", "a SERVER (default: auto)"},
		{"whole hours", &cli.DurationFlag{Name: "ttl", Value: 3600e9, Usage: "`LIFE`"}, "--ttl LIFE", "LIFE (default: 1h)"},
		{"half an hour more", &cli.DurationFlag{Name: "ttl", Value: 5400e9, Usage: "`LIFE`"}, "--ttl LIFE", "LIFE (default: 1h30m)"},
		{"ten seconds", &cli.DurationFlag{Name: "ttl", Value: 10e9, Usage: "`LIFE`"}, "--ttl LIFE", "LIFE (default: 10s)"},
		{"several, no name", &cli.StringSliceFlag{Name: "out", Usage: "write there"}, "--out VALUE", "write there; may be repeated"},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := flagRow(row.flag); got != [2]string{row.long, row.text} {
				t.Errorf("got %q, want %q and %q", got, row.long, row.text)
			}
		})
	}
}
