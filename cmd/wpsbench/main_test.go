package main

import (
	"errors"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/wpsbench/wpsbench/report"
	"github.com/wpsbench/wpsbench/wire/emulator"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"wpsbench": main})
}

// TestScripts runs the command lines of testdata/script as a user would.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"status":    wantStatus,
			"emulator":  startEmulator,
			"toldfound": wantToldFound,
			"story":     runStory,
		},
	})
}

// wantStatus is `status N COMMAND…`: it runs the command and wants that exit status, or
// one of several with commas.
func wantStatus(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status N COMMAND...")
	}
	err := ts.Exec(args[1], args[2:]...)
	got := 0
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		got = exit.ExitCode()
	case err != nil:
		ts.Fatalf("%v", err)
	}
	if want := strings.Split(args[0], ","); !slices.Contains(want, strconv.Itoa(got)) {
		ts.Fatalf("exit status %d, want %s", got, args[0])
	}
}

// startEmulator is `emulator`: it serves until the script ends, and sets $ADDR and
// $CONNECTION_STRING.
func startEmulator(ts *testscript.TestScript, _ bool, _ []string) {
	server, err := emulator.Start(emulator.Options{EntraToken: "eyJhbGciOiJSUzI1NiJ9.e30.entra-stand-in"})
	ts.Check(err)
	ts.Defer(func() { _ = server.Close() })
	ts.Setenv("ADDR", server.Addr())
	ts.Setenv("CONNECTION_STRING", server.ConnectionString())
}

// wantToldFound is `toldfound FILE`: the emulator admits to at least one swap, and
// the checker found exactly as many reordered messages and nothing else.
func wantToldFound(ts *testscript.TestScript, _ bool, args []string) {
	f, err := os.Open(ts.MkAbs(args[0]))
	ts.Check(err)
	defer func() { _ = f.Close() }()
	run, err := report.ReadRun(f)
	ts.Check(err)
	told, d := run.Environment.Target.Lies["swap"], run.Totals.Deliveries
	if told == 0 || d.Reordered != told {
		ts.Fatalf("%d swaps told, %d messages reordered", told, d.Reordered)
	}
	var violated []string
	for _, c := range run.Checks {
		if c.Result == "violated" {
			violated = append(violated, c.ID)
		}
	}
	if got := strings.Join(violated, " "); got != "R6" || d.Lost+d.Duplicated+d.Unexpected+d.Undelivered > 0 {
		ts.Fatalf("violated %q, deliveries %+v; want R6 alone", got, d)
	}
}
