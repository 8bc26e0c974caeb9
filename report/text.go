package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/report/svg"
)

// TextOptions says for which terminal a summary is written.
type TextOptions struct {
	Width int    // columns that no line exceeds; 0 means 80, below 40 counts as 40
	Color bool   // ANSI colours
	UTF8  bool   // marks and units beyond ASCII
	Files []File // written beside the summary, named in it
	// VerdictOnly leaves everything out but the last line.
	VerdictOnly bool
	// Unwritten says that results which were to lie beside the summary do not.
	Unwritten bool
}

// File is an output that was written.
type File struct {
	Name  string
	Bytes int64
}

// WriteText writes the summary that ends a run in a terminal: limits, delivery,
// latency, recovery, the generator's health, the files, and last the one line that
// holds the verdict.
func WriteText(w io.Writer, r *metrics.Run, o TextOptions) error {
	if o.Width == 0 {
		o.Width = 80
	}
	o.Width = max(o.Width, 40)
	safe := plain{ascii: !o.UTF8, commands: true}
	files := make([]File, len(o.Files))
	for i, f := range o.Files {
		files[i] = File{safe.text(f.Name), f.Bytes}
	}
	s := &summary{r: safe.copyRun(r), o: o}
	if !o.VerdictOnly {
		s.everything(files)
	}
	s.verdict()
	if _, err := io.WriteString(w, s.b.String()); err != nil {
		return fmt.Errorf("write summary: %w", err)
	}
	return nil
}

// everything is the summary before the verdict.
func (s *summary) everything(files []File) {
	s.head()
	if s.r.Verdict.Result == metrics.ResultInvalid {
		s.line("  diagnostics: the measurement is invalid, the figures below are no results", svg.Invalid)
	}
	s.thresholds()
	s.delivery()
	s.checks()
	s.churn()
	s.latency()
	s.recovery()
	s.budget()
	s.wrap(left("  generator", labelWidth), strings.Repeat(" ", labelWidth), " · ", healthParts(textNumbers, s.r), "")
	s.files(files)
}

// labelWidth is the width of the column of section names, indentation included.
const labelWidth = 20

// summary collects the lines.
type summary struct {
	r *metrics.Run
	o TextOptions
	b strings.Builder
}

// line ends a line: cut to the width, in the colour of a token, and in ASCII where
// the terminal knows no more.
func (s *summary) line(text string, t svg.Token) {
	s.whole(ellipsize(s.ascii(text), s.o.Width, s.ascii("…")), t)
}

// whole ends a line that may be longer than the width.
func (s *summary) whole(text string, t svg.Token) {
	text = strings.TrimRight(s.ascii(text), " ")
	if code := ansi[t]; s.o.Color && code != "" {
		text = "\x1b[" + code + "m" + text + "\x1b[0m"
	}
	s.b.WriteString(text + "\n")
}

// ansi holds the colours of the verdicts; what has none stays as the terminal writes.
var ansi = map[svg.Token]string{svg.Pass: "32", svg.Fail: "31", svg.Warn: "33", svg.Invalid: "35", svg.Muted: "2"}

// asciiMarks replaces our own marks; foreign text was escaped before. The verdict's
// marks come with their word.
var asciiMarks = strings.NewReplacer("✓", "+", "✕", "x", "△", "!", "◐", "~", "○", "o",
	"…", "~", " · ", " - ", "–", "-", "−", "-", "→", "->", "×", "x", "÷", "/", "µ", "u", "∞", "inf")

func (s *summary) ascii(text string) string {
	if s.o.UTF8 {
		return text
	}
	return asciiMarks.Replace(text)
}

// fields writes a section's name and its parts, wrapped behind the name.
func (s *summary) fields(label string, parts ...string) {
	s.wrap(left("  "+label, labelWidth), strings.Repeat(" ", labelWidth), gap, parts, "")
}

// gap stands between figures on one line.
const gap = "   "

// wrap writes parts with a separator between them, and goes to a new line where the
// next part would not fit; a part that fits on no line is broken between its words, a word
// that fits on none wherever the line ends.
func (s *summary) wrap(first, next, separator string, parts []string, t svg.Token) {
	line, empty := first, true
	add := func(separator, text string) {
		if !empty && !s.fits(line+separator+text) {
			s.line(line, t)
			line, empty = next, true
		}
		if !empty {
			line += separator
		}
		line += text
		empty = false
	}
	for _, p := range parts {
		if s.fits(next + p) {
			add(separator, p)
			continue
		}
		between := separator
		for word := range strings.FieldsSeq(p) {
			for _, piece := range s.pieces(word, s.o.Width-columns(next)) {
				add(between, piece)
				between = " "
			}
		}
	}
	s.line(line, t)
}

// pieces cuts a word into as many as it needs of that width.
func (s *summary) pieces(word string, width int) []string {
	if columns(s.ascii(word)) <= width {
		return []string{word}
	}
	var pieces []string
	piece := ""
	for _, r := range word {
		if columns(s.ascii(piece+string(r))) > width {
			pieces, piece = append(pieces, piece), ""
		}
		piece += string(r)
	}
	return append(pieces, piece)
}

