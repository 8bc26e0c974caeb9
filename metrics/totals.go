package metrics

// Add adds o to t, field by field.
func (t *Totals) Add(o *Totals) {
	t.Publishes.add(&o.Publishes)
	t.Deliveries.add(&o.Deliveries)
	t.Outcomes.AckedDelivered += o.Outcomes.AckedDelivered
	t.Outcomes.AckedMissing += o.Outcomes.AckedMissing
	t.Outcomes.UnackedDelivered += o.Outcomes.UnackedDelivered
	t.Outcomes.UnackedMissing += o.Outcomes.UnackedMissing
	t.Bytes.Sent += o.Bytes.Sent
	t.Bytes.Received += o.Bytes.Received
	t.Bytes.PayloadSent += o.Bytes.PayloadSent
	t.Bytes.PayloadReceived += o.Bytes.PayloadReceived
	t.Messages.SequenceAcks += o.Messages.SequenceAcks
	t.Messages.Pings += o.Messages.Pings
	t.Messages.Pongs += o.Messages.Pongs
	t.Messages.Unknown += o.Messages.Unknown
}

func (p *Publishes) add(o *Publishes) {
	p.Scheduled += o.Scheduled
	p.Sent += o.Sent
	p.OK += o.OK
	p.Fail += o.Fail
	p.Indeterminate += o.Indeterminate
	p.Errored += o.Errored
	p.Dropped += o.Dropped
	p.Absent += o.Absent
	p.Resent += o.Resent
	p.Duplicate += o.Duplicate
}

func (d *Deliveries) add(o *Deliveries) {
	d.Expected += o.Expected
	d.Delivered += o.Delivered
	d.Lost += o.Lost
	d.Undelivered += o.Undelivered
	d.Excused.Disconnect += o.Excused.Disconnect
	d.Excused.JoinRace += o.Excused.JoinRace
	d.Excused.Rejected += o.Excused.Rejected
	d.Excused.SessionEnded += o.Excused.SessionEnded
	d.Excused.Overflow += o.Excused.Overflow
	d.Excused.Unacknowledged += o.Excused.Unacknowledged
	d.Duplicated += o.Duplicated
	d.Reordered += o.Reordered
	d.Unexpected += o.Unexpected
	d.Foreign += o.Foreign
	d.Corrupt += o.Corrupt
	d.Recovered += o.Recovered
	d.ClientRetry += o.ClientRetry
	d.RedundantReplay += o.RedundantReplay
	d.Replayed += o.Replayed
}

// Absentees takes n that the judge has as scheduled and dropped out of both: they came
// due while their session was away on purpose.
func (p *Publishes) Absentees(n uint64) {
	p.Scheduled -= n
	p.Dropped -= n
	p.Absent += n
}
