package report

import (
	"strings"
	"testing"

	"github.com/wpsbench/wpsbench/metrics"
)

// A budget is worth a line from half of it on; the page always tells.
func TestBudget(t *testing.T) {
	for _, tt := range []struct {
		name   string
		budget *metrics.Budget
		want   string // in the summary; "" = no line
	}{
		{"unknown", nil, ""},
		{"little", &metrics.Budget{Peak: metrics.BudgetPeak{UnackedMessages: 64, AcksInFlight: 900}, Limit: metrics.ServiceBudget}, ""},
		{
			"half", &metrics.Budget{Peak: metrics.BudgetPeak{UnackedMessages: 500, UnackedBytes: 64000, AcksInFlight: 3}, Limit: metrics.ServiceBudget},
			"  budget            unacked 500 of 1 000 messages",
		},
		{
			"all", &metrics.Budget{Peak: metrics.BudgetPeak{UnackedMessages: 1000}, Limit: metrics.ServiceBudget, SelfInflicted: 2},
			"    drops of our own doing 2: our sequenceAcks came too late",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := records["passed"](t)
			r.Connections.Budget = tt.budget
			text := renderText(t, r, TextOptions{UTF8: true})
			if !strings.Contains(text, tt.want) || (tt.want == "") == strings.Contains(text, "  budget ") {
				t.Errorf("want %q in\n%s", tt.want, text)
			}
			if table := budgetTable(tt.budget); (table == nil) != (tt.budget == nil) {
				t.Errorf("table %v of %+v", table, tt.budget)
			}
		})
	}
}
