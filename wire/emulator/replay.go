package emulator

// replayBuffer holds the data messages that a reliable client has not
// acknowledged, in the order of their sequence ids (protocol.md 4.4). The zero
// value is empty and holds no memory.
type replayBuffer struct {
	ring  []*form // length is a power of two; nil = an id that was left out
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

// skip leaves a sequence id out that follows the last.
func (b *replayBuffer) skip() {
	if b.count == 0 {
		return
	}
	if b.count == len(b.ring) {
		b.grow()
	}
	b.ring[(b.head+b.count)&(len(b.ring)-1)] = nil
	b.count++
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
		if f != nil {
			b.bytes -= f.numberedSize(b.first)
			pool.release(f.message)
		}
		b.first++
		b.count--
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
		if f := b.ring[(b.head+i)&(len(b.ring)-1)]; f != nil {
			fn(f, b.first+uint64(i))
		}
	}
}
