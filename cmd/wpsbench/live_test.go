package main

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/report"
	"github.com/wpsbench/wpsbench/scenario"
	"github.com/wpsbench/wpsbench/scenario/runner"
)

const livePlan = `name: soak
groups:
  room: {count: 20}
populations:
  members:
    connections: 2000
    connect_rate: 1000/s
    join: {room: 1}
    publish: {to: room, rate: 1/2s, ack: true, size: 64}
phases:
  warmup: 10s
  steady: 5m
  drain: 30s
thresholds:
  e2e_latency: ["p(99)<50ms"]
  ack_rtt: ["p(99)<10ms"]
`

func testPlan(t *testing.T) *scenario.Plan {
	t.Helper()
	s, err := scenario.Parse("soak.yaml", []byte(livePlan), scenario.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s.Plan()
}

// steady is a run in its fourth minute, with a reset behind it and one broken promise.
func steadyProgress() runner.Progress {
	const ms = time.Millisecond
	return runner.Progress{
		Since: 205 * time.Second, Schedule: 202 * time.Second, Phase: "steady",
		Planned: 2000, Ready: 2000, Open: 1988, Recovering: 12,
		Latest: metrics.Latest{
			SentPerSec: 998, AckedPerSec: 997, DeliveredPerSec: 99870,
			P50: 8 * ms, P99: 41 * ms, P999: 63 * ms, AckP50: 3 * ms, AckP99: 18 * ms, LagP99: 900 * time.Microsecond,
		},
		Expected: 20_000_100, Delivered: 20_000_000, Violations: 3,
		Fault:     runner.FaultProgress{Name: "F2", Kind: "rst", Hit: 500, Back: 488},
		Generator: runner.GeneratorProgress{CPU: 0.41, GC: 0.002},
	}
}

// The block at three widths: what does not fit is left out from the right.
func TestLiveBlock(t *testing.T) {
	for _, row := range []struct {
		name  string
		width int
		utf8  bool
		want  string
	}{
		{"wide", 110, true, `
wpsbench · soak · EMULATOR ws://127.0.0.1:41873 · seed 42
  steady       ━━━━━━━━━━━━━━━━━━━━━━━━━╸──────────────   3:12 / 5:00   next: drain
  connections        1 988 open   recovering 12   planned 2 000   █████
  publish            998/s of 1 000/s asked   acks 997/s
  deliver         99 870/s of 100 000/s expected   violations 3 ✕   on the way 100
  e2e          p50  8.0 ms   p99 41.0 ms   p99.9 63.0 ms   < 50.0 ms ✓    ▂▄▅█▇
  ack          p50  3.0 ms   p99 18.0 ms                   < 10.0 ms ✕    ████▂
  recovery     F2 rst ×500: 488 caught up
  generator    cpu 41 %   lag p99 900 µs   gc 0.2 %
`},
		{"narrow", 76, true, `
wpsbench · soak · EMULATOR ws://127.0.0.1:41873 · seed 42
  steady       ━━━━━━━━━━━━━╸───────   3:12 / 5:00   next: drain
  connections        1 988 open   recovering 12   planned 2 000   █████
  publish            998/s of 1 000/s asked   acks 997/s
  deliver         99 870/s of 100 000/s expected   violations 3 ✕
  e2e          p50  8.0 ms   p99 41.0 ms   p99.9 63.0 ms   < 50.0 ms ✓
  ack          p50  3.0 ms   p99 18.0 ms                   < 10.0 ms ✕
  recovery     F2 rst ×500: 488 caught up
  generator    cpu 41 %   lag p99 900 µs   gc 0.2 %
`},
		{"tiny ascii", 44, false, `
wpsbench - soak - EMULATOR ws://127.0.0.1:4~
  steady       =====>--   3:12 / 5:00
  connections        1 988 open
  publish            998/s of 1 000/s asked
  deliver         99 870/s of 100 000/s exp~
  e2e          p50  8.0 ms   p99 41.0 ms
  ack          p50  3.0 ms   p99 18.0 ms
  recovery     F2 rst x500: 488 caught up
  generator    cpu 41 %   lag p99 900 us
`},
	} {
		t.Run(row.name, func(t *testing.T) {
			l := newLive(testPlan(t), "wpsbench · soak · EMULATOR ws://127.0.0.1:41873 · seed 42", false, row.utf8)
			p := steadyProgress()
			for i := range 4 {
				q := p
				q.P99, q.AckP99 = time.Duration(i+1)*10*time.Millisecond, 120*time.Millisecond
				l.observe(&q)
			}
			l.e2e[3] = 45e6
			l.observe(&p)
			got := "\n" + strings.Join(l.lines(&p, row.width), "\n") + "\n"
			if got != row.want {
				t.Errorf("got%s\nwant%s", got, row.want)
			}
			for _, line := range strings.Split(got, "\n") {
				if report.Columns(line) > row.width {
					t.Errorf("%d columns, at most %d: %s", report.Columns(line), row.width, line)
				}
			}
		})
	}
}

// Every phase and every lack of figures has a block.
func TestLivePhases(t *testing.T) {
	none := metrics.Latest{P50: -1, P99: -1, P999: -1, AckP50: -1, AckP99: -1, LagP99: -1}
	for _, row := range []struct {
		name string
		p    runner.Progress
		want []string
	}{
		{"connect", runner.Progress{Phase: "connect", Schedule: -1, Planned: 2000, Ready: 500, Open: 510, Latest: none},
			[]string{"500 of 2 000 ready   next: warmup", "510 open"}},
		{"warmup", runner.Progress{Phase: "warmup", Schedule: 4 * time.Second, Latest: none},
			[]string{"0:04 / 0:10   next: steady", "p99       –"}},
		{"drain", runner.Progress{Phase: "drain", Schedule: 313 * time.Second, Latest: none},
			[]string{"0:03, at most 0:30", "0/s   violations 0"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			l := newLive(testPlan(t), "head", false, true)
			l.observe(&row.p)
			got := strings.Join(l.lines(&row.p, 120), "\n")
			for _, want := range row.want {
				if !strings.Contains(got, want) {
					t.Errorf("no %q in\n%s", want, got)
				}
			}
		})
	}
}

// Without a terminal a run is lines, whose keys and order are stable.
func TestProgressLines(t *testing.T) {
	var out bytes.Buffer
	at := time.Date(2026, 3, 4, 10, 15, 2, 0, time.UTC)
	var since time.Duration
	s := &show{progress: &progress{app: &app{stderr: &out}, mode: progressLines, clock: func() time.Time { return at.Add(since) }}}
	s.app.redact.add("canary-0123456789")
	none := metrics.Latest{P50: -1, P99: -1, LagP99: -1}
	for _, p := range []runner.Progress{
		{Since: 0, Phase: "connect", Event: "connect", Latest: none},
		{Since: time.Second, Phase: "connect", Open: 7, Latest: none},
		{Since: 2 * time.Second, Phase: "connect", Open: 2000, Latest: none},
		steadyProgress(),
		{Since: 206 * time.Second, Phase: "steady", Event: "F2 rst hit 500 sessions of members"},
		{Since: 207 * time.Second, Phase: "steady", Event: "session 3: close 1008 canary-0123456789\x1b[2J"},
		{Since: 208 * time.Second, Phase: "steady", Latest: none},
		{Since: 240 * time.Second, Phase: "steady", Open: 2000, Latest: none},
		{Since: 241 * time.Second, Phase: "closing", Latest: none},
		{Since: 242 * time.Second, Phase: "judging", Latest: none},
	} {
		since = p.Since
		s.observe(p)
	}
	s.end()
	const want = `10:15:02 t=0s connect
10:15:03 t=1s connect conns=7 recovering=0 sent=0/s recv=0/s p50=- p99=- lag=- violations=0
10:18:27 t=205s steady conns=1988 recovering=12 sent=998/s recv=99870/s p50=8.0ms p99=41.0ms lag=0.9ms violations=3
10:18:28 t=206s F2 rst hit 500 sessions of members
10:18:29 t=207s session 3: close 1008 ****6789\x1b[2J
10:19:02 t=240s steady conns=2000 recovering=0 sent=0/s recv=0/s p50=- p99=- lag=- violations=0
`
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", &out, want)
	}
}

