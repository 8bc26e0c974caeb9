package report

import "github.com/wpsbench/wpsbench/metrics"

// churnCounts says how much coming and going there was, on purpose; nothing if none.
func churnCounts(n numbers, f *metrics.Funnel) (counts []string) {
	for _, c := range []struct {
		n                uint64
		singular, plural string
	}{
		{f.SessionsLeft, "session ended by churn", "sessions ended by churn"}, {f.SessionsReturned, "returned", "returned"},
		{f.GroupsLeft, "group left by churn", "groups left by churn"}, {f.GroupsRejoined, "joined again", "joined again"},
		{f.GroupsSwitched, "group switched for another by churn", "groups switched for others by churn"},
	} {
		if c.n > 0 {
			counts = append(counts, n.counted(c.n, c.singular, c.plural))
		}
	}
	return counts
}
