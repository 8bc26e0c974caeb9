package main

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"
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
