package report

import (
	"html"
	"regexp"
	"strings"
	"testing"

	"github.com/wpsbench/wpsbench/metrics"
)

// What a stranger must find in the first screen of each record: how much was really
// reached, of whom, whether the generator can be believed, which limit failed where,
// what became of what is missing, and which rules were judged. cause is the one
// sentence of the banner. Whole lines stand here, worked out from what the fixtures
// hold, so that no figure can take another's place.
var readings = map[string]struct {
	build      func(testing.TB) *metrics.Run // of what is in no golden
	cause      string
	page, text []string
	neither    []string // would mislead
}{
	"passed": {
		cause: "5 of 5 thresholds met, delivery checked",
		page: []string{
			"soak-fanout EMULATOR 2026-03-04T10:15:02Z 1 min 15 s ws://127.0.0.1:41873/client/hubs/bench json.reliable.webpubsub.azure.v1 seed 42 branch=main runner=ci-8",
			"PASSED — 5 of 5 thresholds met, delivery checked Generator: valid · 0 of 60 bad seconds · lag p99 2 % of e2e p99 · warns: run queue share 30 % Delivery: 650 000 expected · 650 000 delivered · 0 lost · 0 late: not there at the end · 0 excused Rules: ok R1 R4 R5 R6 · not exercised N3 Key figures",
			"1 000 of 1 000 connections · 100 groups · 300 B · 1 000 publishes/s → 9 998 deliveries/s (asked 10 000)",
			"e2e p99 since due 22.7 ms limit p(99)<50ms 95 %: [21.9, 24.1 ms] ack p99 since sent 10.7 ms limit p(99)<25ms 95 %: [10.1, 11.6 ms] delivered ÷ expected 100 % 650 000 of 650 000 outage p95 1.12 s delivery faults 0 lost",
			"pass e2e_latency p(99)<50ms steady 22.7 ms −55 % scenarios/soak.yaml:41 pass ack_rtt p(99)<25ms steady 10.7 ms −57 % scenarios/soak.yaml:42 pass recovery_time p(95)<5s steady 1.10 s −78 % scenarios/soak.yaml:43 pass failed_connects count==0 run 0 – built in",
		},
		text: []string{
			"soak-fanout · EMULATOR ws://127.0.0.1:41873 · seed 42 load 1 000 of 1 000 connections 100 groups 300 B 1 000 publishes/s → 9 998 deliveries/s (asked 10 000)",
			"✓ e2e_latency p(99)<50ms 22.7 ms −55 % [21.9, 24.1 ms] ✓ ack_rtt p(99)<25ms 10.7 ms −57 % [10.1, 11.6 ms] ✓ recovery_time p(95)<5s 1.10 s −78 % delivery expected",
			"expected 650 000 delivered 650 000 reach 100 % lost 0 duplicated 0 reordered 0 unexpected 0 indeterminate, yet delivered 410 rules ok R1 R4 R5 R6 not exercised N3",
			"generator valid · 0 of 60 bad seconds · lag p99 2 % of e2e p99 warns: run queue share 30 %",
		},
	},
	"failed": {
		cause: "e2e_latency p(99)<20ms: 22.7 ms (scenarios/soak.yaml:41)",
		page: []string{"wss://bench.webpubsub.azure.com/client/hubs/bench", "FAILED — e2e_latency", "9 998 deliveries/s", "Generator: valid", "0 lost",
			"from fail e2e_latency p(99)<20ms steady 22.7 ms +14 % scenarios/soak.yaml:41 pass ack_rtt p(99)<25ms calm, members 10.7 ms"},
		text: []string{"· wss://bench.webpubsub.azure.com ·", "9 998 deliveries/s", "generator valid", "lost 0",
			"thresholds ✕ e2e_latency p(99)<20ms 22.7 ms scenarios/soak.yaml:41 ✓ ack_rtt p(99)<25ms @calm of members 10.7 ms −57 %"},
		neither: []string{"EMULATOR"},
	},
	"violated": {
		cause: "3 messages reordered in room-017 (first at t+50.4 s, 1.4 s after F2)",
		page: []string{"EMULATOR", "VIOLATED — 3 messages", "Generator: valid", "Rules: violated R6 · ok R1 R4 R5 · not exercised N3", "misbehaved on purpose: swap × 3. reordered count==0: 3 (scenarios/soak.yaml:44)",
			"delivery faults 3 none allowed", "from fail reordered count==0 run 3 – scenarios/soak.yaml:44 pass", "0 lost"},
		text: []string{"EMULATOR", "misbehaved on purpose: swap × 3", "generator valid", "✕ reordered count==0 3 scenarios/soak.yaml:44 ✓", "reordered 3",
			"rules violated R6 ok R1 R4 R5 not exercised N3 ✕ R6 order within a publisher: violated 3 of 650 000 first at 50.4 s, publisher 31 in room-017 to connection 317: message 88 came after message 89"},
	},
	"invalid": {
		cause: "generator was the bottleneck in 4 of 8 s (schedule lag share)",
		page: []string{"INVALID RUN — generator was", "Generator: invalid · 4 of 8 bad seconds · lag p99 455 µs · schedule lag share 38 % · warns: run queue share 30 % · the target pushed back in 2 seconds: 1 500 publishes waited",
			"What helps: schedule lag share: more cores, or fewer connections R4 is unknown: messages still", "Diagnostics: the measurement is invalid, these are no results",
			"999 of 1 000 connections · 100 groups · 300 B · 988 publishes/s → 9 998 deliveries/s (asked 10 000)",
			"650 000 expected · 640 000 delivered · 0 lost · 9 000 late: not there at the end · 1 000 excused (disconnect 600, unacknowledged 400)",
			"Rules: unknown R4 · ok R1 R5 R6 · not exercised N3 Coverage: 98 % of the pairs for R4",
			"e2e p99 since due > 913 ms limit p(99)<50ms 9 000 never delivered", "delivered ÷ expected 98.46 % 640 000 of 650 000", "connections 990 at the end, of 1 000 planned, 8 drops nobody injected", "not judged e2e_latency"},
		text: []string{"999 of 1 000 connections 100 groups 300 B 988 publishes/s → 9 998 deliveries/s", "the measurement is invalid, the figures below are no results", "○ e2e_latency p(99)<50ms not judged scenarios/soak.yaml:41",
			"not judged built in ○ uninjected_drops count==0 not judged built in", "expected 650 000 delivered 640 000 reach 98.46 %", "lost 0", "undelivered 9 000 excused 600 (disconnect) excused 400 (unacknowledged)",
			"rules unknown R4 ok R1 R5 R6 not exercised N3 coverage 98 % of the pairs for R4 ○ R4 no loss: unknown, messages still arrived when the drain was cut",
			"generator invalid · 4 of 8 bad seconds · lag p99 455 µs schedule lag share 38 % · warns: run queue share 30 %"},
		neither: []string{"fail e2e_latency", "✕"},
	},
	"degraded": {
		cause: "process 2 of 4 of the generator (pid 4712) was lost: it ended before its time; it had 250 of 1000 connections",
		page: []string{"DEGRADED", "The run was aborted after 8.20 s: totals are of the part that ran", "1 000 of 1 000 connections, 250 of them lost later", "connections 750 at the end, of 1 000 planned, of 3 of 4 processes (75 % of the connections)",
			"42 000 expected · 41 850 delivered · 0 lost · 150 late: not there at the end · 0 excused · of 3 of 4 processes (75 % of the connections)", "outage p95 – no drops were injected",
			"41 850 of 42 000, of 3 of 4 processes", "Generator: not known, no gate was judged", "not judged e2e_latency", "unknown R1"},
		text: []string{"1 000 of 1 000 connections, 250 of them lost later", "reach 99.64 % these totals are of 3 of 4 processes (75 % of the connections)", "lost 0", "undelivered 150",
			"generator not known, no gate was judged", "○ e2e_latency p(99)<50ms not judged", "rules unknown R1"},
		neither: []string{"PASSED", "✓", "enerator valid", "enerator: valid"},
	},
	"interrupted": {
		cause: "delivery held in the part that ran, thresholds not judged",
		page:  []string{"PASSED, interrupted", "The run was interrupted after 12 s: totals are of the part that ran, and limits are not judged.", "not judged e2e_latency", "ok R1 R4 R5 R6"},
		text:  []string{"○ e2e_latency p(99)<50ms not judged", "✓ PASSED, interrupted"},
	},
	"empty": {
		cause: "dial ws://127.0.0.1:9: connection refused",
		page:  []string{"NOT RUN", "Generator: not known, no gate was judged", "ws://127.0.0.1:9/client/hubs/bench", "connections 0 at the end, of 10 planned", "no samples", "No limits were declared."},
		text:  []string{"NOT RUN", "· ws://127.0.0.1:9 ·", "e2e response – – – – – 0", "none declared"},
	},
	"hostile": {
		cause: `"><img src=x onerror=alert(1)>`,
		page:  []string{"VIOLATED", "EMULATOR", "1 000 of 1 000 connections", "Generator: valid"},
		text:  []string{"VIOLATED", "EMULATOR", "1 000 of 1 000 connections", "generator valid"},
	},
	"all that can go wrong": {
		build: wrongRun,
		cause: "7 messages lost",
		page: []string{"VIOLATED — 7 messages lost", "650 000 expected · 649 000 delivered · 7 lost · 493 late: not there at the end · 500 excused (disconnect 300, join race 200)", "Rules: violated R4 R5 R6 · ok R1 ·",
			"delivered ÷ expected 99.84 % 649 000 of 650 000", "delivery faults 23 none allowed", "fail failed_connects count==0 run 4 – built in"},
		text: []string{"expected 650 000 delivered 649 000 reach 99.84 % lost 7 duplicated 5 reordered 3 unexpected 2 corrupt 6 undelivered 493 excused 300 (disconnect) excused 200 (join race)",
			"✕ failed_connects count==0 4 built in"},
	},
}

