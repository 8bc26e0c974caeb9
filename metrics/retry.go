package metrics

import (
	"slices"
	"time"
)

// maxSuspects bounds the deliveries of one worker that wait for the judge.
const maxSuspects = 1 << 16

// suspect is a delivery that breaks the order of its publisher, one whose client
// retries under new ack ids: to the service such a retry is another message, so a
// copy that comes twice or late may be the client's doing. Which messages were
// retried is another worker's knowledge; the judge brings both together.
type suspect struct {
	which      check
	population int // of the subscriber
	offence
}

// suspect keeps a breach of order for the judge.
func (c *Checker) suspect(which check, n *conn, o offence) {
	if len(c.suspects) == maxSuspects {
		c.unjudged++
		return
	}
	if len(c.suspects) < maxExamples {
		o.witness = c.ring.witness(&o)
	}
	c.suspects = append(c.suspects, suspect{which: which, population: n.population, offence: o})
}

// mayRetry says whether a breach may be the publishing client's own doing.
func (t *Topology) mayRetry(publisher uint32, which check) bool {
	switch which {
	case checkR5, checkR6, checkN1, checkN2:
		return t.Publishers[publisher].Renumbers
	default:
		return false
	}
}

// Retried says that a message of an owned publisher was sent again under another
// ack id, late after its intended instant. It may be told any time before Shard.
func (c *Checker) Retried(publisher, slot int, message uint64, late time.Duration) {
	if c.shard == nil {
		s := c.slot(publisher, slot)
		s.maxLag = max(s.maxLag, late)
		s.retried = append(s.retried, message)
	}
}

// acquit counts the suspects whose message was retried and charges the others.
func (j *judge) acquit(s *Shard) {
	for i := range s.suspects {
		x := &s.suspects[i]
		d := &j.pops[x.population].totals.Deliveries
		if j.retried(x) {
			d.ClientRetry++
			continue
		}
		if x.which == checkR5 || x.which == checkN2 {
			d.Duplicated++
		} else {
			d.Reordered++
		}
		j.violations[x.which]++
		j.offences[x.which] = append(j.offences[x.which], x.offence)
	}
	j.unjudged += s.unjudged
}

func (j *judge) retried(x *suspect) bool {
	slot := slices.Index(j.t.Publishers[x.publisher].Addresses, uint32(x.group))
	state := j.slots[j.ix.slotBase[x.publisher]+slot]
	if state == nil {
		return false
	}
	if !state.sorted {
		slices.Sort(state.retried)
		state.sorted = true
	}
	_, found := slices.BinarySearch(state.retried, x.got)
	return found
}
