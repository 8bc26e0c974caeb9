package metrics

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Exit statuses of the command (report-design.md 9).
const (
	ExitPass         = 0   // passed, equivalent, improved
	ExitInternal     = 1   // a bug of ours
	ExitUsage        = 2   // usage or scenario mistake; nothing was run
	ExitFail         = 10  // threshold missed or regressed
	ExitInconclusive = 11  // inconclusive or unknown
	ExitInvalid      = 12  // the measurement cannot be trusted
	ExitDegraded     = 13  // part of the generator was lost
	ExitViolated     = 14  // a checker found a broken promise
	ExitNotRun       = 15  // target not reached, refused, set-up failed
	ExitInterrupted  = 130 // SIGINT; thresholds not judged
	ExitTerminated   = 143 // SIGTERM; thresholds not judged
)

// Results of a run, as Verdict.Result, and the word that each is printed as.
const (
	ResultViolated     = "violated"
	ResultInvalid      = "invalid_run"
	ResultDegraded     = "degraded"
	ResultFail         = "fail"
	ResultInconclusive = "inconclusive"
	ResultPass         = "pass"
	ResultNotRun       = "not_run"
)

// RunInterrupted is the RunInfo.Status of a run that a signal cut short.
const RunInterrupted = "interrupted"

// maxReasons bounds Verdict.Reasons.
const maxReasons = 3

var verdicts = map[string]struct {
	word string
	exit int
}{
	ResultViolated:     {"VIOLATED", ExitViolated},
	ResultInvalid:      {"INVALID RUN", ExitInvalid},
	ResultDegraded:     {"DEGRADED", ExitDegraded},
	ResultFail:         {"FAILED", ExitFail},
	ResultInconclusive: {"INCONCLUSIVE", ExitInconclusive},
	ResultPass:         {"PASSED", ExitPass},
	ResultNotRun:       {"NOT RUN", ExitNotRun},
}

// Decide fills in the verdict of a finished record. What only the runner knows it
// says beforehand in r.Verdict: Result not_run (set-up failed) or degraded (part
// of the generator was lost), with Reasons[0].Text naming the cause.
//
// When several apply, the upper wins: violated, invalid_run, degraded, fail,
// inconclusive, pass. A run that was interrupted (Info.Status) keeps the word and
// exits 130 unless violated. Thresholds of an interrupted or invalid run become
// not_judged; what they measured stays.
func Decide(r *Run) {
	v := &r.Verdict
	given := v.Reasons
	interrupted := r.Info.Status == RunInterrupted
	var reasons []Reason
	if v.Result == ResultNotRun {
		reasons = given
	} else {
		if interrupted || r.Health.Result == "invalid" {
			for i := range r.Thresholds {
				r.Thresholds[i].Result = ThresholdNotJudged
			}
		}
		reasons = violatedReasons(r)
		reasons = append(reasons, invalidReasons(r)...)
		if v.Result == ResultDegraded {
			reasons = append(reasons, given...)
		}
		reasons = append(reasons, thresholdReasons(r, ThresholdFail)...)
		reasons = append(reasons, unknownReasons(r)...)
		reasons = append(reasons, thresholdReasons(r, ThresholdNoSamples)...)
		v.Result = decideResult(r, v.Result == ResultDegraded)
	}
	word := verdicts[v.Result].word
	v.ExitCode = verdicts[v.Result].exit
	if interrupted && v.Result != ResultViolated {
		v.ExitCode = ExitInterrupted
	}
	if interrupted {
		word += fmt.Sprintf(" (interrupted at %s)", seconds(r.Info.DurationS))
	}
	v.Headline = word + ": " + cause(r, reasons, interrupted)
	v.Reasons = append([]Reason{}, reasons[:min(len(reasons), maxReasons)]...)
}

