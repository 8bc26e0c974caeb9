package report

import (
	"html"
	"regexp"
	"strings"
	"testing"
)

// What a stranger must find in the first screen of each record: how much was really
// reached, of whom, whether the generator can be believed, which limit failed where,
// what became of what is missing, and which rules were judged. cause is the one
// sentence of the banner.
var readings = map[string]struct {
	cause      string
	page, text []string
	neither    []string // would mislead
}{
	"passed": {
		cause: "5 of 5 thresholds met, delivery checked",
		page: []string{"EMULATOR", "1 000 of 1 000 connections", "9 998 deliveries/s (asked 10 000)", "Generator: valid", "650 000 expected · 650 000 delivered · 0 lost · 0 late",
			"0 excused", "Rules: ok R1 R4 R5 R6 · not exercised N3", "e2e p99 22.7 ms", "scenarios/soak.yaml:41"},
		text: []string{"EMULATOR ws://127.0.0.1:41873", "1 000 of 1 000 connections", "9 998 deliveries/s (asked 10 000)", "generator valid", "reach 100 %", "lost 0",
			"rules ok R1 R4 R5 R6 not exercised N3", "22.7 ms −55 %"},
	},
	"failed": {
		cause:   "e2e_latency p(99)<20ms: 22.7 ms (scenarios/soak.yaml:41)",
		page:    []string{"wss://bench.webpubsub.azure.com", "9 998 deliveries/s", "Generator: valid", "0 lost", "fail e2e_latency p(99)<20ms steady 22.7 ms +14 % scenarios/soak.yaml:41"},
		text:    []string{"wss://bench.webpubsub.azure.com", "9 998 deliveries/s", "generator valid", "lost 0", "✕ e2e_latency p(99)<20ms 22.7 ms scenarios/soak.yaml:41"},
		neither: []string{"EMULATOR"},
	},
	"violated": {
		cause: "3 messages reordered in room-017 (first at t+50.4 s, 1.4 s after F2)",
		page:  []string{"EMULATOR", "misbehaved on purpose: swap × 3", "Generator: valid", "violated R6 · ok R1 R4 R5", "fail reordered count==0 run 3 – scenarios/soak.yaml:44", "0 lost"},
		text:  []string{"EMULATOR", "misbehaved on purpose: swap × 3", "generator valid", "rules violated R6 ok R1 R4 R5", "✕ reordered count==0 3 scenarios/soak.yaml:44", "reordered 3"},
	},
	"invalid": {
		cause: "generator was the bottleneck in 4 of 8 s (schedule lag share)",
		page: []string{"Generator: invalid · 4 of 8 bad seconds", "schedule lag share 38 %", "What helps: schedule lag share: more cores, or fewer connections", "these are no results",
			"640 000 delivered · 0 lost · 9 000 late: not there at the end · 1 000 excused (disconnect 600, unacknowledged 400)", "unknown R4", "not judged e2e_latency"},
		text: []string{"generator invalid · 4 of 8 bad seconds", "schedule lag share 38 %", "the figures below are no results", "undelivered 9 000 excused 600 (disconnect) excused 400 (unacknowledged)",
			"rules unknown R4", "○ e2e_latency p(99)<50ms not judged"},
		neither: []string{"fail e2e_latency", "✕"},
	},
	"degraded": {
		cause: "process 2 of 4 of the generator (pid 4712) was lost: it ended before its time; it had 250 of 1000 connections",
		page: []string{"DEGRADED", "The run was aborted after 8.20 s", "1 000 of 1 000 connections, 250 of them lost later", "at the end, of 1 000 planned, of 3 of 4 processes (75 % of the connections)",
			"0 excused · of 3 of 4 processes (75 % of the connections)", "41 850 of 42 000, of 3 of 4 processes", "Generator: not known, no gate was judged", "not judged e2e_latency", "unknown R1"},
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
		page:  []string{"NOT RUN", "ws://127.0.0.1:9/client/hubs/bench", "at the end, of 10 planned", "no samples", "No limits were declared."},
		text:  []string{"NOT RUN", "e2e response – – – – – 0", "none declared"},
	},
	"hostile": {
		cause: `"><img src=x onerror=alert(1)>`,
		page:  []string{"VIOLATED", "EMULATOR", "1 000 of 1 000 connections", "Generator: valid"},
		text:  []string{"VIOLATED", "EMULATOR", "1 000 of 1 000 connections", "generator valid"},
	},
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
	for name, build := range records {
		t.Run(name, func(t *testing.T) {
			want, ok := readings[name]
			if !ok {
				t.Fatal("nobody said what a reader must find")
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