// What others write goes by above the block, which is never broken by a line's end.
func TestScreen(t *testing.T) {
	var out bytes.Buffer
	columns, rows := 20, 10
	s := &screen{w: &out, size: func() (int, int) { return columns, rows }}
	step := func(name string, act func(), want string) {
		t.Helper()
		out.Reset()
		act()
		if got := out.String(); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	const sync, done = "\x1b[?2026h", "\x1b[?2026l"
	say := func(text string) func() { return func() { _, _ = io.WriteString(s, text) } }
	step("without a block", say("a"), "a")
	step("first", func() { s.draw([]string{"one", "two"}) }, sync+"\rone\x1b[K\ntwo\x1b[K\n\x1b[J"+done)
	step("in place", func() { s.draw([]string{"one", "2"}) }, sync+"\r\x1b[2Aone\x1b[K\n2\x1b[K\n\x1b[J"+done)
	step("text above", say("event\n"), "\r\x1b[2A\x1b[Jevent\none\x1b[K\n2\x1b[K\n\x1b[J")
	step("half a line", say("event"), "\r\x1b[2A\x1b[Jevent\none\x1b[K\n2\x1b[K\n\x1b[J")
	step("too wide", func() { s.draw([]string{"\x1b[32m0123456789\x1b[0m012345678901"}) },
		sync+"\r\x1b[2A012345678901234567…\x1b[K\n\x1b[J"+done)
	columns = 10 // 19 columns now take 2 rows
	step("narrower", func() { s.draw([]string{"x"}) }, sync+"\r\x1b[2Ax\x1b[K\n\x1b[J"+done)
	rows = 2
	step("lower", func() { s.draw([]string{"x", "y", "z"}) }, sync+"\r\x1b[1Ax\x1b[K\n\x1b[J"+done)
	step("gone", func() { s.draw(nil) }, sync+"\r\x1b[1A\x1b[J"+done)
	step("still gone", func() { s.draw(nil) }, "")
}
