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
	filling     int    // the latest one that anything came for
	room        []byte // where the next one is written down
}

// writtenBytes is what one takes written down, more or less: some thousand cells.
const writtenBytes = 2 << 10

// stretch is what came in one of them. When the next one begins it is written down, to
// little more than a byte for each cell that holds values: 60 stretches of four metrics
// are kept until the end. The room for them is taken at once, so that the memory of a
// run does not grow with them.
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
	s.room = make([]byte, len(s.all)*writtenBytes)
	clear(s.room) // now the system has given it, too
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
		s.freeze(s.filling)
		s.filling = i
	}
	s.all[i].thaw()
	s.all[i].add(d)
	if i < s.filling {
		s.freeze(i)
	}
}

// censor counts n values that never came.
func (s *stretches) censor(due time.Duration, n uint64) {
	if len(s.all) > 0 {
		s.all[s.at(due)].censored += n
	}
}

// freeze writes the cells of a stretch down and gives their memory back: how many values
// each holds, doubled, and before that, doubled and one, how many cells it lies above the
// one before, unless it is the next.
func (s *stretches) freeze(i int) {
	from := &s.all[i]
	if from.total == 0 {
		return
	}
	b := s.room[:0]
	last := -1
	for v, n := range from.distribution.cells() {
		cell := cellAt(v)
		if up := cell - last; up > 1 {
			b = binary.AppendUvarint(b, uint64(up)<<1|1)
		}
		b = binary.AppendUvarint(b, uint64(n)<<1)
		last = cell
	}
	rest := distribution{overflow: from.overflow, negative: from.negative, censored: from.censored}
	from.written, from.count = slices.Clip(b), from.total
	from.reset()
	from.distribution = rest
	if s.room = s.room[min(len(b), len(s.room)):]; len(s.room) < writtenBytes {
		s.room = make([]byte, 16*writtenBytes)
	}
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
		cell := -1
		for b := s.written; len(b) > 0; {
			n, size := binary.Uvarint(b)
			up := uint64(1)
			if n&1 == 1 {
				up = n >> 1
				b = b[size:]
				n, size = binary.Uvarint(b)
			}
			b = b[size:]
			if cell += int(up); !yield(cellValue(cell), int64(n>>1)) {
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
