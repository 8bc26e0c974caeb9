package compare

import (
	"fmt"
	"math"
	"strings"

	"github.com/wpsbench/wpsbench/metrics"
)

// judge gives every metric its verdict. The primary ones are a family: the chance of
// calling any of them changed by mistake stays below α (Holm).
func (r *Result) judge() {
	var family []int
	var p []float64
	for i := range r.Metrics {
		m := &r.Metrics[i]
		if !m.judged {
			continue
		}
		q := m.beyond()
		if m.Primary {
			family, p = append(family, i), append(p, q)
		} else {
			m.P = new(significant(q))
		}
	}
	for k, q := range holm(p) {
		r.Metrics[family[k]].P = new(significant(q))
	}
	for i := range r.Metrics {
		if m := &r.Metrics[i]; m.judged {
			m.Verdict, m.Reason = m.verdict()
		}
	}
}

// limit is the margin as a logarithm, the same both ways.
func (m *Metric) limit() float64 { return math.Log1p(m.MarginRatio) }

// beyond is the p of a change beyond the margin, whichever way.
func (m *Metric) beyond() float64 {
	down := m.estimate
	down.mean = -down.mean
	return min(m.estimate.above(m.limit()), down.above(m.limit()))
}

func (m *Metric) verdict() (verdict, reason string) {
	lo, hi := m.estimate.interval(Confidence)
	worse, better := lo > m.limit(), hi < -m.limit()
	if m.def.higher {
		worse, better = better, worse
	}
	switch {
	case (worse || better) && *m.P > lookAlpha:
		return Inconclusive, fmt.Sprintf("not beyond doubt among several metrics (p %.3f)", *m.P)
	case worse:
		return Regressed, ""
	case better:
		return Improved, ""
	case lo >= -m.limit() && hi <= m.limit():
		return Equivalent, ""
	case lo > 0 || hi < 0:
		return Shifted, ""
	}
	return Inconclusive, "add pairs: 6, then 9, then 12"
}

// decide gives the comparison its verdict. Broken promises of the candidate fail it
// whatever the figures say.
func (r *Result) decide(runs, excluded int) {
	count := map[string]int{}
	primary := 0
	for _, m := range r.Metrics {
		if m.Primary {
			primary++
			count[m.Verdict]++
		}
	}
	v := &r.Verdict
	set := func(result, word string, exit int, text string) {
		*v = Verdict{Result: result, ExitCode: exit, Headline: word + ": " + text}
	}
	switch {
	case r.B.Violated > 0:
		set(metrics.ResultViolated, "VIOLATED", metrics.ExitViolated, fmt.Sprintf("delivery promises were broken in %d of the runs of B", r.B.Violated))
	case 3*excluded > runs:
		set(metrics.ResultInvalid, "INVALID RUN", metrics.ExitInvalid, fmt.Sprintf("%d of %d runs cannot be compared", excluded, runs))
	case count[Regressed] > 0:
		set(metrics.ResultFail, "FAILED", metrics.ExitFail, fmt.Sprintf("%d of %d primary metrics regressed", count[Regressed], primary))
	case primary == 0:
		set(metrics.ResultInconclusive, "INCONCLUSIVE", metrics.ExitInconclusive, "no primary metric was measured, nothing is judged")
	case count[Inconclusive]+count[NotCompared] > 0:
		set(metrics.ResultInconclusive, "INCONCLUSIVE", metrics.ExitInconclusive, fmt.Sprintf("%d of %d primary metrics could not be decided", count[Inconclusive]+count[NotCompared], primary))
	default:
		var parts []string
		for _, word := range []string{Improved, Equivalent, Shifted} {
			if count[word] > 0 {
				parts = append(parts, fmt.Sprintf("%d %s", count[word], word))
			}
		}
		set(metrics.ResultPass, "PASSED", metrics.ExitPass, fmt.Sprintf("none of %d primary metrics regressed: %s", primary, strings.Join(parts, ", ")))
	}
}
