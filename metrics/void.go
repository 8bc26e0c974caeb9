package metrics

import (
	"slices"
	"sync"
)

// voids are the messages that nobody owes to a subscriber: skipped, not sent yet, refused by
// the service, or of doubtful outcome. A recovery that waited for them would wait for what
// may never come. Subscribers of other workers have to know of them; hence the lock, which
// only such a message and a gap that is waited for take.
type voids struct {
	mu     sync.Mutex
	of     map[source]*slot
	shared bool
	fresh  []Void // not taken yet, if shared
}

// Void is a run of messages [From, To) of one address that nobody owes.
type Void struct {
	Publisher, Slot uint32
	From, To        uint64
	Owed            bool `json:",omitempty"` // they are, after all
}

// ShareVoids has the voids kept for TakeVoids, which must be called now and then: a
// process that executes a part of the run has to tell the others.
func (t *Topology) ShareVoids() {
	t.voids.mu.Lock()
	defer t.voids.mu.Unlock()
	t.voids.shared = true
}

// TakeVoids returns what has become void here, or owed again, since it was called last, in
// that order. Safe for concurrent use, as AddVoids is.
func (t *Topology) TakeVoids() []Void {
	t.voids.mu.Lock()
	defer t.voids.mu.Unlock()
	fresh := t.voids.fresh
	t.voids.fresh = nil
	return fresh
}

// AddVoids takes what TakeVoids has returned in another process.
func (t *Topology) AddVoids(voids []Void) {
	t.voids.mu.Lock()
	defer t.voids.mu.Unlock()
	for _, v := range voids {
		for m := v.From; m < v.To; m++ {
			t.voids.set(source{v.Publisher, v.Slot}, m, v.Owed)
		}
	}
}

// put notes that message m of an address is owed, or not; false if that was known.
func (v *voids) put(s source, m uint64, owed bool) (changed bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.set(s, m, owed) {
		return false
	}
	if v.shared {
		v.tell(s, m, owed)
	}
	return true
}

func (v *voids) set(s source, m uint64, owed bool) (changed bool) {
	if v.of == nil {
		v.of = make(map[source]*slot)
	}
	known := v.of[s]
	if known == nil {
		known = &slot{}
		v.of[s] = known
	}
	if isOwed := known.get(m) == OutcomePending; isOwed == owed {
		return false
	}
	if owed {
		known.unskip(m)
	} else {
		known.set(m, outcomeSkipped)
	}
	return true
}

// tell adds to what other processes have to know.
func (v *voids) tell(s source, m uint64, owed bool) {
	if last := len(v.fresh) - 1; last >= 0 {
		if l := &v.fresh[last]; l.Publisher == s.publisher && l.Slot == s.slot && l.To == m && l.Owed == owed {
			l.To++
			return
		}
	}
	v.fresh = append(v.fresh, Void{s.publisher, s.slot, m, m + 1, owed})
}

// cover tells whether nobody owes any of [from, to).
func (v *voids) cover(s source, from, to uint64) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	known := v.of[s]
	if known == nil {
		return from >= to
	}
	all := true
	known.each(from, to, func(_, _ uint64, o Outcome) { all = all && o == outcomeSkipped })
	return all
}

// Doubt says that the transport of a publisher is gone: nothing tells whether the service
// has got what was sent from that number on and is not answered. No recovery waits for it,
// unless the answer comes after all.
func (c *Checker) Doubt(publisher, slot int, from uint64) {
	if c.shard != nil {
		return
	}
	s := c.slot(publisher, slot)
	var open []uint64
	s.each(from, max(from, s.top+1), func(lo, hi uint64, o Outcome) {
		for m := lo; m < hi && o == OutcomePending; m++ {
			open = append(open, m)
		}
	})
	for _, m := range open {
		c.doubt(publisher, slot, m, c.t.Publishers[publisher].Acked)
	}
}

// Queued says that a message is due while its publisher has no transport to send it on.
func (c *Checker) Queued(publisher, slot int, message uint64) {
	if c.shard == nil {
		c.doubt(publisher, slot, message, true)
	}
}

// doubt makes a message void, for now if something is yet to be heard of it.
func (c *Checker) doubt(publisher, slot int, m uint64, forNow bool) {
	if !c.t.voids.put(source{uint32(publisher), uint32(slot)}, m, false) || !forNow {
		return
	}
	s := c.slot(publisher, slot)
	at, _ := slices.BinarySearch(s.doubts, m)
	s.doubts = slices.Insert(s.doubts, at, m)
}

// undoubt ends the doubt about message m; false if there was none.
func (s *slot) undoubt(m uint64) (doubted bool) {
	if len(s.doubts) == 0 { // as for every message of a run without faults
		return false
	}
	at, found := slices.BinarySearch(s.doubts, m)
	if found {
		s.doubts = slices.Delete(s.doubts, at, at+1)
	}
	return found
}