func decideResult(r *Run, degraded bool) string {
	check := func(result string) bool {
		return slices.ContainsFunc(r.Checks, func(c CheckResult) bool { return c.Result == result })
	}
	threshold := func(result string) bool {
		return slices.ContainsFunc(r.Thresholds, func(t ThresholdResult) bool { return t.Result == result })
	}
	switch {
	case check(CheckViolated):
		return ResultViolated
	case r.Health.Result == "invalid":
		return ResultInvalid
	case degraded:
		return ResultDegraded
	case threshold(ThresholdFail):
		return ResultFail
	case check(CheckUnknown), threshold(ThresholdNoSamples):
		return ResultInconclusive
	default:
		return ResultPass
	}
}

// moreWords say what one or several further reasons of a code are.
var moreWords = map[string][2]string{
	"violated":   {"check violated", "checks violated"},
	"threshold":  {"limit missed", "limits missed"},
	"no_samples": {"limit without samples", "limits without samples"},
	"unknown":    {"check unknown", "checks unknown"},
}

// cause is the sentence after the word: the first reason, and how many more.
func cause(r *Run, reasons []Reason, interrupted bool) string {
	if len(reasons) > 0 {
		text := reasons[0].Text
		same := 0
		for _, o := range reasons {
			if o.Code == reasons[0].Code {
				same++
			}
		}
		if words := moreWords[reasons[0].Code]; same == 2 {
			text += "; 1 more " + words[0]
		} else if same > 2 {
			text += fmt.Sprintf("; %d more %s", same-1, words[1])
		}
		return text
	}
	declared, judged := 0, 0
	for _, t := range r.Thresholds {
		if !t.BuiltIn {
			declared++
		}
		if t.Result == ThresholdPass {
			judged++
		}
	}
	switch {
	case r.Verdict.Result == ResultNotRun:
		return "set-up failed"
	case declared == 0 && r.Totals.Deliveries.Expected == 0:
		return "connections only, nothing was published"
	case declared == 0:
		return "delivery only, no limits declared"
	case interrupted:
		return "delivery held in the part that ran, thresholds not judged"
	default:
		return fmt.Sprintf("%d of %d thresholds met, delivery checked", judged, len(r.Thresholds))
	}
}

// violatedReasons tells the broken checks, the one that broke first in front:
// the others are likely to follow from it.
func violatedReasons(r *Run) []Reason {
	var broken []int
	for i := range r.Checks {
		if r.Checks[i].Result == CheckViolated {
			broken = append(broken, i)
		}
	}
	slices.SortStableFunc(broken, func(a, b int) int {
		return compareFirst(r.Checks[a].Examples, r.Checks[b].Examples)
	})
	reasons := make([]Reason, 0, len(broken))
	for _, i := range broken {
		reasons = append(reasons, Reason{
			Code: "violated", Severity: "fail", Text: violationText(r, &r.Checks[i]), Ref: "/checks/" + strconv.Itoa(i),
		})
	}
	return reasons
}

func compareFirst(a, b []Example) int {
	switch {
	case len(a) == 0 || len(b) == 0:
		return len(b) - len(a) // without an example nothing is known of when
	case a[0].TS < b[0].TS:
		return -1
	case a[0].TS > b[0].TS:
		return 1
	}
	return 0
}

// violationText is like `3 messages reordered in room-017 (first at t+211.4 s, 1.4 s after F2)`.
func violationText(r *Run, c *CheckResult) string {
	noun := "violations of " + c.ID
	for _, info := range checkInfos {
		if info.id == c.ID {
			noun = info.nouns
			if c.Violations == 1 {
				noun = info.noun
			}
		}
	}
	text := fmt.Sprintf("%d %s", c.Violations, noun)
	if len(c.Examples) == 0 {
		return text
	}
	first := &c.Examples[0]
	oneGroup := uint64(len(c.Examples)) == c.Violations &&
		!slices.ContainsFunc(c.Examples, func(e Example) bool { return e.Group != first.Group })
	where := ""
	switch {
	case first.Group == "":
	case oneGroup:
		text += " in " + first.Group
	default:
		where = "in " + first.Group + " "
	}
	text += fmt.Sprintf(" (first %sat t%+.1f s", where, first.TS)
	for _, inc := range r.Incidents {
		if inc.ID == first.Incident && first.Incident != "" {
			text += fmt.Sprintf(", %.1f s after %s", first.TS-inc.StartS, inc.ID)
			break
		}
	}
	return text + ")"
}