// sentence writes a text wrapped between its words.
func (s *summary) sentence(first, next, text string, t svg.Token) {
	s.wrap(first, next, " ", strings.Fields(text), t)
}

func (s *summary) fits(line string) bool { return columns(s.ascii(line)) <= s.o.Width }

func (s *summary) head() {
	t := s.r.Environment.Target
	target := hostOf(t.Endpoint)
	if t.Kind == "emulator" {
		target = strings.TrimSpace("EMULATOR " + target)
	}
	// Neither may push the target off the line.
	short := func(text string) string { return ellipsize(text, max(24, s.o.Width-56), "…") }
	parts := []string{short(strings.TrimSpace("wpsbench " + s.r.Environment.Tool.Version)), short(s.r.Info.Name), target, fmt.Sprintf("seed %d", s.r.Info.Seed)}
	parts = slices.DeleteFunc(parts, func(p string) bool { return p == "" })
	s.line(strings.Join(parts, " · "), "")
	if load := loadParts(textNumbers, s.r); len(load) > 0 {
		s.fields("load", load...)
	}
	if misdeeds := lies(s.r); misdeeds != "" {
		s.sentence("  ", "    ", "the emulator misbehaved on purpose: "+misdeeds, svg.Warn)
	}
}

// hostOf is an endpoint without its path.
func hostOf(endpoint string) string {
	scheme, rest, found := strings.Cut(endpoint, "://")
	if !found {
		return endpoint
	}
	host, _, _ := strings.Cut(rest, "/")
	return scheme + "://" + host
}

// thresholds lists the scenario's limits and, of the built-in ones, those that did
// not hold.
func (s *summary) thresholds() {
	var shown []metrics.ThresholdResult
	for _, t := range byRank(s.r.Thresholds) {
		if !t.BuiltIn || t.Result != "pass" {
			shown = append(shown, t)
		}
	}
	if len(shown) == 0 {
		s.fields("thresholds", "none declared")
		return
	}
	s.line("  thresholds", "")
	metricWidth, exprWidth, valueWidth := 11, 14, 10
	for _, t := range shown {
		metricWidth = min(max(metricWidth, columns(t.Metric)), 16)
		exprWidth = max(exprWidth, columns(limitText(t)))
		valueWidth = min(max(valueWidth, columns(textNumbers.measuredOf(t.Measured, t.Unit))), 12)
	}
	exprWidth = max(min(exprWidth, s.o.Width-metricWidth-valueWidth-len("    + ")-3*len("  ")-len("-100 %")), 8)
	for _, t := range shown {
		a := answerOf(t.Result)
		value := textNumbers.measuredOf(t.Measured, t.Unit)
		if t.Result == "not_judged" || t.Result == "no_samples" {
			value = a.word
		}
		text := fmt.Sprintf("    %c %s  %s  %s  ", a.mark, left(ellipsize(t.Metric, metricWidth, "…"), metricWidth),
			left(ellipsize(limitText(t), exprWidth, "…"), exprWidth), left(value, valueWidth))
		tail := s.thresholdTail(t)
		if !s.fits(text + tail) {
			s.line(text, a.token)
			text = "      "
		}
		s.line(text+fromEnd(tail, s.o.Width-columns(text)), a.token)
	}
}

// thresholdTail is where a limit that failed stands, and how much one that held had
// left.
func (s *summary) thresholdTail(t metrics.ThresholdResult) string {
	if t.Result != "pass" {
		return sourceText(t)
	}
	if t.MarginRatio == nil {
		return ""
	}
	return strings.TrimRight(change(*t.MarginRatio)+"  "+s.interval(t), " ")
}

// fromEnd cuts a text at its beginning to a number of columns.
func fromEnd(text string, width int) string {
	runes := []rune(text)
	if cut := len(runes) - width; cut > 0 {
		return "…" + string(runes[cut+1:])
	}
	return text
}

// interval is the 95 % interval of the percentile that a limit is on.
func (s *summary) interval(t metrics.ThresholdResult) string {
	m := s.r.Metrics[t.Metric]
	if m == nil || t.Population != "" || (t.Phase != "steady" && t.Phase != "") {
		return ""
	}
	for aggregate, key := range map[string]string{"med": "p50", "p(50)": "p50", "p(90)": "p90", "p(95)": "p95", "p(99)": "p99", "p(99.9)": "p99_9"} {
		if ci := m.CI95[key]; len(ci) == 2 && strings.HasPrefix(t.Expr, aggregate) {
			return intervalOf(ci)
		}
	}
	return ""
}

// intervalOf writes both ends, the unit once when they share it.
func intervalOf(ci []int64) string {
	from, to := micros(float64(ci[0])), micros(float64(ci[1]))
	value, unit, _ := strings.Cut(from, " ")
	if strings.HasSuffix(to, " "+unit) {
		from = value
	}
	return "[" + from + ", " + to + "]"
}

