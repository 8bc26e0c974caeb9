package metrics

import (
	"fmt"
	"slices"
	"time"
)

// repeated is a delivery that came twice although its publisher does not renumber:
// the service duplicated it, or executed a resent request again, which is another
// promise (P2). Which requests were resent is another worker's knowledge.
type repeated struct {
	which     check // R5 or N2
	publisher uint32
	group     uint32
	message   uint64
}

// mayResend says whether the publishing client repeats requests under their ack ids.
func (t *Topology) mayResend(publisher uint32) bool {
	p := &t.Publishers[publisher]
	return p.Acked && p.Reliable && !p.Renumbers
}

// noteRepeated keeps a duplicate for the judge; those beyond the bound stay duplicates.
func (c *Checker) noteRepeated(which check, h *Header) {
	if (which == checkR5 || which == checkN2) && c.t.mayResend(h.Publisher) && len(c.repeats) < maxSuspects {
		c.repeats = append(c.repeats, repeated{which, h.Publisher, h.Address, h.Message})
	}
}

// Resent says that a publish was sent again with its ack id, the last time at most late
// after its intended instant. It may be told any time before Shard.
func (c *Checker) Resent(publisher, slot int, message uint64, late time.Duration) {
	if c.shard == nil {
		s := c.slot(publisher, slot)
		s.resent = append(s.resent, message)
		s.maxLag = max(s.maxLag, late)
	}
}

// Duplicate says that a request was answered Duplicate: already executed. That may be
// true only of one that was sent before.
func (c *Checker) Duplicate(now time.Duration, connection int, ackID uint64, resent bool) {
	if c.shard != nil {
		return
	}
	n := c.conn(connection)
	c.counts[n.population].duplicates++
	if !resent {
		c.charge(checkP2, n, offence{
			at: now, connection: connection, publisher: -1, group: -1,
			text: fmt.Sprintf("ack id %d was answered Duplicate, and was sent only once", ackID),
		})
	}
}

// executedTwice charges P2 with what the service executed again, instead of the check
// that saw the copies.
func (j *judge) executedTwice() {
	type publish struct {
		publisher, group uint32
		message          uint64
	}
	seen := make(map[publish]bool)
	for _, s := range j.shards {
		for _, r := range s.repeats {
			slot := slices.Index(j.t.Publishers[r.publisher].Addresses, r.group)
			state := j.slots[j.ix.slotBase[r.publisher]+slot]
			if state == nil || !slices.Contains(state.resent, r.message) {
				continue
			}
			j.violations[r.which]--
			j.again++
			if p := (publish{r.publisher, r.group, r.message}); !seen[p] {
				seen[p] = true
				j.violations[checkP2]++
				j.moveExample(&r)
			}
			j.dropExamples(&r)
		}
	}
}

func (r *repeated) made(o offence) bool {
	return o.publisher == int64(r.publisher) && o.group == int64(r.group) && o.got == r.message
}

// moveExample makes the first example of the copies one of P2.
func (j *judge) moveExample(r *repeated) {
	if i := slices.IndexFunc(j.offences[r.which], r.made); i >= 0 {
		o := j.offences[r.which][i]
		o.text = "executed again when it was resent with its ack id"
		j.offences[checkP2] = append(j.offences[checkP2], o)
		return
	}
	j.offences[checkP2] = append(j.offences[checkP2], offence{
		at: j.o.T0, connection: j.t.Publishers[r.publisher].Connection, publisher: int64(r.publisher), group: int64(r.group), got: r.message,
		text: "executed again when it was resent with its ack id",
	})
}

func (j *judge) dropExamples(r *repeated) {
	j.offences[r.which] = slices.DeleteFunc(j.offences[r.which], r.made)
}
