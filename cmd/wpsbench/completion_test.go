package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestCompletions(t *testing.T) {
	c := (&app{}).cli()
	c.Setup()
	for _, test := range []struct {
		line []string
		want string // among others; none: nothing at all
	}{
		{[]string{""}, "run"},
		{[]string{"qui"}, "quick"},
		{[]string{"__"}, ""},
		{[]string{"run", ":quick"}, ":quickstart"},
		{[]string{"run", "--sca"}, "--scale"},
		{[]string{"run", "--scale", ""}, ""},
		{[]string{"run", "--yes", ":quick"}, ":quickstart"},
		{[]string{"serve", "--emb"}, ""},
		{[]string{"schema", ""}, "scenario"},
		{[]string{"help", "exit"}, "exit-codes"},
		{[]string{"completion", "z"}, "zsh"},
		{[]string{"nothing", ""}, ""},
		{nil, ""},
	} {
		got := completions(c, test.line)
		if test.want == "" && len(got) > 0 || test.want != "" && !slices.Contains(got, test.want) {
			t.Errorf("%q: got %q, want %q", test.line, got, test.want)
		}
	}
}

// The scripts do in their shells what a Tab does; a shell that is missing is left out.
func TestCompletionScripts(t *testing.T) {
	dir := t.TempDir()
	// Stands for the program: it shows the words it was asked about.
	stand := "#!/bin/sh\nshift 2\nprintf '%s|' \"$@\" > " + filepath.Join(dir, "asked") + "\necho :quickstart\n"
	if err := os.WriteFile(filepath.Join(dir, "wpsbench"), []byte(stand), 0o700); err != nil {
		t.Fatal(err)
	}
	for shell, script := range map[string]string{
		"bash": `source completion/wpsbench.bash; COMP_LINE="wpsbench run --yes :qu"; COMP_POINT=${#COMP_LINE}; _wpsbench; echo "${COMPREPLY[@]}"`,
		"fish": `source completion/wpsbench.fish; complete -C "wpsbench run --yes :qu"`,
		"zsh":  `compdef() { :; }; compadd() { shift; print -- $@; }; _files() { :; }; source completion/wpsbench.zsh; words=(wpsbench run --yes :qu); CURRENT=4; _wpsbench`,
	} {
		t.Run(shell, func(t *testing.T) {
			path, err := exec.LookPath(shell)
			if err != nil {
				t.Skipf("no %s here", shell)
			}
			cmd := exec.Command(path, "-c", script)
			cmd.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"))
			out, err := cmd.CombinedOutput()
			if err != nil || !strings.Contains(string(out), "quickstart") {
				t.Errorf("got %q (%v), want quickstart", out, err)
			}
			if asked, _ := os.ReadFile(filepath.Join(dir, "asked")); string(asked) != "run|--yes|:qu|" {
				t.Errorf("asked about %q", asked)
			}
		})
	}
}
