package main

import (
	"context"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/wpsbench/wpsbench/scenario"
	"github.com/wpsbench/wpsbench/wire/emulator"
)

func TestRestartCommand(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("needs the commands of Unix")
	}
	for _, row := range []struct {
		name    string
		command []string
		limit   time.Duration
		want    string
		fails   bool
	}{
		{"done", []string{"true"}, time.Minute, "true: exit status 0", false},
		{"no shell", []string{"test", "$HOME", "=", "$HOME"}, time.Minute, "test $HOME = $HOME: exit status 0", false},
		{"failed", []string{"false"}, time.Minute, "false: exit status 1", true},
		{"with its output", []string{"sh", "-c", "echo out; echo err >&2; exit 3"}, time.Minute, "exit status 3: out", true},
		{"too long", []string{"sleep", "60"}, time.Millisecond, "sleep 60: it was ended with the time it may last", true},
		{"not there", []string{"wpsbench-no-such-program"}, time.Minute, "executable file not found", true},
	} {
		t.Run(row.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), row.limit)
			defer cancel()
			said, err := restarts(nil)(ctx, &scenario.Fault{Kind: scenario.FaultRestart, Command: row.command})
			if err != nil {
				said = err.Error()
			}
			if (err != nil) != row.fails || !strings.Contains(said, row.want) {
				t.Errorf("got %q, error %v; want %q", said, err, row.want)
			}
		})
	}
}

func TestTailIsBounded(t *testing.T) {
	var out tail
	for range 1000 {
		_, _ = out.Write([]byte("0123456789"))
	}
	_, _ = out.Write([]byte("the end"))
	if got := out.String(); len(got) != maxOutput || !strings.HasSuffix(got, "the end") {
		t.Errorf("%d bytes are kept, the last of them %q", len(got), got[max(0, len(got)-10):])
	}
}

// TestRestartEmulator: the admin endpoint does it, where there is one.
func TestRestartEmulator(t *testing.T) {
	for _, admin := range []bool{true, false} {
		server, err := emulator.Start(emulator.Options{Admin: admin})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = server.Close() }()
		_, err = restarts([]string{server.ConnectionString()})(t.Context(), &scenario.Fault{Kind: scenario.FaultRestart})
		if (err == nil) != admin {
			t.Errorf("admin %v: %v", admin, err)
		}
	}
}
