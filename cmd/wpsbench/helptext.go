package main

import (
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/urfave/cli/v2"

	"github.com/wpsbench/wpsbench/report"
)

// helpWidth is that of a terminal; help that breaks by itself cannot be read.
const helpWidth = 80

// examples are what people ask a command for, as they would type it.
var examples = map[string][]string{
	"run": {
		"wpsbench run :quickstart",
		"wpsbench run chat.yaml --set phases.steady=5m --dir results/chat",
		"wpsbench run chat.yaml --target @secret.txt --hub bench",
		"wpsbench run chat.yaml --repeat 6 --dir A",
		"wpsbench run chat.yaml --lie swap=1/1000",
	},
	"quick": {
		"wpsbench quick -c 1000 -g 100 -r 1/s -d 30s --size 2KiB",
		"wpsbench quick -c 200 --print > chat.yaml",
	},
	"init":      {"wpsbench init", "wpsbench init chat.yaml"},
	"validate":  {"wpsbench validate chat.yaml", "wpsbench validate :soak --scale 10%"},
	"scenarios": {"wpsbench scenarios", "wpsbench scenarios quickstart > chat.yaml"},
	"serve": {
		"wpsbench serve --negotiate",
		"wpsbench serve --listen 127.0.0.1:9000 --lie drop=1/1000 --admin",
		"wpsbench serve --event-handler http://localhost:3000/{event}",
	},
	"conform": {
		"wpsbench conform --target @secret.txt --out junit=junit.xml",
		"wpsbench conform --run ^recovery/ --slow",
		"wpsbench conform --list",
	},
	"calibrate": {"wpsbench calibrate"},
	"token":     {"wpsbench token --user alice --role webpubsub.sendToGroup"},
	"sub":       {"wpsbench sub stream", "wpsbench sub stream --json --count 1 --target @secret.txt"},
	"pub":       {"wpsbench pub stream hello", "ls -R | wpsbench pub stream"},
	"report": {
		"wpsbench report run.json --out md=summary.md --out junit=junit.xml",
		"wpsbench report report.html --out json=- | jq .verdict",
	},
	"compare": {
		"wpsbench compare A B",
		"wpsbench compare A B --noise history --margin 3% --out html=compare.html",
	},
	"history":    {"wpsbench history nightly > nightly.csv"},
	"schema":     {"wpsbench schema scenario > wpsbench.schema.json"},
	"completion": {"source <(wpsbench completion bash)", "source <(wpsbench completion zsh)", "wpsbench completion fish > ~/.config/fish/completions/wpsbench.fish"},
}

// writeHelp gives every command its help, in place of the library's: that fits no
// terminal, calls every value a value and knows no examples.
func writeHelp(app *cli.App) {
	app.CustomAppHelpTemplate = verbatim(appHelp(app))
	for _, c := range app.Commands {
		if !c.Hidden {
			c.CustomHelpTemplate = verbatim(commandHelp(c))
		}
	}
}

// verbatim is a template of a text.
func verbatim(text string) string { return strings.ReplaceAll(text, "{{", `{{"{{"}}`) }

func appHelp(app *cli.App) string {
	var b strings.Builder
	sentence(&b, app.Usage)
	b.WriteString("\nUsage:\n  wpsbench COMMAND [OPTION…] [ARGUMENT…]\n\nCommands:\n")
	var rows [][2]string
	for _, c := range app.Commands {
		if !c.Hidden {
			rows = append(rows, [2]string{c.Name, c.Usage})
		}
	}
	columns(&b, rows)
	b.WriteString("\nwpsbench COMMAND --help explains a command. To begin: wpsbench run :quickstart\n")
	return b.String()
}

func commandHelp(c *cli.Command) string {
	var b strings.Builder
	usage := "wpsbench " + c.Name
	if len(c.Flags) > 0 {
		usage += " [OPTION…]"
	}
	b.WriteString(strings.TrimSpace(usage+" "+c.ArgsUsage) + "\n\n")
	sentence(&b, c.Usage)
	if c.Description != "" {
		b.WriteByte('\n')
		paragraph(&b, c.Description)
	}
	if lines := examples[c.Name]; len(lines) > 0 {
		b.WriteString("\nExamples:\n  " + strings.Join(lines, "\n  ") + "\n")
	}
	b.WriteString("\nOptions:\n")
	var rows [][2]string
	for _, f := range c.Flags {
		if v, ok := f.(cli.VisibleFlag); ok && v.IsVisible() && f.Names()[0] != "help" {
			rows = append(rows, flagRow(f))
		}
	}
	columns(&b, append(rows, [2]string{"-h, --help", "show this"}))
	return b.String()
}

// flagRow is how a flag is written, and what it does. What its usage has in back quotes
// is what its value is called.
func flagRow(f cli.Flag) [2]string {
	var short, long, value string
	for _, name := range f.Names() {
		if len(name) == 1 {
			short = "-" + name + ", "
		} else {
			long = "--" + name
		}
	}
	usage := f.(cli.DocGenerationFlag).GetUsage()
	if before, rest, found := strings.Cut(usage, "`"); found {
		name, after, _ := strings.Cut(rest, "`")
		value, usage = " "+name, before+name+after
	}
	standard := ""
	switch f := f.(type) {
	case *cli.BoolFlag:
		return [2]string{short + long, usage}
	case *cli.StringSliceFlag:
		usage += "; may be repeated"
	case *cli.StringFlag:
		standard = f.Value
	case *cli.IntFlag:
		if f.Value != 0 {
			standard = fmt.Sprint(f.Value)
		}
	case *cli.DurationFlag:
		if f.Value != 0 {
			standard = lengthText(f.Value)
		}
	}
	if value == "" {
		value = " VALUE"
	}
	if standard != "" {
		usage += " (default: " + standard + ")"
	}
	return [2]string{short + long + value, usage}
}

// lengthText is a duration without the units that are 0: 1h, not 1h0m0s.
func lengthText(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// columns writes names and what they mean beside them, or below those that are long.
func columns(b *strings.Builder, rows [][2]string) {
	const most = 24
	width := 0
	for _, row := range rows {
		if n := report.Columns(row[0]); n <= most {
			width = max(width, n)
		}
	}
	for _, row := range rows {
		name := "  " + row[0]
		if report.Columns(row[0]) > width {
			b.WriteString(name + "\n")
			name = ""
		}
		for _, line := range wrapped(row[1], helpWidth-width-4) {
			b.WriteString(name + strings.Repeat(" ", width+4-report.Columns(name)) + line + "\n")
			name = ""
		}
	}
}

func sentence(b *strings.Builder, text string) {
	runes := []rune(text)
	runes[0] = unicode.ToUpper(runes[0])
	paragraph(b, string(runes)+".")
}

func paragraph(b *strings.Builder, text string) {
	for _, line := range wrapped(text, helpWidth) {
		b.WriteString(line + "\n")
	}
}

// wrapped breaks a text between its words.
func wrapped(text string, width int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && report.Columns(line)+1+report.Columns(word) > width {
			lines, line = append(lines, line), ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}
