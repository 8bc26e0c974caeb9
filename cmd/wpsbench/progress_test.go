package main

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// What takes less than a second is not worth a word; what takes longer is told as it
// goes on, in the form that the stream can show.
func TestProgress(t *testing.T) {
	for _, row := range []struct {
		name string
		mode progressMode
		do   func(p *progress)
		want string
	}{
		{"short steps", progressLines, func(p *progress) {
			for range 10 {
				p.doing("reading A")
				time.Sleep(900 * time.Millisecond)
				p.doing("reading B")
				time.Sleep(900 * time.Millisecond)
			}
		}, ""},
		{"lines become rare", progressLines, func(p *progress) {
			p.doing("comparing")
			time.Sleep(181500 * time.Millisecond)
		}, "00:00:01 comparing: 1 s\n00:00:10 comparing: 10 s\n00:00:20 comparing: 20 s\n00:00:30 comparing: 30 s\n" +
			"00:00:40 comparing: 40 s\n00:00:50 comparing: 50 s\n00:01:00 comparing: 60 s\n00:01:10 comparing: 70 s\n" +
			"00:01:20 comparing: 80 s\n00:01:30 comparing: 90 s\n00:01:40 comparing: 100 s\n00:01:50 comparing: 110 s\n" +
			"00:02:00 comparing: 120 s\n00:02:30 comparing: 150 s\n00:03:00 comparing: 180 s\n"},
		{"how far, and what is left", progressLines, func(p *progress) {
			p.doing("reading A")
			for i := range 30 {
				p.doing("reading A") // the same step, not a new one
				p.reached(i, 30, "")
				time.Sleep(410 * time.Millisecond)
			}
		}, "00:00:01 reading A 2 of 30: 1 s, about 14 s left\n00:00:10 reading A 24 of 30: 10 s, about 3 s left\n"},
		{"where", progressLines, func(p *progress) {
			p.doing("trying the cases")
			p.reached(250, 300, "recovery/window")
			time.Sleep(1500 * time.Millisecond)
		}, "00:00:01 trying the cases 250 of 300: 1 s, recovery/window\n"},
		{"hostile, secret", progressLines, func(p *progress) {
			p.doing("reading \x1b[2Jcanary-0123456789")
			time.Sleep(1500 * time.Millisecond)
		}, "00:00:01 reading \\x1b[2J****6789: 1 s\n"},
		{"none", progressNone, func(p *progress) {
			p.doing("reading A")
			p.reached(1, 2, "")
			time.Sleep(time.Minute)
		}, ""},
		{"a line that stays", progressLive, func(p *progress) {
			p.doing("reading A")
			p.reached(1, 4, "")
			time.Sleep(2500 * time.Millisecond)
		}, "{reading A 1 of 4: 1 s, about 3 s left}{^reading A 1 of 4: 2 s, about 6 s left}{^}"},
		{"below the head, text above", progressLive, func(p *progress) {
			p.head = "wpsbench · soak"
			p.doing("judging")
			time.Sleep(1500 * time.Millisecond)
			_, _ = p.app.stdout.Write([]byte("a result\n"))
		}, "{wpsbench · soak\n  judging: 1 s}^^a result\nwpsbench · soak\n  judging: 1 s\n{^^}"},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var out bytes.Buffer
				p := &progress{app: &app{stdout: &output{}, stderr: &out}, mode: row.mode, clock: time.Now}
				p.app.redact.add("canary-0123456789")
				if row.mode == progressLive {
					p.screen = &screen{w: &out, size: func() (int, int) { return 80, 24 }}
					p.app.stdout.Writer = p.screen
				}
				row.do(p)
				p.end()
				p.end() // once more is harmless
				if got := plainScreen(out.String()); got != row.want {
					t.Errorf("got\n%s\nwant\n%s", got, row.want)
				}
			})
		})
	}
}

// plainScreen writes a redraw as {}, and ^ for each row that is gone up.
func plainScreen(s string) string {
	s = strings.NewReplacer("\x1b[?2026h", "{", "\x1b[?2026l", "}", "\r", "", "\x1b[K", "", "\x1b[J", "", "\x1b[1A", "^", "\x1b[2A", "^^").Replace(s)
	return strings.ReplaceAll(s, "\n}", "}")
}

// Every command that may take longer than a second can be told how to show it.
func TestCommandsTellProgress(t *testing.T) {
	for _, row := range []struct{ command, flag string }{
		{"run", "progress"}, {"quick", "progress"}, {"report", "progress"}, {"compare", "progress"}, {"calibrate", "progress"},
		{"validate", "progress"}, {"conform", "progress"}, {"history", "progress"}, {"report", "quiet"}, {"compare", "quiet"},
	} {
		t.Run(row.command+" --"+row.flag, func(t *testing.T) {
			c := (&app{stdout: &output{}}).cli().Command(row.command)
			for _, flag := range c.Flags {
				if flag.Names()[0] == row.flag {
					return
				}
			}
			t.Errorf("no such flag")
		})
	}
}
