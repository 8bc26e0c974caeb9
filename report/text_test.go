package report

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/wpsbench/wpsbench/metrics"
)

func renderText(t testing.TB, r *metrics.Run, o TextOptions) string {
	t.Helper()
	var b bytes.Buffer
	must(t, WriteText(&b, r, o))
	return b.String()
}

func TestTextKeepsItsWidth(t *testing.T) {
	for name, build := range records {
		r := build(t)
		for _, width := range []int{0, 40, 60, 80, 100, 200} {
			for _, utf8 := range []bool{true, false} {
				limit := width
				if width == 0 {
					limit = 80
				}
				for _, line := range strings.Split(renderText(t, r, TextOptions{Width: width, UTF8: utf8, Files: goldenFiles}), "\n") {
					if got := columns(line); got > limit {
						t.Errorf("%s at %d columns, UTF-8 %v: a line of %d: %q", name, width, utf8, got, line)
					}
					if strings.HasSuffix(line, " ") {
						t.Errorf("%s: space at the end of %q", name, line)
					}
				}
			}
		}
	}
}

func TestTextWithoutUTF8IsASCII(t *testing.T) {
	for name, build := range records {
		for i, c := range renderText(t, build(t), TextOptions{Color: true}) {
			if c > 0x7e || c < 0x20 && c != '\n' && c != '\x1b' {
				t.Errorf("%s: character %U at %d", name, c, i)
				break
			}
		}
	}
}

var escapes = regexp.MustCompile("\x1b\\[[0-9;]*m")

func TestTextColoursOnlyOnRequest(t *testing.T) {
	for name, build := range records {
		plain := renderText(t, build(t), TextOptions{UTF8: true})
		coloured := renderText(t, build(t), TextOptions{UTF8: true, Color: true})
		if strings.Contains(plain, "\x1b") {
			t.Errorf("%s: colour in a summary that asked for none", name)
		}
		if escapes.ReplaceAllString(coloured, "") != plain {
			t.Errorf("%s: colour changed the text", name)
		}
		if !strings.Contains(coloured, "\x1b") {
			t.Errorf("%s: no colour in a summary that asked for it", name)
		}
	}
}

func TestTextEndsWithFilesAndVerdict(t *testing.T) {
	want := map[string]string{
		"passed": "✓ PASSED: ", "failed": "✕ FAILED: ", "violated": "✕ VIOLATED: ", "invalid": "△ INVALID RUN: ",
		"interrupted": "✓ PASSED, interrupted: ", "empty": "○ NOT RUN: ", "hostile": "✕ VIOLATED: ", "degraded": "◐ DEGRADED: ",
	}
	for name, build := range records {
		lines := strings.Split(strings.TrimSuffix(renderText(t, build(t), TextOptions{UTF8: true, Files: goldenFiles}), "\n"), "\n")
		last := len(lines) - 1
		for last > 0 && strings.HasPrefix(lines[last], "  ") { // a long verdict goes on
			last--
		}
		if !strings.HasPrefix(lines[last], want[name]) {
			t.Errorf("%s: the last line is %q, want it to start with %q", name, lines[last], want[name])
		}
		if files := lines[last-1]; files != "  wrote report.html (212 kB)  run.json (148 kB)" {
			t.Errorf("%s: the line before is %q", name, files)
		}
	}
}

// A path is there to be copied, however long it is.
func TestTextNeverCutsPaths(t *testing.T) {
	path := "results/" + strings.Repeat("a-long-name/", 12) + "run.json"
	text := renderText(t, passedRun(t), TextOptions{UTF8: true, Files: []File{{path, 2000}, {"report.html", 1000}}})
	for _, want := range []string{"\n  wrote " + path + " (2 kB)\n", "\n  wrote report.html (1 kB)\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("missing %q in\n%s", want, text)
		}
	}
}

// Build servers execute such lines; no text from outside may form one.
func TestTextBreaksUpCommands(t *testing.T) {
	r := hostileRun(t)
	r.Verdict.Headline = command
	text := renderText(t, r, TextOptions{Width: 200, Files: []File{{Name: command}}})
	for _, line := range strings.Split(text, "\n") {
		if strings.Contains(line, "##") || strings.HasPrefix(strings.TrimSpace(line), "::") {
			t.Errorf("a build server would execute %q", line)
		}
	}
	if !strings.Contains(text, "# #vso[task.setvariable]y") {
		t.Error("the text itself was not shown")
	}
}

func TestTextSaysEmulator(t *testing.T) {
	first := func(r *metrics.Run) string {
		line, _, _ := strings.Cut(renderText(t, r, TextOptions{}), "\n")
		return line
	}
	if got := first(passedRun(t)); !strings.Contains(got, "EMULATOR ws://127.0.0.1:41873 ") {
		t.Errorf("first line %q does not name the emulator", got)
	}
	if got := first(failedRun(t)); strings.Contains(got, "EMULATOR") {
		t.Errorf("first line %q names an emulator that was not there", got)
	}
}

func ExampleWriteText() {
	run := &metrics.Run{
		Info:    metrics.RunInfo{Name: "quickstart", Seed: 42, Status: "completed"},
		Verdict: metrics.Verdict{Result: "pass", Headline: "PASSED: delivery only, no limits declared"},
		Totals:  metrics.Totals{Deliveries: metrics.Deliveries{Expected: 27_000_000, Delivered: 27_000_000}},
		Health:  metrics.Health{Result: "valid", Windows: 20},
	}
	if err := WriteText(os.Stdout, run, TextOptions{UTF8: true}); err != nil {
		fmt.Println(err)
	}
	// Output:
	// wpsbench · quickstart · seed 42
	//   thresholds        none declared
	//   delivery          expected 27 000 000   delivered 27 000 000   reach 100 %
	//     lost 0   duplicated 0   reordered 0   unexpected 0
	//   latency           no samples
	//   generator         valid · 0 of 20 bad seconds
	// ✓ PASSED: delivery only, no limits declared
}

// Whoever reads the last line alone learns that there is less to read than was asked for.
func TestTextSaysWhatIsUnwritten(t *testing.T) {
	const remark = " (not all results could be written)"
	for _, verdictOnly := range []bool{true, false} {
		o := TextOptions{Width: 200, UTF8: true, VerdictOnly: verdictOnly}
		whole := renderText(t, passedRun(t), o)
		o.Unwritten = true
		if got, want := renderText(t, passedRun(t), o), strings.TrimSuffix(whole, "\n")+remark+"\n"; got != want {
			t.Errorf("verdict only %v: got\n%s\nwant\n%s", verdictOnly, got, want)
		}
	}
}
