package runner

import (
	"testing"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/wire/emulator"
)

// Sessions that acknowledge too late are ended by the service for what it cannot keep: a
// drop of our own doing, and told as one.
func TestSelfInflictedDrop(t *testing.T) {
	t.Parallel()
	rec, stats := execute(t, planOf(t, liesBase, "protocol=json.reliable.webpubsub.azure.v1", "phases.steady=3s",
		"populations.members.connections=2", "groups.room.count=1", "populations.members.publish.rate=300/s",
		"populations.members.client={sequence_ack: {every: 1m, every_messages: 999}}"), emulator.Options{ReplayMessages: 600})
	b := rec.Connections.Budget
	if stats.Overflows == 0 || b == nil || b.SelfInflicted != stats.Overflows || b.Peak.UnackedMessages < 500 || b.Limit != metrics.ServiceBudget {
		t.Errorf("%d overflows, budget %+v; want as many drops of our own doing", stats.Overflows, b)
	}
	if d := rec.Totals.Deliveries; d.Lost != 0 || d.Excused.Overflow == 0 {
		t.Errorf("deliveries %+v; want nothing lost, some excused by overflow", d)
	}
}

// With acks in time the lag stays below the policy's 64, on every second.
func TestBudgetWithinPolicy(t *testing.T) {
	t.Parallel()
	rec, _ := execute(t, planOf(t, liesBase, "protocol=json.reliable.webpubsub.azure.v1", "populations.members.publish.rate=200/s"), emulator.Options{})
	b := rec.Connections.Budget
	if b.Peak.UnackedMessages == 0 || b.Peak.UnackedMessages >= 64 || b.Peak.UnackedBytes == 0 || b.Peak.AcksInFlight == 0 || b.SelfInflicted != 0 {
		t.Errorf("budget %+v", b)
	}
	highest := 0.0
	for _, v := range rec.Series.Columns["unacked_messages"] {
		if v != nil {
			highest = max(highest, *v)
		}
	}
	if uint64(highest) != b.Peak.UnackedMessages {
		t.Errorf("%v in the series, the peak is %d", highest, b.Peak.UnackedMessages)
	}
}
