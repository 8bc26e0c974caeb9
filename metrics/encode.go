package metrics

import (
	"bytes"
	"compress/zlib"
	"encoding/base64"
	"encoding/binary"
	"math"
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

// encode returns counts that are not empty in the compressed V2 encoding and base64.
func encode(c *cells) string {
	e := encoders.Get().(*encoder)
	defer encoders.Put(e)
	e.packed = appendCounts(e.packed[:0], c)
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
func appendCounts(dst []byte, c *cells) []byte {
	next := 0
	for cell, n := range c.all() {
		switch zeros := cell - next; zeros {
		case 0:
		case 1:
			dst = append(dst, 0)
		default:
			dst = binary.AppendVarint(dst, -int64(zeros))
		}
		dst = binary.AppendVarint(dst, int64(n))
		next = cell + 1
	}
	return dst
}
