//go:build unix

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// tmux is a terminal of its own whose screen can be read.
type tmux struct {
	t      *testing.T
	socket string
}

// startTmux runs a shell command in a terminal of that size.
func startTmux(t *testing.T, dir string, columns, rows int, command string) *tmux {
	t.Helper()
	if _, err := exec.LookPath("tmux"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("tmux is missing: without it nobody looks at the live block")
		}
		t.Skip("tmux is missing: the live block is not tried in a terminal")
	}
	s := &tmux{t, filepath.Join(t.TempDir(), "tmux")}
	// CI would turn the block off; the locale decides about its marks.
	command = fmt.Sprintf("unset CI; export LC_ALL=C.UTF-8; %s; echo status $?; cat", command)
	s.run("-u", "-f", "/dev/null", "new-session", "-d", "-c", dir, "-x", fmt.Sprint(columns), "-y", fmt.Sprint(rows), command)
	t.Cleanup(func() { s.run("kill-server") })
	return s
}

func (s *tmux) run(args ...string) string {
	s.t.Helper()
	out, err := exec.Command("tmux", append([]string{"-S", s.socket}, args...)...).CombinedOutput()
	if err != nil {
		s.t.Fatalf("tmux %s: %v: %s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// until waits for a screen that matches and returns it. It polls: a terminal tells
// nobody that it has changed.
func (s *tmux) until(pattern string) string {
	s.t.Helper()
	re := regexp.MustCompile("(?m)" + pattern)
	deadline := time.Now().Add(time.Minute)
	for {
		screen := s.run("capture-pane", "-p")
		if re.MatchString(screen) {
			return screen
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("no screen matches %q:\n%s", pattern, screen)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

const terminalRun = `name: seen
groups:
  room: {count: 2}
populations:
  members:
    connections: 20
    connect_rate: 200/s
    join: {room: 1}
    publish: {to: room, rate: 20/s, ack: true, size: 64}
phases:
  warmup: 1s
  steady: 60s
  drain: 30s
faults:
  - {name: F1, at: 1s, kind: rst, population: members, hit: 50%}
`

// The block in three terminals, made larger and smaller while it stands there, and
// ended by Ctrl-C: one block at a time, no line broken, and the screen is left clean.
func TestTerminal(t *testing.T) {
	for _, row := range []struct {
		name          string
		columns, rows int
		resize        [2]int
		want          []string // of the block, in steady state
	}{
		{"80x24", 80, 24, [2]int{78, 20}, []string{`^  steady +━*╸─+   0:\d\d / 1:00   next: drain$`, `^  e2e +p50 .* p99\.9 `}},
		{"132x40", 132, 40, [2]int{80, 24}, []string{`^  steady +━*╸─+   0:\d\d / 1:00   next: drain$`, `^  e2e .*[▁▂▃▄▅▆▇█]+$`}},
		{"76x16", 76, 16, [2]int{100, 30}, []string{`^  connections +20 open   recovering \d+   planned 20`}},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := startTmux(t, writeScenario(t, terminalRun), row.columns, row.rows, "wpsbench run chat.yaml --dir out")
			s.until(`F1 rst ×\d+: \d+ caught up`)
			for _, want := range row.want {
				wholeBlock(t, s.until(want), row.columns)
			}
			s.run("resize-window", "-x", fmt.Sprint(row.resize[0]), "-y", fmt.Sprint(row.resize[1]))
			before := regexp.MustCompile(`0:\d\d / 1:00`).FindString(s.until(`0:\d\d / 1:00`))
			for screen := ""; ; { // two redraws later the new size has been seen
				if screen = s.until(`0:\d\d / 1:00`); !strings.Contains(screen, before) {
					wholeBlock(t, screen, row.resize[0])
					break
				}
			}
			s.run("send-keys", "C-c")
			s.until(`^interrupted: nothing more is sent`)
			screen := s.until(`^status 130$`)
			if strings.Contains(screen, "next: drain") {
				t.Errorf("the block is left behind:\n%s", screen)
			}
		})
	}
}

// Every repetition finds the terminal and has a block of its own.
func TestTerminalRepeats(t *testing.T) {
	s := startTmux(t, writeScenario(t, terminalRun), 80, 40, "wpsbench run chat.yaml --dir out --repeat 2 --progress live --set phases.steady=3s")
	s.until(`^run 1 of 2 into out/001$`)
	s.until(`^  steady +━*╸─+   0:\d\d / 0:03   next: drain$`)
	s.until(`^run 2 of 2 into out/002, about \d+ s left$`)
	s.until(`^  steady +━*╸─+   0:\d\d / 0:03   next: drain$`)
	s.until(`^  wrote out/002/report.html `)
}

// wholeBlock wants exactly one block on the screen, every line of it in one piece.
func wholeBlock(t *testing.T, screen string, columns int) {
	t.Helper()
	for _, name := range []string{"wpsbench · seen · EMULATOR ", "  connections ", "  publish ", "  deliver ", "  e2e ", "  ack ", "  recovery ", "  generator "} {
		if n := len(regexp.MustCompile("(?m)^"+regexp.QuoteMeta(name)).FindAllString(screen, -1)); n != 1 {
			t.Errorf("%d lines begin with %q, want 1, in %d columns:\n%s", n, name, columns, screen)
		}
	}
}

// A terminal that is too small for a block, one that says it is dumb, and one that is
// told so get lines.
func TestTerminalLines(t *testing.T) {
	for _, row := range []struct {
		name          string
		columns, rows int
		command       string
	}{
		{"small", 75, 24, "wpsbench run chat.yaml --dir out"},
		{"low", 80, 15, "wpsbench run chat.yaml --dir out"},
		{"dumb", 100, 30, "TERM=dumb wpsbench run chat.yaml --dir out"},
		{"CI", 100, 30, "CI=1 wpsbench run chat.yaml --dir out"},
		{"asked for", 100, 30, "wpsbench run chat.yaml --dir out --progress lines"},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := startTmux(t, writeScenario(t, terminalRun), row.columns, row.rows, row.command)
			s.until(`^\d\d:\d\d:\d\d t=\d+s \w+ conns=\d+ recovering=\d+ sent=\d+/s recv=`)
			if screen := s.until(`^\d\d:\d\d:\d\d t=\d+s F1 rst hit 10 sessions of members$`); strings.Contains(screen, "next: drain") {
				t.Errorf("there is a block:\n%s", screen)
			}
		})
	}
}
