package report

import (
	"fmt"
	"strings"

	"github.com/wpsbench/wpsbench/metrics"
)

// deliverySection answers: did everything arrive, once, in order?
type deliverySection struct {
	Sum         *table
	Anomalies   *table
	Outcomes    *table
	Publishes   *table
	Budget      *table
	Populations *table
	Checks      *table
	First       *figure // offence
	Offences    *table
	Nothing     bool   // was published
	Mismatch    string // the sum does not add up: a defect of the record
}

func newDeliverySection(r *metrics.Run) *deliverySection {
	s := &deliverySection{
		Sum:         sumTable(r.Totals.Deliveries),
		Anomalies:   anomalyTable(r.Totals.Deliveries),
		Outcomes:    outcomeTable(r.Totals.Outcomes),
		Publishes:   publishTable(r.Totals.Publishes),
		Budget:      budgetTable(r.Connections.Budget),
		Populations: populationTable(r),
		Checks:      checkTable(r),
		First:       firstOffence(r),
		Offences:    offenceTable(r),
		Nothing:     r.Totals.Publishes == metrics.Publishes{} && r.Totals.Deliveries == metrics.Deliveries{},
	}
	for _, t := range []*table{s.Sum, s.Anomalies, s.Outcomes, s.Publishes, s.Populations} {
		if t != nil {
			t.Caption = covered(t.Caption, r)
		}
	}
	if d := r.Totals.Deliveries; d.Delivered+d.Lost+d.Undelivered+d.Excused.Total() != d.Expected {
		s.Mismatch = "These figures do not add up to what was expected. The record is defective."
	}
	return s
}

// sumTable shows that expected is accounted for to the last copy.
func sumTable(d metrics.Deliveries) *table {
	t := &table{Caption: "Where every expected copy went", Head: heads("outcome", ">copies", ">share")}
	line := func(sign, name string, n uint64) *row {
		return t.add(textCell(sign+" "+name), countCell(n), numCell(ratioOf(n, d.Expected)))
	}
	line("", "delivered", d.Delivered)
	line("+", "lost", d.Lost)
	line("+", "undelivered when the run ended", d.Undelivered)
	for _, e := range excuses(d.Excused) {
		line("+", "excused: "+e.name, e.n)
	}
	line("=", "expected", d.Expected).Class = "sum"
	return t
}

type excuse struct {
	name string
	n    uint64
}

// excuses lists the classes that occurred.
func excuses(e metrics.Excused) []excuse {
	all := []excuse{{"disconnect", e.Disconnect}, {"join race", e.JoinRace}, {"rejected", e.Rejected},
		{"session ended", e.SessionEnded}, {"overflow", e.Overflow}, {"unacknowledged", e.Unacknowledged}}
	var some []excuse
	for _, x := range all {
		if x.n > 0 {
			some = append(some, x)
		}
	}
	return some
}

func anomalyTable(d metrics.Deliveries) *table {
	t := &table{Caption: "Copies that came wrong, twice or from elsewhere", Head: heads("kind", ">copies")}
	for _, a := range []struct {
		name  string
		n     uint64
		fault bool
	}{
		{"duplicated", d.Duplicated, true}, {"reordered", d.Reordered, true}, {"unexpected", d.Unexpected, true}, {"corrupt", d.Corrupt, true},
		{"foreign, of another run", d.Foreign, false}, {"indeterminate, yet delivered", d.Recovered, false},
		{"client retries", d.ClientRetry, false}, {"replayed after a recovery", d.Replayed, false}, {"redundant replays", d.RedundantReplay, false},
	} {
		c := cell{Text: a.name}
		if a.fault && a.n > 0 {
			s := answerOf("violated")
			c.Icon, c.Class = icon(s.shape, s.token, 14), wordClass(s)
		}
		t.add(c, countCell(a.n))
	}
	return t
}

func outcomeTable(o metrics.Outcomes) *table {
	t := &table{Caption: "Acknowledged × delivered, in copies", Head: heads("publish", ">delivered", ">missing")}
	t.add(textCell("acknowledged"), countCell(o.AckedDelivered), countCell(o.AckedMissing))
	t.add(textCell("not acknowledged"), countCell(o.UnackedDelivered), countCell(o.UnackedMissing))
	return t
}

