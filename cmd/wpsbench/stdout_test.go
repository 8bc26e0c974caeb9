package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// full is a disk with room for so many bytes.
type full struct{ room int }

func (f *full) Write(p []byte) (int, error) {
	n := min(len(p), f.room)
	if f.room -= n; n < len(p) {
		return n, errors.New("no space left")
	}
	return n, nil
}

// Whatever is printed to a standard output that takes no more: one line says so, and it is
// neither a success nor a bug of ours.
func TestFullStandardOutput(t *testing.T) {
	broken := filepath.Join(t.TempDir(), "broken.yaml")
	if err := os.WriteFile(broken, []byte("name: x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		args   string
		room   int
		status int
	}{
		"help":              {"--help", 10, exitSetup},
		"exit codes":        {"help exit-codes", 0, exitSetup},
		"a schema":          {"schema run", 4096, exitSetup},
		"a list":            {"scenarios", 100, exitSetup},
		"a scenario":        {"scenarios quickstart", 0, exitSetup},
		"cases":             {"conform --list", 100, exitSetup},
		"an estimate":       {"validate :quickstart", 0, exitSetup},
		"a version":         {"version", 0, exitSetup},
		"nothing to say":    {"validate " + broken, 0, exitUsage},
		"room for all":      {"version", 1 << 20, exitOK},
		"a mistake besides": {"schema nope", 0, exitUsage},
	} {
		t.Run(name, func(t *testing.T) {
			var stderr bytes.Buffer
			status := run(t.Context(), append([]string{"wpsbench"}, strings.Fields(test.args)...), strings.NewReader(""), &full{test.room}, &stderr)
			if status != test.status {
				t.Errorf("exit status %d, want %d; stderr: %s", status, test.status, &stderr)
			}
			want := ""
			if test.status == exitSetup {
				want = "wpsbench: write standard output: no space left\n"
			}
			if got := stderr.String(); test.status != exitUsage && got != want {
				t.Errorf("stderr is %q, want %q", got, want)
			}
		})
	}
}

// Files that cannot be written are named as they were asked for, and leave nothing behind.
func TestWriteFileLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "run.json")
	if err := os.MkdirAll(filepath.Join(path, "taken"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := writeFile(path, []byte("{}")); err == nil {
		t.Error("a folder was overwritten")
	}
	missing := filepath.Join(dir, "missing", "run.json")
	if err := writeFile(missing, []byte("{}")); err == nil || !strings.Contains(err.Error(), missing) {
		t.Errorf("the error is %v, want it to name %s", err, missing)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}
