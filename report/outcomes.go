package report

import (
	"strings"

	"github.com/wpsbench/wpsbench/metrics"
)

// otherOutcomes says what became of the sessions of an incident that neither came back
// nor were given up; "" when there are none.
func otherOutcomes(inc *metrics.Incident, n numbers) string {
	var all []string
	for _, o := range []struct {
		n                int
		singular, plural string
	}{
		{inc.Outcomes.Overflow, "queue overflow", "queue overflows"},
		{inc.Outcomes.HitAgain, "hit again before it had caught up", "hit again before they had caught up"},
		{inc.Outcomes.Open, "still out at the end", "still out at the end"},
		{inc.Outcomes.Held, "misbehaved and was not dropped", "misbehaved and were not dropped"},
		{inc.Missed, "had no transport to lose", "had no transport to lose"},
	} {
		if o.n > 0 {
			all = append(all, n.counted(uint64(o.n), o.singular, o.plural))
		}
	}
	return strings.Join(all, ", ")
}
