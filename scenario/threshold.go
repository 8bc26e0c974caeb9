package scenario

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// metricKind says which aggregates a metric has and what its limits look like.
type metricKind uint8

const (
	timeMetric metricKind = iota + 1
	counterMetric
)

var metricKinds = map[string]metricKind{
	"e2e_latency":   timeMetric,
	"e2e_service":   timeMetric,
	"ack_latency":   timeMetric,
	"ack_rtt":       timeMetric,
	"connect_time":  timeMetric,
	"join_rtt":      timeMetric,
	"recovery_time": timeMetric,
	"outage_time":   timeMetric,
	"schedule_lag":  timeMetric,

	"failed_connects":  counterMetric,
	"failed_publishes": counterMetric,
	"lost":             counterMetric,
	"duplicated":       counterMetric,
	"reordered":        counterMetric,
	"unexpected":       counterMetric,
	"undelivered":      counterMetric,
	"uninjected_drops": counterMetric,
	"protocol_errors":  counterMetric,
	"published":        counterMetric,
	"delivered":        counterMetric,
}

var metricNames = slices.Sorted(maps.Keys(metricKinds))

var aggregates = map[metricKind][]string{
	timeMetric:    {"avg", "min", "med", "max", "p(N)", "count"},
	counterMetric: {"count", "rate"},
}

// limit reads one expression, such as p(99)<250ms.
func (d *decoder) limit(n *node, t *Threshold) {
	if n.takesOne(limitShape(t.Metric)) {
		return
	}
	d.visit(n)
	if n.kind != scalar || n.null {
		d.refuse(n, n.name()+" needs a threshold", n.is(), "write it like \"p(99)<250ms\"")
		return
	}
	t.Expr = n.text
	if at, bad := parseThreshold(n.text, t); bad != nil {
		p := n.value // or the part of it at fault, where the file shows the text itself
		if n.verbatim {
			if n.quoted {
				p.column++
			}
			p.column += utf8.RuneCountInString(n.text[:at[0]])
			p.length = max(1, utf8.RuneCountInString(n.text[at[0]:at[1]]))
		}
		d.places.spoil(n.path)
		d.problems = append(d.problems, p.problem(n.path, "threshold "+quote(n.text)+" cannot be read", bad.label, bad.help))
	}
}

// parseThreshold fills in aggregate, operator and limit. On failure it returns
// which bytes of the expression are at fault.
func parseThreshold(expr string, t *Threshold) (at [2]int, bad *unreadable) {
	kind := metricKinds[t.Metric]
	op := strings.IndexAny(expr, "<>=!")
	if op < 0 {
		return [2]int{0, len(expr)}, &unreadable{"no comparison", "write it like " + example(kind)}
	}
	end := op + len(expr[op:]) - len(strings.TrimLeft(expr[op:], "<>=!"))
	t.Op = expr[op:end]
	if t.Op == "===" {
		t.Op = "=="
	}
	if !slices.Contains([]string{"<", "<=", ">", ">=", "==", "!="}, t.Op) {
		return [2]int{op, end}, &unreadable{"not a comparison", "comparisons are <, <=, >, >=, == and !="}
	}
	if bad := t.parseAggregate(strings.TrimSpace(expr[:op]), kind); bad != nil {
		return [2]int{0, op}, bad
	}
	limit := strings.TrimSpace(expr[end:])
	from := end + strings.Index(expr[end:], limit)
	return [2]int{from, from + len(limit)}, t.parseLimit(limit, kind)
}

func (t *Threshold) parseAggregate(text string, kind metricKind) *unreadable {
	if slices.Contains(aggregates[kind], text) && text != "p(N)" {
		t.Aggregate = text
		return nil
	}
	number, isP := strings.CutPrefix(text, "p(")
	if isP && kind == timeMetric {
		number, closed := strings.CutSuffix(number, ")")
		// Shifting the decimal point keeps p(99.9) exactly 0.999.
		q, err := strconv.ParseFloat(number+"e-2", 64)
		if !closed || err != nil || !isNumber(number) || q <= 0 || q >= 1 {
			return &unreadable{"not a percentile", "write p(99) or p(99.9); 0 and 100 are min and max"}
		}
		t.Aggregate, t.Quantile = "p", q
		return nil
	}
	label := fmt.Sprintf("not an aggregate of %s", t.Metric)
	return &unreadable{label, "it has " + strings.Join(aggregates[kind], ", ")}
}

func (t *Threshold) parseLimit(text string, kind metricKind) *unreadable {
	if kind == counterMetric || t.Aggregate == "count" {
		v, err := strconv.ParseFloat(text, 64)
		if err != nil || !isNumber(text) {
			return &unreadable{"not a plain number", "counts and rates have no unit: " + example(counterMetric)}
		}
		t.Limit = v
		return nil
	}
	if isNumber(text) {
		return &unreadable{"a time without a unit", "write " + text + "ms"}
	}
	d, bad := parseDuration(text)
	if bad != nil {
		return &unreadable{"not a time", "write it like " + example(kind)}
	}
	t.Limit = float64(d) / float64(time.Microsecond)
	return nil
}

func example(kind metricKind) string {
	if kind == counterMetric {
		return "count==0"
	}
	return "p(99)<250ms"
}
