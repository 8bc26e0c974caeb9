package metrics

// pair is what is known of one (publisher address, subscription): 24 bytes, one
// compare and three stores per message that comes in order. Received are the
// numbers below next that lie in no gap.
type pair struct {
	next    uint64 // one above the largest number received
	last    uint64 // the largest received in session
	session uint32 // of the subscriber, when last was received; 0 = nothing came yet
	gaps    uint32 // 1 + position of its gap list; 0 = none
}

// frozen marks (in pair.session) a pair with too many gaps: from next on its
// arrivals are only counted.
const frozen = ^uint32(0)

// placing is where a message number fell.
type placing uint8

const (
	placedInOrder   placing = iota // the next one
	placedAhead                    // beyond the next one: a gap opened
	placedLate                     // out of a gap, after a later one of the same session
	placedBackfill                 // out of a gap, in order within its session
	placedElsewhere                // received before, but not known to be in this session
	placedRepeated                 // received before, in this session
	placedFrozen                   // of a pair that can no longer be judged
)

// arrived tells whether the message is there for the first time.
func (p placing) arrived() bool {
	switch p {
	case placedElsewhere, placedRepeated:
		return false
	default:
		return true
	}
}

// place folds message number m, received in the given session, into pair i.
func (s *state) place(i int, m uint64, session uint32) placing {
	p := &s.pairs[i]
	if p.next == m && p.session == session {
		p.next++
		p.last = m
		return placedInOrder
	}
	if p.session == frozen {
		return s.placeFrozen(i, m)
	}
	before := p.session
	if before != session {
		p.session, p.last = session, 0
	}
	switch {
	case m == p.next:
		p.next++
		p.last = m
		return placedInOrder
	case m > p.next:
		return s.placeAhead(i, m, before)
	}
	inOrder := m > p.last
	p.last = max(p.last, m)
	filled := p.gaps != 0 && s.gapLists[p.gaps-1].close(m)
	switch {
	case filled && inOrder:
		return placedBackfill
	case filled:
		return placedLate
	case inOrder:
		return placedElsewhere
	default:
		return placedRepeated
	}
}

// placeFrozen still closes gaps that are on the list; whatever is beyond is counted.
func (s *state) placeFrozen(i int, m uint64) placing {
	p := &s.pairs[i]
	switch {
	case m >= p.next:
		s.frozen[i]++
		return placedFrozen
	case s.gapLists[p.gaps-1].close(m):
		return placedFrozen
	default:
		return placedElsewhere
	}
}

func (s *state) placeAhead(i int, m uint64, before uint32) placing {
	p := &s.pairs[i]
	if p.gaps == 0 {
		s.gapLists = append(s.gapLists, nil)
		p.gaps = uint32(len(s.gapLists))
	}
	if !s.gapLists[p.gaps-1].open(gap{from: p.next, to: m, before: before, after: p.session}) {
		p.session = frozen
		s.frozen[i]++
		return placedFrozen
	}
	p.next = m + 1
	p.last = m
	return placedAhead
}

// gapsOf is the pair's open gaps, ascending.
func (s *state) gapsOf(p *pair) gaps {
	if p.gaps == 0 {
		return nil
	}
	return s.gapLists[p.gaps-1]
}
