package metrics

import "sync/atomic"

// names are the user ids of the publishers, as the service has told each of them in
// `connected`: so they have to stand over their messages (protocol.md 3.3), whoever signed
// the token or renamed the user since. They are kept as numbers, to be compared on every
// delivery, and by publisher, for all workers: what a publisher is called is known before
// its first message is out. Of publishers of other machines, and of clients that are told
// nothing, nothing is known, and nothing compared.
type names []atomic.Uint64

// What is no hash of a name.
const (
	nameUnknown = 0
	nameOfMany  = 1 // another connection of the publisher has another user
)

// Named notes by which user id the service knows a publisher; empty is anonymous. Any
// goroutine may call it.
func (t *Topology) Named(publisher int, user []byte) {
	name := &t.index().names[publisher]
	hash := hashName(user)
	if !name.CompareAndSwap(nameUnknown, hash) && name.Load() != hash {
		name.Store(nameOfMany)
	}
}

// called reports whether a publisher's messages may come under that user id.
func (n names) called(publisher uint32, user []byte) bool {
	known := n[publisher].Load()
	return known == nameUnknown || known == nameOfMany || known == hashName(user)
}

// hashName is FNV-1a, which one name in 2^64 shares with another.
func hashName(user []byte) uint64 {
	h := uint64(hashSeed)
	for _, c := range user {
		h = hashByte(h, c)
	}
	return max(h, nameOfMany+1)
}

const hashSeed = 14695981039346656037

func hashByte(h uint64, c byte) uint64 { return (h ^ uint64(c)) * 1099511628211 }
