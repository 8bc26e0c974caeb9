package report

import (
	"fmt"
	"strings"

	"github.com/wpsbench/wpsbench/metrics"
)

// otherOutcomes says what became of the sessions of an incident that were neither
// resumed nor plainly replaced by a new connection; "" when there are none.
func otherOutcomes(inc *metrics.Incident, n numbers) string {
	waiting := fmt.Sprintf("had more waiting than a service keeps (%s messages, %d MiB) and connected anew",
		n.count(metrics.ServiceBudget.UnackedMessages), metrics.ServiceBudget.UnackedBytes>>20)
	var all []string
	for _, o := range []struct {
		n                int
		singular, plural string
	}{
		{inc.Outcomes.GaveUp, "gave up recovering and connected anew", "gave up recovering and connected anew"},
		{inc.Outcomes.Overflow, waiting, waiting},
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

// incidentNote is both in one sentence.
func incidentNote(inc *metrics.Incident, n numbers) string {
	return strings.Trim(otherOutcomes(inc, n)+"; "+peerCloses(inc, n), "; ")
}

// maxPeerCloses bounds the close reasons of an incident that are told one by one.
const maxPeerCloses = 3

// peerCloses says how the service closed connections of an incident, refused recoveries
// included; "" when it did not.
func peerCloses(inc *metrics.Incident, n numbers) string {
	var all []string
	more := uint64(0)
	for _, c := range inc.Closes {
		switch {
		case c.Side != "peer":
		case len(all) == maxPeerCloses:
			more += c.Count
		default:
			all = append(all, closeText(c, n))
		}
	}
	if more > 0 {
		all = append(all, n.count(more)+" others")
	}
	if len(all) == 0 {
		return ""
	}
	return "closed by the service: " + strings.Join(all, ", ")
}

// closeText is how often and how transports ended: 25 × 1008 "quota".
func closeText(c metrics.CloseReason, n numbers) string {
	text := n.count(c.Count) + " × "
	switch {
	case c.Code == 0 && c.Text == "":
		return text + "no close frame"
	case c.Code == 0:
		return fmt.Sprintf("%sno close frame: \"%s\"", text, c.Text)
	case c.Text == "":
		return fmt.Sprintf("%s%d", text, c.Code)
	}
	return fmt.Sprintf("%s%d \"%s\"", text, c.Code, c.Text)
}