func invalidReasons(r *Run) []Reason {
	h := &r.Health
	if h.Result != "invalid" {
		return nil
	}
	var gates []string
	for _, g := range h.Gates {
		if g.Result == "invalid" {
			gates = append(gates, strings.ReplaceAll(g.ID, "_", " "))
		}
	}
	text := fmt.Sprintf("generator was the bottleneck in %d of %d s", h.BadWindows, h.Windows)
	if h.BadWindows == 0 {
		text = "the generator was limited"
	}
	if len(gates) > 0 {
		text += " (" + strings.Join(gates, ", ") + ")"
	}
	reasons := []Reason{{Code: "generator", Severity: "fail", Text: text, Ref: "/health"}}
	for i, g := range h.Gates {
		if g.Result == gateInvalid && g.Advice != "" {
			return append(reasons, Reason{
				Code: "advice", Severity: "info", Text: "what helps: " + g.Advice, Ref: "/health/gates/" + strconv.Itoa(i),
			})
		}
	}
	return reasons
}

// thresholdReasons tells the thresholds of that result, missed or without samples.
func thresholdReasons(r *Run, result string) []Reason {
	var reasons []Reason
	for i := range r.Thresholds {
		t := &r.Thresholds[i]
		if t.Result != result {
			continue
		}
		reason := Reason{Code: "threshold", Severity: "fail", Text: thresholdText(t), Ref: "/thresholds/" + strconv.Itoa(i)}
		if result == ThresholdNoSamples {
			reason.Code, reason.Severity = "no_samples", "warn"
		}
		reasons = append(reasons, reason)
	}
	return reasons
}

// thresholdText is like `e2e_latency p(99)<50ms: 61.3 ms (scenarios/x.yaml:41)`.
func thresholdText(t *ThresholdResult) string {
	text := t.Metric + " " + t.Expr
	if t.Phase != "" && t.Phase != "steady" && t.Phase != "run" {
		text += " during " + t.Phase
	}
	if t.Population != "" {
		text += " for " + t.Population
	}
	switch {
	case t.Result == ThresholdNoSamples:
		text += ": no samples"
	case t.Measured == nil:
		text += ": beyond what arrived"
	default:
		text += ": " + quantity(*t.Measured, t.Unit)
	}
	if t.Source.Line > 0 {
		text += fmt.Sprintf(" (%s:%d)", t.Source.File, t.Source.Line)
	}
	return text
}

func unknownReasons(r *Run) []Reason {
	var reasons []Reason
	for i := range r.Checks {
		if c := &r.Checks[i]; c.Result == CheckUnknown {
			reasons = append(reasons, Reason{
				Code: "unknown", Severity: "warn", Text: c.ID + " is unknown: " + c.Reason, Ref: "/checks/" + strconv.Itoa(i),
			})
		}
	}
	return reasons
}

// quantity writes a measured value with its unit, to three significant digits for times.
func quantity(v float64, unit string) string {
	switch unit {
	case "us":
		return latency(time.Duration(v * 1e3))
	case "per_s":
		return strconv.FormatFloat(v, 'f', 1, 64) + "/s"
	case "ratio":
		return strconv.FormatFloat(v*100, 'f', 2, 64) + " %"
	default:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
}

// latency writes a duration to three significant digits: 61.3 ms, 1.62 s.
func latency(d time.Duration) string {
	unit, name := time.Microsecond, "µs"
	switch {
	case d >= time.Second:
		unit, name = time.Second, "s"
	case d >= time.Millisecond:
		unit, name = time.Millisecond, "ms"
	}
	v := float64(d) / float64(unit)
	decimals := 0
	switch {
	case v < 10:
		decimals = 2
	case v < 100:
		decimals = 1
	}
	return strconv.FormatFloat(v, 'f', decimals, 64) + " " + name
}

func seconds(s float64) string { return strconv.FormatFloat(s, 'f', 1, 64) + " s" }
