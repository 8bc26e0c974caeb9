package report

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/wpsbench/wpsbench/metrics"
)

// maxMarkdownBytes keeps a summary below what a step summary or a comment may hold.
const maxMarkdownBytes = 60_000

// WriteMarkdown writes a summary for a pull request or a step of a build: at most
// 60 kB, foreign text defused.
func WriteMarkdown(w io.Writer, r *metrics.Run) error {
	r = plain{commands: true}.copyRun(r)
	m := &markdown{}
	style := styleOf(r.Verdict.Result)
	m.printf("## %c %s: %s\n\n", style.mark, escapeMarkdown(verdictWord(r)), escapeMarkdown(r.Info.Name))
	if s := verdictSentence(r); s != "" {
		m.printf("**%s**\n\n", escapeMarkdown(s))
	}
	if r.Environment.Target.Kind == "emulator" {
		m.printf("Target: **EMULATOR**, not the service.\n\n")
	}
	if misdeeds := lies(r); misdeeds != "" {
		m.printf("The emulator misbehaved on purpose: %s.\n\n", escapeMarkdown(misdeeds))
	}
	if load := loadParts(textNumbers, r); len(load) > 0 {
		m.printf("%s\n\n", strings.Join(load, " · "))
	}
	m.printf("Generator: %s\n\n", escapeMarkdown(healthLine(textNumbers, r)))
	if parts := accountParts(textNumbers, r); len(parts) > 0 {
		m.printf("Delivery: %s\n\n", strings.Join(parts, " · "))
	}
	m.thresholds(r)
	m.latency(r)
	m.recovery(r)
	m.folded("Rules", func() { m.checks(r) })
	m.folded("Provenance", func() { m.provenance(r) })
	if _, err := io.WriteString(w, m.text()); err != nil {
		return fmt.Errorf("write Markdown: %w", err)
	}
	return nil
}

// markdown collects blocks; what would exceed the limit is left out and said to be.
type markdown struct {
	b   strings.Builder
	cut bool
}

func (m *markdown) printf(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if m.cut || m.b.Len()+len(text) > maxMarkdownBytes-200 {
		m.cut = true
		return
	}
	m.b.WriteString(text)
}

func (m *markdown) text() string {
	text := m.b.String()
	if !m.cut {
		return text
	}
	if strings.Count(text, "<details>") > strings.Count(text, "</details>") {
		text += "\n</details>\n"
	}
	return text + "\nCut off at 60 kB: the rest is in the HTML report.\n"
}

func (m *markdown) folded(title string, write func()) {
	m.printf("<details><summary>%s</summary>\n\n", title)
	write()
	m.printf("</details>\n\n")
}

// row writes a table row of escaped cells.
func (m *markdown) row(cells ...string) {
	for i := range cells {
		cells[i] = escapeMarkdown(cells[i])
	}
	m.printf("| %s |\n", strings.Join(cells, " | "))
}

// head writes a table's head; a leading > marks a column of numbers.
func (m *markdown) head(names ...string) {
	line := "|"
	for i, h := range heads(names...) {
		names[i] = h.Name
		line += " --- |"
		if h.Num {
			line = strings.TrimSuffix(line, " |") + ": |"
		}
	}
	m.row(names...)
	m.printf("%s\n", line)
}

func (m *markdown) thresholds(r *metrics.Run) {
	if len(r.Thresholds) == 0 {
		return
	}
	m.head("", "metric", "limit", ">measured", ">margin", "at")
	for _, t := range byRank(r.Thresholds) {
		a := answerOf(t.Result)
		margin := dash
		if t.MarginRatio != nil {
			margin = change(*t.MarginRatio)
		}
		m.row(string(a.mark)+" "+a.word, t.Metric, limitText(t), textNumbers.measuredOf(t.Measured, t.Unit), margin, sourceText(t))
	}
	m.printf("\n")
}

func (m *markdown) latency(r *metrics.Run) {
	if r.Verdict.Result == metrics.ResultNotRun {
		return
	}
	m.head("latency", ">p50", ">p90", ">p99", ">p99.9", ">max", ">n")
	for _, name := range metricNames {
		s := r.Metrics[name.key]
		if s == nil || name.text == "" {
			continue
		}
		m.row(name.text, percentileText(s, "p50"), percentileText(s, "p90"), percentileText(s, "p99"), percentileText(s, "p99_9"), microsOf(s.Max), short(s.Count))
	}
	m.printf("\n")
	for _, name := range metricNames {
		if text := needed(r, name.key, "p50", "p90", "p99", "p99_9"); text != "" && name.text != "" {
			m.printf("%s %s\n\n", name.text, text)
		}
	}
	if line := sparkline(r.Series.Columns["e2e_p99_us"], 60); line != "" {
		m.printf("e2e p99 over the run: `%s`\n\n", line)
	}
}

