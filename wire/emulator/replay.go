package emulator

// replayBuffer holds the data messages that a reliable client has not
// acknowledged, in the order of their sequence ids (protocol.md 4.4). The zero
// value is empty and holds no memory.
type replayBuffer struct {
	ring  []*form // length is a power of two
	head  int     // position of the oldest
	count int
	first uint64 // sequence id of the oldest
	bytes int    // of their payloads
}

// replayIdleSlots is what an empty buffer may keep.
const replayIdleSlots = 64

func (b *replayBuffer) len() int { return b.count }

// add keeps f under that sequence id, which follows the last. It reports false,
// and keeps nothing, when the buffer is full.
func (b *replayBuffer) add(f *form, sequenceID uint64, maxMessages, maxBytes int) bool {
	size := f.numberedSize(sequenceID)
	if b.count >= maxMessages || size > maxBytes-b.bytes {
		return false
	}
	if b.count == len(b.ring) {
		b.grow()
	}
	if b.count == 0 {
		b.first = sequenceID
	}
	b.ring[(b.head+b.count)&(len(b.ring)-1)] = f
	b.count++
	b.bytes += size
	f.message.references++
	return true
}

func (b *replayBuffer) grow() {
	ring := make([]*form, max(8, 2*len(b.ring)))
	n := copy(ring, b.ring[b.head:])
	copy(ring[n:], b.ring[:b.head])
	b.ring, b.head = ring, 0
}

// release forgets every message up to and including that sequence id
// (`sequenceAck`, protocol.md 4.3).
func (b *replayBuffer) release(upTo uint64, pool *messagePool) {
	for b.count > 0 && b.first <= upTo {
		f := b.ring[b.head]
		b.ring[b.head] = nil
		b.head = (b.head + 1) & (len(b.ring) - 1)
		b.bytes -= f.numberedSize(b.first)
		b.first++
		b.count--
		pool.release(f.message)
	}
	if b.count == 0 && len(b.ring) > replayIdleSlots {
		b.ring, b.head = nil, 0
	}
}

func (b *replayBuffer) releaseAll(pool *messagePool) {
	b.release(^uint64(0), pool)
	b.ring = nil
}

// each calls fn for every message, oldest first.
func (b *replayBuffer) each(fn func(f *form, sequenceID uint64)) {
	for i := range b.count {
		fn(b.ring[(b.head+i)&(len(b.ring)-1)], b.first+uint64(i))
	}
}
