package metrics

import "sync"

// voids are the messages that nobody owes: skipped, or refused by the service, and so
// never delivered, or of doubtful outcome. Of an ordered publisher these are delivered, if
// at all, before what was sent later; those of another may come after it, but a recovery
// that waited for them would wait for what may never come. Subscribers of other workers
// have to know of them, who otherwise wait for them after a recovery; hence the lock,
// which only such a message and a gap that is waited for take.
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
	Doubtful        bool `json:",omitempty"` // they may come all the same
}

// ShareVoids has the voids kept for TakeVoids, which must be called now and then: a
// process that executes a part of the run has to tell the others.
func (t *Topology) ShareVoids() {
	t.voids.mu.Lock()
	defer t.voids.mu.Unlock()
	t.voids.shared = true
}

// TakeVoids returns what has become void here since it was called last. Safe for
// concurrent use, as AddVoids is.
func (t *Topology) TakeVoids() []Void {
	t.voids.mu.Lock()
	defer t.voids.mu.Unlock()
	fresh := t.voids.fresh
	t.voids.fresh = nil
	return fresh
}

// AddVoids takes what has become void in another process.
func (t *Topology) AddVoids(voids []Void) {
	t.voids.mu.Lock()
	defer t.voids.mu.Unlock()
	for _, v := range voids {
		for m := v.From; m < v.To; m++ {
			t.voids.set(source{v.Publisher, v.Slot}, m, v.Doubtful)
		}
	}
}

// add notes message m of an address.
func (v *voids) add(s source, m uint64, doubtful bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.set(s, m, doubtful)
	if !v.shared {
		return
	}
	if last := len(v.fresh) - 1; last >= 0 {
		if l := &v.fresh[last]; l.Publisher == s.publisher && l.Slot == s.slot && l.To == m && l.Doubtful == doubtful {
			l.To++
			return
		}
	}
	v.fresh = append(v.fresh, Void{s.publisher, s.slot, m, m + 1, doubtful})
}

func (v *voids) set(s source, m uint64, doubtful bool) {
	if v.of == nil {
		v.of = make(map[source]*slot)
	}
	if v.of[s] == nil {
		v.of[s] = &slot{}
	}
	o := outcomeSkipped
	if doubtful {
		o = OutcomeError
	}
	v.of[s].set(m, o)
}

// cover tells whether nobody owes any of [from, to); surely, that none will come.
func (v *voids) cover(s source, from, to uint64, surely bool) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	known := v.of[s]
	if known == nil {
		return false
	}
	all := true
	known.each(from, to, func(_, _ uint64, o Outcome) {
		all = all && (o == outcomeSkipped || !surely && o == OutcomeError)
	})
	return all
}