func (s *summary) delivery() {
	d, p := s.r.Totals.Deliveries, s.r.Totals.Publishes
	n := textNumbers
	s.fields("delivery", "expected "+n.count(d.Expected), "delivered "+n.count(d.Delivered), "reach "+ratioOf(d.Delivered, d.Expected))
	if of := coverageOf(s.r); of != "" {
		s.line("    these totals are "+of, svg.Warn)
	}
	parts := []string{"lost " + n.count(d.Lost), "duplicated " + n.count(d.Duplicated), "reordered " + n.count(d.Reordered), "unexpected " + n.count(d.Unexpected)}
	if d.Corrupt > 0 {
		parts = append(parts, "corrupt "+n.count(d.Corrupt))
	}
	if d.Undelivered > 0 {
		parts = append(parts, "undelivered "+n.count(d.Undelivered))
	}
	for _, e := range excuses(d.Excused) {
		parts = append(parts, "excused "+n.count(e.n)+" ("+e.name+")")
	}
	if p.Fail > 0 {
		parts = append(parts, "failed publishes "+n.count(p.Fail))
	}
	if p.Dropped > 0 {
		parts = append(parts, "never sent "+n.count(p.Dropped))
	}
	if d.Recovered > 0 {
		parts = append(parts, "indeterminate, yet delivered "+n.count(d.Recovered))
	}
	s.wrap("    ", "    ", gap, parts, "")
}

// churn tells of the coming and going, where there was any.
func (s *summary) churn() {
	parts := churnCounts(textNumbers, &s.r.Connections.Funnel)
	if n := s.r.Totals.Publishes.Absent; n > 0 {
		parts = append(parts, textNumbers.counted(n, "publish not due", "publishes not due"))
	}
	if len(parts) > 0 {
		s.fields("churn", parts...)
	}
}

// checkIndent is where what belongs to a rule continues, behind its mark.
const checkIndent = "      "

// checks names the rules by their answer, and tells of those that were broken or could
// not be judged.
func (s *summary) checks() {
	if len(s.r.Checks) == 0 {
		return
	}
	s.fields("rules", ruleParts(s.r)...)
	if coverage := coverageParts(s.r); len(coverage) > 0 {
		s.fields("coverage", coverage...)
	}
	first := earliestOffence(s.r)
	told := map[string]bool{} // why rules are unknown, each reason once
	for i := range s.r.Checks {
		c := &s.r.Checks[i]
		a := answerOf(c.Result)
		mark := fmt.Sprintf("    %c ", a.mark)
		text := c.ID + " " + c.Name + ": " + a.word
		switch c.Result {
		case "violated":
			s.sentence(mark, checkIndent, fmt.Sprintf("%s %s of %s", text, textNumbers.count(c.Violations), textNumbers.count(c.Checked)), a.token)
			s.example(c, first)
		case "unknown":
			if !told[c.Reason] {
				s.sentence(mark, checkIndent, text+", "+c.Reason, a.token)
			}
			told[c.Reason] = true
		}
	}
}

// example tells the first example of a broken rule, and how many more there are; what
// was seen around the offence for the one that came first of all.
func (s *summary) example(c *metrics.CheckResult, first *metrics.Example) {
	const indent = checkIndent
	if len(c.Examples) == 0 {
		return
	}
	e := &c.Examples[0]
	s.sentence(indent, indent, "first "+exampleText(e), "")
	if e == first {
		for _, line := range closeContext(e, 3, 2) {
			if s.fits(indent + "  " + line) {
				s.line(indent+"  "+line, svg.Muted)
			} else { // an id that is cut is another one
				s.sentence(indent+"  ", indent+"    ", line, svg.Muted)
			}
		}
	}
	if more := moreText(textNumbers, c, 1); more != "" {
		s.line(indent+more, "")
	}
}

func (s *summary) files(files []File) {
	if len(files) == 0 {
		return
	}
	const first, next = "  wrote ", "        "
	var parts []string
	for _, f := range files {
		part := fmt.Sprintf("%s (%s)", f.Name, bytesText(uint64(max(f.Bytes, 0))))
		if !s.fits(next + part) { // a path is to be copied: never cut, never broken
			s.whole(first+part, "")
			continue
		}
		parts = append(parts, part)
	}
	if len(parts) > 0 {
		s.wrap(first, next, "  ", parts, "")
	}
}

func (s *summary) verdict() {
	style := styleOf(s.r.Verdict.Result)
	text := string(style.mark) + " " + verdictWord(s.r)
	if sentence := verdictSentence(s.r); sentence != "" {
		text += ": " + sentence
	}
	if s.o.Unwritten {
		text += " (not all results could be written)"
	}
	// Never cut: its end is often the place in the file.
	s.sentence("", "  ", text, style.token)
}
