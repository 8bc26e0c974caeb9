package report

import (
	"fmt"
	"strings"

	"github.com/wpsbench/wpsbench/report/svg"
)

// latency writes one row per metric; a percentile with too few samples is a dash, one
// among messages that never arrived is above every sample.
func (s *summary) latency() {
	row := func(label string, cells []string) {
		var b strings.Builder
		b.WriteString(left(label, labelWidth-3))
		for _, c := range cells {
			b.WriteString(right(c, 9))
		}
		s.line(b.String(), "")
	}
	header := false
	for _, name := range metricNames {
		m := s.r.Metrics[name.key]
		if m == nil || name.text == "" {
			continue
		}
		if !header {
			row("  latency (steady)", []string{"p50", "p90", "p99", "p99.9", "max", "n"})
			header = true
		}
		var cells []string
		for _, key := range []string{"p50", "p90", "p99", "p99_9"} {
			cells = append(cells, percentileText(m, key))
		}
		row("    "+name.text, append(cells, microsOf(m.Max), short(m.Count)))
		if text := needed(s.r, name.key, "p50", "p90", "p99", "p99_9"); text != "" {
			s.sentence("      ", "      ", text, svg.Muted)
		}
		if m.Censored > 0 {
			s.line(fmt.Sprintf("      %s never delivered: above all in the percentiles", textNumbers.count(m.Censored)), svg.Warn)
		}
	}
	if !header {
		s.fields("latency", "no samples")
	}
}

// maxTextIncidents is how many rows of incidents a summary shows.
const maxTextIncidents = 12

// recovery writes a row per incident: how long connections were out, since the drop.
func (s *summary) recovery() {
	if len(s.r.Incidents) == 0 {
		return
	}
	row := func(label string, cells ...string) {
		// A long label takes of the room of the number after it.
		room := labelWidth + 5 - columns(cells[0])
		line := left(ellipsize(label, room-1, "…"), room) + cells[0]
		for i, width := range []int{9, 5, 5, 11, 9} {
			line += right(cells[i+1], width)
		}
		s.line(line+"  "+cells[6], "")
	}
	row("  recovery", "hit", "resumed", "new", "gone", "outage p50", "p95", "99 % caught up")
	for i, inc := range s.r.Incidents {
		if i == maxTextIncidents {
			s.line(fmt.Sprintf("    %d more in the record", len(s.r.Incidents)-i), "")
			break
		}
		p50, p95 := dash, dash
		if st := inc.Stages["outage"]; st != nil {
			p50, p95 = microsOf(st.P50), microsOf(st.P95)
		}
		row("    "+inc.ID+" "+inc.Kind, fmt.Sprint(inc.Hit), fmt.Sprint(inc.Outcomes.Resumed), fmt.Sprint(inc.Outcomes.NewConnection),
			fmt.Sprint(inc.Outcomes.Open), p50, p95, secondsOf(inc.CaughtUpS["p99"]))
		for _, text := range []string{otherOutcomes(&inc, textNumbers), peerCloses(&inc, textNumbers)} {
			if text != "" {
				s.sentence("      ", "      ", text, "")
			}
		}
	}
}
