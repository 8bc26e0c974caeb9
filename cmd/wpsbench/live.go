package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/wpsbench/wpsbench/report"
	"github.com/wpsbench/wpsbench/scenario"
	"github.com/wpsbench/wpsbench/scenario/runner"
)

// liveHistory is how many seconds the small charts show.
const liveHistory = 24

// live writes the block that stands at the bottom of a terminal during a run: what
// it looks like is a function of the plan and of the progress it was shown.
type live struct {
	head   string
	plan   *scenario.Plan
	phases map[string]scenario.PhaseEstimate
	color  bool
	utf8   bool

	open, e2e, ack []float64 // of the last seconds; negative = no samples
}

func newLive(plan *scenario.Plan, head string, color, utf8 bool) *live {
	l := &live{head: head, plan: plan, phases: map[string]scenario.PhaseEstimate{}, color: color, utf8: utf8}
	for _, p := range plan.Estimate().Phases {
		l.phases[p.Name] = p
	}
	return l
}

// observe keeps what the charts show; once per second.
func (l *live) observe(p *runner.Progress) {
	push := func(h []float64, v float64) []float64 {
		return append(h[max(0, len(h)+1-liveHistory):], v)
	}
	l.open = push(l.open, float64(p.Open))
	l.e2e = push(l.e2e, float64(p.P99))
	l.ack = push(l.ack, float64(p.AckP99))
}

// lines are the block, each at most that wide: what does not fit drops from the right.
func (l *live) lines(p *runner.Progress, width int) []string {
	rows := [][]string{{l.head}, l.phase(p, width)}
	rows = append(rows, l.sessions(p), l.publishes(p), l.deliveries(p))
	if p.Phase != "connect" {
		rows = append(rows,
			l.latency("e2e", l.limit("e2e_latency", p.P99), l.e2e, quantile{"p50", p.P50}, quantile{"p99", p.P99}, quantile{"p99.9", p.P999}),
			l.latency("ack", l.limit("ack_rtt", p.AckP99), l.ack, quantile{"p50", p.AckP50}, quantile{"p99", p.AckP99}))
	}
	if f := p.Fault; f.Name != "" {
		rows = append(rows, row("recovery", fmt.Sprintf("%s %s ×%s: %s caught up", report.Visible(f.Name, l.utf8), f.Kind, count(f.Hit), count(f.Back))))
	}
	rows = append(rows, l.generator(p))
	lines := make([]string, len(rows))
	for i, parts := range rows {
		lines[i] = l.paint(l.fit(parts, width))
	}
	return lines
}

// row begins a line of the block with its name.
func row(name string, parts ...string) []string {
	return append([]string{fmt.Sprintf("  %-13s", name)}, parts...)
}

// fit joins the parts that have room: at least the name and the first part, which
// are cut.
func (l *live) fit(parts []string, width int) string {
	line, gap := parts[0], ""
	for _, part := range parts[1:] {
		if part == "" {
			continue
		}
		next := l.ascii(line + gap + part)
		if gap != "" && report.Columns(next) > width {
			break
		}
		line, gap = next, "   "
	}
	return l.ascii(report.Fit(strings.TrimRight(l.ascii(line), " "), width))
}

func (l *live) ascii(s string) string {
	if l.utf8 {
		return s
	}
	return report.ASCII(barASCII.Replace(s))
}

// barASCII stands in for what only a UTF-8 terminal draws; there are no small charts then.
var barASCII = strings.NewReplacer("━", "=", "╸", ">", "─", "-")

// paint colours the marks, and nothing else.
func (l *live) paint(line string) string {
	if !l.color {
		return line
	}
	return marks.Replace(line)
}

var marks = strings.NewReplacer("✓", "\x1b[32m✓\x1b[0m", "✕", "\x1b[31m✕\x1b[0m", "△", "\x1b[33m△\x1b[0m")

// phase says where the run is: how far, and what comes next.
func (l *live) phase(p *runner.Progress, width int) []string {
	name := report.Visible(p.Phase, l.utf8)
	drain := l.plan.Scenario.Phases.Drain
	switch p.Phase {
	case "connect":
		return row(name, l.bar(ratio(float64(p.Ready), float64(p.Planned)), width),
			fmt.Sprintf("%s of %s ready", count(p.Ready), count(p.Planned)), "next: "+l.after(-1))
	case "drain":
		late := p.Schedule - l.plan.PublishEnd()
		return row(name, l.bar(ratio(late.Seconds(), drain.Seconds()), width), clockOf(late)+", at most "+clockOf(drain))
	}
	from := time.Duration(0)
	for i, ph := range l.windows() {
		if ph.Name != p.Phase {
			from += ph.Length
			continue
		}
		at := min(p.Schedule-from, ph.Length)
		return row(name, l.bar(ratio(at.Seconds(), ph.Length.Seconds()), width),
			clockOf(at)+" / "+clockOf(ph.Length), "next: "+l.after(i))
	}
	return row(name)
}

// after is what follows window i.
func (l *live) after(i int) string {
	if w := l.windows(); i+1 < len(w) {
		return report.Visible(w[i+1].Name, l.utf8)
	}
	return "drain"
}

