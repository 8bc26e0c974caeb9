package metrics

import (
	"slices"
	"sync"
	"time"

	hdr "github.com/HdrHistogram/hdrhistogram-go"
)

// batchValues is how many values wait to be counted at most: to find the cell of one value
// in the packed form costs 70 ns, for a search; those of a thousand that are put in order
// first are fewer, and cost 10 to 20 ns a value.
const batchValues = 1 << 13

// manyValues is how many are counted faster in the dense form, all of whose 24,576 cells
// are looked at afterwards, than by putting them in order.
const manyValues = 1 << 10

// fewCells is how many times more cells the sum must hold for it to be cheaper to search
// it for each cell of an interval than to go through both.
const fewCells = 8

// distribution is a histogram together with what does not fit into one. Values are taken
// down as they come, and counted one by one in the dense form once they are many. What is
// kept is packed, since what a second or a whole phase measures lies in about a thousand
// cells.
type distribution struct {
	batch    *batch               // of values that are not counted yet; nil = none
	dense    *hdr.Histogram       // of those recorded since they are many; nil = none
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

// What is given back waits here, empty: phases come one after the other and intervals are
// merged as soon as they are handed over, so that little is in use at once.
var (
	spareBatches = sync.Pool{New: func() any { return new(batch) }}
	spareDense   = sync.Pool{New: func() any {
		return hdr.New(histogramLowest, histogramHighest, histogramDigits)
	}}
	sparePacked = sync.Pool{New: func() any {
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
	if d.dense != nil {
		_ = d.dense.RecordValue(n) // in range: checked above
		return
	}
	if d.batch == nil {
		d.batch = spareBatches.Get().(*batch)
	}
	d.batch.cells = append(d.batch.cells, uint16(cellAt(n)))
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

// tally counts the batch in the dense form.
func (d *distribution) tally() {
	if d.dense == nil {
		d.dense = spareDense.Get().(*hdr.Histogram)
	}
	for _, cell := range d.batch.cells {
		_ = d.dense.RecordValue(cellValue(int(cell))) // in range: record has looked
	}
	d.dropBatch()
}

// pack brings all values into the packed form, which there is afterwards.
func (d *distribution) pack() {
	if d.packed == nil {
		d.packed = sparePacked.Get().(*hdr.PackedHistogram)
	}
	switch {
	case d.batch == nil:
	case d.dense != nil || len(d.batch.cells) >= manyValues:
		d.tally()
	default:
		d.batch.addTo(d.packed)
		d.dropBatch()
	}
	if d.dense != nil {
		d.packed.MergeFrom(d.dense)
		d.dropDense()
	}
}

// addTo adds the values to p, and puts them in order.
func (b *batch) addTo(p *hdr.PackedHistogram) {
	slices.Sort(b.cells)
	for rest := b.cells; len(rest) > 0; {
		n := 1
		for n < len(rest) && rest[n] == rest[0] {
			n++
		}
		_ = p.RecordValues(cellValue(int(rest[0])), int64(n)) // in range: record has looked
		rest = rest[n:]
	}
}

// dropBatch gives the batch back.
func (d *distribution) dropBatch() {
	d.batch.cells = d.batch.cells[:0]
	spareBatches.Put(d.batch)
	d.batch = nil
}

// dropDense gives the dense form back.
func (d *distribution) dropDense() {
	d.dense.Reset()
	spareDense.Put(d.dense)
	d.dense = nil
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
	if o.dense == nil && o.packed == nil {
		return
	}
	d.pack()
	if o.dense != nil {
		d.packed.MergeFrom(o.dense)
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
	if d.dense != nil {
		d.dropDense()
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
