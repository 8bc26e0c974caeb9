package metrics

import (
	"bytes"
	"compress/zlib"
	"encoding/base64"
	"encoding/binary"
	"iter"
	"math"
	"math/bits"
	"sync"

	hdr "github.com/HdrHistogram/hdrhistogram-go"
)

// Cookies of the V2 encoding of HdrHistogram, for words of 16 bits at the most.
const (
	plainCookie      = uint32(hdr.V2EncodingCookieBase) | 0x10
	compressedCookie = uint32(hdr.V2CompressedEncodingCookieBase) | 0x10
)

// encoder writes histograms as the library does, to the byte, and keeps its compressor:
// the library makes one for each, of more than a megabyte, and a run makes a record of
// half a hundred histograms every minute.
type encoder struct {
	plain, packed []byte
	compressed    bytes.Buffer
	compressor    *zlib.Writer
}

var encoders = sync.Pool{New: func() any {
	e := new(encoder)
	e.compressor, _ = zlib.NewWriterLevel(&e.compressed, zlib.BestCompression) // a level there is
	return e
}}

// encode returns the cells of a histogram of our geometry in the compressed V2 encoding
// and base64; there is at least one.
func encode(cells iter.Seq2[int64, int64]) string {
	e := encoders.Get().(*encoder)
	defer encoders.Put(e)
	e.packed = appendCounts(e.packed[:0], cells)
	p := binary.BigEndian.AppendUint32(e.plain[:0], plainCookie)
	p = binary.BigEndian.AppendUint32(p, uint32(len(e.packed)))
	p = binary.BigEndian.AppendUint32(p, 0) // normalizing index offset
	p = binary.BigEndian.AppendUint32(p, histogramDigits)
	p = binary.BigEndian.AppendUint64(p, uint64(histogramLowest))
	p = binary.BigEndian.AppendUint64(p, uint64(histogramHighest))
	p = binary.BigEndian.AppendUint64(p, math.Float64bits(1)) // integer to double ratio
	e.plain = append(p, e.packed...)

	e.compressed.Reset()
	e.compressor.Reset(&e.compressed)
	_, _ = e.compressor.Write(e.plain) // to memory: cannot fail
	_ = e.compressor.Close()
	p = binary.BigEndian.AppendUint32(e.plain[:0], compressedCookie)
	p = binary.BigEndian.AppendUint32(p, uint32(e.compressed.Len()))
	e.plain = append(p, e.compressed.Bytes()...)
	return base64.StdEncoding.EncodeToString(e.plain)
}

// appendCounts writes counters in ZigZag LEB128, several zeros in a row as their negated
// number, up to the last that is none. A counter of 2^55 or more would be written otherwise
// than the format wants; nothing is counted so often.
func appendCounts(dst []byte, cells iter.Seq2[int64, int64]) []byte {
	next := 0
	for v, n := range cells {
		cell := cellAt(v)
		switch zeros := cell - next; zeros {
		case 0:
		case 1:
			dst = append(dst, 0)
		default:
			dst = binary.AppendVarint(dst, -int64(zeros))
		}
		dst = binary.AppendVarint(dst, n)
		next = cell + 1
	}
	return dst
}

// The first 2,048 cells of a histogram are as wide as the unit, the largest power of two
// that is no more than histogramLowest; after every further 1,024 they are twice as wide.
const unitBits, cellBits = 9, 11

// cellAt is the position of the cell that holds v.
func cellAt(v int64) int {
	wider := widerBits(v)
	return wider<<(cellBits-1) + int(v>>(wider+unitBits))
}

// cellValue is the smallest value of a cell.
func cellValue(cell int) int64 {
	wider := max(0, cell>>(cellBits-1)-1)
	return int64(cell-wider<<(cellBits-1)) << (wider + unitBits)
}

// cellWidth is how many values are not told apart from v.
func cellWidth(v int64) int64 { return 1 << (unitBits + widerBits(v)) }

// widerBits is how often the width of the cells has doubled where v lies.
func widerBits(v int64) int {
	return bits.Len64(uint64(v)|(1<<(unitBits+cellBits)-1)) - (unitBits + cellBits)
}
