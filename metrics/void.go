package metrics

import "sync"

// voids are the messages that nobody will ever deliver: skipped, or refused by the
// service. Subscribers of other workers have to know of them, who otherwise wait for
// them after a recovery; hence the lock, which only such a message and a gap that is
// waited for take.
type voids struct {
	mu sync.Mutex
	of map[source]*slot
}

// add notes message m of an address.
func (v *voids) add(s source, m uint64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.of == nil {
		v.of = make(map[source]*slot)
	}
	if v.of[s] == nil {
		v.of[s] = &slot{}
	}
	v.of[s].set(m, outcomeSkipped)
}

// cover tells whether all of [from, to) are void.
func (v *voids) cover(s source, from, to uint64) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	known := v.of[s]
	if known == nil {
		return false
	}
	all := true
	known.each(from, to, func(_, _ uint64, o Outcome) { all = all && o == outcomeSkipped })
	return all
}
