package report

import (
	"cmp"
	"fmt"
	"html/template"
	"strings"

	"github.com/wpsbench/wpsbench/metrics"
)

// card is one key figure.
type card struct {
	Name     string
	Value    string
	Limit    string
	Icon     template.HTML // of the limit's answer
	Class    string
	Interval string
}

func cards(r *metrics.Run) []card {
	d := r.Totals.Deliveries
	f := r.Connections.Funnel
	faults := d.Lost + d.Duplicated + d.Reordered + d.Unexpected + d.Corrupt
	reach := card{Name: "delivered ÷ expected", Value: ratioOf(d.Delivered, d.Expected)}
	if d.Expected > 0 {
		reach.Interval = htmlNumbers.count(d.Delivered) + " of " + htmlNumbers.count(d.Expected)
	}
	order := card{Name: "delivery faults", Value: dash, Interval: "lost, duplicated, reordered, unexpected, corrupt"}
	if d.Expected > 0 || faults > 0 {
		order.Value = htmlNumbers.count(faults)
	}
	if faults > 0 {
		order.Limit = "none allowed"
		order.mark("violated")
	}
	conns := card{Name: "connections", Value: intCell(f.AtEnd).Text,
		Interval: fmt.Sprintf("at the end, of %s planned", intCell(f.Planned).Text)}
	if f.UninjectedDrops > 0 {
		conns.Interval += ", " + htmlNumbers.counted(f.UninjectedDrops, "drop nobody injected", "drops nobody injected")
	}
	for _, c := range []*card{&reach, &order, &conns} {
		c.Interval = covered(c.Interval, r)
	}
	return []card{
		latencyCard(r, "e2e p99 since due", "e2e_latency", "p99", "p(99)"),
		latencyCard(r, "ack p99 since sent", "ack_rtt", "p99", "p(99)"),
		reach,
		latencyCard(r, "outage p95", "outage_time", "p95", "p(95)"),
		order,
		conns,
	}
}

func (c *card) mark(result string) {
	s := answerOf(result)
	c.Icon, c.Class = icon(s.shape, s.token, 14), wordClass(s)
}

// latencyCard shows one percentile with the limit on it and its 95 % interval.
func latencyCard(r *metrics.Run, name, metric, key, aggregate string) card {
	c := card{Name: name, Value: percentileText(r.Metrics[metric], key)}
	switch c.Value {
	case dash:
		c.Interval = cmp.Or(needs(r, metric, key), noSamplesReason(r, metric))
	case beyond(r.Metrics[metric]):
		c.Interval = htmlNumbers.count(r.Metrics[metric].Censored) + " never delivered"
	default:
		c.Interval = intervalText(r.Metrics[metric], key)
	}
	for _, t := range r.Thresholds {
		if t.Metric == metric && strings.HasPrefix(t.Expr, aggregate) && t.Population == "" && (t.Phase == "steady" || t.Phase == "") {
			c.Limit = "limit " + limitText(t)
			c.mark(t.Result)
			break
		}
	}
	return c
}

func noSamplesReason(r *metrics.Run, metric string) string {
	if m := r.Metrics[metric]; m != nil && m.Count > 0 {
		return "too few samples: " + htmlNumbers.count(m.Count)
	}
	if (metric == "outage_time" || metric == "recovery_time") && len(r.Incidents) == 0 {
		return "no drops were injected"
	}
	return "no samples"
}

// beyond stands for a percentile that lies among messages which never arrived: above
// everything that did.
func beyond(m *metrics.MetricSummary) string {
	if m == nil || m.Max == nil {
		return "> " + dash
	}
	return "> " + microsOf(m.Max)
}

// percentileText writes a percentile. One that lies among the messages that never
// arrived is above every sample.
func percentileText(m *metrics.MetricSummary, key string) string {
	if m == nil {
		return dash
	}
	if v := m.Percentiles[key]; v != nil {
		return micros(float64(*v))
	}
	q, known := quantileOf[key]
	gone := float64(m.Censored) + float64(m.OutOfRange)
	if known && gone > 0 && q*(float64(m.Count)+gone) > float64(m.Count) {
		return beyond(m)
	}
	return dash
}

var quantileOf = map[string]float64{"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99, "p99_9": 0.999}

func intervalText(m *metrics.MetricSummary, key string) string {
	if m == nil || len(m.CI95[key]) != 2 {
		return ""
	}
	return "95 %: " + intervalOf(m.CI95[key])
}

// limitText writes a limit as the scenario does, with where and for whom it holds
// when that is not all of steady state.
func limitText(t metrics.ThresholdResult) string {
	s := t.Expr
	if t.Phase != "" && t.Phase != "steady" && t.Phase != "run" {
		s += " @" + t.Phase
	}
	if t.Population != "" {
		s += " of " + t.Population
	}
	return s
}

// thresholdTable lists the limits, failures first; nil when there is none.
func thresholdTable(r *metrics.Run) *table {
	if len(r.Thresholds) == 0 {
		return nil
	}
	t := &table{Caption: "Limits and what was measured", Sortable: true,
		Head: heads("result", "metric", "limit", "phase", ">measured", ">margin", "from")}
	for _, th := range byRank(r.Thresholds) {
		margin := cell{Text: dash, Num: true}
		if th.MarginRatio != nil {
			margin = cell{Text: change(*th.MarginRatio), Sort: fmt.Sprint(*th.MarginRatio), Num: true}
		}
		phase := th.Phase
		if th.Population != "" {
			phase += ", " + th.Population
		}
		t.add(answerCell(th.Result), codeCell(th.Metric), codeCell(th.Expr), textCell(phase),
			valueCell(th.Measured, th.Unit), margin, textCell(sourceText(th)))
	}
	return t
}

func sourceText(t metrics.ThresholdResult) string {
	if t.BuiltIn {
		return "built in"
	}
	if t.Source.Line == 0 {
		return t.Source.File
	}
	return fmt.Sprintf("%s:%d", t.Source.File, t.Source.Line)
}

// byRank orders limits for a reader, failures first, the scenario's before ours.
func byRank(all []metrics.ThresholdResult) []metrics.ThresholdResult {
	var sorted []metrics.ThresholdResult
	for want := range 4 {
		for _, builtIn := range []bool{false, true} {
			for _, t := range all {
				if rank(t.Result) == want && t.BuiltIn == builtIn {
					sorted = append(sorted, t)
				}
			}
		}
	}
	return sorted
}
