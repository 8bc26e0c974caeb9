package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/itchyny/gojq"
)

// fenced returns the blocks of a language in a page.
func fenced(page, language string) []string {
	var blocks []string
	for {
		_, rest, ok := strings.Cut(page, "```"+language+"\n")
		if !ok {
			return blocks
		}
		var body string
		body, page, _ = strings.Cut(rest, "\n```")
		blocks = append(blocks, body+"\n")
	}
}

// The jobs are YAML, and their command lines are ones that wpsbench takes.
func TestCIJobs(t *testing.T) {
	blocks := fenced(helpCI, "yaml")
	if len(blocks) < 3 {
		t.Fatalf("got %d jobs, want two for GitHub and one for Azure", len(blocks))
	}
	lines := 0
	for _, block := range blocks {
		var job any
		if err := yaml.Unmarshal([]byte(block), &job); err != nil {
			t.Errorf("%v in\n%s", err, block)
		}
		for _, line := range scalars(job) {
			if _, args, ok := strings.Cut(line, "wpsbench run "); ok {
				lines++
				checkFlags(t, strings.Fields("run "+args))
			}
		}
	}
	if lines < 3 {
		t.Errorf("%d of the steps run wpsbench, want 3", lines)
	}
}

// scalars returns the strings of a YAML value.
func scalars(value any) (all []string) {
	switch v := value.(type) {
	case string:
		return []string{v}
	case []any:
		for _, item := range v {
			all = append(all, scalars(item)...)
		}
	case map[string]any:
		for _, item := range v {
			all = append(all, scalars(item)...)
		}
	}
	return all
}

// checkFlags wants every flag of a command line to be one of the command's, and the
// values of those for build servers to be ones that it takes.
func checkFlags(t *testing.T, args []string) {
	t.Helper()
	c := (&app{}).cli()
	c.Setup()
	command := c.Command(args[0])
	for i, arg := range args[1:] {
		name, isFlag := strings.CutPrefix(arg, "--")
		name, value, given := strings.Cut(name, "=")
		if !given && i+2 < len(args) {
			value = args[i+2]
		}
		known := false
		for _, f := range command.Flags {
			known = known || f.Names()[0] == name
		}
		if isFlag && !known {
			t.Errorf("wpsbench %s: no flag --%s", args[0], name)
		}
		var err error
		switch name {
		case "ci":
			_, err = parseCI(value)
		case "soft":
			_, err = parseSoft(value)
		case "out":
			_, err = parseOuts([]string{value})
		}
		if err != nil {
			t.Errorf("wpsbench %s: %v", strings.Join(args, " "), err)
		}
	}
	if _, err := readSource(args[1]); err != nil {
		t.Errorf("wpsbench %s: %v", strings.Join(args, " "), err)
	}
}

// The exit statuses that the page explains are all there are, but for a bug.
func TestCIExitStatuses(t *testing.T) {
	explained := map[string]bool{}
	for line := range strings.Lines(helpCI) {
		if cells := strings.Split(line, "|"); len(cells) == 4 {
			for code := range strings.SplitSeq(cells[1], ",") {
				explained[strings.TrimSpace(code)] = true
			}
		}
	}
	for _, status := range exitTable {
		if code := fmt.Sprint(status.code); !explained[code] && status.code != exitInternal {
			t.Errorf("exit status %s (%s) is not explained", code, status.meaning)
		}
	}
}

// The jq programs, run over the record of the sample, give what their comments say.
func TestCIJQ(t *testing.T) {
	text, err := os.ReadFile("../../results/sample/run.json")
	if err != nil {
		t.Fatal(err)
	}
	var rec map[string]any
	if err := json.Unmarshal(text, &rec); err != nil {
		t.Fatal(err)
	}
	at := func(keys ...string) any {
		var v any = rec
		for _, key := range keys {
			v = v.(map[string]any)[key]
		}
		return v
	}
	first := at("checks").([]any)[0].(map[string]any)
	want := []any{
		at("verdict", "result").(string) + ": " + at("verdict", "headline").(string),
		at("metrics", "e2e_latency", "percentiles", "p99"),
		nil, // no limit was missed
		true,
		fmt.Sprintf("%s\t%s\t%.0f", first["id"], first["result"], first["checked"]),
	}
	lines := strings.Split(strings.TrimSpace(fenced(helpCI, "sh")[0]), "\n")
	if len(lines) != len(want) {
		t.Fatalf("the page has %d programs, want %d", len(lines), len(want))
	}
	for i, line := range lines {
		program := strings.SplitN(line, "'", 3)[1]
		query, err := gojq.Parse(program)
		if err != nil {
			t.Errorf("%s: %v", program, err)
			continue
		}
		got, _ := query.Run(rec).Next()
		if got != want[i] {
			t.Errorf("%s: got %v, want %v", program, got, want[i])
		}
	}
}
