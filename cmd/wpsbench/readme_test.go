package main

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"

	"github.com/wpsbench/wpsbench/report"
)

// block returns the text of the fenced block of README.md that begins with first.
func block(t *testing.T, fence, first string) string {
	t.Helper()
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(readme), "```"+fence+"\n"+first)
	if !ok {
		t.Fatalf("README.md has no %s block that begins with %q", fence, first)
	}
	body, _, _ := strings.Cut(rest, "```")
	return first + body
}

// The scenario that the README shows is the one it runs.
func TestREADMEScenario(t *testing.T) {
	want, err := os.ReadFile("../../scenarios/quickstart.yaml")
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(want), "\n")
	if got := block(t, "yaml", first); got != string(want) {
		t.Errorf("README.md shows another quick start than scenarios/quickstart.yaml:\n%s", got)
	}
}

// The mistakes that the README shows are what validate prints.
func TestREADMEMistakes(t *testing.T) {
	t.Chdir("testdata/readme")
	var stdout, stderr bytes.Buffer
	code := run(context.Background(), []string{"wpsbench", "validate", "broken.yaml"}, strings.NewReader(""), &stdout, &stderr)
	t.Chdir("../..")
	if code != exitUsage {
		t.Errorf("exit status %d, want %d", code, exitUsage)
	}
	const command = "$ wpsbench validate broken.yaml\n"
	if got := strings.TrimPrefix(block(t, "console", command), command); got != stderr.String() {
		t.Errorf("README.md shows\n%s\nwant\n%s", got, &stderr)
	}
}

// The run that the README shows is the one kept as a sample, told as it is told today. The
// line on the files is of when it was made.
func TestREADMERun(t *testing.T) {
	var stdout, stderr bytes.Buffer
	code := run(context.Background(), []string{"wpsbench", "report", "../../results/sample/run.json", "--color", "never", "--ci", "off"}, strings.NewReader(""), &stdout, &stderr)
	if code != 0 {
		t.Fatalf("exit status %d: %s", code, &stderr)
	}
	const command = "$ go run ./cmd/wpsbench run scenarios/quickstart.yaml --dir results/sample\n"
	shown := strings.TrimPrefix(block(t, "console", command), command)
	if i := strings.Index(shown, "  wrote "); i >= 0 {
		_, after, _ := strings.Cut(shown[i:], "\n")
		shown = shown[:i] + after
	}
	// A test's output is no UTF-8 terminal in every locale: marks are compared as ASCII.
	if got, want := report.ASCII(shown), report.ASCII(stdout.String()); got != want {
		t.Errorf("README.md shows\n%s\nwant\n%s", got, want)
	}
}
