package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/wire/emulator"
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

// A run that broke a promise says so by its exit status also where its record finds no
// room on standard output, and says which files it has left.
func TestFullStandardOutputKeepsVerdict(t *testing.T) {
	options := emulator.Options{}
	if err := options.Lies.Set("duplicate=1/5"); err != nil {
		t.Fatal(err)
	}
	server, err := emulator.Start(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	dir := t.TempDir()
	file, out := filepath.Join(dir, "chat.yaml"), filepath.Join(dir, "out")
	if err := os.WriteFile(file, []byte(`name: chat
groups: {room: {count: 1}}
populations:
  members: {connections: 4, join: {room: 1}, publish: {to: room, rate: 20/s, ack: true, size: 64}}
phases: {steady: 1s, drain: 10s}
`), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"wpsbench", "run", file, "--target", server.ConnectionString(), "--dir", out, "--out", "json=-", "--progress", "none"}
	var stderr bytes.Buffer
	if status := run(t.Context(), args, strings.NewReader(""), &full{1000}, &stderr); status != metrics.ExitViolated {
		t.Errorf("exit status %d, want %d", status, metrics.ExitViolated)
	}
	for _, want := range []string{"report.html", "run.json", "(not all results could be written)", "wpsbench: write standard output: no space left"} {
		if !strings.Contains(strings.Join(strings.Fields(stderr.String()), " "), want) {
			t.Errorf("%q is missing in:\n%s", want, &stderr)
		}
	}
}

// Files that cannot be written are named as they were asked for, and leave nothing behind.
func TestWriteFileLeavesNothing(t *testing.T) {
	for name, path := range map[string]string{
		"a folder":              "taken",
		"in no folder":          filepath.Join("missing", "run.json"),
		"the rename is refused": strings.Repeat("n", 300),
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.MkdirAll(filepath.Join(dir, "taken", "inner"), 0o700); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(dir, path)
			namesOnly(t, writeFile(path, []byte("{}")), path)
			if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
				t.Errorf("left behind: %v, %v", entries, err)
			}
		})
	}
}

// So does a folder of results.
func TestWriteFolderLeavesNothing(t *testing.T) {
	for name, test := range map[string]struct{ folder, file string }{
		"a file":                {"run", filepath.Join("missing", "run.json")},
		"the rename is refused": {strings.Repeat("n", 300), ""},
	} {
		t.Run(name, func(t *testing.T) {
			parent := t.TempDir()
			var files []content
			if test.file != "" {
				files = []content{{"report.html", []byte("<p>")}, {test.file, []byte("{}")}}
			}
			_, err := writeFolder(parent, test.folder, files)
			namesOnly(t, err, filepath.Join(parent, test.folder, test.file))
			if entries, err := os.ReadDir(parent); err != nil || len(entries) > 0 {
				t.Errorf("left behind: %v, %v", entries, err)
			}
		})
	}
}

// namesOnly wants an error that names the path, and nothing that is there for the time being.
func namesOnly(t *testing.T, err error, path string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), " "+path+": ") || strings.Contains(err.Error(), ".writing-") {
		t.Errorf("the error is %v, want it to name %s alone", err, path)
	}
}

// Where one of the files cannot be written, all stay as they were.
func TestWriteIntoKeepsPairs(t *testing.T) {
	for _, taken := range []string{"run.json", "report.html"} {
		t.Run(taken, func(t *testing.T) {
			dir := t.TempDir()
			for _, name := range []string{"run.json", "report.html"} {
				if err := os.WriteFile(filepath.Join(dir, name), []byte("old"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.Remove(filepath.Join(dir, taken)); err != nil {
				t.Fatal(err)
			}
			if err := os.Mkdir(filepath.Join(dir, taken), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := writeInto(dir, []content{{"run.json", []byte("new")}, {"report.html", []byte("new")}}); err == nil {
				t.Error("a folder was overwritten")
			}
			for _, name := range []string{"run.json", "report.html"} {
				if text, err := os.ReadFile(filepath.Join(dir, name)); name != taken && string(text) != "old" {
					t.Errorf("%s holds %q, %v", name, text, err)
				}
			}
			if entries, err := os.ReadDir(dir); err != nil || len(entries) != 2 {
				t.Errorf("left behind: %v, %v", entries, err)
			}
		})
	}
}
