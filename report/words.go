package report

import (
	"strings"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/report/svg"
)

// verdictStyle is how one verdict appears on every surface: word and shape always
// accompany colour.
type verdictStyle struct {
	word  string
	shape svg.Shape
	token svg.Token
	mark  rune // in a terminal
}

var verdictStyles = map[string]verdictStyle{
	"violated":     {"VIOLATED", svg.Octagon, svg.Fail, '✕'},
	"invalid_run":  {"INVALID RUN", svg.Triangle, svg.Invalid, '△'},
	"degraded":     {"DEGRADED", svg.HalfDisc, svg.Warn, '◐'},
	"fail":         {"FAILED", svg.Octagon, svg.Fail, '✕'},
	"inconclusive": {"INCONCLUSIVE", svg.Ring, svg.Warn, '○'},
	"pass":         {"PASSED", svg.Disc, svg.Pass, '✓'},
	"not_run":      {"NOT RUN", svg.Ring, svg.Fail, '○'},
}

// styleOf returns the appearance of a verdict; one we do not know, from a newer
// minor version, shows its own word and is never taken for a pass.
func styleOf(result string) verdictStyle {
	if s, ok := verdictStyles[result]; ok {
		return s
	}
	return verdictStyle{strings.ToUpper(result), svg.Ring, svg.Warn, '○'}
}

// answers is how the answer of a check, a threshold or a gate appears.
var answers = map[string]verdictStyle{
	"ok":            {"ok", svg.Disc, svg.Pass, '✓'},
	"pass":          {"pass", svg.Disc, svg.Pass, '✓'},
	"valid":         {"valid", svg.Disc, svg.Pass, '✓'},
	"violated":      {"violated", svg.Octagon, svg.Fail, '✕'},
	"fail":          {"fail", svg.Octagon, svg.Fail, '✕'},
	"warn":          {"warn", svg.HalfDisc, svg.Warn, '△'},
	"invalid":       {"invalid", svg.Triangle, svg.Invalid, '△'},
	"unknown":       {"unknown", svg.Ring, svg.Warn, '○'},
	"no_samples":    {"no samples", svg.Ring, svg.Warn, '○'},
	"not_judged":    {"not judged", svg.Dash, svg.Muted, '○'},
	"not_exercised": {"not exercised", svg.Dash, svg.Muted, '○'},
	"not_measured":  {"not measured here", svg.Dash, svg.Muted, '○'},
}

func answerOf(result string) verdictStyle {
	if s, ok := answers[result]; ok {
		return s
	}
	return verdictStyle{words(result), svg.Ring, svg.Warn, '○'}
}

// verdictWord is the word of a run's verdict, with the suffix of a run that did not
// reach its end.
func verdictWord(r *metrics.Run) string {
	word := styleOf(r.Verdict.Result).word
	if r.Info.Status == "interrupted" {
		word += ", interrupted"
	}
	return word
}

// verdictSentence is the headline without the verdict's word in front.
func verdictSentence(r *metrics.Run) string {
	return sentenceOf(r.Verdict.Result, r.Verdict.Headline)
}

// sentenceOf is the headline of a verdict without its word in front.
func sentenceOf(result, headline string) string {
	before, after, found := strings.Cut(headline, ": ")
	word := styleOf(result).word
	switch {
	case found && strings.HasPrefix(before, word):
		return after
	case before == word:
		return ""
	}
	return headline
}

// verdictOrder is that of report-design.md 1: when several apply the earlier one heads.
var verdictOrder = []string{
	metrics.ResultViolated, metrics.ResultInvalid, metrics.ResultDegraded, metrics.ResultFail,
	metrics.ResultInconclusive, metrics.ResultPass, metrics.ResultNotRun,
}

// rank orders answers for a reader: what went wrong comes first.
func rank(result string) int {
	switch result {
	case "fail", "violated", "invalid":
		return 0
	case "no_samples", "unknown", "warn":
		return 1
	case "not_judged", "not_exercised", "not_measured":
		return 3
	}
	return 2
}

// words turns a key into words: join_race into join race.
func words(key string) string { return strings.ReplaceAll(key, "_", " ") }

// metricNames are the rows of the latency tables, in reading order.
var metricNames = []struct{ key, name, text string }{
	{"e2e_latency", "end to end, response time", "e2e response"},
	{"e2e_service", "end to end, service time", "e2e service"},
	{"ack_latency", "acknowledgement, response time", "ack response"},
	{"ack_rtt", "acknowledgement, service time", "ack service"},
	{"ack_closed", "acknowledgement, closed view: had every client waited for each", "ack closed"},
	{"connect_time", "connect", ""},
	{"join_rtt", "join", ""},
	{"recovery_time", "recovery, since detected", ""},
	{"outage_time", "outage, since the drop", ""},
	{"schedule_lag", "schedule lag", ""},
	{"receive_delay", "receive delay: in the kernel, before the generator read it", ""},
}

// counted writes a number of things: 1 message, 3 messages.
func (n numbers) counted(v uint64, singular, plural string) string {
	if v == 1 {
		return "1 " + singular
	}
	return n.count(v) + " " + plural
}
