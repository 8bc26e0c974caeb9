package metrics

import (
	"encoding/binary"
	"iter"
	"slices"
	"time"
)

// maxStretches is into how many stretches of time steady state is cut at most, so that
// what is kept does not grow with the run (design.md 4.3).
const maxStretches = 60

// stretches keep what a metric measured in steady state by equal stretches of time. Those
// of no length keep nothing.
type stretches struct {
	first, tick time.Duration // when the first one begins, since tick 0; the length of a tick
	ticks       int           // that each stretch holds
	all         []stretch
	filling     int // the latest one that anything came for
}

// stretch is what came in one of them. When the next one begins it is written down, to a
// byte or two for each cell that holds values: 60 stretches of half a dozen metrics are
// kept until the end.
type stretch struct {
	distribution        // before it is written down; afterwards what never came
	written      []byte // see freeze; nil = it is not
	count        uint64 // of the values in it
}

// newStretches cuts what begins at first, since tick 0, and lasts for length.
func newStretches(first, length, tick time.Duration) stretches {
	n := int((length + tick - 1) / tick)
	s := stretches{first: first, tick: tick, ticks: max(1, (n+maxStretches-1)/maxStretches)}
	s.all = make([]stretch, (n+s.ticks-1)/s.ticks)
	return s
}

// add adds what came in a tick. Ticks and stretches need not begin together: the middle of
// a tick says where it is. What comes late for a stretch that is written down is rare.
func (s *stretches) add(tick int, d *distribution) {
	if len(s.all) == 0 {
		return
	}
	i := s.at(time.Duration(tick)*s.tick + s.tick/2)
	if i > s.filling {
		s.all[s.filling].freeze()
		s.filling = i
	}
	s.all[i].thaw()
	s.all[i].add(d)
	if i < s.filling {
		s.all[i].freeze()
	}
}

// censor counts n values that never came.
func (s *stretches) censor(due time.Duration, n uint64) {
	if len(s.all) > 0 {
		s.all[s.at(due)].censored += n
	}
}

// freeze writes the cells down, each as how many units it lies above the one before and
// how many values it holds, and gives their memory back.
func (s *stretch) freeze() {
	if s.total == 0 {
		return
	}
	var b []byte
	last := int64(0)
	for v, n := range s.distribution.cells() {
		b = binary.AppendUvarint(b, uint64(v-last)>>unitBits)
		b = binary.AppendUvarint(b, uint64(n))
		last = v
	}
	rest := distribution{overflow: s.overflow, negative: s.negative, censored: s.censored}
	s.written, s.count = slices.Clone(b), s.total
	s.reset()
	s.distribution = rest
}

// thaw undoes freeze, but for the exact minimum and maximum, which nobody asks for.
func (s *stretch) thaw() {
	if s.written == nil {
		return
	}
	for v, n := range s.cells() {
		s.pack()
		s.extend(v, v)
		_ = s.packed.RecordValues(v, n) // in range: it was before
		s.total += uint64(n)
	}
	s.written, s.count = nil, 0
}

// ranks is the number of values, with those which stand beyond all others.
func (s *stretch) ranks() uint64 { return s.count + s.distribution.ranks() }

// cells are those that hold values, see distribution.cells.
func (s *stretch) cells() iter.Seq2[int64, int64] {
	if s.written == nil {
		return s.distribution.cells()
	}
	return func(yield func(int64, int64) bool) {
		v := int64(0)
		for b := s.written; len(b) > 0; {
			up, size := binary.Uvarint(b)
			n, more := binary.Uvarint(b[size:])
			b = b[size+more:]
			if v += int64(up) << unitBits; !yield(v, int64(n)) {
				return
			}
		}
	}
}

// at is the position of the stretch that holds an instant since tick 0: the last one for
// what was due in steady state and came later.
func (s *stretches) at(at time.Duration) int {
	i := int((at - s.first) / (s.tick * time.Duration(s.ticks)))
	return min(max(i, 0), len(s.all)-1)
}
