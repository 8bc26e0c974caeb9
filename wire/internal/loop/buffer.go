package loop

import "sync"

// bufferBytes is the size of one read: a TLS record at most, or some dozens of
// messages.
const bufferBytes = 16 << 10

// buffer is what one Read fills. A plain socket holds one only from the moment it
// is readable until the loop has handled the bytes, so idle sockets cost none.
type buffer [bufferBytes]byte

var buffers = sync.Pool{New: func() any { return new(buffer) }}

// Limits of what spareBuffers keeps: a buffer that has grown beyond the first, and
// anything beyond the second in sum, goes to the garbage collector.
const (
	spareBytesEach = 64 << 10
	spareBytesAll  = 64 << 20
)

// spareBuffers keeps output buffers between uses, so that a connection holds one
// only while it has something to write. Loop goroutine only; the loops of a World share
// one, since what one of them writes another has read.
type spareBuffers struct {
	free  [][]byte
	bytes int
}

// get returns an empty buffer, or nil for append to make one.
func (s *spareBuffers) get() []byte {
	if len(s.free) == 0 {
		return nil
	}
	last := len(s.free) - 1
	b := s.free[last]
	s.free[last] = nil
	s.free = s.free[:last]
	s.bytes -= cap(b)
	return b
}

func (s *spareBuffers) put(b []byte) {
	if cap(b) == 0 || cap(b) > spareBytesEach || s.bytes+cap(b) > spareBytesAll {
		return
	}
	s.free = append(s.free, b[:0])
	s.bytes += cap(b)
}
