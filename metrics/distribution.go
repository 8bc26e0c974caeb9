package metrics

import (
	"sync"
	"time"

	hdr "github.com/HdrHistogram/hdrhistogram-go"
)

// batchValues is how many values wait to be counted at most: to find the cell of one value
// in the packed form costs 70 ns, for a search; thousands that are put in order first cost
// 10 to 20 each.
const batchValues = 1 << 13

// fewCells is how many times more cells the sum must hold for it to be cheaper to search
// it for each cell of an interval than to go through both.
const fewCells = 8

// distribution is a histogram together with what does not fit into one. Values are taken
// down as they come, and counted one by one once they are many. What is kept is packed,
// since what a second or a whole phase measures lies in about a thousand cells.
type distribution struct {
	batch    *batch               // of values that are not counted yet; nil = none
	counts   *cellCounts          // of those recorded since they are many; nil = none
	packed   *hdr.PackedHistogram // of all others in range; nil = none
	total    uint64               // of the three
	min, max int64                // exact, of the values in range
	overflow uint64               // above an hour
	negative uint64
	censored uint64 // never came: +∞
}

// batch is the cells of up to batchValues values, in the order in which they came.
type batch struct{ cells []uint16 }

// histogramCells is how many cells a histogram has: that of histogramHighest is one of
// the last.
const histogramCells = 24 << 10

// cellCounts are how many values each cell holds.
type cellCounts [histogramCells]uint32

// What is given back waits here, empty: phases come one after the other and intervals are
// merged as soon as they are handed over, so that little is in use at once.
var (
	spareBatches = sync.Pool{New: func() any { return new(batch) }}
	spareCounts  = sync.Pool{New: func() any { return new(cellCounts) }}
	sparePacked  = sync.Pool{New: func() any {
		return hdr.NewPacked(histogramLowest, histogramHighest, histogramDigits)
	}}
)

// record allocates only as long as more is in use at once than a while ago.
func (d *distribution) record(v time.Duration) {
	switch {
	case v < 0:
		d.negative++
		return
	case int64(v) > histogramHighest:
		d.overflow++
		return
	}
	n := int64(v)
	d.extend(n, n)
	d.total++
	cell := cellAt(n)
	if d.counts != nil {
		d.counts[cell]++
		return
	}
	if d.batch == nil {
		d.batch = spareBatches.Get().(*batch)
	}
	d.batch.cells = append(d.batch.cells, uint16(cell))
	if len(d.batch.cells) >= batchValues {
		d.tally()
	}
}

// extend makes room for values from low to high between min and max.
func (d *distribution) extend(low, high int64) {
	if d.total == 0 || low < d.min {
		d.min = low
	}
	d.max = max(d.max, high)
}

// tally counts the batch.
func (d *distribution) tally() {
	if d.counts == nil {
		d.counts = spareCounts.Get().(*cellCounts)
	}
	for _, cell := range d.batch.cells {
		d.counts[cell]++
	}
	d.dropBatch()
}

// pack brings all values into the packed form, which there is afterwards.
func (d *distribution) pack() {
	if d.packed == nil {
		d.packed = sparePacked.Get().(*hdr.PackedHistogram)
	}
	if d.batch != nil {
		d.tally()
	}
	if d.counts != nil {
		d.counts.addTo(d.packed, d.min, d.max)
		d.dropCounts()
	}
}

// addTo adds the counts to p. Values lie from low to high.
func (c *cellCounts) addTo(p *hdr.PackedHistogram, low, high int64) {
	first := cellAt(low)
	for i, n := range c[first : cellAt(high)+1] {
		if n > 0 {
			_ = p.RecordValues(cellValue(first+i), int64(n)) // in range: record has looked
		}
	}
}

// dropBatch gives the batch back.
func (d *distribution) dropBatch() {
	d.batch.cells = d.batch.cells[:0]
	spareBatches.Put(d.batch)
	d.batch = nil
}

// dropCounts gives the counts back.
func (d *distribution) dropCounts() {
	clear(d.counts[cellAt(d.min) : cellAt(d.max)+1])
	spareCounts.Put(d.counts)
	d.counts = nil
}

// add merges o.
func (d *distribution) add(o *distribution) {
	d.overflow += o.overflow
	d.negative += o.negative
	d.censored += o.censored
	if o.total == 0 {
		return
	}
	if o.batch != nil {
		d.addBatch(o.batch)
	}
	d.extend(o.min, o.max)
	d.total += o.total
	if o.counts == nil && o.packed == nil {
		return
	}
	d.pack()
	if o.counts != nil {
		o.counts.addTo(d.packed, o.min, o.max)
	}
	if o.packed != nil {
		d.addPacked(o.packed)
	}
}

// addBatch takes over what o's batch holds.
func (d *distribution) addBatch(o *batch) {
	if d.batch != nil && len(d.batch.cells)+len(o.cells) > batchValues {
		d.pack()
	}
	if d.batch == nil {
		d.batch = spareBatches.Get().(*batch)
	}
	d.batch.cells = append(d.batch.cells, o.cells...)
}

func (d *distribution) addPacked(o *hdr.PackedHistogram) {
	if o.Populated() >= d.packed.Populated()/fewCells {
		d.packed.Merge(o)
		return
	}
	for v, n := range o.ForEachBucket {
		_ = d.packed.RecordValues(v, n) // in range: it was there
	}
}

// reset empties d and gives its memory back.
func (d *distribution) reset() {
	if d.batch != nil {
		d.dropBatch()
	}
	if d.counts != nil {
		d.dropCounts()
	}
	if d.packed != nil {
		d.packed.Reset()
		sparePacked.Put(d.packed)
	}
	*d = distribution{}
}

// count is the number of values in range.
func (d *distribution) count() uint64 { return d.total }

// ranks is the number of values, with those which stand beyond all others.
func (d *distribution) ranks() uint64 { return d.count() + d.overflow + d.censored }