func publishTable(p metrics.Publishes) *table {
	t := &table{Caption: "Publishes", Head: heads("outcome", ">requests")}
	if p.Absent > 0 {
		t.add(textCell("due while the session was away by churn"), countCell(p.Absent))
	}
	for _, x := range []struct {
		name string
		n    uint64
	}{{"scheduled", p.Scheduled}, {"dropped, never sent", p.Dropped}, {"sent", p.Sent}, {"ok", p.OK}, {"failed", p.Fail},
		{"indeterminate", p.Indeterminate}, {"indeterminate: answered with an error", p.Errored},
		{"sent again, same ack id", p.Resent}, {"answered Duplicate", p.Duplicate}} {
		t.add(textCell(x.name), countCell(x.n))
	}
	return t
}

// populationTable is nil for a single population, which the totals describe.
func populationTable(r *metrics.Run) *table {
	if len(r.Populations) < 2 {
		return nil
	}
	t := &table{Caption: "Populations", Sortable: true, Head: heads("population", "subprotocol", ">connections", ">published", ">expected", ">delivered", ">lost", ">excused", ">reach")}
	for i, p := range r.Populations {
		if i == maxRows {
			t.Note = moreRows(len(r.Populations) - i)
			break
		}
		d := p.Totals.Deliveries
		t.add(textCell(p.Name), codeCell(p.Subprotocol), intCell(p.Connections), countCell(p.Totals.Publishes.Sent), countCell(d.Expected),
			countCell(d.Delivered), countCell(d.Lost), countCell(d.Excused.Total()), numCell(ratioOf(d.Delivered, d.Expected)))
	}
	return t
}

func checkTable(r *metrics.Run) *table {
	if len(r.Checks) == 0 {
		return nil
	}
	t := &table{Caption: "Checks, profile " + r.Profile, Sortable: true, Head: heads("check", "answer", "promise", ">checked", ">violations", ">coverage", "reason")}
	for _, c := range r.Checks {
		coverage := percent(c.CoverageRatio)
		if c.Result == "not_exercised" {
			coverage = dash
		}
		t.add(textCell(c.ID), answerCell(c.Result), textCell(c.Name), countCell(c.Checked), countCell(c.Violations), numCell(coverage), textCell(c.Reason))
	}
	return t
}

// offence is one example of a violation.
type offence struct {
	index   int
	check   *metrics.CheckResult
	example *metrics.Example
}

func (o offence) anchor() string { return fmt.Sprintf("offence-%d", o.index) }

// offencesOf lists the examples of violated checks in the order of the record.
func offencesOf(r *metrics.Run) []offence {
	var all []offence
	for i := range r.Checks {
		if r.Checks[i].Result != "violated" {
			continue
		}
		for j := range r.Checks[i].Examples {
			all = append(all, offence{len(all) + 1, &r.Checks[i], &r.Checks[i].Examples[j]})
		}
	}
	return all
}

func offenceTable(r *metrics.Run) *table {
	all := offencesOf(r)
	if len(all) == 0 {
		return nil
	}
	t := &table{Caption: "Offences", Sortable: true, Head: heads(">time", "check", "group", ">publisher", ">subscriber", ">expected message", ">got message", ">sequence id", "incident", "around it")}
	for _, o := range all {
		if len(t.Rows) == maxOffences {
			t.Note = moreRows(len(all) - maxOffences)
			break
		}
		e := o.example
		publisher := intCell(e.Publisher)
		if e.Publisher < 0 {
			publisher.Text = dash
		}
		around := cell{Text: dash}
		if len(e.Context) > 0 {
			around = cell{Text: fmt.Sprintf("%d lines", len(e.Context)), Lines: e.Context}
		}
		t.add(cell{Text: instant(e.TS), Sort: fmt.Sprint(e.TS), Num: true}, cell{Text: o.check.ID, Sub: o.check.Name}, textCell(e.Group), publisher, intCell(e.Subscriber),
			orDash(countCell(e.ExpectedMessage)), orDash(countCell(e.GotMessage)), orDash(countCell(e.SequenceID)), textCell(e.Incident), around).ID = o.anchor()
	}
	for i := range r.Checks {
		c := &r.Checks[i]
		if more := moreText(textNumbers, c, len(c.Examples)); c.Result == "violated" && more != "" {
			t.Note = strings.TrimSpace(fmt.Sprintf("%s %s: %s.", t.Note, c.ID, more))
		}
	}
	return t
}
