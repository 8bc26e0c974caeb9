package report

import (
	"fmt"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/report/svg"
)

// budget is written when a session came half way to what the service keeps for it.
func (s *summary) budget() {
	b := s.r.Connections.Budget
	if b == nil || b.SelfInflicted == 0 && !b.Peak.Spent() {
		return
	}
	n := textNumbers
	s.fields("budget", "unacked "+n.count(b.Peak.UnackedMessages)+" of "+n.count(b.Limit.UnackedMessages)+" messages",
		fmt.Sprintf("%s of %d MiB", bytesText(b.Peak.UnackedBytes), b.Limit.UnackedBytes>>20),
		"acks in flight "+n.count(b.Peak.AcksInFlight)+" of "+n.count(b.Limit.AcksInFlight))
	if b.SelfInflicted > 0 {
		s.line("    drops of our own doing "+n.count(b.SelfInflicted)+": our sequenceAcks came too late", svg.Warn)
	}
}

// selfInflicted counts drops of our own doing.
func selfInflicted(r *metrics.Run) uint64 {
	if r.Connections.Budget == nil {
		return 0
	}
	return r.Connections.Budget.SelfInflicted
}

// budgetTable is nil where the record does not tell.
func budgetTable(b *metrics.Budget) *table {
	if b == nil {
		return nil
	}
	t := &table{Caption: "Protocol budget, the most of one session", Head: heads("of", ">peak", ">the service keeps")}
	t.add(textCell("messages not acknowledged"), countCell(b.Peak.UnackedMessages), countCell(b.Limit.UnackedMessages))
	t.add(textCell("bytes not acknowledged"), countCell(b.Peak.UnackedBytes), countCell(b.Limit.UnackedBytes))
	t.add(textCell("requests awaiting an ack"), countCell(b.Peak.AcksInFlight), countCell(b.Limit.AcksInFlight))
	t.add(textCell("answered Duplicate"), countCell(b.Duplicates), numCell(dash))
	t.add(textCell("drops of our own doing"), countCell(b.SelfInflicted), numCell(dash))
	return t
}
