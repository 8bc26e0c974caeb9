package main

import (
	_ "embed" // the topic is a page of its own
	"fmt"
	"io"
	"strings"

	"github.com/wpsbench/wpsbench/scenario"
	"github.com/wpsbench/wpsbench/wire/emulator"
)

// helpCI is also what the README links to.
//
//go:embed ci.md
var helpCI string

func (a *app) helpMetrics() {
	var b strings.Builder
	b.WriteString("What thresholds can limit, and the aggregates of each:\n\n")
	for _, m := range scenario.Metrics() {
		fmt.Fprintf(&b, "  %-18s%s\n", m.Name, strings.Join(m.Aggregates, ", "))
		for _, line := range wrapped(m.Text, helpWidth-6) {
			b.WriteString("      " + line + "\n")
		}
	}
	b.WriteString("\n")
	paragraph(&b, `Times have a limit with a unit, e2e_latency: ["p(99)<250ms"]; counts a plain number, lost: ["count==0"].`)
	_, _ = io.WriteString(a.stdout, b.String())
}

func (a *app) helpLies() {
	var b strings.Builder
	var rows [][2]string
	for _, lie := range emulator.AllLies() {
		rows = append(rows, [2]string{lie.String(), lie.Text()})
	}
	columns(&b, rows)
	_, _ = io.WriteString(a.stdout, b.String())
}
