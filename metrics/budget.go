package metrics

// BudgetPeak is the most that one session has used of what the protocol gives it
// (protocol.md 3.4, 4.4): messages and bytes received and not yet acknowledged by a
// sequenceAck, and requests that await their ack. The service ends a session that
// holds too much, so that a slow ack policy of ours looks like a drop of its making.
type BudgetPeak struct {
	UnackedMessages uint64 `json:"unacked_messages"`
	UnackedBytes    uint64 `json:"unacked_bytes"`
	AcksInFlight    uint64 `json:"acks_in_flight"`
}

// Raise keeps the larger of each.
func (b *BudgetPeak) Raise(o BudgetPeak) {
	b.UnackedMessages = max(b.UnackedMessages, o.UnackedMessages)
	b.UnackedBytes = max(b.UnackedBytes, o.UnackedBytes)
	b.AcksInFlight = max(b.AcksInFlight, o.AcksInFlight)
}

// Spent tells whether most of what the service keeps for a session has been received
// and not acknowledged: its drop by the service is then our own doing, not that of a
// network or a service which could not deliver.
func (b *BudgetPeak) Spent() bool {
	return 2*b.UnackedMessages >= ServiceBudget.UnackedMessages || 2*b.UnackedBytes >= ServiceBudget.UnackedBytes
}

// ServiceBudget is what the service keeps for a session.
var ServiceBudget = BudgetPeak{UnackedMessages: 1000, UnackedBytes: 16 << 20, AcksInFlight: 1000}

// Budget is how far a run's sessions went towards the limits of the protocol.
type Budget struct {
	Peak  BudgetPeak `json:"peak"`  // of one session
	Limit BudgetPeak `json:"limit"` // what the service keeps
	// Duplicates counts requests answered Duplicate: the service had executed them before.
	Duplicates uint64 `json:"duplicates"`
	// SelfInflicted counts drops of sessions whose own acks were so far behind that the
	// service had to end them.
	SelfInflicted uint64 `json:"self_inflicted"`
}
