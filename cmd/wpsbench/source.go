package main

import (
	"errors"
	"io"
	"strings"

	"github.com/wpsbench/wpsbench/scenario"
	"github.com/wpsbench/wpsbench/scenarios"
)

// source is the text of a scenario and what messages call it.
type source struct {
	name string
	text []byte
}

// builtIn marks the name of a scenario that comes with the program.
const builtIn = ":"

// readSource reads a file, or :NAME, a scenario that comes with the program.
func readSource(arg string) (source, error) {
	name, inside := strings.CutPrefix(arg, builtIn)
	if !inside {
		text, err := scenario.ReadFile(arg)
		if err != nil {
			return source{}, failf(exitUsage, "%w", err)
		}
		return source{name: arg, text: text}, nil
	}
	text, err := scenarios.Read(name)
	if err != nil {
		return source{}, failf(exitUsage, "no scenario %q comes with wpsbench; see `wpsbench scenarios`", name)
	}
	return source{name: arg, text: text}, nil
}

// load parses a scenario; its mistakes are printed at their places.
func (a *app) load(src source, o scenario.Options) (*scenario.Scenario, error) {
	s, err := scenario.Parse(src.name, src.text, o)
	var problems scenario.Problems
	switch {
	case err == nil:
		return s, nil
	case !errors.As(err, &problems):
		return nil, failf(exitUsage, "%w", err)
	}
	_, _ = io.WriteString(a.stderr, a.redact.text(problems.Format(src.text)))
	return nil, &exitError{code: exitUsage, err: err, silent: true}
}