func (m *markdown) recovery(r *metrics.Run) {
	if len(r.Incidents) == 0 {
		return
	}
	m.head("recovery", ">hit", ">resumed", ">new", ">gone", ">outage p50", ">p95", ">99 % caught up", "note")
	for i, inc := range r.Incidents {
		if i == maxIncidents {
			m.row(fmt.Sprintf("%d more in the record", len(r.Incidents)-i), "", "", "", "", "", "", "", "")
			break
		}
		p50, p95 := dash, dash
		if st := inc.Stages["outage"]; st != nil {
			p50, p95 = microsOf(st.P50), microsOf(st.P95)
		}
		o := inc.Outcomes
		m.row(inc.ID+" "+inc.Kind, fmt.Sprint(inc.Hit), fmt.Sprint(o.Resumed), fmt.Sprint(o.NewConnection), fmt.Sprint(o.Open), p50, p95, secondsOf(inc.CaughtUpS["p99"]),
			incidentNote(&inc, textNumbers))
	}
	m.printf("\n")
}

func (m *markdown) checks(r *metrics.Run) {
	m.head("", "rule", ">checked", ">violations", "note")
	for i := range r.Checks {
		c := &r.Checks[i]
		a := answerOf(c.Result)
		note := []string{c.Reason}
		if c.Result == metrics.CheckViolated && len(c.Examples) > 0 {
			note = append(note, "first "+exampleText(&c.Examples[0]), moreText(textNumbers, c, 1))
		}
		note = slices.DeleteFunc(note, func(s string) bool { return s == "" })
		m.row(string(a.mark)+" "+a.word, c.ID+" "+c.Name, textNumbers.count(c.Checked), textNumbers.count(c.Violations), strings.Join(note, "; "))
	}
	m.printf("\n")
}

func (m *markdown) provenance(r *metrics.Run) {
	m.head("", "")
	for _, f := range facts(r) {
		m.row("", f)
	}
	m.row("tool", strings.TrimSpace(r.Environment.Tool.Version+" "+r.Environment.Tool.Commit))
	for _, x := range r.Residue {
		m.row(x.Key, x.Value)
	}
	m.printf("\n")
}

// sparkline draws values on a logarithmic scale with at most n blocks, the largest of
// neighbours standing for them; a blank has no samples.
func sparkline(values []*float64, n int) string {
	lo, hi := math.Inf(1), 0.0
	for _, v := range values {
		if v != nil && *v > 0 {
			lo, hi = min(lo, *v), max(hi, *v)
		}
	}
	if hi == 0 || n < 1 {
		return ""
	}
	n = min(n, len(values))
	var b strings.Builder
	for i := range n {
		top := 0.0
		for _, v := range values[i*len(values)/n : (i+1)*len(values)/n] {
			if v != nil {
				top = max(top, *v)
			}
		}
		level := 0.0
		if hi > lo && top > 0 {
			level = 7 * math.Log(top/lo) / math.Log(hi/lo)
		}
		if top == 0 {
			b.WriteRune(' ')
		} else {
			b.WriteRune([]rune("▁▂▃▄▅▆▇█")[int(math.Round(max(0, level)))])
		}
	}
	return b.String()
}

// escapeMarkdown keeps text from being taken for markup, a link or a mention.
func escapeMarkdown(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch r {
		case '<':
			b.WriteString("&lt;")
		case '>':
			b.WriteString("&gt;")
		case '&':
			b.WriteString("&amp;")
		case '@':
			b.WriteString("@<!-- -->") // names nobody
		case '\\', '`', '*', '_', '{', '}', '[', ']', '(', ')', '#', '+', '!', '|', '~', '$', ':':
			b.WriteRune('\\')
			b.WriteRune(r)
		case '\n', '\r':
			b.WriteRune(' ')
		default:
			b.WriteRune(r)
		}
	}
	return strings.ReplaceAll(b.String(), "www.", `www\.`)
}