// wrongRun has some of every kind of what can become of a copy, of each another number.
func wrongRun(t testing.TB) *metrics.Run {
	r := shortRun(t)
	d := &r.Totals.Deliveries
	d.Delivered, d.Lost, d.Undelivered, d.Excused.Disconnect, d.Excused.JoinRace = 649_000, 7, 493, 300, 200
	d.Duplicated, d.Reordered, d.Unexpected, d.Corrupt = 5, 3, 2, 6
	for i, violations := range map[int]uint64{1: 7, 2: 5, 3: 3} {
		r.Checks[i].Result, r.Checks[i].Violations = "violated", violations
	}
	r.Thresholds[3].Measured, r.Thresholds[3].Result = ptr(4.0), "fail"
	return decided(r)
}

// firstScreen is the text of a page from its head to its thresholds.
func firstScreen(page string) string {
	_, page, _ = strings.Cut(markup(page), "<body>")
	page, _, _ = strings.Cut(page, `<section id="timeline"`)
	return flat(html.UnescapeString(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(page, " ")))
}

// flat is text with one space wherever there is any.
func flat(s string) string { return strings.Join(strings.Fields(s), " ") }

func TestReading(t *testing.T) {
	for name := range records {
		if _, ok := readings[name]; !ok {
			t.Errorf("nobody said what a reader must find in %s", name)
		}
	}
	for name, want := range readings {
		t.Run(name, func(t *testing.T) {
			build := want.build
			if build == nil {
				build = records[name]
			}
			r := build(t)
			page := renderHTML(t, r)
			banner := regexp.MustCompile(`<span class="sentence">(.*?)</span>`).FindStringSubmatch(page)
			if banner == nil {
				t.Fatal("the banner has no sentence")
			}
			if got := html.UnescapeString(banner[1]); !strings.Contains(got, want.cause) {
				t.Errorf("the banner says %q, want %q", got, want.cause)
			}
			text := renderText(t, r, TextOptions{UTF8: true})
			lines := strings.Split(strings.TrimSpace(text), "\n")
			if last := flat(strings.Join(lines[max(0, len(lines)-2):], " ")); !strings.Contains(last, flat(want.cause)) {
				t.Errorf("the summary ends with %q, want %q", last, want.cause)
			}
			screen, text := firstScreen(page), flat(text)
			for _, phrase := range want.page {
				if !strings.Contains(screen, phrase) {
					t.Errorf("%q is not in the first screen of the page:\n%s", phrase, screen)
				}
			}
			for _, phrase := range want.text {
				if !strings.Contains(text, phrase) {
					t.Errorf("%q is not in the summary:\n%s", phrase, text)
				}
			}
			for _, phrase := range want.neither {
				if strings.Contains(screen, phrase) || strings.Contains(text, phrase) {
					t.Errorf("%q is said", phrase)
				}
			}
		})
	}
}