// windows are the phases of the schedule that take time.
func (l *live) windows() []scenario.PhaseEstimate {
	var w []scenario.PhaseEstimate
	ph := l.plan.Scenario.Phases
	if ph.Warmup > 0 {
		w = append(w, scenario.PhaseEstimate{Name: "warmup", Length: ph.Warmup})
	}
	for _, s := range ph.Stages {
		w = append(w, scenario.PhaseEstimate{Name: s.Name, Length: s.For})
	}
	return w
}

func (l *live) bar(done float64, width int) string {
	cells := min(40, max(8, width-55))
	full := int(min(max(done, 0), 1) * float64(cells))
	if full >= cells {
		return strings.Repeat("━", cells)
	}
	return strings.Repeat("━", full) + "╸" + strings.Repeat("─", cells-full-1)
}

func (l *live) sessions(p *runner.Progress) []string {
	return row("connections", fmt.Sprintf("%11s open", count(p.Open)), "recovering "+count(p.Recovering),
		"planned "+count(p.Planned), l.chart(l.open))
}

func (l *live) publishes(p *runner.Progress) []string {
	return row("publish", l.rate(p.SentPerSec, p, "asked", func(e scenario.PhaseEstimate) uint64 { return e.Publishes }),
		fmt.Sprintf("acks %s/s", count(int(p.AckedPerSec))))
}

func (l *live) deliveries(p *runner.Progress) []string {
	verdict := "violations 0"
	if p.Violations > 0 {
		verdict = "violations " + report.Count(p.Violations) + " ✕"
	}
	onTheWay := uint64(0)
	if p.Expected > p.Delivered {
		onTheWay = p.Expected - p.Delivered
	}
	return row("deliver", l.rate(p.DeliveredPerSec, p, "expected", func(e scenario.PhaseEstimate) uint64 { return e.Deliveries }),
		verdict, "on the way "+report.Count(onTheWay))
}

// rate compares a rate with the plan's in this phase.
func (l *live) rate(now float64, p *runner.Progress, word string, of func(scenario.PhaseEstimate) uint64) string {
	text := fmt.Sprintf("%9s/s", count(int(now+0.5)))
	if e, ok := l.phases[p.Phase]; ok && e.Length > 0 {
		text += fmt.Sprintf(" of %s/s %s", count(int(float64(of(e))/e.Length.Seconds()+0.5)), word)
	}
	return text
}

type quantile struct {
	name  string
	value time.Duration
}

func (l *live) latency(name, limit string, history []float64, quantiles ...quantile) []string {
	parts := row(name)
	for _, q := range quantiles {
		parts = append(parts, fmt.Sprintf("%s %7s", q.name, report.Latency(q.value)))
	}
	if len(quantiles) == 2 {
		parts = append(parts, strings.Repeat(" ", len("p99.9 99.9 ms"))) // the charts stand below each other
	}
	return append(parts, limit+strings.Repeat(" ", max(0, 12-report.Columns(limit))), l.chart(history))
}

// limit compares the newest second with the declared p99 of the whole of steady state.
func (l *live) limit(metric string, now time.Duration) string {
	for _, t := range l.plan.Scenario.Thresholds {
		if t.Metric != metric || t.Aggregate != "p" || t.Quantile != 0.99 || t.During != "" || t.Population != "" || (t.Op != "<" && t.Op != "<=") {
			continue
		}
		limit := time.Duration(t.Limit * float64(time.Microsecond))
		mark := " ✓"
		switch {
		case now < 0:
			mark = ""
		case now > limit:
			mark = " ✕"
		}
		return t.Op + " " + report.Latency(limit) + mark
	}
	return ""
}

func (l *live) generator(p *runner.Progress) []string {
	cpu := "cpu " + report.Percent(p.Generator.CPU)
	if p.Generator.CPU > 0.8 {
		cpu += " △"
	}
	parts := row("generator", cpu, "lag p99 "+report.Latency(p.LagP99))
	if p.Generator.GC >= 0 { // else there was no collection
		parts = append(parts, "gc "+report.Percent(p.Generator.GC))
	}
	return parts
}

// chart draws the last seconds, the highest of them as a full block.
func (l *live) chart(history []float64) string {
	if !l.utf8 {
		return ""
	}
	highest := 0.0
	for _, v := range history {
		highest = max(highest, v)
	}
	steps := []rune(" ▁▂▃▄▅▆▇█")
	var b strings.Builder
	for _, v := range history {
		step := 0
		if v >= 0 && highest > 0 {
			step = 1 + int(v/highest*7)
		}
		b.WriteRune(steps[step])
	}
	return b.String()
}

func ratio(a, b float64) float64 {
	if b <= 0 {
		return 1
	}
	return a / b
}

func count(n int) string { return report.Count(uint64(max(0, n))) }

// clockOf writes minutes and seconds.
func clockOf(d time.Duration) string {
	s := int(max(0, d).Seconds())
	return fmt.Sprintf("%d:%02d", s/60, s%60)
}
