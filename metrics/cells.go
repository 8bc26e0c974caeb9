package metrics

import (
	"fmt"
	"iter"
	"math/bits"
	"sync"

	hdr "github.com/HdrHistogram/hdrhistogram-go"
)

// The counters of a histogram, as the HDR format has them: the first 2,048 cells are as
// wide as the unit, the largest power of two that is no more than histogramLowest, and
// after every further 1,024 they are twice as wide.
const (
	unitBits = 9
	cellBits = 11

	blockCells = 64
	blockCount = 384
)

// cells are the counters of a histogram, in blocks that exist as soon as a value falls
// into them: what a second measures lies in a few dozen of the 24,576 cells that reach to
// an hour, and the memory, the merging and the asking cost what is there.
type cells struct {
	total  uint64
	blocks [blockCount]*block
}

type block [blockCells]uint64

// What is given back waits here: phases come one after the other and intervals are merged
// as soon as they are handed over, so that little is in use at once. What a bad second
// has needed beyond that goes with the garbage.
var (
	spareCells  = sync.Pool{New: func() any { return new(cells) }}
	spareBlocks = sync.Pool{New: func() any { return new(block) }}
)

func takeCells() *cells { return spareCells.Get().(*cells) }

// release empties c and gives it back: nobody may use it afterwards.
func (c *cells) release() {
	for i, b := range &c.blocks {
		if b != nil {
			*b = block{}
			spareBlocks.Put(b)
			c.blocks[i] = nil
		}
	}
	c.total = 0
	spareCells.Put(c)
}

// add counts a value in range n times.
func (c *cells) add(v int64, n uint64) { c.addCell(cellAt(v), n) }

func (c *cells) addCell(cell int, n uint64) {
	b := c.blocks[cell/blockCells]
	if b == nil {
		b = c.newBlock(cell / blockCells)
	}
	b[cell%blockCells] += n
	c.total += n
}

func (c *cells) newBlock(i int) *block {
	b := spareBlocks.Get().(*block)
	c.blocks[i] = b
	return b
}

func (c *cells) merge(o *cells) {
	for i, from := range &o.blocks {
		if from == nil {
			continue
		}
		to := c.blocks[i]
		if to == nil {
			to = c.newBlock(i)
		}
		for k, n := range from {
			to[k] += n
		}
	}
	c.total += o.total
}

// mergeLibrary adds what a histogram of the library has counted, if it is of our geometry.
func (c *cells) mergeLibrary(h *hdr.Histogram) error {
	s := h.Export()
	if s.LowestTrackableValue != histogramLowest || s.HighestTrackableValue != histogramHighest ||
		s.SignificantFigures != histogramDigits || len(s.Counts) > blockCount*blockCells {
		return fmt.Errorf("histogram reaches from %d to %d with %d digits, not from %d to %d with %d",
			s.LowestTrackableValue, s.HighestTrackableValue, s.SignificantFigures, histogramLowest, histogramHighest, histogramDigits)
	}
	for cell, n := range s.Counts {
		if n > 0 {
			c.addCell(cell, uint64(n))
		}
	}
	return nil
}

// all are the cells that hold values, ascending, and how many each holds; of nil none.
func (c *cells) all() iter.Seq2[int, uint64] {
	return func(yield func(int, uint64) bool) {
		if c == nil {
			return
		}
		for i, b := range &c.blocks {
			if b == nil {
				continue
			}
			for k, n := range b {
				if n > 0 && !yield(i*blockCells+k, n) {
					return
				}
			}
		}
	}
}

// atRank is the largest value of the cell that holds the value of a rank within 1…total.
func (c *cells) atRank(rank uint64) int64 {
	seen := uint64(0)
	for cell, n := range c.all() {
		if seen += n; seen >= rank {
			_, to := cellRange(cell)
			return to
		}
	}
	return histogramHighest
}

// mean takes every value for the middle of its cell.
func (c *cells) mean() float64 {
	mean := 0.0
	for cell, n := range c.all() {
		from, to := cellRange(cell)
		mean += float64(n) * float64(from+(to-from+1)/2) / float64(c.total)
	}
	return mean
}

// cellAt is the position of the cell that holds v.
func cellAt(v int64) int {
	octave := bits.Len64(uint64(v)|(1<<(unitBits+cellBits)-1)) - (unitBits + cellBits)
	return octave<<(cellBits-1) + int(v>>(octave+unitBits))
}

// cellRange is the smallest and the largest value of a cell, which are not told apart.
func cellRange(cell int) (from, to int64) {
	octave := max(0, cell>>(cellBits-1)-1)
	width := int64(1) << (octave + unitBits)
	from = int64(cell-octave<<(cellBits-1)) * width
	return from, from + width - 1
}
